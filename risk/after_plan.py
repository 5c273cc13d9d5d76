"""An account as it would be after several trades in a row: what a plan is judged by before it is sent. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from risk.after_trade import AfterTrade, Prospect
from risk.decisions.limits import breaches
from risk.fleet import FleetView
from risk.margin.book import FleetBook
from risk.margin.trade import with_trade
from risk.model.limits import LimitFigures, LimitName, RiskLimits, RiskViolation
from risk.model.proposal import Effect
from risk.portfolio_manager import summarise

_LEAST_IS_WORSE = frozenset({LimitName.MIN_HEALTH_RATIO})
_ROUNDING = 1e-9
_NO_HISTORY = "no price history is at hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeStep:
    """One trade as it is expected to go.

    Attributes:
        base: Signed, > 0 bought.
        price_usd: Average over it.
        reduces: Whether it can only shrink a position; such a step is never short of margin.
    """

    market: str
    base: float
    price_usd: float
    fee_usd: float
    oracle_usd: float
    reduces: bool = False

    @property
    def slippage_usd(self) -> float:
        """Against the oracle price, > 0 a cost."""
        return (self.price_usd - self.oracle_usd) * self.base


def effect_of(
    book: FleetBook,
    steps: Sequence[TradeStep],
    *,
    cancels: Sequence[int] = (),
    limits: RiskLimits | None = None,
    prospect: Prospect | None = None,
    own: Prospect | None = None,
    unknown: str = _NO_HISTORY,
    simulate: bool = True,
) -> Effect:
    """What a plan does to the one account of a book.

    Args:
        cancels: Orders that are gone before the first step.
        limits: None where none are checked.
        prospect: What the account's assets may do; None where history says nothing, with the reason in ``unknown``.
            Limits on statistics are then not checked.
        own: The same without the markets that the plan enters, so that what is said of the account before is what is
            said of it anywhere else; None for ``prospect``.
        simulate: False leaves the probability of liquidation out, for an answer at once.

    Raises: CannotAssess for a market the book lacks; BadParameter.
    """
    books = [without_orders(book, cancels)]
    for step in steps:
        books.append(with_trade(books[-1], step.market, step.base, price_usd=step.price_usd, fee_usd=step.fee_usd))
    before, stages = _State.of(book, own or prospect), [_State.of(one, prospect) for one in books]
    after = stages[-1]
    said = prospect is not None and simulate
    return Effect(
        health_percent_before=before.health_percent,
        health_percent_after=after.health_percent,
        health_ratio_before=before.ratio_percent,
        health_ratio_after=after.ratio_percent,
        probability_before=before.probability() if said else None,
        probability_after=after.probability() if said else None,
        probability_unknown="" if said else (unknown if prospect is None else "not simulated again"),
        leverage_before=before.leverage,
        leverage_after=after.leverage,
        fee_usd=sum(step.fee_usd for step in steps),
        slippage_usd=sum(step.slippage_usd for step in steps),
        free_collateral_after_usd=after.free_usd,
        # What only reduces may begin and end short of initial margin: it is how one gets out of that.
        least_free_usd=min(
            [stage.free_usd for stage, step in zip(stages[1:], steps, strict=True) if not step.reduces],
            default=after.free_usd,
        ),
        violations=() if limits is None else _new(before, after, limits),
        held_raw_1e9=positions_raw_1e9(book),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """The account at one moment of a plan."""

    view: FleetView
    trade: AfterTrade | None
    account_id: str

    @classmethod
    def of(cls, book: FleetBook, prospect: Prospect | None) -> "_State":
        trade = None if prospect is None else AfterTrade(book, "", 0.0, 0.0, prospect)
        return cls(FleetView.of(book), trade, book.accounts.ids[0])

    @property
    def ratio_percent(self) -> float:
        return float(self.view.worst_ratio_percent[0])

    @property
    def health_percent(self) -> float:
        return health_of_ratio(self.ratio_percent)

    @property
    def free_usd(self) -> float:
        """Of the scope that has least: the cross account, or an isolated position."""
        initial = self.view.evaluation.full.initial
        own = initial.isolated_collateral_usd - initial.isolated_requirement_usd
        return float(np.append(own, initial.collateral_usd[0] - initial.requirement_usd[0]).min())

    @property
    def leverage(self) -> float:
        return summarise(self.view, self.account_id).leverage

    def probability(self) -> float | None:
        return None if self.trade is None else self.trade.probability()

    def notionals_usd(self) -> dict[str, float]:
        """Of each position, by market."""
        return {one.market: one.notional for one in summarise(self.view, self.account_id).positions}

    def violations(self, limits: RiskLimits) -> tuple[RiskViolation, ...]:
        figures = LimitFigures()
        if self.trade is not None:
            figures = LimitFigures(var_1d_frac=self.trade.var_frac, correlation_exposure=self.trade.exposure)
        # A fall of equity is not what a trade does; its limit is watched elsewhere.
        return breaches(limits, summarise(self.view, self.account_id), None, figures)


def health_of_ratio(ratio_percent: float) -> float:
    """The venue's 0 to 100 from a health ratio in percent; 100 without a requirement."""
    if np.isnan(ratio_percent) or ratio_percent <= 0:
        return float("nan") if np.isnan(ratio_percent) else 0.0
    return float(np.clip(100.0 * (1.0 - 100.0 / ratio_percent), 0.0, 100.0))


