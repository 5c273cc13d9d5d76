"""The protection desk: one account's stops, its nights, and the steps that bring it out of danger."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import TypeVar

from risk.after_trade import Prospect
from risk.errors import BadSeries, CannotAssess, NotEnoughData
from risk.fleet import Fleet, FleetView
from risk.margin.assets import asset_of
from risk.margin.book import FleetBook
from risk.margin.linear import held_assets
from risk.model.candles import Interval
from risk.model.hedge import HedgeResult
from risk.model.liquidation import RiskLevel
from risk.model.proposal import Effect, Purpose, Refusal, TradePlan
from risk.model.protection import ProtectionAction, ProtectionKind, ProtectionResult, SleepPlan
from risk.model.trading import MarketDepth
from risk.ports import BookHistories, CandleStore
from risk.protection import triggers
from risk.protection.graduated import plan_protection
from risk.protection.shortfall import shortfall
from risk.protection.sleep import DEFAULT_BUDGET_FRAC, plan_sleep
from risk.protection.triggers import StopPlan
from risk.stats.ewma import ewma_covariance
from risk.stats.fits import FitCache
from risk.trade_ports import DepthSource, TradeDesk

__all__ = ["ProtectionDesk", "StopPlan", "protection_trade_plan"]

NO_DESK = Refusal(
    reason="trading is switched off, so nothing can be proposed", nearest="do it at the venue, or switch trading on"
)
_HEDGES_WITH = ("SOL-PERP", "BTC-PERP")

T = TypeVar("T")


class ProtectionDesk:
    """Plans for one account. What it proposes goes through the trade desk; it has no other way out.

    Args:
        depth: Who knows what markets offer; without it nothing can be planned.
        desk: Where plans are proposed; None while trading is switched off.
        histories: Where the account's history comes from: the risk engine. Without it no probability is stated.
        candles: Hourly bars, for nights.
        executor: Where slow arithmetic runs; None for the loop's own threads.
        cache: Shared by the desks of a process.
    """

    def __init__(
        self, account_id: str, fleet: Fleet, *, depth: DepthSource | None = None, desk: TradeDesk | None = None,
        histories: BookHistories | None = None, candles: CandleStore | None = None, executor: Executor | None = None,
        cache: FitCache | None = None,
    ) -> None:  # fmt: skip
        self.account_id = account_id
        self._fleet, self._depth, self._desk, self._histories = fleet, depth, desk, histories
        self._candles, self._executor, self._cache = candles, executor, cache or FitCache()

    async def plan_stop(
        self, market: str, trigger_usd: float, *, share_frac: float = 1.0, size_base: float | None = None
    ) -> StopPlan | Refusal:
        """See risk.protection.triggers.plan_stop. Raises: CannotAssess, ReadFailed."""
        ready = await self._stop_inputs(market)
        if isinstance(ready, Refusal):
            return ready
        book, offer, sigma = ready
        return triggers.plan_stop(
            book, market, trigger_usd, depth=offer, share_frac=share_frac, size_base=size_base, sigma_hourly=sigma
        )

    async def plan_take_profit(
        self, market: str, trigger_usd: float, *, share_frac: float = 1.0, size_base: float | None = None
    ) -> StopPlan | Refusal:
        """See risk.protection.triggers.plan_take_profit. Raises: CannotAssess, ReadFailed."""
        ready = await self._stop_inputs(market)
        if isinstance(ready, Refusal):
            return ready
        book, offer, sigma = ready
        return triggers.plan_take_profit(
            book, market, trigger_usd, depth=offer, share_frac=share_frac, size_base=size_base, sigma_hourly=sigma
        )

    async def plan_bracket(
        self, market: str, stop_usd: float, profit_usd: float, *, share_frac: float = 1.0,
        size_base: float | None = None,
    ) -> StopPlan | Refusal:  # fmt: skip
        """See risk.protection.triggers.plan_bracket. Raises: CannotAssess, ReadFailed."""
        ready = await self._stop_inputs(market)
        if isinstance(ready, Refusal):
            return ready
        book, offer, sigma = ready
        return triggers.plan_bracket(
            book, market, stop_usd, profit_usd, depth=offer, share_frac=share_frac, size_base=size_base,
            sigma_hourly=sigma,
        )  # fmt: skip

    async def plan_sleep(
        self, hours: float = 8.0, budget_frac: float = DEFAULT_BUDGET_FRAC, *, seed: int = 0
    ) -> SleepPlan:
        """What keeps the account alive for some hours by itself. See risk.protection.sleep.

        Raises: BadParameter, CannotAssess, NotEnoughData, ReadFailed.
        """
        if self._histories is None or self._candles is None:
            raise NotEnoughData("price history", found=0, needed=1)
        view = await self._view()
        book = view.single(self.account_id).book
        offers = await self._offers(_held_markets(book))
        prospect = await self._prospect(view, ())
        assets = prospect.history.margin.assets
        found = await asyncio.gather(*(self._candles.candles(asset, Interval.HOUR) for asset in assets))
        hourly = dict(zip(assets, found, strict=True))
        return await self._off(
            lambda: plan_sleep(book, prospect, hourly, offers, hours=hours, budget_frac=budget_frac, seed=seed)
        )

    async def plan_protection(self, risk_level: RiskLevel, target_ratio_percent: float) -> tuple[ProtectionAction, ...]:
        """The steps that a level of risk calls for. See risk.protection.graduated.

        Raises: CannotAssess, ReadFailed.
        """
        view = await self._view()
        book = view.single(self.account_id).book
        known = [name for name in _HEDGES_WITH if name in book.perp_markets.names]
        offers = await self._offers((*dict.fromkeys((*_held_markets(book), *known)),))
        prospect, unknown = None, "no price history is at hand"
        try:
            prospect = await self._prospect(view, tuple(asset_of(name) for name in known))
        except (NotEnoughData, BadSeries):
            try:
                prospect = await self._prospect(view, ())  # a hedge needs more history than a probability
            except (NotEnoughData, BadSeries) as problem:
                unknown = str(problem)
        return await self._off(
            lambda: plan_protection(book, risk_level, offers, target_ratio_percent, prospect=prospect, unknown=unknown)
        )

    async def protect(self, risk_level: RiskLevel, target_ratio_percent: float) -> ProtectionResult:
        """Plan the steps and propose them. Raises: CannotAssess, ReadFailed."""
        actions = await self.plan_protection(risk_level, target_ratio_percent)
        plans = protection_trade_plan(self.account_id, risk_level, actions)
        if not plans:
            nothing = HedgeResult(proposal_id="", state=None)
            return ProtectionResult(risk_level=risk_level, actions=_unproposed(actions), result=nothing)
        results = [await self._propose(plan) for plan in plans]
        hedged = next((at for at, plan in enumerate(plans) if plan.purpose is Purpose.HEDGE), None)
        return ProtectionResult(
            risk_level=risk_level, actions=_marked(actions, plans, results), result=results[0],
            hedge=None if hedged is None or hedged == 0 else results[hedged],
        )  # fmt: skip

    async def _propose(self, plan: TradePlan) -> HedgeResult:
        if self._desk is None:
            return HedgeResult(proposal_id="", state=None, refusal=NO_DESK)
        came = await self._desk.propose(plan)
        proposal = came.proposal
        return HedgeResult(
            proposal_id="" if proposal is None else proposal.proposal_id,
            state=None if proposal is None else proposal.state,
            refusal=came.refusal, order_ids=came.order_ids,
        )  # fmt: skip

    async def _stop_inputs(self, market: str) -> tuple[FleetBook, MarketDepth, float | None] | Refusal:
        view = await self._view()
        book = view.single(self.account_id).book
        held = _held_markets(book)
        if market not in held:
            return Refusal(
                reason=f"there is no position in {market} to protect",
                nearest=f"positions: {', '.join(held)}" if held else "",
            )
        offers = await self._offers((market,))
        if market not in offers:
            return Refusal(reason=f"nobody knows what {market} offers now", nearest="try again later")
        return book, offers[market], await self._sigma(view, market)

    async def _sigma(self, view: FleetView, market: str) -> float | None:
        """Volatility of an hour; None where history does not say."""
        try:
            prospect = await self._prospect(view, ())
            assets = prospect.history.returns.assets
            if asset_of(market) not in assets:
                return None
            diffusion, _ = await self._off(lambda: prospect.diffusion)
            return float(diffusion.volatility_hourly[assets.index(asset_of(market))])
        except (NotEnoughData, BadSeries):
            return None

    async def _view(self) -> FleetView:
        view = await self._fleet.current()
        self._fleet.require_assessable(self.account_id)
        return view

    async def _offers(self, markets: Sequence[str]) -> Mapping[str, MarketDepth]:
        if self._depth is None or not markets:
            return {}
        return await self._depth.depth(self.account_id, markets)

    async def _prospect(self, view: FleetView, also: Sequence[str]) -> Prospect:
        if self._histories is None:
            raise NotEnoughData("price history", found=0, needed=1)
        book = view.single(self.account_id).book
        known = tuple(asset for asset in also if asset not in held_assets(book))
        history = await self._histories.book_of(view, also=known)
        if not history.returns.n:
            raise CannotAssess(["the account holds nothing whose price moves"])

        def made() -> Prospect:
            prospect = Prospect(history, ewma_covariance(history.returns.log_returns), self._cache, 0)
            prospect.diffusion  # noqa: B018  # fitted here, off the event loop
            return prospect

        return await self._off(made)

    async def _off(self, work: Callable[[], T]) -> T:
        """Arithmetic off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def protection_trade_plan(
    account_id: str, risk_level: RiskLevel, actions: Sequence[ProtectionAction], requested_by: str = ""
) -> tuple[TradePlan, ...]:
    """What is to be proposed of some steps: what reduces in one plan, which a standing approval may cover; a hedge in
    one of its own. None where there is only a deposit to advise, or nothing."""
    reducing = [one for one in actions if one.kind in (ProtectionKind.CANCEL_ORDERS, ProtectionKind.CUT)]
    hedges = [one for one in actions if one.kind is ProtectionKind.HEDGE]
    # Said once: a deposit that would do instead in its own words, one that is needed besides as the plan's own.
    besides = [one for one in actions if one.kind is ProtectionKind.DEPOSIT and not one.instead]
    deposit = sum(one.deposit_usd for one in besides)
    advice = tuple(one.says for one in actions if one.kind is ProtectionKind.DEPOSIT and one.instead)
    lacking = _lacking([one.effect for one in (*reducing, *hedges) if one.effect is not None])
    plans = list[TradePlan]()
    for purpose, title, some in ((Purpose.PROTECT, "Protect", reducing), (Purpose.HEDGE, "Hedge what stays", hedges)):
        trades = tuple(trade for one in some for trade in one.trades)
        cancels = tuple(order for one in some for order in one.cancels)
        if trades or cancels:
            plans.append(
                TradePlan(
                    account_id=account_id, purpose=purpose, trades=trades, cancels=cancels,
                    title=f"{title} ({risk_level.value} risk){lacking}", deposit_usd=0.0 if plans else deposit,
                    notes=() if plans else advice, requested_by=requested_by,
                )
            )  # fmt: skip
    return tuple(plans)


