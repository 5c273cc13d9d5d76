"""The page: tables of violations and what two tests say of them."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np

from benchmarks.model_quality.books import CONFIDENCES, Judged
from risk.model.metrics import VaRMethod
from risk.stats.backtest import BacktestResult
from risk.stats.rolling import MINIMUM_FORECASTS, REFIT_EVERY, WINDOW, best_method

CRASH = np.datetime64("2025-10")
_PASS = 0.05


def page(judged: Sequence[Judged], on: date) -> str:
    """The document."""
    sources = list(dict.fromkeys(one.source for one in judged))
    of = {source: [one for one in judged if one.source == source] for source in sources}
    lines = [
        "# Model quality",
        "",
        *_prose(
            "How often losses went beyond the one-day VaR that each method would have stated the evening before, on"
            " real bars. Positions are held fixed, as in the product; every forecast is made of the"
            f" {WINDOW} days before it alone (`tests/risk/stats/test_look_ahead.py` replaces the future and sees no"
            f" change). Slow fits are renewed every {REFIT_EVERY} days. Hourly bars are made into days that close at"
            " midnight UTC."
        ),
        "",
        f"Made by `python -m benchmarks.model_quality DIR` on {on}, without random numbers.",
        "",
        *_table(("history", "first forecast", "last forecast", "books"), _histories(of)),
        "",
        *_prose(
            "How to read it: a good method is beyond its VaR on 5 % of days at 95 %, and on 1 % at 99 %. Kupiec tests"
            " that share, Christoffersen also whether such days follow each other; a p-value below 0.05 speaks against"
            " the method. Books of one history share their days and so their bad ones, so no p-value is made of all of"
            " them together: where a figure speaks of several books, p-values are medians over them, and the tables at"
            " the end have each."
        ),
        "",
        "## By method",
        "",
        *_prose(
            "Z2 is the test of expected shortfall by Acerbi and Szekely: 0 is expected; below 0 the shortfall was too"
            " small. The quantile loss, for a book of 10,000 USD, is what forecasts are ranked by: smaller is better."
        ),
        "",
    ]
    for source in sources:
        lines += [f"### {source}", "", *_by_method(of[source]), ""]
    lines += ["## What is shown by default", "", *_default(judged), "", "## By year", "", *_CELLS, ""]
    for source in sources:
        for confidence in CONFIDENCES:
            lines += [f"### {source}, {_percent(confidence)}, by year", "", *_by_year(of[source], confidence), ""]
    lines += [
        "## October 2025",
        "",
        *_prose(
            "Days beyond the VaR in the month of the crash, and the largest loss of any book over the VaR of its"
            " day. No method based on past days foresaw the 10th; what /liqprob shows beside it is for that. On the 31"
            " days of one book a test has little power: 0.05 is reached at five days beyond for 95 %, at two for 99 %."
        ),
        "",
    ]
    for source in sources:
        lines += [f"### {source}, October 2025", "", *_crash(of[source]), ""]
    lines += ["## By size of the book", "", "Books of one to eight assets, all long.", "", *_CELLS, ""]
    for source in sources:
        for confidence in CONFIDENCES:
            long = [one for one in of[source] if one.book.name.endswith("long")]
            title = f"### {source}, {_percent(confidence)}, by size"
            lines += [title, "", *_by_size(long, confidence), ""]
    lines += ["## Every book", "", *_CELLS, ""]
    for source in sources:
        for confidence in CONFIDENCES:
            lines += [f"### {source}, {_percent(confidence)}, every book", "", *_every(of[source], confidence), ""]
    return "\n".join(lines)


def _prose(text: str) -> list[str]:
    return textwrap.wrap(text, width=118, break_long_words=False, break_on_hyphens=False)


_CELLS = ("Each cell: share of days beyond the VaR, with the p-values of Kupiec and of Christoffersen.",)


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    every = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return [every[0], "|---" * len(header) + "|", *every[1:]]


def _histories(of: dict[str, list[Judged]]) -> list[list[str]]:
    return [
        [source, str(min(one.days[0] for one in own))[:10], str(max(one.days[-1] for one in own))[:10], str(len(own))]
        for source, own in of.items()
    ]


def _cell(results: Sequence[BacktestResult]) -> str:
    """Pooled share, median p-values; empty without any."""
    if not results:
        return ""
    share = sum(one.violations for one in results) / sum(one.n for one in results)
    kupiec = float(np.median([one.coverage.p_value for one in results]))
    christoffersen = float(np.median([one.conditional.p_value for one in results]))
    return f"{_percent(share, 1)} ({kupiec:.2f}, {christoffersen:.2f})"


def _cells() -> Iterator[tuple[VaRMethod, float]]:
    for method in VaRMethod:
        for confidence in CONFIDENCES:
            yield method, confidence


def _by_method(own: Sequence[Judged]) -> list[str]:
    rows = []
    for method, confidence in _cells():
        results = [one.result(method, confidence) for one in own]
        n, beyond = sum(r.n for r in results), sum(r.violations for r in results)
        kupiec, both = [r.coverage.p_value for r in results], [r.conditional.p_value for r in results]
        rows.append([
            method.value, _percent(confidence), _percent(1 - confidence), _percent(beyond / n, 2),
            f"{np.median(kupiec):.2f}", f"{sum(p >= _PASS for p in kupiec)} of {len(kupiec)}",
            f"{np.median(both):.2f}", f"{sum(p >= _PASS for p in both)} of {len(both)}",
            f"{np.mean([r.acerbi_szekely for r in results]):+.2f}",
            f"{np.mean([r.quantile_loss for r in results]):.2f}",
        ])  # fmt: skip
    header = (
        "method", "confidence", "expected", "found", "Kupiec p", "books that pass", "Christoffersen p",
        "books that pass", "mean Z2", "quantile loss",
    )  # fmt: skip
    return _table(header, rows)


def _by_year(own: Sequence[Judged], confidence: float) -> list[str]:
    years = np.unique(np.concatenate([one.days.astype("datetime64[Y]") for one in own]))
    rows = [
        [method.value, *(_cell(_within(own, method, confidence, year, least=MINIMUM_FORECASTS)) for year in years)]
        for method in VaRMethod
    ]
    return _table(("method", *(str(year) for year in years)), rows)


def _within(
    own: Sequence[Judged], method: VaRMethod, confidence: float, span: np.datetime64, *, least: int = 2
) -> list[BacktestResult]:
    """Of the books that have at least so many forecasts in a year or month."""
    found = (one.within(method, confidence, span) for one in own)
    return [result for result in found if result is not None and result.n >= least]


def _crash(own: Sequence[Judged]) -> list[str]:
    rows = []
    for method, confidence in _cells():
        results = _within(own, method, confidence, CRASH)
        if not results:
            continue
        worst = 0.0
        for one in own:
            forecast, days = one.forecasts[method, confidence], one.rows(CRASH)
            if days.any():
                worst = max(worst, float(np.max(-forecast.pnl[days] / forecast.var[days])))
        days_in_all = sum(result.n for result in results)
        beyond = sum(result.violations for result in results)
        rows.append([
            method.value, _percent(confidence), f"{beyond} of {days_in_all}", _percent(beyond / days_in_all, 1),
            f"{np.median([r.coverage.p_value for r in results]):.2f}",
            f"{np.median([r.conditional.p_value for r in results]):.2f}", f"{worst:.1f}",
        ])  # fmt: skip
    header = ("method", "confidence", "days beyond", "share", "Kupiec p", "Christoffersen p", "worst loss / VaR")
    return _table(header, rows)


def _by_size(own: Sequence[Judged], confidence: float) -> list[str]:
    sizes = sorted({one.book.size for one in own})
    rows = [
        [
            method.value,
            *(_cell([one.result(method, confidence) for one in own if one.book.size == size]) for size in sizes),
        ]
        for method in VaRMethod
    ]
    return _table(("method", *(f"{size} asset{'s' if size > 1 else ''}" for size in sizes)), rows)


def _every(own: Sequence[Judged], confidence: float) -> list[str]:
    rows = [
        [one.book.name, str(one.days.size), *(_cell([one.result(method, confidence)]) for method in VaRMethod)]
        for one in own
    ]
    return _table(("book", "days", *(method.value for method in VaRMethod)), rows)


def _default(judged: Sequence[Judged]) -> list[str]:
    results = {
        method: [one.result(method, confidence) for one in judged for confidence in CONFIDENCES] for method in VaRMethod
    }
    chosen = best_method(results)
    passed = {method: sum(result.passes() for result in found) for method, found in results.items()}
    ranked = sorted(passed.items(), key=lambda item: -item[1])
    return _prose(
        f"The rule chooses **{chosen.value}**: of {2 * len(judged)} cells (book and confidence) it passes both tests in"
        f" {passed[chosen]}. All methods: " + ", ".join(f"{method.value} {count}" for method, count in ranked) + ". The"
        " rule: both tests passed in most cells, then the smallest mean quantile loss; filtered history on near ties"
        " (one cell in twenty, 5 % of the loss). For a single account it looks at that account's own two cells."
    )
