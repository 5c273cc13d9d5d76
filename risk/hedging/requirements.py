"""The question of a hedge and its answer, for all strategies alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from risk.hedging.assemble import Assembled, Measure, assemble
from risk.hedging.beta import deltas_by_asset
from risk.hedging.confidence import confidence
from risk.hedging.covariance import Forecast
from risk.hedging.exposures import Exposures
from risk.hedging.markets import Wanted
from risk.margin.book import FleetBook
from risk.model.hedge import HedgeRequirements, HedgeStrategy
from risk.model.limits import RiskLimits
from risk.model.trading import MarketDepth
from risk.stats.fits import FitCache
from risk.stats.history import BookHistory

_NOTHING: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HedgeTask:
    """One question.

    Attributes:
        book: Of the one account.
        history: None where there is none; only DELTA without a reference does without.
        target: USD of delta; for VOLATILITY a fraction of equity a year.
        reference: Asset the delta is stated in; empty for USD per asset, or for what the strategy takes by itself.
        instruments: Perps to hedge with, for CORRELATION and DYNAMIC.
        usual: Whether nobody named them, so that those with much of the account's own risk are left out.
        adjust: Puts correlations that somebody gave in place of the forecast's own.
        left: Sentences for what was left out before.
    """

    account_id: str
    book: FleetBook
    found: Exposures
    depths: Mapping[str, MarketDepth]
    history: BookHistory | None
    limits: RiskLimits
    strategy: HedgeStrategy
    target: float
    reference: str
    instruments: tuple[str, ...]
    hours: float
    now: datetime
    cache: FitCache
    adjust: Callable[[Forecast], Forecast] = field(default=lambda forecast: forecast)
    left: tuple[str, ...] = ()
    usual: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Intent:
    """What a strategy makes of it, before anything is made sure of.

    Attributes:
        weights: What each asset's delta counts in the delta that is stated; None for 1 each.
        forecast: What variance is measured by; None without history.
        r2: Of the whole hedge, as confidence takes it.
        needs_history: Whether its age counts.
        by_variance: Whether variance alone is what must not grow; the delta that is stated, otherwise, too.
    """

    wanted: tuple[Wanted, ...]
    target_usd: float
    weights: Mapping[str, float] | None = None
    reference: str = ""
    forecast: Forecast | None = None
    r2: float = 1.0
    needs_history: bool = False
    by_variance: bool = False
    measures: tuple[Measure, ...] = ()
    left: tuple[str, ...] = _NOTHING
    warnings: tuple[str, ...] = _NOTHING


def answer(task: HedgeTask, intent: Intent) -> HedgeRequirements:
    """Trades that can go out for what a strategy wants, and every figure of them."""

    def stated(changes: Mapping[str, float]) -> float:
        assets = {*task.found.assets, *changes}
        weights = intent.weights
        return sum(
            (1.0 if weights is None else weights.get(asset, 0.0)) * (task.found.of(asset) + changes.get(asset, 0.0))
            for asset in assets
        )

    def variance(changes: Mapping[str, float]) -> float:
        if intent.forecast is None:
            return 0.0
        after = deltas_by_asset(task.found)
        for asset, change in changes.items():
            after[asset] = after.get(asset, 0.0) + change
        return intent.forecast.variance(after)

    measures: list[Measure] = [variance, *intent.measures]
    if not intent.by_variance:
        measures.append(lambda changes: abs(stated(changes)))
    done = assemble(
        task.book, intent.wanted, task.depths, limits=task.limits, hours=task.hours, measures=measures
    )  # fmt: skip
    return _stated(task, intent, done, stated, variance)


def _stated(task: HedgeTask, intent: Intent, done: Assembled, stated: Measure, variance: Measure) -> HedgeRequirements:
    history, before = task.history, variance({})
    used = history if intent.needs_history else None
    ages = [(task.now - task.book.observed_at).total_seconds()]
    ages += [(task.now - task.depths[step.part.market].observed_at).total_seconds() for step in done.steps]
    parts = confidence(
        r2=intent.r2, book_age_s=max(ages), history_age_s=used.data_age_s if used is not None else None,
        steps=done.steps, depths=task.depths,
    )  # fmt: skip
    changes, current = done.changes_usd, stated({})
    notes = (*intent.warnings, *(history.warnings if history is not None else ()))
    return HedgeRequirements(
        account_id=task.account_id, strategy=task.strategy, reference=intent.reference, target_delta=intent.target_usd,
        current_delta=current, delta_deviation=current - intent.target_usd, required_trades=done.trades,
        estimated_cost=done.cost_usd, market_impact=done.impact_frac, confidence_score=min(parts.values()),
        confidence=parts, unhedged=tuple(dict.fromkeys((*task.left, *intent.left, *done.left))),
        variance_reduction=1.0 - variance(changes) / before if before > 0 else None, net_delta_after=stated(changes),
        horizon_hours=task.hours, n=history.returns.n if used is not None and history is not None else 0,
        data_age_s=used.data_age_s if used is not None else max(ages), observed_at=task.book.observed_at,
        warnings=tuple(dict.fromkeys(notes)),
        target_volatility=task.target if task.strategy is HedgeStrategy.VOLATILITY else None,
    )  # fmt: skip


def without(intent: Intent, *sentences: str) -> Intent:
    """The same with more that is left open."""
    return replace(intent, left=(*intent.left, *sentences))


def residual_sentence(r2: float, residual_usd: float) -> str:
    """What a model hedge cannot take away."""
    return (
        f"{1 - r2:.0%} of the account's variance is not explained by the hedge and stays: about {residual_usd:,.2f} USD"
        " a day, one standard deviation"
    )
