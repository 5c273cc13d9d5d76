"""Steps that bring an account out of danger, mildest first: cancel, cut, hedge, deposit. Pure.

Nothing here enlarges a position that is held, and a cut is never larger than its position. A hedge alone opens
something, where it makes liquidation less likely.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from risk.after_plan import effect_of, without_orders
from risk.after_trade import AfterTrade, Prospect
from risk.fleet import liquidating_accounts
from risk.margin.book import FleetBook
from risk.margin.remedy import Remedy, remedy, with_deposit
from risk.margin.trade import with_trade
from risk.model.liquidation import RiskLevel
from risk.model.proposal import Effect, PlannedTrade
from risk.model.protection import ProtectionAction, ProtectionKind
from risk.model.trading import BASE_UNITS, MarketDepth
from risk.protection.cuts import Cut, cut_of, offers, ratio_of
from risk.protection.hedges import Hedge, hedge_for
from risk.protection.margin_orders import costly_orders, risk_increasing_orders, without_positions

__all__ = ["plan_protection", "risk_increasing_orders"]

_STEPS = {
    RiskLevel.LOW: frozenset[ProtectionKind](),
    RiskLevel.MEDIUM: frozenset({ProtectionKind.CANCEL_ORDERS}),
    RiskLevel.HIGH: frozenset({ProtectionKind.CANCEL_ORDERS, ProtectionKind.CUT}),
    RiskLevel.CRITICAL: frozenset(ProtectionKind),
}
# A leg that costs more of its notional than this to cut is hedged first, and cut only where that is not enough.
DEAR_FRAC = 0.03


def plan_protection(
    book: FleetBook,
    risk_level: RiskLevel,
    depth: Mapping[str, MarketDepth],
    target: float,
    *,
    prospect: Prospect | None = None,
    unknown: str = "no price history is at hand",
) -> tuple[ProtectionAction, ...]:
    """What a level of risk calls for: LOW nothing; MEDIUM cancelling; HIGH also cuts up to a target, and a deposit
    where they do not reach it; CRITICAL all of it. While the venue liquidates the account it takes no order: then the
    deposit alone.

    Args:
        book: Of the one account, read with its orders.
        depth: By market; a market that is absent cannot be traded.
        target: Health ratio of the worst scope, percent, that cuts and deposit aim at.
        prospect: What the account's assets may do. Without it no probability is stated, for the reason in ``unknown``,
            and nothing is hedged.

    Returns: In the order in which they are to happen; the deposit last. The effect of each is that of itself upon what
        those before it have left; of a deposit that is advised instead of the trades, upon the account as it is now.
    Raises: CannotAssess for a market the book lacks.
    """
    wanted = _STEPS[risk_level]
    fresh = _Plan(book=book, depth=depth, target=target, prospect=prospect, unknown=unknown)
    if bool(liquidating_accounts(book)[0]):
        fresh.deposit(always=True)
        return tuple(fresh.actions)
    if not wanted:
        return ()

    def acted(costly: Sequence[int]) -> _Plan:
        plan = _Plan(book=book, depth=depth, target=target, prospect=prospect, unknown=unknown)
        plan.cancel(costly)
        if ProtectionKind.CUT in wanted:
            plan.cut(spare_dear=ProtectionKind.HEDGE in wanted and prospect is not None)
        if ProtectionKind.HEDGE in wanted:
            plan.hedge()
            plan.cut(spare_dear=False)
        return plan

    costly = costly_orders(book)
    plan = acted(costly)
    # An order may come to take up margin only by what is cut: it goes first then, and less may have to be cut.
    while more := tuple(one for one in costly_orders(plan.book) if one not in costly):
        costly += more
        plan = acted(costly)
    if ProtectionKind.CUT in wanted and not plan.reached:
        # Or it keeps a cut from gaining anything at all.
        closed = tuple(one for one in costly_orders(without_positions(plan.book)) if one not in costly)
        if closed and (other := acted((*costly, *closed))).ratio > plan.ratio:
            plan = other
    if ProtectionKind.CUT in wanted:
        plan.deposit(always=ProtectionKind.DEPOSIT in wanted)
    return tuple(plan.actions)


@dataclass(slots=True, kw_only=True)
class _Plan:
    """A plan in the making; ``book`` is the account as the actions so far would leave it."""

    book: FleetBook
    depth: Mapping[str, MarketDepth]
    target: float
    prospect: Prospect | None
    unknown: str
    actions: list[ProtectionAction] = field(default_factory=list)
    _start: FleetBook = field(init=False)
    _odds: dict[int, float] = field(default_factory=dict)
    _kept: list[FleetBook] = field(default_factory=list)  # so that no id is used twice

    def __post_init__(self) -> None:
        self._start = self.book

    @property
    def ratio(self) -> float:
        return ratio_of(self.book)

    @property
    def reached(self) -> bool:
        return not self.ratio < self.target

    def cancel(self, costly: Sequence[int]) -> None:
        growing = risk_increasing_orders(self.book)
        ids = tuple(dict.fromkeys((*growing, *costly)))
        if not ids:
            return
        after = without_orders(self.book, ids)
        many = f"{len(ids)} resting orders" if len(ids) > 1 else "the resting order"
        grows, holds = "would enlarge what is held", "would take up margin"
        why = f"{grows} or {holds}" if growing and costly else grows if growing else holds
        self._act(
            ProtectionKind.CANCEL_ORDERS, f"Cancel {many} that {why}.",
            effect_of(self.book, (), cancels=ids, simulate=False), after, cancels=ids,
        )  # fmt: skip

    def cut(self, *, spare_dear: bool) -> None:
        """The leg that gains most health for a dollar of cost, then the next, until the target is reached."""
        done = {trade.market for one in self.actions for trade in one.trades}  # also what has just been hedged with
        while not self.reached:
            found = [one for one in offers(self.book, self.depth, self.target) if one.market not in done]
            if spare_dear:
                found = [one for one in found if one.cost_frac <= DEAR_FRAC]
            if not found:
                return
            best = max(found, key=lambda one: (not self._dooms(one), one.gain / max(one.cost_usd, 1e-9)))
            done.add(best.market)
            whole = math.isclose(best.size_base, abs(best.held_base), rel_tol=1e-9)
            priority = sum(len(one.trades) for one in self.actions) + 1
            trade = PlannedTrade(
                market=best.market, side=best.side, size_base=best.size_base, reduce_only=True, priority=priority,
                reasoning=f"Lifts the health ratio from {self.ratio:.0f} % to {best.ratio:.0f} % for "
                f"{_usd(best.cost_usd)}, the most for its cost.",
            )  # fmt: skip
            says = (
                f"{'Close' if whole else 'Cut'} {best.market} by {best.size_base:.6g} "
                f"({_usd(best.size_base * best.step.oracle_usd)}), costing about {_usd(best.cost_usd)}."
            )
            effect = effect_of(self.book, (best.step,), simulate=False)
            self._act(ProtectionKind.CUT, says, effect, best.book, trades=(trade,))

    def hedge(self) -> None:
        """What could not be cut, in another market, where that makes liquidation less likely."""
        if self.reached or self.prospect is None:
            return
        stuck = self._stuck()
        found = hedge_for(self.book, stuck, self.depth, self.prospect) if stuck else None
        if found is None:
            return
        after = with_trade(
            self.book, found.market, found.step.base, price_usd=found.step.price_usd, fee_usd=found.step.fee_usd
        )
        if not self._probability(after) < self._probability(self.book):
            return
        priority = sum(len(one.trades) for one in self.actions) + 1
        self._act(
            ProtectionKind.HEDGE, _hedge_says(found), effect_of(self.book, (found.step,), simulate=False), after,
            trades=(replace(found.trade, priority=priority),),
        )  # fmt: skip

    def deposit(self, *, always: bool) -> None:
        """What the trades do not reach on top of them; where they do, what would do instead of them."""
        reached = self.reached
        if reached and not always:
            return
        base = self._start if reached else self.book
        needed = remedy(base, self.target)
        if not needed.deposit_usd:
            return
        amount = math.ceil(needed.deposit_usd * 100) / 100
        after = with_deposit(base, amount, needed.scope)
        if after is None:
            return
        where = f" to isolated {needed.scope}" if needed.scope else ""
        instead = reached and bool(self.actions)
        how = "as well" if self.actions else "to reach it"
        if instead:
            how = "instead of the trades" if any(one.trades for one in self.actions) else "instead of that"
        then = self._followed(base, effect_of(base, (), simulate=False), after)
        self.actions.append(
            ProtectionAction(
                kind=ProtectionKind.DEPOSIT, deposit_usd=amount, effect=then, instead=instead,
                says=f"Deposit ${amount:,.2f}{where} {how}: a health ratio of {_shown(self.target, needed)} %.",
            )
        )  # fmt: skip

    def _dooms(self, cut: Cut) -> bool:
        """Whether it makes liquidation likelier, as closing one leg of a hedged pair may."""
        if self.prospect is None:
            return False
        return self._probability(cut.book) > self._probability(self.book) + 1e-4

    def _stuck(self) -> dict[str, float]:
        """Markets whose positions cannot be cut, or only dearly, with the signed size that stays."""
        stuck = {}
        for row in np.flatnonzero(self.book.perps.base_1e9 != 0):
            market = self.book.perp_markets.names[int(self.book.perps.market[row])]
            leg = cut_of(self.book, int(row), self.depth, self.target)
            if leg is None or leg.cost_frac > DEAR_FRAC:
                stuck[market] = float(self.book.perps.base_1e9[row]) / BASE_UNITS
        return stuck

    def _act(
        self, kind: ProtectionKind, says: str, effect: Effect, after: FleetBook, *,
        trades: Sequence[PlannedTrade] = (), cancels: Sequence[int] = (),
    ) -> None:  # fmt: skip
        self.actions.append(
            ProtectionAction(
                kind=kind, says=says, effect=self._with_odds(effect, self.book, after), trades=tuple(trades),
                cancels=tuple(cancels), proposed=True,
            )
        )  # fmt: skip
        self.book = after

    def _followed(self, before: FleetBook, was: Effect, after: FleetBook) -> Effect:
        """The effect of something that is no trade."""
        then = effect_of(after, (), simulate=False)
        found = replace(
            then, health_percent_before=was.health_percent_before, health_ratio_before=was.health_ratio_before,
            leverage_before=was.leverage_before,
        )  # fmt: skip
        return self._with_odds(found, before, after)

    def _with_odds(self, effect: Effect, before: FleetBook, after: FleetBook) -> Effect:
        if self.prospect is None:
            return replace(effect, probability_unknown=self.unknown)
        return replace(
            effect, probability_before=self._probability(before), probability_after=self._probability(after),
            probability_unknown="",
        )  # fmt: skip

    def _probability(self, book: FleetBook) -> float:
        if self.prospect is None:
            return math.nan
        if id(book) not in self._odds:
            self._kept.append(book)
            self._odds[id(book)] = AfterTrade(book, "", 0.0, 0.0, self.prospect).probability()
        return self._odds[id(book)]


def _hedge_says(hedge: Hedge) -> str:
    return (
        f"Hedge {hedge.against} with {hedge.trade.side.value} {hedge.trade.size_base:.6g} {hedge.market} "
        f"(correlation {hedge.correlation:.2f}), for it cannot be cut at a fair price."
    )


def _shown(target: float, needed: Remedy) -> str:
    return f"{needed.target_ratio_percent:.0f}" if math.isfinite(target) else "infinite"


def _usd(amount: float) -> str:
    return f"${amount:,.2f}" if abs(amount) < 1_000 else f"${amount:,.0f}"
