"""Trades one after another on the margin engine: how much of each keeps margin and limits, whatever comes after it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from risk.errors import RiskError
from risk.hedging.markets import Part
from risk.hedging.rounding import least_base, steps_base, too_small
from risk.hedging.walk import Walk, funding_usd, takes_base, walk
from risk.margin.book import FleetBook, FloatArray
from risk.margin.evaluate import evaluate
from risk.margin.health import worst_ratio_percent
from risk.margin.plan import MarginPlan
from risk.margin.trade import with_trade
from risk.model.limits import RiskLimits
from risk.model.trading import MarketDepth

_BISECTIONS = 24
_CENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """One account between two trades.

    Attributes:
        free_usd: Initial collateral less requirement: cross first, then isolated positions by row.
        ratio_percent: Worst of all scopes.
        notional_usd: Largest position of each market.
    """

    equity_usd: float
    leverage: float
    ratio_percent: float
    free_usd: FloatArray
    notional_usd: Mapping[str, float]

    @classmethod
    def of(cls, book: FleetBook) -> "Standing":
        found = evaluate(MarginPlan.of(book))
        detail, initial = found.full, found.full.initial
        equity = float(detail.equity_usd[0])
        liabilities = float(detail.perp_liability_usd[0] + detail.spot_borrow_usd[0])
        notional: dict[str, float] = {}
        for row, market in enumerate(book.perps.market):
            name = book.perp_markets.names[int(market)]
            notional[name] = max(notional.get(name, 0.0), float(detail.perp_notional_usd[row]))
        return cls(
            equity_usd=equity,
            leverage=liabilities / equity if equity > 0 else (math.inf if liabilities else 0.0),
            ratio_percent=float(worst_ratio_percent(found)[0]),
            free_usd=np.concatenate([
                initial.collateral_usd - initial.requirement_usd,
                initial.isolated_collateral_usd - initial.isolated_requirement_usd,
            ]),
            notional_usd=notional,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A trade that goes, at the size that goes."""

    part: Part
    size_base: float
    walked: Walk
    funding_usd: float

    @property
    def change_usd(self) -> float:
        """Of the asset's delta."""
        return self.part.sign * self.size_base * self.part.per_base_usd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tried:
    """What became of a part: a step, or none, and what was left of it, in words; empty for nothing."""

    step: Step | None
    book: FleetBook
    why: str = ""


def traded(book: FleetBook, part: Part, size_base: float, depth: MarketDepth) -> FleetBook:
    """The account after a trade at the average price its size gets, fee paid."""
    found = walk(depth, part.side, size_base)
    return with_trade(
        book, part.market, part.sign * size_base, price_usd=found.average_usd, fee_usd=found.fee_usd
    )  # fmt: skip


def margin_holds(before: Standing, after: Standing) -> bool:
    """Whether every scope keeps its initial margin; one that lacked it before at least lacks no more."""
    size = min(before.free_usd.size, after.free_usd.size)
    least = np.minimum(0.0, before.free_usd[:size])
    return bool((after.free_usd[:size] >= least - _CENT).all())


def broken_limit(limits: RiskLimits, first: Standing, after: Standing, market: str) -> str:
    """The first limit that a trade would break, or break further than it was before the plan; empty for none.

    Drawdown, VaR and correlated exposure are of the account and its history: the trade desk holds them against the
    whole plan.
    """
    if after.leverage > limits.max_portfolio_leverage and after.leverage > first.leverage:
        limit = f"its limit of {limits.max_portfolio_leverage:g}x"
        return _past("leverage", limit, already=first.leverage > limits.max_portfolio_leverage)
    if after.ratio_percent < limits.min_health_ratio and after.ratio_percent < first.ratio_percent:
        if first.ratio_percent < limits.min_health_ratio:
            return (
                f"the health ratio is below its limit of {limits.min_health_ratio:g}% already, and would fall further"
            )
        return f"the health ratio would fall below its limit of {limits.min_health_ratio:g}%"
    held, was = after.notional_usd.get(market, 0.0), first.notional_usd.get(market, 0.0)
    if held <= was:
        return ""
    if held > limits.max_position_size_usd:
        limit = f"its limit of {limits.max_position_size_usd:,.0f} USD"
        return _past(f"the position in {market}", limit, already=was > limits.max_position_size_usd)
    if held > limits.max_position_size_percent * after.equity_usd:
        limit = f"{limits.max_position_size_percent:.0%} of equity"
        already = was > limits.max_position_size_percent * first.equity_usd
        return _past(f"the position in {market}", limit, already=already)
    return ""


def _past(what: str, limit: str, *, already: bool) -> str:
    return f"{what} is past {limit} already, and would grow" if already else f"{what} would pass {limit}"


def try_part(
    book: FleetBook, part: Part, depth: MarketDepth, *, first: Standing, limits: RiskLimits, hours: float
) -> Tried:
    """As much of a part as the depth, the steps of the market, margin and limits allow.

    Args:
        first: Before the plan; limits that were broken then may stay so, but not become worse.
    """
    before, name = Standing.of(book), part.market
    wanted = part.size_base
    available = takes_base(depth, part.side)
    size = steps_base(depth, min(wanted, available))
    why = f"the book of {name} takes only {available:g} of {wanted:g}" if available < wanted else ""

    def problem(base: float) -> str:
        try:
            after = Standing.of(traded(book, part, base, depth))
        except RiskError as found:
            return str(found)
        if not margin_holds(before, after):
            return "initial margin would not be enough for more"
        return broken_limit(limits, first, after, name)

    if size and (stopped := problem(size)):
        size, why = steps_base(depth, _largest(lambda base: not problem(base), size)), stopped
        while size and problem(size):  # a step may be wider than what bisection left between
            size = steps_base(depth, size * (1 - 1e-3) if size > 2 * least_base(depth) else 0.0)
    if too_small(depth, size):
        # Where nothing of it is allowed, how small an order may be is no reason.
        smallest = f"{name} takes no order below {least_base(depth):g}"
        if why and not size:
            return Tried(step=None, book=book, why=why)
        return Tried(step=None, book=book, why=f"{why}; {smallest}" if why else smallest)
    walked = walk(depth, part.side, size)
    step = Step(
        part=part, size_base=size, walked=walked, funding_usd=funding_usd(depth, part.side, walked.notional_usd, hours)
    )
    return Tried(step=step, book=traded(book, part, size, depth), why=why)


def _largest(fits: Callable[[float], bool], most: float) -> float:
    """Largest size that fits, by bisection; 0 where nothing does."""
    low, high = 0.0, most
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low


def least_free_usd(standing: Standing) -> float:
    """Initial margin to spare in the scope that has least."""
    return float(standing.free_usd.min())
