"""The fastest way out of danger: whole positions closed, those first that bring the most safety for what they cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from risk.after_plan import without_orders
from risk.after_trade import AfterTrade, Prospect
from risk.hedging.assemble import Assembled, assemble
from risk.hedging.exposures import usd_per_base
from risk.hedging.markets import Wanted, position_base
from risk.hedging.steps import Step, traded
from risk.margin.assets import asset_of
from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from risk.margin.health import ratio_percent
from risk.margin.plan import MarginPlan
from risk.model.limits import RiskLimits
from risk.model.trading import MarketDepth
from risk.protection.margin_orders import costly_orders, risk_increasing_orders
from risk.stats.ewma import ewma_covariance
from risk.stats.fits import FitCache
from risk.stats.history import BookHistory

_OTHER_SCOPE = 1e-6  # margin of a scope that is not in danger counts, but only after all that is
_PATHS = 8_000  # enough to tell which way is safer, on the same random numbers
_SAME = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Emergency(Assembled):
    """Positions to close.

    Attributes:
        cancels: Resting orders that go first: they would enlarge what is held, or take up margin, now or by then.
        probability: Of liquidation within 24 hours after all of it; None where history does not say.
    """

    cancels: tuple[int, ...] = ()
    probability: float | None = None


def held_perps(book: FleetBook) -> tuple[str, ...]:
    """Perps the one account of a book has a position in."""
    return tuple(name for name in book.perp_markets.names if position_base(book, name))


def emergency(
    book: FleetBook, depths: Mapping[str, MarketDepth], *, limits: RiskLimits, most: int, hours: float,
    prospect: Prospect | None = None,
) -> Emergency:  # fmt: skip
    """At most so many trades, every one of them reducing.

    What counts as help is a lower probability of liquidation; where that is not known, or the same, the maintenance
    margin that closing sets free in the scope whose health is worst. What would make liquidation likelier, as closing
    one leg of a hedged pair may, is left out, unless everything is closed.

    Args:
        prospect: What the account's assets may do; None where history does not say.
    """
    cancels = tuple(dict.fromkeys((*risk_increasing_orders(book), *costly_orders(book))))
    while True:
        start = without_orders(book, cancels)
        done = assemble(start, _wanted(start), depths, limits=limits, hours=hours, reducing_only=True)
        odds = None if prospect is None else _odds(prospect)
        steps, left = _chosen(start, done, depths, most, odds)
        after = _after(start, steps, depths)
        more = tuple(one for one in costly_orders(after) if one not in cancels)
        if not more:
            return Emergency(
                steps=steps, left=(*done.left, *left), book=after, cancels=cancels,
                probability=None if odds is None else odds(after),
            )  # fmt: skip
        cancels += more


def prospect_of(history: BookHistory | None, cache: FitCache) -> Prospect | None:
    """What an account's assets may do; None where there is too little history to say."""
    if history is None or not history.returns.assets or history.returns.log_returns.shape[0] < 2:
        return None
    return Prospect(history, ewma_covariance(history.returns.log_returns), cache, seed=0)


def _wanted(book: FleetBook) -> list[Wanted]:
    """Every position closed."""
    found = evaluate(MarginPlan.of(book), maintenance_only=True)
    totals = found.maintenance
    cross = float(ratio_percent(totals.collateral_usd, totals.requirement_usd)[0])
    isolated = ratio_percent(totals.isolated_collateral_usd, totals.isolated_requirement_usd)
    ratios = {-1: cross, **{int(row): float(ratio) for row, ratio in zip(found.isolated_rows, isolated, strict=True)}}
    worst = min(ratios.values())
    requirement = evaluate(MarginPlan.of(book)).full.perp_requirement_usd
    wanted = []
    for market in held_perps(book):
        row = int(np.flatnonzero(book.perps.market == book.perp_markets.names.index(market))[0])
        own = ratios.get(row, cross)
        freed = float(requirement[row])
        change = -position_base(book, market) * usd_per_base(book, market)
        wanted.append(
            Wanted(
                market=market, asset=asset_of(market), change_usd=change, ratio=1.0,
                help=freed if own <= worst else freed * _OTHER_SCOPE,
                why=f"closing it sets {freed:,.2f} USD of maintenance margin free",
            )
        )  # fmt: skip
    return wanted


def _chosen(
    book: FleetBook, done: Assembled, depths: Mapping[str, MarketDepth], most: int,
    odds: Callable[[FleetBook], float] | None,
) -> tuple[tuple[Step, ...], list[str]]:  # fmt: skip
    """(those of the steps that are to be taken, in their order; why others are not)."""
    rest, taken, now = list(done.steps), list[Step](), book
    everything = len(rest) <= most and not held_perps(done.book)
    while rest and len(taken) < most:
        step = rest[0]
        if odds is not None:
            would = [odds(_after(now, (one,), depths)) for one in rest]
            at = min(range(len(rest)), key=lambda place: (round(would[place] / _SAME), place))
            step, before = rest[at], odds(now)
            if would[at] > before + _SAME and not everything:
                return tuple(taken), [
                    f"{one.part.market} stays as it is: closing it would make liquidation within 24 hours likelier, "
                    f"{_percent(before)} to {_percent(worse)}"
                    for one, worse in zip(rest, would, strict=True)
                ]
        rest.remove(step)
        taken.append(step)
        now = _after(now, (step,), depths)
    wanted = "trade was" if most == 1 else "trades were"
    return tuple(taken), [f"{one.part.market} stays as it is: no more than {most} {wanted} wanted" for one in rest]


def _after(book: FleetBook, steps: Sequence[Step], depths: Mapping[str, MarketDepth]) -> FleetBook:
    for step in steps:
        book = traded(book, step.part, step.size_base, depths[step.part.market])
    return book


def _odds(prospect: Prospect) -> Callable[[FleetBook], float]:
    """Of liquidation within 24 hours; of each book once."""
    known: dict[int, tuple[FleetBook, float]] = {}

    def probability(book: FleetBook) -> float:
        if id(book) not in known:
            known[id(book)] = book, AfterTrade(book, "", 0.0, 0.0, prospect).probability(_PATHS)
        return known[id(book)][1]

    return probability


def _percent(frac: float) -> str:
    return f"{frac:.2%}" if frac < 0.1 else f"{frac:.0%}"
