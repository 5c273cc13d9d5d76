"""A question of an account's VaR and the form of its answer, for all methods alike."""

import math
from dataclasses import dataclass, field

import numpy as np

from risk.margin.book import FloatArray
from risk.margin.linear import LinearMargin
from risk.model.metrics import VaRMethod
from risk.stats import tails
from risk.stats.intervals import Spread, of_drift, of_observations
from risk.stats.series import alpha_of, zero_share_frac

STALE_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BookEstimate:
    """A VaR without its provenance.

    Attributes:
        interval_usd: 90 % interval of the VaR. It holds what the history leaves open and, for simulations, what the
            number of paths does; so several days are never known better, in proportion, than one.
        pnl_usd: None for closed forms.
    """

    var_usd: float
    es_usd: float
    interval_usd: tuple[float, float]
    method: VaRMethod
    simulations: int
    pnl_usd: FloatArray | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """Fitted pieces that only the Monte Carlo uses.

    Attributes:
        volatilities: Daily, of each day of the horizon, shape (n_days, n_assets).
        correlation: Of the assets.
        degrees_of_freedom: Of the Student t all assets share.
        notes: What of it is not what it should be, such as a fit that was not used.
    """

    volatilities: FloatArray
    correlation: FloatArray
    degrees_of_freedom: float
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One question, and what every answer to it needs."""

    margin: LinearMargin
    returns: FloatArray
    confidence: float
    days: int
    seed: int
    paths: int
    model: Model | None

    def pnl(self, moves: FloatArray) -> FloatArray:
        """Change of total equity, USD."""
        today = float(self.margin.equity(np.ones((len(self.margin.assets), 1)))[0])
        return self.margin.equity(np.exp(moves)) - today

    def book_pnl(self) -> FloatArray:
        """Of today's positions on every past day, linear in log returns: what volatility of the book is made of."""
        return np.asarray(self.returns @ self.margin.equity_slope_usd)

    def warnings(self, found: BookEstimate) -> tuple[str, ...]:
        notes = []
        n = self.returns.shape[0]
        empirical = found.method in (VaRMethod.HISTORICAL, VaRMethod.FILTERED)
        if empirical and not tails.enough_for(n, self.confidence):
            needed = math.ceil(tails.ENOUGH_IN_TAIL / alpha_of(self.confidence))
            notes.append(f"{n} of {needed} days: the tail holds fewer than five of them")
        for asset, column in zip(self.margin.assets, self.returns.T, strict=True):
            if zero_share_frac(column) > STALE_SHARE:
                notes.append(f"{zero_share_frac(column):.0%} of {asset}'s days show no move: its prices may be stale")
        return tuple(notes)


def empirical(
    task: Task, method: VaRMethod, pnl: FloatArray, spread: Spread, *, drawn: bool, notes: tuple[str, ...] = ()
) -> BookEstimate:
    """Read from scenarios as they are."""
    tail = tails.historical(pnl, task.confidence)
    return BookEstimate(
        var_usd=tail.var, es_usd=tail.es, interval_usd=spread.around(tail.var), method=method,
        simulations=pnl.size if drawn else 0, pnl_usd=pnl, warnings=notes,
    )  # fmt: skip


def resampled(
    task: Task, method: VaRMethod, pnl: FloatArray, past: FloatArray, of_past: Spread, notes: tuple[str, ...] = ()
) -> BookEstimate:
    """Several days made of the single ones in ``past``, whose VaR has a spread of ``of_past``.

    What their mean and the number of paths leave open comes on top.
    """
    one, several = (tails.historical(sample, task.confidence).var for sample in (past, pnl))
    spread = of_past.carried(one, several, task.days).also(of_drift(past, task.days))
    spread = spread.also(of_observations(pnl, task.confidence))
    return empirical(task, method, pnl, spread, drawn=True, notes=notes)