def _lacking(effects: Sequence[Effect]) -> str:
    """What the last of some steps leaves undone, for a title."""
    if not effects:
        return ""
    last = effects[-1]
    said = shortfall(last.health_ratio_after, last.free_collateral_after_usd, last.probability_after)
    return f", {said}" if said else ""


def _held_markets(book: FleetBook) -> tuple[str, ...]:
    rows = [int(market) for market, base in zip(book.perps.market, book.perps.base_1e9, strict=True) if base]
    return tuple(dict.fromkeys(book.perp_markets.names[row] for row in rows))


def _unproposed(actions: Sequence[ProtectionAction]) -> tuple[ProtectionAction, ...]:
    return tuple(replace(one, proposed=False) for one in actions)


def _marked(
    actions: Sequence[ProtectionAction], plans: Sequence[TradePlan], results: Sequence[HedgeResult]
) -> tuple[ProtectionAction, ...]:
    """Which steps became part of a proposal, or went out under a standing approval."""
    went = {plan.purpose for plan, result in zip(plans, results, strict=True) if result.proposal_id}
    purpose = {ProtectionKind.HEDGE: Purpose.HEDGE, ProtectionKind.DEPOSIT: None}
    return tuple(replace(one, proposed=purpose.get(one.kind, Purpose.PROTECT) in went) for one in actions)
