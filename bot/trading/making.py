"""From a plan to exact orders with their quotes, and to what they do to the account."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.trading.prospects import Prospects
from bot.trading.rules import TradingRules
from risk.after_plan import TradeStep, effect_of, positions_raw_1e9
from risk.decisions.depth import walk
from risk.decisions.order_terms import Untradeable, exact
from risk.errors import CannotAssess
from risk.fleet import FleetView, data_problems
from risk.margin.book import FleetBook
from risk.model.account import Side
from risk.model.limits import RiskLimits
from risk.model.proposal import Effect, Leg, LegQuote, PlannedTrade, Proposal, Purpose, Refusal, TradePlan
from risk.model.trading import BASE_UNITS, MarketDepth, OrderStyle, OrderTerms
from risk.ports import LimitsStore
from risk.trade_ports import DepthSource, MarketBooks
from storage import TradeHistory

_TRIES = 12  # halvings in the search for the largest share that would work
_WITHOUT_HISTORY = "limits on statistics were not checked: {reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A plan as it would be proposed."""

    legs: tuple[Leg, ...]
    effect: Effect
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What a plan is made on, read together."""

    book: FleetBook
    depths: Mapping[str, MarketDepth]
    limits: RiskLimits


class Maker:
    """Makes plans exact and says what they do. Sends and stores nothing."""

    def __init__(
        self,
        *,
        depths: DepthSource,
        books: MarketBooks,
        limits: LimitsStore,
        history: TradeHistory,
        prospects: Prospects,
        rules: TradingRules,
        executor: Executor | None,
    ) -> None:
        self._depths, self._books, self._limits, self._prospects = depths, books, limits, prospects
        self._history, self._rules, self._executor = history, rules, executor

    async def make(self, plan: TradePlan, *, expires_at: datetime) -> Made | Refusal:
        """Exact orders for a plan.

        Args:
            expires_at: From then on its card is worth nothing.

        Raises: CannotAssess, ReadFailed.
        """
        trades = sorted(plan.trades, key=lambda trade: trade.priority)
        if not trades and not plan.cancels and plan.purpose is not Purpose.ARM:
            return Refusal(reason="there is nothing to do", nearest="")
        ground = await self._ground(plan.account_id, [trade.market for trade in trades])
        until_s = int((expires_at + timedelta(seconds=self._rules.execution_s)).timestamp())
        legs: list[Leg] = []
        notes = list(plan.notes)
        held = positions_raw_1e9(ground.book)
        for trade in trades:
            try:
                found = exact(
                    trade, ground.depths[trade.market], account_id=plan.account_id,
                    held_raw_1e9=held.get(trade.market, 0), slippage_frac=self._rules.slippage_frac,
                    expires_at_s=until_s,
                )  # fmt: skip
            except Untradeable as exc:
                if len(trades) == 1 or not all(one.reduce_only for one in trades):
                    return exc.refusal
                notes.append(f"left out: {exc.refusal.reason}")
                continue
            if not trade.style.rests:
                held[trade.market] = held.get(trade.market, 0) + round(found.terms.signed_base * BASE_UNITS)
            notes += found.notes
            legs.append(replace(_leg(len(legs) + 1, found.terms, found.quote, trade.reasoning), cancels=trade.cancels))
        if self._rules.reduce_only:
            legs, left_out = _reducing(legs)
            notes += left_out
        legs = _with_cancels(legs, plan.cancels)
        if not legs and plan.purpose is not Purpose.ARM:
            return Refusal(reason="; ".join(notes[len(plan.notes) :]) or "there is nothing to do")
        return await self._judged(plan.account_id, ground, legs, notes)

    async def requote(self, proposal: Proposal) -> Made | Refusal:
        """The very orders of a proposal, quoted again; for speed without simulating. Raises: as make()."""
        markets = [leg.terms.market for leg in proposal.legs if leg.terms is not None]
        ground = await self._ground(proposal.account_id, markets)
        legs: list[Leg] = []
        held = positions_raw_1e9(ground.book)
        for leg in proposal.legs:
            if leg.terms is None:
                legs.append(leg)
                continue
            depth = ground.depths[leg.terms.market]
            try:
                again = exact(
                    trade_of(leg.terms), depth, account_id=proposal.account_id,
                    held_raw_1e9=held.get(leg.terms.market, 0), slippage_frac=self._rules.slippage_frac,
                    expires_at_s=leg.terms.expires_at_s,
                )  # fmt: skip
            except Untradeable as exc:
                if all(one.terms is None or one.terms.reduce_only for one in proposal.legs) and len(markets) > 1:
                    continue  # what can be closed is asked about anew
                return exc.refusal
            size = min(again.terms.size_raw_1e9, _at_limit_raw_1e9(leg.terms, depth))
            if not leg.terms.style.rests:
                held[leg.terms.market] = held.get(leg.terms.market, 0) + (size if leg.terms.side is Side.BUY else -size)
            legs.append(replace(leg, terms=replace(leg.terms, size_raw_1e9=size), quote=again.quote))
        effect, _ = await self._effect(proposal.account_id, ground, legs, simulate=False)
        return Made(legs=tuple(legs), effect=effect, notes=proposal.notes)

    async def over_the_day(self, account_id: str, legs: Sequence[Leg], now: datetime) -> Refusal | None:
        """Why a plan is over what may be traded in a day. What only reduces is bound by what is held: nobody is to be
        kept in a position."""
        adding = sum(leg.notional_usd for leg in legs if leg.terms is not None and not leg.terms.reduce_only)
        if not adding:
            return None
        used = await self._history.sent_usd(account_id, now - timedelta(hours=24))
        if used + adding <= self._rules.daily_usd:
            return None
        return Refusal(
            reason=f"${adding:,.0f} more is over what may be traded in 24 hours",
            nearest=f"${max(0.0, self._rules.daily_usd - used):,.0f} is left of ${self._rules.daily_usd:,.0f}",
        )

    async def _ground(self, account_id: str, markets: Sequence[str]) -> _Ground:
        names = tuple(dict.fromkeys(markets))
        depths, book, limits = await asyncio.gather(
            self._depths.depth(account_id, names), self._books.read_with(account_id, names),
            self._limits.load_limits(account_id),
        )  # fmt: skip
        if problems := data_problems(book):
            raise CannotAssess(problems)
        return _Ground(book=book, depths=depths, limits=limits or RiskLimits())

    async def _judged(
        self, account_id: str, ground: _Ground, legs: Sequence[Leg], notes: Sequence[str]
    ) -> Made | Refusal:
        effect, reason = await self._effect(account_id, ground, legs, simulate=True)
        said = [*notes, _WITHOUT_HISTORY.format(reason=reason)] if reason else list(notes)
        adding = [leg for leg in legs if leg.terms is not None and not leg.terms.reduce_only]
        said += [f"breaks the limit {one.limit.value}" for one in effect.violations if not adding]
        if adding and (why := _refused(effect)):
            return Refusal(reason=why, nearest=await self._nearest(account_id, ground, legs))
        if over := self._over_caps(legs):
            return over
        return Made(legs=tuple(legs), effect=effect, notes=tuple(dict.fromkeys(said)))

    def _over_caps(self, legs: Sequence[Leg]) -> Refusal | None:
        for leg in legs:
            if leg.terms is not None and not leg.terms.reduce_only and leg.notional_usd > self._rules.max_order_usd:
                return Refusal(
                    reason=f"{leg.terms.market}: ${leg.notional_usd:,.0f} is more than one order may be",
                    nearest=f"up to ${self._rules.max_order_usd:,.0f}; TRADING_MAX_ORDER_USD says so",
                )
        return None

    async def _nearest(self, account_id: str, ground: _Ground, legs: Sequence[Leg]) -> str:
        """The largest share of the plan that would keep limits and margin."""
        low, high = 0.0, 1.0
        for _ in range(_TRIES):
            share = (low + high) / 2
            effect, _reason = await self._effect(account_id, ground, legs, simulate=False, share=share)
            low, high = (low, share) if _refused(effect) else (share, high)
        return f"up to {low:.0%} of it would" if low >= 0.01 else "no smaller size would either"

    async def _effect(
        self, account_id: str, ground: _Ground, legs: Sequence[Leg], *, simulate: bool, share: float = 1.0
    ) -> tuple[Effect, str]:
        """(what they do, why nothing is simulated)."""
        steps = [step for leg in legs if (step := _step(leg, ground.depths, share)) is not None]
        view = FleetView.of(ground.book)
        prospect, reason = await self._prospects.of(view, account_id, [step.market for step in steps])
        own, _ = await self._prospects.of(view, account_id, ())
        cancels = [order for leg in legs for order in leg.cancels]
        work = partial(
            effect_of, ground.book, steps, cancels=cancels, limits=ground.limits, prospect=prospect, own=own,
            unknown=reason, simulate=simulate,
        )  # fmt: skip
        if not simulate:
            return work(), reason
        return await asyncio.get_running_loop().run_in_executor(self._executor, work), reason


def _at_limit_raw_1e9(terms: OrderTerms, depth: MarketDepth) -> int:
    """What can be had of an order at its limit now. Getting out of a part is better than of nothing."""
    if terms.style is not OrderStyle.IOC:
        return terms.size_raw_1e9
    got = round(walk(depth, terms.side, terms.size_base, limit_usd=terms.limit_usd).filled_base * BASE_UNITS)
    if got >= terms.size_raw_1e9 - depth.step_raw_1e9 // 2 or (terms.reduce_only and got):
        return terms.size_raw_1e9
    return got - got % depth.step_raw_1e9


def trade_of(terms: OrderTerms, share: float = 1.0) -> PlannedTrade:
    """The trade that an order came from, or a share of it."""
    ioc = terms.style is OrderStyle.IOC
    return PlannedTrade(
        market=terms.market,
        side=terms.side,
        size_base=terms.size_base * share,
        reduce_only=terms.reduce_only,
        style=terms.style,
        limit_usd=None if ioc or not terms.limit_raw_1e6 else terms.limit_usd,
        trigger_usd=terms.trigger_usd if terms.trigger_raw_1e6 else None,
        triggers_above=terms.triggers_above,
    )


def plan_of(proposal: Proposal, share: float = 1.0) -> TradePlan:
    """The plan that a proposal came from, or a share of it."""
    trades = [
        replace(trade_of(leg.terms, share), priority=leg.number, reasoning=leg.reasoning, cancels=leg.cancels)
        for leg in proposal.legs
        if leg.terms is not None
    ]
    return TradePlan(
        account_id=proposal.account_id,
        purpose=proposal.purpose,
        trades=tuple(trades),
        title=proposal.title,
        cancels=tuple(order for leg in proposal.legs if leg.terms is None for order in leg.cancels),
        notes=proposal.notes,
        deposit_usd=proposal.deposit_usd,
        requested_by=proposal.requested_by,
        standing=proposal.standing,
    )


def _refused(effect: Effect) -> str:
    if effect.violations:
        one = effect.violations[0]
        where = f" of {one.market}" if one.market else ""
        return (
            f"the limit {one.limit.value}{where} would not hold: {one.value:,.4g}, and {one.threshold:,.4g} is allowed"
        )
    if effect.least_free_usd < 0:
        return f"the margin does not suffice: ${-effect.least_free_usd:,.2f} more is needed"
    return ""


def _leg(number: int, terms: OrderTerms, quote: LegQuote | None, reasoning: str) -> Leg:
    return Leg(number=number, terms=terms, quote=quote, reasoning=reasoning)


def _reducing(legs: Sequence[Leg]) -> tuple[list[Leg], list[str]]:
    """Those that only reduce, counted anew, and what is said of the others."""
    kept = [leg for leg in legs if leg.terms is None or leg.terms.reduce_only]
    left_out = [
        f"left out: to {leg.terms.side.value} {leg.terms.size_base:.6g} {leg.terms.market} would open or add to a"
        " position, and only reducing is allowed: TRADING_REDUCE_ONLY=false would allow it"
        for leg in legs
        if leg.terms is not None and not leg.terms.reduce_only
    ]
    return [replace(leg, number=number) for number, leg in enumerate(kept, start=1)], left_out


def _with_cancels(legs: Sequence[Leg], cancels: Sequence[int]) -> list[Leg]:
    """Cancellations go with the first order, in one transaction; alone where there is none."""
    if not cancels:
        return list(legs)
    if not legs:
        return [Leg(number=1, terms=None, cancels=tuple(cancels), reasoning="cancels resting orders")]
    return [replace(legs[0], cancels=tuple(dict.fromkeys((*cancels, *legs[0].cancels)))), *legs[1:]]


def _step(leg: Leg, depths: Mapping[str, MarketDepth], share: float) -> TradeStep | None:
    """An order as it is expected to go; none for one that waits for its trigger, or only rests to reduce."""
    terms = leg.terms
    if terms is None or terms.style.is_trigger or (terms.style.rests and terms.reduce_only):
        return None
    depth = depths[terms.market]
    if terms.style.rests:
        # It may be filled in full at its limit, whenever that is; until then nobody looks again.
        size = terms.signed_base * share
        fee = abs(size) * terms.limit_usd * depth.taker_fee_frac
        return TradeStep(
            market=terms.market, base=size, price_usd=terms.limit_usd, fee_usd=fee, oracle_usd=depth.oracle_usd
        )
    got = walk(depth, terms.side, terms.size_base * share, limit_usd=terms.limit_usd)
    if not got.filled_base > 0:
        return None
    sign = 1.0 if terms.side is Side.BUY else -1.0
    return TradeStep(
        market=terms.market, base=sign * got.filled_base, price_usd=got.average_usd, fee_usd=got.fee_usd,
        oracle_usd=depth.oracle_usd, reduces=terms.reduce_only,
    )  # fmt: skip
