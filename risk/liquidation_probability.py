"""Probability that an account is liquidated within an hour, a day, a week; and what the worst day on record would do.

Volatility is GARCH where its fit can be used and an exponential average where not, correlations are exponentially
weighted, steps have the fat tails of the book's own surprises, and rare jumps of the whole market stand for cascades
that neither knows. Funding is paid at today's rate.
"""

from dataclasses import dataclass

import numpy as np

from risk.errors import NotEnoughData
from risk.margin.book import FleetBook, FloatArray
from risk.margin.linear import LinearMargin
from risk.margin.paths import DEFAULT_PATHS, Diffusion, HitResult, Jumps, simulate_hits
from risk.margin.plan import MarginPlan
from risk.margin.stress import run_stress, scenarios_for
from risk.model.liquidation import StressOutcome
from risk.stats.beta import beta_of
from risk.stats.book_var import MINIMUM_DAYS, surprises_of
from risk.stats.ewma import ewma_variances
from risk.stats.garch import MINIMUM_OBSERVATIONS, fit_garch
from risk.stats.history import BookHistory
from risk.stats.moves import recent_correlation
from risk.stats.tails import fit_degrees_of_freedom

HORIZONS_HOURS = (1.0, 24.0, 168.0)
WORST_DAY = "2025-10-10"
_HOURS_PER_DAY = 24.0
_LEAST_NU, _MOST_NU = 3.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiquidationProbability:
    """The distribution of the time to liquidation.

    Attributes:
        floor: What the worst day on record would have done to this account today, beside the model.
        worst_past_day: The day of the imported history that would have cost most, with the margin excess it would have
            left as a fraction of today's; negative is liquidated. None without history.
        method: In words, for the person who reads the number.
        n: Days of history behind the volatility.
        data_age_s: Since the last bar closed.
    """

    hits: HitResult
    floor: StressOutcome | None
    worst_past_day: tuple[np.datetime64, float] | None
    method: str
    n: int
    data_age_s: float
    warnings: tuple[str, ...]


def diffusion_of(history: BookHistory, *, jumps: bool = True) -> tuple[Diffusion, tuple[str, ...]]:
    """How the account's assets move an hour at a time, from their daily history.

    Raises: NotEnoughData below 100 days.
    """
    returns = history.returns.log_returns
    if not history.returns.assets:
        return Diffusion(volatility_hourly=np.empty(0), correlation=np.empty((0, 0))), ()
    if returns.shape[0] < MINIMUM_DAYS:
        raise NotEnoughData("daily returns", found=int(returns.shape[0]), needed=MINIMUM_DAYS)
    notes: list[str] = []
    daily = np.array(
        [
            _daily_volatility(asset, column, notes)
            for asset, column in zip(history.returns.assets, returns.T, strict=True)
        ]
    )
    # Of all assets' surprises and not of the book's, so that a larger position meets the same prices as a smaller one.
    surprises = np.concatenate([surprises_of(column) for column in returns.T])
    nu = fit_degrees_of_freedom(surprises)
    return (
        Diffusion(
            volatility_hourly=daily / np.sqrt(_HOURS_PER_DAY),
            correlation=recent_correlation(returns),
            degrees_of_freedom=float(np.clip(nu, _LEAST_NU, _MOST_NU)),
            jumps=Jumps(betas=_jump_betas(history)) if jumps else None,
        ),
        tuple(notes),
    )


def _daily_volatility(asset: str, returns: FloatArray, notes: list[str]) -> float:
    average = float(np.sqrt(ewma_variances(returns)[-1]))
    if returns.size < MINIMUM_OBSERVATIONS:
        notes.append(f"{asset}: {returns.size} of {MINIMUM_OBSERVATIONS} days for GARCH, so an average is used")
        return average
    fit = fit_garch(returns)
    if not fit.converged:
        notes.append(f"{asset}: {fit.problem}, so an average is used")
        return average
    return float(np.sqrt(fit.next_variance))


def _jump_betas(history: BookHistory) -> FloatArray:
    """How much of a market-wide jump each asset takes: its beta to the mean of all, between a half and two."""
    returns = history.returns.log_returns
    market = returns.mean(axis=1)
    if returns.shape[1] == 1 or not market.any():
        return np.ones(returns.shape[1])
    return np.array([np.clip(beta_of(column, market).beta, 0.5, 2.0) for column in returns.T])


def hourly_funding_usd(margin: LinearMargin) -> FloatArray:
    """What each scope pays an hour at the venue's last rates, > 0 a cost, shape (n_scopes,)."""
    book = margin.plan.book
    rows, markets = book.perps, book.perp_markets
    rate = np.where(rows.base_1e9 > 0, markets.funding_long_1e9[rows.market], markets.funding_short_1e9[rows.market])
    paid = rows.base_1e9 * rate / 1e18
    out = np.zeros(margin.excess_usd.size)
    isolated = margin.plan.perps.isolated
    cross = np.ones(rows.market.size, np.bool_)
    cross[isolated] = False
    out[0] = float(paid[cross].sum())
    out[1:] = paid[isolated]
    return out


def liquidation_probability(
    history: BookHistory,
    *,
    horizons_hours: tuple[float, ...] = HORIZONS_HOURS,
    paths: int = DEFAULT_PATHS,
    seed: int = 0,
    model: tuple[Diffusion, tuple[str, ...]] | None = None,
) -> LiquidationProbability:
    """Simulate one account.

    Args:
        model: As diffusion_of() returned it, where it is known already.

    Raises: NotEnoughData below 100 days of common history.
    """
    diffusion, notes = model or diffusion_of(history)
    hits = simulate_hits(
        history.margin, diffusion, horizons_hours=horizons_hours, paths=paths, seed=seed,
        funding_usd_per_hour=hourly_funding_usd(history.margin),
    )  # fmt: skip
    shape = (
        f"Student t, {diffusion.degrees_of_freedom:.0f} degrees of freedom"
        if diffusion.degrees_of_freedom
        else "normal"
    )
    jumps = diffusion.jumps
    sudden = f", jumps {jumps.per_year:g} a year of {jumps.mean_frac:.0%} on average" if jumps else ""
    return LiquidationProbability(
        hits=hits,
        floor=worst_day(history.margin.plan.book),
        worst_past_day=worst_past_day(history),
        method=f"{paths:,} paths through the margin engine, {shape}{sudden}",
        n=history.returns.n,
        data_age_s=history.data_age_s,
        warnings=(*history.warnings, *notes),
    )


def worst_day(book: FleetBook) -> StressOutcome | None:
    """What 2025-10-10 would do to the account; None where the scenario does not apply."""
    chosen = tuple(scenario for scenario in scenarios_for(book) if scenario.name == WORST_DAY)
    return run_stress(book, chosen)[0] if chosen else None


def worst_past_day(history: BookHistory) -> tuple[np.datetime64, float] | None:
    """Of the imported days the one that would leave least, and what it would leave of today's margin excess."""
    if not history.returns.n:
        return None
    today = history.margin.excess(np.ones((len(history.margin.assets), 1)))
    left = history.margin.excess(np.exp(history.returns.log_returns.T)) / np.maximum(np.abs(today), 1e-9)
    least = left.min(axis=0)
    worst = int(np.argmin(least))
    return history.returns.at[worst], float(least[worst])


def plan_history(plan: MarginPlan, history: BookHistory) -> BookHistory:
    """The same history for another book of the same assets, such as one after a trade."""
    return BookHistory(
        margin=LinearMargin.of(plan, history.margin.assets), returns=history.returns, data_age_s=history.data_age_s,
        warnings=history.warnings,
    )  # fmt: skip