def _new(before: _State, after: _State, limits: RiskLimits) -> tuple[RiskViolation, ...]:
    """What the plan breaks or makes worse. What was broken and gets better is no reason against it, nor is a position
    that is left alone while fees make the account around it a little smaller."""
    was = {(one.limit, one.market): one.value for one in before.violations(limits)}
    held, holds = before.notionals_usd(), after.notionals_usd()

    def worse(one: RiskViolation) -> bool:
        if one.market and holds.get(one.market, 0.0) <= held.get(one.market, 0.0) * (1 + _ROUNDING):
            return False
        value = was.get((one.limit, one.market))
        if value is None:
            return True
        room = _ROUNDING * max(1.0, abs(value))
        return one.value < value - room if one.limit in _LEAST_IS_WORSE else one.value > value + room

    return tuple(one for one in after.violations(limits) if worse(one))


def positions_raw_1e9(book: FleetBook) -> dict[str, int]:
    """What the one account of a book holds of each perp, signed; nothing of those it does not."""
    held: dict[str, int] = {}
    for market, base in zip(book.perps.market.tolist(), book.perps.base_1e9.tolist(), strict=True):
        name = book.perp_markets.names[market]
        held[name] = held.get(name, 0) + round(base)
    return {name: size for name, size in held.items() if size}


def without_orders(book: FleetBook, order_ids: Sequence[int]) -> FleetBook:
    """The one account of a book without some of its resting perp orders; ids that do not rest change nothing."""
    orders = book.orders
    if orders is None or not order_ids:
        return book
    gone = np.isin(orders.order_id, np.array(order_ids)) & orders.is_perp
    if not gone.any():
        return book
    perps = book.perps
    bids, asks, counts = perps.open_bids_1e9.copy(), perps.open_asks_1e9.copy(), perps.open_orders.copy()
    for at in np.flatnonzero(gone):
        row = int(np.flatnonzero(perps.market == orders.market[at])[0])
        counts[row] = max(0.0, counts[row] - 1)
        # An order that waits for its trigger does not count among bids and asks until then.
        if orders.trigger_price_1e6[at] == 0 or orders.triggered[at] == 1:
            size = np.round(orders.size_base[at] * 1e9)
            if orders.is_buy[at]:
                bids[row] = max(0.0, bids[row] - size)
            else:
                asks[row] = min(0.0, asks[row] + size)
    left = {name: getattr(orders, name)[~gone] for name in type(orders).__dataclass_fields__}
    return replace(
        book,
        perps=replace(perps, open_bids_1e9=bids, open_asks_1e9=asks, open_orders=counts),
        orders=type(orders)(**left),
    )
