"""docs/model-quality.md: how the VaR methods would have fared on real bars. Run: python -m benchmarks.model_quality DIR

Books of one to eight assets, long, short and mixed, each with today's weights held fixed, one-day VaR at 95 and 99 %,
forecast every evening from the 500 days before. DIR is the folder of price files that the tests look for as material.
"""

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from risk.model.metrics import VaRMethod
from risk.stats.backtest import BacktestResult, backtest
from risk.stats.rolling import WINDOW, Forecasts, best_method, roll
from risk.stats.series import Aligned, Closes, TimeArray, align
from venues.replay.bars import read_bars

CONFIDENCES = (0.95, 0.99)
_GROSS_USD = 10_000.0
_CRASH = np.datetime64("2025-10")
_OUT = Path(__file__).resolve().parent.parent / "docs" / "model-quality.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Signed shares of the gross exposure by asset."""

    name: str
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One history and the books that are tried on it."""

    name: str
    returns: Aligned
    books: tuple[Book, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One book on one history."""

    source: str
    book: str
    days: TimeArray
    forecasts: Mapping[tuple[VaRMethod, float], Forecasts]


def books_of(assets: Sequence[str]) -> tuple[Book, ...]:
    """Each asset alone, long and short; pairs long against short; the first two to eight together."""
    single = [Book(name=f"{asset} {side}", shares={asset: sign}) for asset in assets[:4] for side, sign in _SIDES]
    pair = Book(name=f"{assets[0]} against {assets[1]}", shares={assets[0]: 0.5, assets[1]: -0.5})
    together = [
        Book(name=f"{count} assets long", shares=dict.fromkeys(assets[:count], 1 / count))
        for count in (2, 4, len(assets))
    ]
    mixed = Book(
        name=f"{len(assets)} assets, every other one short",
        shares={asset: (1 if at % 2 == 0 else -1) / len(assets) for at, asset in enumerate(assets)},
    )
    return (*single, pair, *together, mixed)


_SIDES = (("long", 1.0), ("short", -1.0))


def sources(prices: Path) -> Iterator[Source]:
    """Daily bars, and days made of hourly bars; eight assets each where the folder has them."""
    for name, folder, step_s, wanted in (
        ("daily bars", "daily_bybit_perp", 86_400, ("SOL", "BTC", "ETH", "DOGE", "AVAX", "BNB", "LINK")),
        ("hourly bars", "hourly_binance_perp", 3_600, ("SOL", "BTC", "ETH", "DOGE", "BNB", "LINK", "SUI", "WIF")),
    ):
        closes = {asset: _closes(prices / folder, asset, step_s) for asset in wanted}
        returns = align(closes, wanted)
        yield Source(name=name, returns=returns, books=books_of(wanted))


def _closes(folder: Path, asset: str, step_s: int) -> Closes:
    """Closing price of each complete UTC day, at the day's opening."""
    bars = read_bars(folder, asset)
    closed_s = bars.opened_s + step_s
    day = (closed_s - 1) // 86_400
    last = np.flatnonzero(np.concatenate([day[1:] != day[:-1], [True]]))
    complete = last[(closed_s[last] % 86_400) == 0]
    complete = complete[:-1]  # the last bar of a recording may be partial
    return Closes(at=(day[complete] * 86_400).view("datetime64[s]"), price_usd=bars.prices_usd[complete, 3])


def judge(source: Source) -> Iterator[Judged]:
    """Every book of a source by every method."""
    for book in source.books:
        assets = tuple(book.shares)
        columns = [source.returns.assets.index(asset) for asset in assets]
        weights = np.array([book.shares[asset] for asset in assets]) * _GROSS_USD
        forecasts = roll(source.returns.log_returns[:, columns], weights, confidences=CONFIDENCES)
        yield Judged(source=source.name, book=book.name, days=source.returns.at[WINDOW:], forecasts=forecasts)


def over(judged: Sequence[Judged], method: VaRMethod, confidence: float) -> list[BacktestResult]:
    """One result for each book."""
    return [one.forecasts[method, confidence].judged() for one in judged]


def in_span(
    judged: Sequence[Judged], method: VaRMethod, confidence: float, span: np.datetime64
) -> tuple[int, int, float, float]:
    """(forecasts, violations, Kupiec p, Christoffersen p) over all books in a year or month, pooled for the counts.

    Books share their days, so their violations come together: the p-values are the medians of the single books.
    """
    results = []
    for one in judged:
        forecast = one.forecasts[method, confidence]
        rows = one.days.astype(span.dtype) == span
        if rows.sum() >= 2:
            results.append(backtest(forecast.pnl[rows], forecast.var[rows], confidence))
    if not results:
        return 0, 0, math.nan, math.nan
    return (
        sum(result.n for result in results),
        sum(result.violations for result in results),
        float(np.median([result.coverage.p_value for result in results])),
        float(np.median([result.conditional.p_value for result in results])),
    )


