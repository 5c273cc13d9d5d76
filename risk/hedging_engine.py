"""The hedging desk: what it takes to be hedged, how well hedges work, and the fastest way out of danger.

It proposes and never trades: plans go to the trade desk, where a person confirms them. No gateway is in its reach.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TypeVar

import numpy.typing as npt

from risk.errors import BadParameter, BadSeries, CannotAssess, NotEnoughData
from risk.fleet import Fleet, FleetView
from risk.hedging.choosing import (
    DEFAULT_HOURS,
    MAJORS,
    OWN_PERPS,
    hours_of,
    instruments_of,
    own_perps,
    reference_of,
    strategy_of,
    target_of,
)
from risk.hedging.covariance import Forecast
from risk.hedging.effectiveness import effectiveness
from risk.hedging.emergency import emergency, held_perps, prospect_of
from risk.hedging.exposures import Exposures, exposures
from risk.hedging.given import GivenCorrelations, given_correlations
from risk.hedging.planning import hedge_plan, planned, result_of
from risk.hedging.rebalance import TOLERANCE_FRAC, Rebalancing, rebalance
from risk.hedging.requirements import HedgeTask
from risk.hedging.steps import Standing, least_free_usd
from risk.hedging.strategies import ratios_change, requirements
from risk.margin.assets import asset_of
from risk.margin.linear import held_assets
from risk.model.hedge import EmergencyHedgeResult, HedgeMonitoring, HedgeRequirements, HedgeResult, HedgeStrategy
from risk.model.limits import RiskLimits
from risk.model.metrics import CorrelationMatrix
from risk.model.proposal import Purpose, Refusal, TradePlan
from risk.model.trading import MarketDepth
from risk.ports import BookHistories, Clock, LimitsStore
from risk.protection.shortfall import shortfall
from risk.stats.correlation import CorrelationModel
from risk.stats.dcc import DccFit
from risk.stats.fits import FitCache
from risk.stats.history import BookHistory
from risk.stats.series import checked_count
from risk.trade_ports import DepthSource, HedgeLog, MarketBooks, TradeDesk

MOST_EMERGENCY_TRADES = 20
OFF = Refusal(reason="trading is not switched on here", nearest="the trades can be made by hand as they are listed")

T = TypeVar("T")


class DriftHedgingEngine:
    """One account's hedges.

    Args:
        histories: Where the account's history comes from: the risk engine.
        depth: Who knows the books; without one no cost can be stated, so nothing can be required.
        desk: Where plans go; without one nothing can be proposed.
        limits: Where the account's limits live; the defaults hold without one.
        hedges: What was hedged so far, for monitoring.
        cache: Shared by the desks of a process.
        books: Who brings along markets in which the account has nothing yet; without it those of the fleet's reading
            are all it may hedge with.
    """

    def __init__(
        self, account_id: str, fleet: Fleet, histories: BookHistories, clock: Clock, *,
        depth: DepthSource | None = None, desk: TradeDesk | None = None, limits: LimitsStore | None = None,
        hedges: HedgeLog | None = None, executor: Executor | None = None, cache: FitCache | None = None,
        books: MarketBooks | None = None,
    ) -> None:  # fmt: skip
        self.account_id, self._books = account_id, books
        self._fleet, self._histories, self._clock = fleet, histories, clock
        self._depth, self._desk, self._limits, self._hedges = depth, desk, limits, hedges
        self._executor, self._cache = executor, cache or FitCache()
        self._given: GivenCorrelations | None = None

    async def calculate_hedge_requirements(
        self,
        target_delta: float | None = None,
        *,
        strategy: HedgeStrategy | str = HedgeStrategy.DELTA,
        reference: str = "",
        instruments: Sequence[str] = (),
        horizon_hours: float | None = None,
    ) -> HedgeRequirements:
        """What it takes to bring the account to a delta.

        Args:
            target_delta: USD that stay open, in the delta the strategy states; for VOLATILITY the volatility wanted, as
                a fraction of equity a year. None for 0, or for the volatility of which a normal day's VaR at 95 % is
                the account's limit. A target beyond what there is asks for nothing: a hedge only takes away.
            reference: "SOL" or "BTC"; empty for USD per asset with DELTA, for SOL with BETA, for the instrument that
                moves most like the account with CORRELATION and DYNAMIC.
            instruments: Perps that CORRELATION and DYNAMIC may hedge with; none for those of the majors (SOL, BTC, ETH)
                that carry next to nothing of the account's risk, or for all of them where each does.
            horizon_hours: Over which funding counts, and the band of DYNAMIC; None for a day, a week for DYNAMIC.

        Raises: BadParameter, CannotAssess, NotEnoughData, BadSeries, ReadFailed where the venue does not answer.
        """
        chosen = strategy_of(strategy)
        task = await self._task(chosen, target_delta, reference_of(reference, chosen), instruments, horizon_hours)
        return await self._off(lambda: requirements(task))

    async def execute_hedge_trades(self, requirements: HedgeRequirements) -> HedgeResult:
        """Propose the trades of some requirements. Returns at once: nothing goes out before somebody confirms it.

        Raises: BadParameter for requirements of another account; what the trade desk raises.
        """
        if requirements.account_id != self.account_id:
            raise BadParameter(f"these requirements are of account {requirements.account_id}, not {self.account_id}")
        if not requirements.required_trades:
            why = requirements.unhedged[0] if requirements.unhedged else "there is nothing to hedge"
            return HedgeResult(proposal_id="", state=None, refusal=Refusal(reason=why))
        return await self.propose(hedge_plan(requirements))

    async def monitor_hedge_effectiveness(self) -> HedgeMonitoring:
        """How well the hedges have worked so far. Raises: CannotAssess."""
        view, found = await self._account()
        hedges = tuple(await self._hedges.hedges(self.account_id)) if self._hedges is not None else ()
        names = view.book.perp_markets.names
        assets = sorted({asset_of(hedge.market) for hedge in hedges if hedge.market in names})
        history = await self._history_or_none(view, assets) if hedges else None
        book, now = view.single(self.account_id).book, self._clock.now()
        return await self._off(lambda: effectiveness(history, hedges, book, found.equity_usd, now))

    async def adjust_hedge_ratios(
        self,
        new_correlations: CorrelationMatrix | DccFit | CorrelationModel | npt.ArrayLike,
        *,
        assets: Sequence[str] | None = None,
    ) -> bool:
        """Take other correlations for the hedges by CORRELATION and DYNAMIC from here on.

        Args:
            new_correlations: A matrix with its assets; a fit or plain matrix of ``assets``; or a model, which is asked
                for its dynamic correlation of the account's own history.
            assets: Of a matrix without names, in its order; None for the account's assets and its instruments, sorted.

        Returns: Whether any ratio moves by more than its no-trade band, so that requirements should be asked for anew.
        Raises: BadSeries for what is no correlation matrix; BadParameter for names that do not fit; as
            calculate_hedge_requirements().
        """
        task = await self._task(HedgeStrategy.CORRELATION, 0.0, "", (), None)
        if task.history is None:
            raise NotEnoughData("daily bars of the account's assets", found=0, needed=2)
        returns = task.history.returns
        if isinstance(new_correlations, CorrelationModel):
            assets, new_correlations = returns.assets, await new_correlations.dcc_correlation(returns.log_returns)
        given = given_correlations(new_correlations, assets or returns.assets)
        changed = await self._off(lambda: ratios_change(task, given))
        self._given = given
        return changed

    async def emergency_hedge(self, max_trades: int = 5) -> EmergencyHedgeResult:
        """Propose to close positions, at most so many, those first that make liquidation least likely; resting orders
        that take up margin are cancelled before. Nothing while the venue liquidates the account.

        Raises: BadParameter for no number of trades; CannotAssess; what the trade desk raises.
        """
        most = checked_count(max_trades, least=1, most=MOST_EMERGENCY_TRADES, what="trades")
        view, _ = await self._account()
        book, limits = view.single(self.account_id).book, await self._limits_in_force()
        if view.liquidating[view.position_of(self.account_id)]:
            taken = Refusal(reason="the venue is liquidating this account and takes no order of it", nearest="deposit")
            return EmergencyHedgeResult(
                trades=(), result=HedgeResult(proposal_id="", state=None, refusal=taken), effect=None
            )
        depths = await self._depths(held_perps(book))
        history = await self._history_or_none(view, ())
        done = await self._off(
            lambda: emergency(
                book, depths, limits=limits, most=most, hours=DEFAULT_HOURS, prospect=prospect_of(history, self._cache)
            )
        )
        nothing = HedgeResult(proposal_id="", state=None)
        if not done.trades and not done.cancels:
            return EmergencyHedgeResult(trades=(), result=nothing, effect=None, unhedged=done.left)
        after = Standing.of(done.book)
        lacking = shortfall(after.ratio_percent, least_free_usd(after), done.probability)
        plan = TradePlan(
            account_id=self.account_id, purpose=Purpose.EMERGENCY, trades=planned(done.trades), cancels=done.cancels,
            title=f"Emergency: close {len(done.trades)} of {len(held_perps(book))} positions"
            f"{f', {lacking}' if lacking else ''}",
            notes=done.left,
        )  # fmt: skip
        if self._desk is None:
            refused = HedgeResult(proposal_id="", state=None, refusal=OFF)
            return EmergencyHedgeResult(trades=done.trades, result=refused, effect=None, unhedged=done.left)
        proposed = await self._desk.propose(plan)
        return EmergencyHedgeResult(
            trades=done.trades, result=result_of(proposed), unhedged=done.left,
            effect=proposed.proposal.effect if proposed.proposal is not None else None,
        )  # fmt: skip

    async def plan_rebalance(
        self, target_allocations: Mapping[str, float], *, tolerance_frac: float = TOLERANCE_FRAC
    ) -> Rebalancing:
        """Trades to target shares of equity, for the portfolio desk.

        Raises: BadParameter for shares that make no sense; CannotAssess; ReadFailed.
        """
        view, found = await self._account(tuple(map(asset_of, target_allocations)))
        book, limits = view.single(self.account_id).book, await self._limits_in_force()
        named = tuple(name for name in book.perp_markets.names if asset_of(name) in map(asset_of, target_allocations))
        depths = await self._depths((*own_perps(book, found), *named))
        return await self._off(
            lambda: rebalance(book, target_allocations, depths, limits=limits, tolerance_frac=tolerance_frac)
        )

    async def propose(self, plan: TradePlan) -> HedgeResult:
        """Hand a plan to the trade desk. Raises: what the desk raises."""
        return result_of(await self._desk.propose(plan)) if self._desk is not None else _off()

    async def _task(
        self, strategy: HedgeStrategy, target: float | None, reference: str, instruments: Sequence[str],
        hours: float | None,
    ) -> HedgeTask:  # fmt: skip
        horizon = hours_of(hours, strategy)
        limits = await self._limits_in_force()
        wanted = target_of(target, strategy, limits)
        view, found = await self._account((*MAJORS, *map(asset_of, instruments)))
        book = view.single(self.account_id).book
        perps = instruments_of(book, found, strategy, reference, instruments)
        history, usable, left = await self._history(view, strategy, reference, perps)
        depths = await self._depths(usable if strategy not in OWN_PERPS else own_perps(book, found))
        given = self._given

        def adjusted(forecast: Forecast) -> Forecast:
            return forecast if given is None else forecast.with_correlations(given.assets, given.values)

        return HedgeTask(
            account_id=self.account_id, book=book, found=found, depths=depths, history=history, limits=limits,
            strategy=strategy, target=wanted, reference=reference, instruments=usable, hours=horizon,
            now=self._clock.now(), cache=self._cache, adjust=adjusted, left=left, usual=not instruments,
        )  # fmt: skip

    async def _account(self, assets: Sequence[str] = ()) -> tuple[FleetView, Exposures]:
        """The account, with the perps of what it holds and of further assets as far as anybody brings them along."""
        view = await self._fleet.current()
        self._fleet.require_assessable(self.account_id)
        if self._books is not None and assets:
            wanted = {*assets, *held_assets(view.single(self.account_id).book)}
            known = view.book.perp_markets.names
            more = [one for one in await self._books.perp_markets() if one not in known and asset_of(one) in wanted]
            if more:
                view = FleetView.of(await self._books.read_with(self.account_id, more))
        return view, exposures(view.single(self.account_id))

    async def _limits_in_force(self) -> RiskLimits:
        stored = await self._limits.load_limits(self.account_id) if self._limits else None
        return stored or RiskLimits()

    async def _depths(self, markets: Sequence[str]) -> Mapping[str, MarketDepth]:
        if not markets:
            return {}
        if self._depth is None:
            raise CannotAssess(["no order book is at hand, so no hedge can be priced: trading is not set up here"])
        return await self._depth.depth(self.account_id, tuple(dict.fromkeys(markets)))

    async def _history(
        self, view: FleetView, strategy: HedgeStrategy, reference: str, perps: tuple[str, ...]
    ) -> tuple[BookHistory | None, tuple[str, ...], tuple[str, ...]]:
        """(history, perps whose assets have one, sentences for those that have none)."""
        if not held_assets(view.single(self.account_id).book):
            return None, perps, ("the account holds nothing that moves with a price",)
        own = [reference] if reference else []
        if strategy is HedgeStrategy.DELTA and not reference:
            # What is hedged in itself needs no history; without one nothing is predicted.
            return await self._history_or_none(view, ()), perps, ()
        if strategy in OWN_PERPS or strategy is HedgeStrategy.BETA:
            return await self._histories.book_of(view, also=own), perps, ()
        known, left = [], []
        for market in perps:
            try:
                await self._histories.book_of(view, also=[*own, asset_of(market)])
                known.append(market)
            except (NotEnoughData, BadSeries) as problem:
                left.append(f"no hedge through {market}: {problem}")
        also = [*own, *(asset_of(market) for market in known)]
        return await self._histories.book_of(view, also=also), tuple(known), tuple(left)

    async def _history_or_none(self, view: FleetView, also: Sequence[str]) -> BookHistory | None:
        try:
            return await self._histories.book_of(view, also=also)
        except (NotEnoughData, BadSeries):
            return None

    async def _off(self, work: Callable[[], T]) -> T:
        """Arithmetic off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _off() -> HedgeResult:
    return HedgeResult(proposal_id="", state=None, refusal=OFF)
