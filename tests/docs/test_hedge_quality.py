"""docs/hedge-quality.md judges the strategies in force, and is what its command writes."""

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from benchmarks.hedge_quality.history import ASSETS, History
from benchmarks.hedge_quality.page import page
from benchmarks.hedge_quality.trial import BOOKS, WINDOW, Known, tried
from risk.hedging.band import RISK_AVERSION
from risk.hedging.covariance import Forecast
from risk.hedging.minimum_variance import LEAST_CORRELATION
from risk.model.hedge import HedgeStrategy
from risk.stats.series import Aligned

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "hedge-quality.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("book", [book.name for book in BOOKS])
def test_the_page_judges_every_strategy_on_every_book(book: str) -> None:
    table = PAGE.split(f"## {book}\n", 1)[1].split("\n## ")[0]
    for name in ("nothing", "naive, beta 1", *(strategy.value for strategy in HedgeStrategy)):
        assert f"\n| {name} |" in table


def test_the_pages_state_what_is_in_force() -> None:
    said = " ".join(PAGE.split())
    assert f"the {WINDOW} daily returns before it alone" in said
    assert f"correlation below {LEAST_CORRELATION:g}" in said
    definitions = " ".join((DOCS / "hedging.md").read_text(encoding="utf-8").split())
    assert f"below {LEAST_CORRELATION:g} in size" in definitions
    assert f"(aversion {RISK_AVERSION:g})" in definitions
    for strategy in HedgeStrategy:
        assert f"| `{strategy.value}` |" in definitions


def test_no_figure_is_missing_or_made_up() -> None:
    assert not re.search(r"\b(nan|inf|None)\b", PAGE)


def test_a_page_is_made_of_what_was_tried() -> None:
    days = WINDOW + 60
    moves = 0.02 * np.random.default_rng(1).standard_normal((days, 24, 1)) / 24**0.5
    spread = 0.005 * np.random.default_rng(2).standard_normal((days, 24, len(ASSETS))) / 24**0.5
    relative = np.exp(np.cumsum(moves + spread, axis=1))
    at = (np.datetime64("2024-01-01") + np.arange(days)).astype("datetime64[s]")
    daily = Aligned(assets=ASSETS, at=at, log_returns=np.log(relative[:, -1, :]))
    history = History(
        days=at, relative=relative, daily=daily, dropped=0, funding_daily_frac=dict.fromkeys(ASSETS, 0.0)
    )  # fmt: skip
    values = np.cov(daily.log_returns, rowvar=False)
    model = Forecast(assets=ASSETS, values=values, method="made", n=days)
    models = [Known(dcc=model, sample=model, average=values)] * (days - WINDOW)
    made = page(history, [tried(history, models, book) for book in BOOKS], date(2026, 1, 2))
    assert "on 2026-01-02" in made
    assert "560 days of which every asset has all 24 bars (0 left out)" in " ".join(made.split())
    row = next(line for line in made.splitlines() if line.startswith("| delta |"))
    assert row.split("|")[2].strip() == "100 %"
    hedged = next(line for line in made.splitlines() if line.startswith("| correlation |"))
    assert 80 < float(hedged.split("|")[3].strip().removesuffix(" %")) < 100
