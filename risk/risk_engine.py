"""The risk desk: what an account may lose, how its assets move together, and what has changed since yesterday."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from risk import risk_figures as figures
from risk.decisions.risk_changes import changes
from risk.decisions.tiers import Tier
from risk.errors import BadSeries, NotEnoughData
from risk.fleet import Fleet, FleetView
from risk.liquidation_probability import LiquidationProbability, diffusion_of, liquidation_probability
from risk.margin.linear import held_assets
from risk.model.candles import Candles, Interval
from risk.model.changes import RiskChangeAlert, RiskMeasure, RiskSnapshot
from risk.model.limits import LimitFigures
from risk.model.metrics import (
    BacktestVerdict,
    BetaAnalysis,
    CorrelationMatrix,
    DrawdownAnalysis,
    RiskMetrics,
    VaRMethod,
    VaRResult,
    VolatilityMetrics,
)
from risk.model.performance import PerformanceMetrics, Period
from risk.model.portfolio import BookStatistics
from risk.performance_tracker import PerformanceTracker
from risk.ports import CandleStore, Clock, EquityCurves, FillHistory, LimitsStore, RiskSnapshots
from risk.position_figures import book_statistics, exposure_of, limit_figures
from risk.stats.fits import FitCache
from risk.stats.history import BookHistory, book_history
from risk.stats.series import checked_confidence, checked_days, checked_seed

REFERENCES = ("SOL", "BTC")
MOST_DAYS = 1_000

T = TypeVar("T")


class DriftRiskEngine:
    """One account's statistics, by today's positions and past prices.

    Args:
        history: Price history; what is missing in it is said, never guessed.
        equity: Recorded equity, for performance and drawdowns; without it these raise NotEnoughData.
        executor: Where slow arithmetic runs; None for the loop's own threads.
        cache: Shared by the desks of a process.
    """

    def __init__(
        self,
        account_id: str,
        fleet: Fleet,
        history: CandleStore,
        clock: Clock,
        *,
        equity: EquityCurves | None = None,
        fills: FillHistory | None = None,
        limits: LimitsStore | None = None,
        snapshots: RiskSnapshots | None = None,
        executor: Executor | None = None,
        cache: FitCache | None = None,
    ) -> None:
        self.account_id = account_id
        self._fleet, self._history, self._clock = fleet, history, clock
        self._equity, self._fills, self._limits, self._snapshots = equity, fills, limits, snapshots
        self._executor, self._cache = executor, cache or FitCache()

    async def calculate_var(
        self,
        confidence_level: float = 0.95,
        horizon_days: int = 1,
        *,
        method: VaRMethod | None = None,
        seed: int = 0,
        backtested: bool = True,
    ) -> VaRResult:
        """Value at risk and expected shortfall of today's positions.

        Args:
            method: None for the best by back-test; filtered history where history is too short for one.
            backtested: False leaves the back-test out, for an answer at once.

        Raises: CannotAssess, NotEnoughData, BadParameter.
        """
        checked_confidence(confidence_level)
        checked_seed(seed)
        checked_days(horizon_days)  # what has no answer is refused before a back-test is begun for it
        book = await self.book()
        verdicts = await self._off(lambda: figures.verdicts(book, self._cache)) if backtested else {}
        chosen = method or figures.default_method(verdicts)
        return await self._off(
            lambda: figures.value_at_risk(
                book, method=chosen, confidence=confidence_level, days=horizon_days, seed=seed, cache=self._cache,
                verdict=verdicts.get(chosen),
            )
        )  # fmt: skip

    async def backtests(self) -> Mapping[VaRMethod, BacktestVerdict]:
        """How each method would have fared on today's positions. Empty where history is too short."""
        book = await self.book()
        return await self._off(lambda: figures.verdicts(book, self._cache))

    async def calculate_performance_metrics(self, period: Period = Period.ALL) -> PerformanceMetrics:
        """See PerformanceTracker.metrics. Raises: NotEnoughData without recorded equity."""
        return await self._tracker().metrics(period)

    async def calculate_drawdown_analysis(self) -> DrawdownAnalysis:
        """Falls of flow-adjusted equity. Raises: NotEnoughData below two samples."""
        return figures.drawdown_analysis(await self._tracker().equity_curve())

    async def calculate_correlation_matrix(self) -> CorrelationMatrix:
        """Of the account's assets. Raises: NotEnoughData, CannotAssess."""
        book = await self.book()
        return await self._off(lambda: figures.correlation_matrix(book, self._cache))

    async def calculate_volatility_metrics(self) -> VolatilityMetrics:
        """Of the account and of each asset. Raises: NotEnoughData, CannotAssess."""
        book = await self.book()
        return await self._off(lambda: figures.volatility_metrics(book, self._cache))

    async def calculate_beta_analysis(self) -> BetaAnalysis:
        """Against SOL and BTC. Raises: NotEnoughData, CannotAssess."""
        book = await self.book()
        references = await self._candles(REFERENCES)
        return await self._off(lambda: figures.beta_analysis(book, references))

    async def liquidation_probability(
        self, *, horizons_hours: tuple[float, ...] = (1.0, 24.0, 168.0), seed: int = 0
    ) -> LiquidationProbability:
        """That the account is liquidated by some hour. Raises: NotEnoughData, CannotAssess."""
        book = await self.book()
        key = ("diffusion", book.returns.assets, book.returns.n, str(book.returns.at[-1]) if book.returns.n else "")
        return await self._off(
            lambda: liquidation_probability(
                book, horizons_hours=horizons_hours, seed=seed, model=self._cache.get(key, lambda: diffusion_of(book))
            )
        )

    async def calculate_portfolio_risk(self) -> RiskMetrics:
        """All of it in one; what history does not allow is NaN, and a warning says why. Raises: CannotAssess."""
        notes: list[str] = []

        async def known(ask: Callable[[], object]) -> object:
            try:
                return await ask()  # type: ignore[misc]  # every one of them is awaitable
            except NotEnoughData as problem:
                notes.append(str(problem))
                return None

        day = await known(lambda: self.calculate_var(0.95, 1))
        method = day.method if isinstance(day, VaRResult) else None
        week = await known(lambda: self.calculate_var(0.95, 7, method=method, backtested=False))
        performance = await known(self.calculate_performance_metrics)
        falls = await known(self.calculate_drawdown_analysis)
        volatility = await known(self.calculate_volatility_metrics)
        beta = await known(self.calculate_beta_analysis)
        matrix = await known(self.calculate_correlation_matrix)
        parts = await known(self._contributions)
        return figures.risk_metrics(
            day=day, week=week, performance=performance, falls=falls, volatility=volatility, beta=beta, matrix=matrix,
            parts=parts, now=self._clock.now(), notes=notes,
        )  # fmt: skip

    async def _contributions(self) -> dict[str, float]:
        book = await self.book()
        return await self._off(lambda: figures.contributions(book))

    async def risk_snapshot(self) -> RiskSnapshot:
        """Today's figures for tomorrow's comparison; NaN where history does not allow one. Raises: CannotAssess."""
        view = await self._fleet.current()
        self._fleet.require_assessable(self.account_id)
        try:
            book = await self.book()
            references = await self._candles(REFERENCES)
        except NotEnoughData:
            return figures.snapshot_without_history(view, self.account_id, self._clock.now())
        return await self._off(
            lambda: figures.snapshot(view, self.account_id, book, references, self._cache, self._clock.now())
        )

    async def limit_figures(self) -> LimitFigures:
        """What limits on statistics are held against: the VaR that /var shows, and the correlated exposure.

        Raises: CannotAssess.
        """
        var: VaRResult | str
        exposure: float | str | None
        try:
            var = await self.calculate_var()
        except (NotEnoughData, BadSeries) as problem:
            var = str(problem)
        try:
            book = await self.book()
            exposure = await self._off(lambda: exposure_of(book, self._cache))
        except (NotEnoughData, BadSeries) as problem:
            exposure = str(problem)
        return limit_figures(var, exposure, self._clock.now())

    async def position_statistics(self) -> BookStatistics:
        """Volatility, beta and share in the risk of each asset. Raises: NotEnoughData, CannotAssess."""
        book = await self.book()
        reference = (await self._candles(REFERENCES[:1]))[REFERENCES[0]]
        return await self._off(lambda: book_statistics(book, reference, self._clock.now()))

    async def monitor_risk_changes(self, standing: Mapping[RiskMeasure, Tier] | None = None) -> RiskChangeAlert:
        """What is worth a word since yesterday, and against the limits.

        Args:
            standing: What was told and has not eased, for the hysteresis.

        Raises: CannotAssess.
        """
        now = await self.risk_snapshot()
        before = await self._snapshots.before(self.account_id, now.at) if self._snapshots else None
        limits = await self._limits.load_limits(self.account_id) if self._limits else None
        try:
            shown = (await self.calculate_var()).var_frac
        except (NotEnoughData, BadSeries):
            shown = math.nan
        plan = (await self._fleet.current()).single(self.account_id)
        single = len(held_assets(plan.book)) < 2
        found = changes(
            before, now, var_shown_frac=shown, standing=standing, absent=(RiskMeasure.CORRELATION,) if single else (),
            var_limit_frac=limits.max_var_1d_percent if limits else math.nan,
        )  # fmt: skip
        return RiskChangeAlert(
            account_id=self.account_id, changes=found, now=now, compared_with=before.at if before else None
        )

    async def book(self, *, also: Sequence[str] = (), days: int = MOST_DAYS) -> BookHistory:
        """The account with the history of what moves it.

        Args:
            also: Assets beside those it holds, such as one to be traded.

        Raises: CannotAssess, NotEnoughData.
        """
        view = await self._fleet.current()
        self._fleet.require_assessable(self.account_id)
        return await self.book_of(view, also=also, days=days)

    async def book_of(self, view: FleetView, *, also: Sequence[str] = (), days: int = MOST_DAYS) -> BookHistory:
        """As book(), for a view that exists."""
        plan = view.single(self.account_id)
        # Sorted, as held_assets() are: the same prices are drawn for an asset whether it is held or about to be.
        assets = tuple(sorted({*held_assets(plan.book), *also}))
        candles = await self._candles(assets)
        return book_history(plan, candles, now=self._clock.now(), days=days, assets=assets, wanted=also)

    async def _candles(self, assets: Sequence[str]) -> dict[str, Candles]:
        found = await asyncio.gather(*(self._history.candles(asset, Interval.DAY) for asset in assets))
        return dict(zip(assets, found, strict=True))

    def _tracker(self) -> PerformanceTracker:
        if self._equity is None:
            raise NotEnoughData("equity history", found=0, needed=2)
        return PerformanceTracker(self.account_id, self._equity, self._clock, fills=self._fills)

    async def _off(self, work: Callable[[], T]) -> T:
        """Arithmetic off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
