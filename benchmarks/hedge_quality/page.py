"""The page: variance removed, turnover and cost of each strategy, book by book."""

import textwrap
from collections.abc import Sequence
from datetime import date

import numpy as np

from benchmarks.hedge_quality.history import ASSETS, History
from benchmarks.hedge_quality.trial import (
    EQUITY_USD,
    GROSS_USD,
    SLIPPAGE_FRAC,
    VOLATILITY,
    WINDOW,
    Run,
    Trial,
)
from risk.hedging.band import HORIZON_HOURS, RISK_AVERSION
from risk.hedging.minimum_variance import LEAST_CORRELATION
from risk.margin.book import FloatArray
from risk.margin.trade import TAKER_FEE_FRAC
from risk.stats.series import DAYS_PER_YEAR

_BLOCK_DAYS, _DRAWS, _SEED = 20, 1_000, 0


def page(history: History, trials: Sequence[Trial], on: date) -> str:
    """The document."""
    days = trials[0].days
    funding = ", ".join(f"{asset} {100 * history.funding_daily_frac[asset]:.3f} %" for asset in ("SOL", "BTC", "ETH"))
    lines = [
        "# Hedge quality",
        "",
        *_prose(
            "How much of an account's variance each strategy of `/hedge` would have removed, out of sample, on real"
            " hourly bars, how much it would have traded for that, and what it would have cost; beside doing nothing"
            " and beside the naive hedge that sells as many dollars of one perp as the account is long."
        ),
        "",
        f"Made by `python -m benchmarks.hedge_quality --material DIR` on {on}; intervals drawn with seed {_SEED}.",
        "",
        "## Method",
        "",
        *_prose(
            f"Bars: hourly closes of {', '.join(ASSETS)} perps, {str(history.days[0])[:10]} to"
            f" {str(history.days[-1])[:10]}, {history.days.size} days of which every asset has all 24 bars"
            f" ({history.dropped} left out). Judged are {days.size} days = {24 * days.size:,} hours from"
            f" {str(days[0])[:10]} to {str(days[-1])[:10]}."
        ),
        "",
        *_prose(
            f"Walk-forward: every midnight UTC the hedge is set from the {WINDOW} daily returns before it alone, by the"
            " functions the product uses (DCC and GARCH are fitted anew each day), and held for 24 hours. The account's"
            f" own positions are set back to their dollars each day, {GROSS_USD:,.0f} USD gross on {EQUITY_USD:,.0f}"
            " USD of equity. Variance removed is 1 - var(hedged) / var(unhedged), of hourly and of daily profit, before"
            f" costs. The interval is 90 %, from {_DRAWS:,} resamples of blocks of {_BLOCK_DAYS} days."
        ),
        "",
        *_prose(
            "What is assumed of costs, because bars have no order book:"
            f" a taker fee of {100 * TAKER_FEE_FRAC:.2f} % (the venue's highest tier, `risk/margin/trade.py`) and"
            f" {100 * SLIPPAGE_FRAC:.2f} % of spread and impact on all that is traded; funding at the mean of the"
            f" recorded rates of 2024, a day: {funding}; for other assets the mean of these. Longs paid that year, so"
            " what hedges by selling received: a negative cost. In the product cost comes from the book or the curve as"
            " it stands, and funding from the venue's last rate. The band of *dynamic* counts funding where it is paid"
            " and ignores it where it is received."
        ),
        "",
        *_prose(
            "Strategies: *delta* sells each asset's own perp; it removes everything here because spot and perp have one"
            f" price in these bars, and costs what the hedge takes to hold. *beta* uses one perp and the slope over"
            f" {WINDOW} days; *correlation* is least variance over the instruments by DCC; *dynamic* is the same, but"
            f" trades only outside its no-trade band (risk aversion {RISK_AVERSION:g}, {HORIZON_HOURS:g} hours);"
            f" *volatility* scales the account to {100 * VOLATILITY:.0f} % a year. No hedge goes through a correlation"
            f" below {LEAST_CORRELATION:g}. Turnover is in multiples of the account's gross exposure a year, costs in"
            " per cent of it a year."
        ),
    ]
    for trial in trials:
        book = trial.book
        lines += [
            "",
            f"## {book.name}",
            "",
            f"One-legged hedges in {book.reference}, the others in {' and '.join(book.instruments)}.",
            "",
            *_table(_HEADER, [_row(run, trial.runs[0]) for run in trial.runs]),
            "",
            *_by_year(trial),
        ]
    lines += ["", "## What it says", ""]
    for finding in _findings(trials):
        lines += [f"- {line}" if not at else f"  {line}" for at, line in enumerate(_prose(finding))]
    return "\n".join([*lines, ""])


