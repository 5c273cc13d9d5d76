"""Estimates of risk: every one carries its method, sample, interval and age, so that nobody takes it for a fact."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from risk.margin.book import FloatArray
from risk.stats.backtest import BacktestResult, Light


class VaRMethod(StrEnum):
    """How a loss quantile is estimated."""

    HISTORICAL = "historical"
    FILTERED = "filtered"
    NORMAL = "normal"
    STUDENT_T = "student-t"
    CORNISH_FISHER = "cornish-fisher"
    EVT = "evt"
    MONTE_CARLO = "monte-carlo"


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestVerdict:
    """How a method fared lately on this book, with forecasts for so many days ahead whatever the horizon asked for.

    Attributes:
        days: Horizon of the forecasts.
        results: At 95 and at 99 %.
        light: Basel's, on the newest 250 days at 99 %; None with fewer days.
    """

    method: VaRMethod
    results: tuple[BacktestResult, ...]
    light: Light | None
    days: int = 1

    def at(self, confidence: float) -> BacktestResult:
        """The one whose confidence is nearest."""
        return min(self.results, key=lambda result: abs(result.confidence - confidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class VaRResult:
    """A loss that is exceeded with probability 1 - confidence over some days, and the mean loss beyond it.

    Losses are positive; a negative one says that even the tail gains.

    Attributes:
        var_frac: Of total equity; NaN where there is none.
        ci_low_usd: 90 % interval of the VaR, lower end.
        method: What it was computed by in the end; a method that does not apply falls back, and ``warnings`` say so.
        n: Observations behind it.
        simulations: Paths, 0 where none were drawn.
        window_start: Opening of the first bar used, UTC; None for an account that moves with no price.
        data_age_s: Since the last bar closed.
        pnl_usd: Distribution it was read from, for pictures; empty for closed forms.
        backtest: None where history is too short for one.
    """

    var_usd: float
    var_frac: float
    es_usd: float
    es_frac: float
    ci_low_usd: float
    ci_high_usd: float
    equity_usd: float
    method: VaRMethod
    confidence: float
    days: int
    n: int
    simulations: int
    window_start: datetime | None
    window_end: datetime | None
    data_age_s: float
    seed: int
    warnings: tuple[str, ...] = ()
    backtest: BacktestVerdict | None = None
    pnl_usd: FloatArray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CorrelationMatrix:
    """Correlations of daily log returns.

    Attributes:
        values: Shape (n_assets, n_assets), positive semi-definite, ones on the diagonal.
        method: "sample" or "dcc".
        average: Mean off the diagonal; NaN for one asset.
    """

    assets: tuple[str, ...]
    values: FloatArray
    method: str
    average: float
    n: int
    window_start: datetime
    window_end: datetime
    warnings: tuple[str, ...] = ()

    def of(self, first: str, second: str) -> float:
        """Of two assets by name. Raises: ValueError for one that is not part of it."""
        return float(self.values[self.assets.index(first), self.assets.index(second)])


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetVolatility:
    """One asset, annualised fractions. ``garch`` is None where the fit was no use; ``percentile_frac`` says how many
    past 30-day windows were calmer."""

    asset: str
    ewma: float
    garch: float | None
    realized_30d: float
    percentile_frac: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityMetrics:
    """Volatility of the book and of its assets.

    Attributes:
        portfolio_annualized: Of the account's PnL as a fraction of total equity, today's positions, EWMA.
    """

    portfolio_annualized: float
    assets: tuple[AssetVolatility, ...]
    n: int
    window_start: datetime
    window_end: datetime
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetBeta:
    """One asset against SOL and BTC, with standard errors and R2; NaN where there is no history of either."""

    asset: str
    notional_usd: float
    beta_sol: float
    beta_sol_se: float
    r2_sol: float
    beta_btc: float
    beta_btc_se: float
    r2_btc: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaAnalysis:
    """What the book would do if SOL or BTC moved.

    Attributes:
        beta_sol: Beta-adjusted delta over total equity.
        delta_sol_usd: Sum of notional times beta: what 1 % of SOL is worth, times 100.
    """

    beta_sol: float
    beta_btc: float
    delta_sol_usd: float
    delta_btc_usd: float
    assets: tuple[AssetBeta, ...]
    n: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawdownPeriod:
    """One fall of the account's flow-adjusted equity; ``recovered_at`` None while it is open."""

    depth_frac: float
    peak_at: datetime
    trough_at: datetime
    recovered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawdownAnalysis:
    """Falls of flow-adjusted equity as positive fractions.

    Attributes:
        current_frac: Below the high now.
        worst: Deepest first, at most five.
    """

    current_frac: float
    max_frac: float
    average_frac: float
    days_underwater: float
    worst: tuple[DrawdownPeriod, ...]
    since: datetime
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMetrics:
    """An account's risk in a dozen numbers. NaN where history does not allow one; ``warnings`` say why.

    Attributes:
        var_1d: Fraction of total equity at 95 %, as all of them positive losses.
        risk_contribution: Of each asset to ``expected_shortfall_1d``, fractions of total equity; sums to it. In the
            proportions of past days at today's volatility, whichever method the total is by.
    """

    var_1d: float
    var_7d: float
    expected_shortfall_1d: float
    max_drawdown: float
    current_drawdown: float
    sharpe_ratio: float
    sortino_ratio: float
    calmar_ratio: float
    volatility_annualized: float
    beta_sol: float
    beta_btc: float
    correlation_matrix: CorrelationMatrix | None
    risk_contribution: dict[str, float]
    calculated_at: datetime
    warnings: tuple[str, ...] = ()
