"""Each strategy on each book, one day at a time, with what was known the evening before alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.hedge_quality.history import ASSETS, History
from risk.hedging.band import HORIZON_HOURS, Costs, worth_trading
from risk.hedging.covariance import Forecast, forecast_of, sampled_of
from risk.hedging.minimum_variance import minimum_variance
from risk.hedging.volatility import kept_share_for
from risk.margin.book import FloatArray
from risk.margin.trade import TAKER_FEE_FRAC
from risk.stats.ewma import ewma_covariance
from risk.stats.fits import FitCache
from risk.stats.series import DAYS_PER_YEAR, Aligned, TimeArray

WINDOW = 500
SLIPPAGE_FRAC = 0.0005
GROSS_USD = EQUITY_USD = 10_000.0
VOLATILITY = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Signed shares of the gross exposure.

    Attributes:
        reference: Of hedges with one perp.
        instruments: Of the others: what the product takes by itself, majors the account does not hold.
        named: What somebody could name instead; empty where that adds nothing.
    """

    name: str
    shares: Mapping[str, float]
    reference: str
    instruments: tuple[str, ...]
    named: tuple[str, ...] = ()


BOOKS = (
    Book(name="SOL long", shares={"SOL": 1.0}, reference="BTC", instruments=("BTC", "ETH")),
    Book(name="SOL short", shares={"SOL": -1.0}, reference="BTC", instruments=("BTC", "ETH")),
    Book(name="BTC long", shares={"BTC": 1.0}, reference="SOL", instruments=("SOL", "ETH")),
    Book(
        name="mixed: SOL, DOGE, LINK long", shares={"SOL": 0.4, "DOGE": 0.3, "LINK": 0.3}, reference="BTC",
        instruments=("BTC", "ETH"),
    ),
    Book(
        name="mixed: SOL, BTC, DOGE long, LINK short", shares={"SOL": 0.4, "BTC": 0.2, "DOGE": 0.2, "LINK": -0.2},
        reference="BTC", instruments=("ETH",), named=("BTC", "ETH"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What is known on an evening: by DCC, by the sample, by exponential averages."""

    dcc: Forecast
    sample: Forecast
    average: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """One strategy on one book.

    Attributes:
        hourly_usd: PnL before costs, shape (n_days, 24).
        traded_usd: Turned over at each day's opening.
        funding_usd: Paid on the hedge each day, < 0 received.
    """

    strategy: str
    hourly_usd: FloatArray
    traded_usd: FloatArray
    funding_usd: FloatArray

    @property
    def daily_usd(self) -> FloatArray:
        return np.asarray(self.hourly_usd.sum(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """All strategies on one book; the first is no hedge."""

    book: Book
    days: TimeArray
    runs: tuple[Run, ...]


def forecasts(history: History) -> list[Known]:
    """One for each day from the first that has a window before it, made of that window alone."""
    cache, found = FitCache(2), []
    for day in range(WINDOW, history.daily.n):
        rows = slice(day - WINDOW, day)
        window = Aligned(
            assets=ASSETS, at=history.daily.at[rows], log_returns=history.daily.log_returns[rows]
        )  # fmt: skip
        found.append(
            Known(
                dcc=forecast_of(window, cache), sample=sampled_of(window), average=ewma_covariance(window.log_returns)
            )
        )
    return found


Target = Callable[[Known, FloatArray], FloatArray]
"""The hedge to hold through a day, USD by asset, from what is known and the hedge as it stands."""


def tried(history: History, models: Sequence[Known], book: Book) -> Trial:
    """Every strategy on a book whose positions are set back to their USD each day, without cost.

    Args:
        models: Of the days of the history behind the first window, as forecasts() returns them.
    """
    weights = GROSS_USD * np.array([book.shares.get(asset, 0.0) for asset in ASSETS])
    runs = tuple(_run(history, models, weights, name, target) for name, target in _targets(history, book, weights))
    return Trial(book=book, days=history.days[WINDOW:], runs=runs)


def _run(history: History, models: Sequence[Known], weights: FloatArray, name: str, target: Target) -> Run:
    funding = np.array([history.funding_daily_frac[asset] for asset in ASSETS])
    hedge = np.zeros(len(ASSETS))
    hourly, traded, paid = [], [], []
    for day, known in enumerate(models, start=WINDOW):
        wanted = target(known, hedge)
        traded.append(float(np.abs(wanted - hedge).sum()))
        paid.append(float(wanted @ funding))
        path = np.vstack([np.ones(len(ASSETS)), history.relative[day]])
        hourly.append(np.diff(path, axis=0) @ (weights + wanted))
        hedge = wanted * history.relative[day, -1]
    return Run(
        strategy=name, hourly_usd=np.array(hourly), traded_usd=np.array(traded), funding_usd=np.array(paid)
    )  # fmt: skip


def _targets(history: History, book: Book, weights: FloatArray) -> tuple[tuple[str, Target], ...]:
    deltas = dict(zip(ASSETS, weights.tolist(), strict=True))
    reference = np.array([float(asset == book.reference) for asset in ASSETS])

    def beta(known: Known, _: FloatArray) -> FloatArray:
        hedge = minimum_variance(known.sample, deltas, (book.reference,))
        return known.sample.vector(hedge.amounts_usd)

    def correlation(known: Known, _: FloatArray) -> FloatArray:
        return known.dcc.vector(minimum_variance(known.dcc, deltas, book.instruments).amounts_usd)

    def named(known: Known, _: FloatArray) -> FloatArray:
        return known.dcc.vector(minimum_variance(known.dcc, deltas, book.named).amounts_usd)

    def dynamic(known: Known, held: FloatArray) -> FloatArray:
        usable = tuple(minimum_variance(known.dcc, deltas, book.instruments).amounts_usd)
        now = dict(zip(ASSETS, (weights + held).tolist(), strict=True))
        step = worth_trading(
            known.dcc, now, usable, {asset: _costs(history, asset) for asset in usable}, equity_usd=EQUITY_USD,
            days=HORIZON_HOURS / 24.0,
        )  # fmt: skip
        return held + known.dcc.vector(step)

    def volatility(known: Known, _: FloatArray) -> FloatArray:
        yearly = float(np.sqrt(weights @ known.average @ weights * DAYS_PER_YEAR)) / EQUITY_USD
        return -weights * (1.0 - kept_share_for(VOLATILITY, yearly))

    return (
        ("nothing", lambda *_: np.zeros(len(ASSETS))),
        ("naive, beta 1", lambda *_: -weights.sum() * reference),
        ("delta", lambda *_: -weights),
        ("beta", beta),
        ("correlation", correlation),
        ("dynamic", dynamic),
        *(((f"correlation in {' and '.join(book.named)}", named),) if book.named else ()),
        ("volatility", volatility),
    )


def _costs(history: History, asset: str) -> Costs:
    """As the product counts them: funding only where it is to be paid."""
    trade, carried = TAKER_FEE_FRAC + SLIPPAGE_FRAC, history.funding_daily_frac[asset] * HORIZON_HOURS / 24.0
    return Costs(buy_frac=trade + max(0.0, carried), sell_frac=trade + max(0.0, -carried))