_HEADER = (
    "strategy", "hourly variance removed", "daily variance removed", "90 % interval", "volatility a year", "worst day",
    "turnover", "fees and slippage", "funding", "R2 of the day",
)  # fmt: skip


def _row(run: Run, bare: Run) -> list[str]:
    hourly = _removed(run.hourly_usd.ravel(), bare.hourly_usd.ravel())
    daily = _removed(run.daily_usd, bare.daily_usd)
    low, high = _interval(run.daily_usd, bare.daily_usd)
    years = run.traded_usd.size / DAYS_PER_YEAR
    turnover = float(run.traded_usd.sum()) / GROSS_USD / years
    volatility = float(np.std(run.daily_usd, ddof=1)) * DAYS_PER_YEAR**0.5 / EQUITY_USD
    return [
        run.strategy, _percent(hourly), _percent(daily), f"{_percent(low)} to {_percent(high)}", _percent(volatility),
        _percent(float(run.daily_usd.min()) / EQUITY_USD, 1), f"{turnover:.1f}",
        _percent(turnover * (TAKER_FEE_FRAC + SLIPPAGE_FRAC), 2),
        _percent(float(run.funding_usd.sum()) / GROSS_USD / years, 2), _r2(run, bare),
    ]  # fmt: skip


def _removed(hedged: FloatArray, bare: FloatArray) -> float:
    return 1.0 - float(np.var(hedged)) / float(np.var(bare))


def _interval(hedged: FloatArray, bare: FloatArray) -> tuple[float, float]:
    """Of blocks of days, for variance comes in clusters."""
    random = np.random.default_rng(_SEED)
    n = bare.size
    starts = random.integers(0, n - _BLOCK_DAYS, (_DRAWS, -(-n // _BLOCK_DAYS)))
    rows = (starts[:, :, None] + np.arange(_BLOCK_DAYS)).reshape(_DRAWS, -1)[:, :n]
    found = 1.0 - np.var(hedged[rows], axis=1) / np.var(bare[rows], axis=1)
    return float(np.quantile(found, 0.05)), float(np.quantile(found, 0.95))


def _r2(run: Run, bare: Run) -> str:
    """Between what the hedge made and what the account made without it."""
    hedge = run.daily_usd - bare.daily_usd
    if not np.var(hedge) > 0:
        return ""
    return f"{float(np.corrcoef(hedge, bare.daily_usd)[0, 1]) ** 2:.2f}"


def _by_year(trial: Trial) -> list[str]:
    of = trial.days.astype("datetime64[Y]")
    years, bare = np.unique(of), trial.runs[0].daily_usd
    rows = [
        [run.strategy, *(_percent(_removed(run.daily_usd[of == year], bare[of == year])) for year in years)]
        for run in trial.runs[1:]
    ]
    return _table(("daily variance removed", *(f"{year}, {int((of == year).sum())} days" for year in years)), rows)


def _findings(trials: Sequence[Trial]) -> list[str]:
    """Computed, so that it cannot say what the tables do not."""
    said = []
    for trial in trials:
        by = {run.strategy: run for run in trial.runs}
        removed = {name: _removed(run.daily_usd, by["nothing"].daily_usd) for name, run in by.items()}
        traded = {name: float(run.traded_usd.sum()) for name, run in by.items()}
        said.append(
            f"{trial.book.name}: correlation removes {_percent(removed['correlation'])} of the daily variance against"
            f" {_percent(removed['naive, beta 1'])} of the naive hedge; dynamic removes {_percent(removed['dynamic'])}"
            f" with {_percent(traded['dynamic'] / traded['correlation'] if traded['correlation'] else 0.0)} of"
            " correlation's turnover."
        )
    return [
        *said,
        "A hedge that is naive about betas can add variance: selling a dollar of what moves more for each dollar of"
        " what moves less. Where the naive hedge or beta does better than correlation, it has sold what the account"
        " itself holds; correlation leaves that alone unless it is named.",
        "Funding made most of what these hedges earned or cost. It is the funding of one year in which longs paid; the"
        " next one may be the other way round, so no strategy counts on receiving it.",
    ]


def _percent(share: float, digits: int = 0) -> str:
    text = f"{100 * share:.{digits}f}"
    return f"{'0' if float(text) == 0 and digits == 0 else text} %"


def _prose(text: str) -> list[str]:
    return textwrap.wrap(text, width=118, break_long_words=False, break_on_hyphens=False)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    every = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return [every[0], "|---" * len(header) + "|", *every[1:]]