def page(judged: Sequence[Judged], spans: Mapping[str, tuple[str, str]]) -> str:
    """The document."""
    lines = [
        "# Model quality",
        "",
        "How often losses went beyond the one-day VaR that each method would have stated the evening before, on real",
        "bars. Positions are held fixed, as in the product; every forecast is made of the 500 days before it alone",
        "(`tests/risk/stats/test_look_ahead.py` replaces the future and sees no change). Slow fits are renewed every",
        "20 days.",
        "",
        f"Made by `python -m benchmarks.model_quality` on {datetime.now(UTC):%Y-%m-%d}, without random numbers.",
        "",
        "| history | from | to | books |",
        "|---|---|---|---|",
    ]
    for source, (first, last) in spans.items():
        books = sum(one.book != "" for one in judged if one.source == source)
        lines.append(f"| {source} | {first} | {last} | {books} |")
    lines += ["", "## By method", ""]
    for source in spans:
        own = [one for one in judged if one.source == source]
        lines += [f"### {source}", "", *_by_method(own), ""]
    lines += [
        "## By year",
        "",
        "Shares of days beyond the VaR, all books of a history together; p-values are medians over the books.",
        "",
    ]
    for source in spans:
        own = [one for one in judged if one.source == source]
        for confidence in CONFIDENCES:
            lines += [f"### {source}, {confidence:.0%}", "", *_by_year(own, confidence), ""]
    lines += ["## October 2025", "", *_crash(judged), "", "## What is shown by default", "", *_default(judged), ""]
    return "\n".join(lines)


def _by_method(own: Sequence[Judged]) -> list[str]:
    lines = [
        "| method | confidence | expected | found | books that pass Kupiec | and Christoffersen | mean ES test Z2 |"
        " mean quantile loss |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method in VaRMethod:
        for confidence in CONFIDENCES:
            results = over(own, method, confidence)
            n, beyond = sum(r.n for r in results), sum(r.violations for r in results)
            kupiec = sum(r.coverage.p_value >= 0.05 for r in results)
            both = sum(r.passes() for r in results)
            z2 = float(np.mean([r.acerbi_szekely for r in results]))
            loss = float(np.mean([r.quantile_loss for r in results]))
            lines.append(
                f"| {method.value} | {confidence:.0%} | {1 - confidence:.1%} | {beyond / n:.2%} |"
                f" {kupiec} of {len(results)} | {both} of {len(results)} | {z2:+.2f} | {loss:.2f} |"
            )
    return lines


def _by_year(own: Sequence[Judged], confidence: float) -> list[str]:
    years = sorted(
        {int(year) for one in own for year in np.unique(one.days.astype("datetime64[Y]").astype(int) + 1970)}
    )
    lines = ["| method | " + " | ".join(str(year) for year in years) + " |", "|---" * (len(years) + 1) + "|"]
    for method in VaRMethod:
        cells = []
        for year in years:
            n, beyond, kupiec, christoffersen = in_span(own, method, confidence, np.datetime64(str(year)))
            cells.append(f"{beyond / n:.1%} (p {kupiec:.2f}, {christoffersen:.2f})" if n else "")
        lines.append(f"| {method.value} | " + " | ".join(cells) + " |")
    return lines


def _crash(judged: Sequence[Judged]) -> list[str]:
    lines = [
        "Days beyond the 99 % VaR in October 2025, all books of a history together, and the largest loss over the VaR",
        "stated for its day. No method based on past days foresaw the 10th; what /liqprob shows beside it is for that.",
        "",
        "| history | method | days | beyond | worst loss / VaR |",
        "|---|---|---|---|---|",
    ]
    for source in dict.fromkeys(one.source for one in judged):
        own = [one for one in judged if one.source == source]
        for method in VaRMethod:
            n, beyond, _, _ = in_span(own, method, 0.99, _CRASH)
            worst = 0.0
            for one in own:
                forecast = one.forecasts[method, 0.99]
                rows = one.days.astype("datetime64[M]") == _CRASH
                if rows.any():
                    worst = max(worst, float(np.max(-forecast.pnl[rows] / forecast.var[rows])))
            lines.append(f"| {source} | {method.value} | {n} | {beyond} | {worst:.1f} |")
    return lines


def _default(judged: Sequence[Judged]) -> list[str]:
    cells = {method: [r for c in CONFIDENCES for r in over(judged, method, c)] for method in VaRMethod}
    chosen = best_method(cells)
    passed = {method: sum(result.passes() for result in results) for method, results in cells.items()}
    total = len(next(iter(cells.values())))
    ranked = sorted(passed.items(), key=lambda item: -item[1])
    return [
        f"Over all {total} cells (book and confidence) the rule chooses **{chosen.value}**: it passes both tests in",
        f"{passed[chosen]} of them. " + ", ".join(f"{method.value} {count}" for method, count in ranked) + ".",
        "For a single account the same rule looks at its own two cells, and keeps filtered history on near ties, since",
        "one book and level cannot tell methods apart.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder that holds daily_bybit_perp/ and hourly_binance_perp/")
    parser.add_argument("--out", type=Path, default=_OUT)
    options = parser.parse_args()
    judged: list[Judged] = []
    spans: dict[str, tuple[str, str]] = {}
    for source in sources(options.folder):
        at = source.returns.at.astype("datetime64[D]")
        spans[source.name] = str(at[0]), str(at[-1])
        judged += judge(source)
    options.out.write_text(page(judged, spans), encoding="utf-8")
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
