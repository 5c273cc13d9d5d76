"""docs/model-quality.md states the methods in force, and is what its command writes."""

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from benchmarks.model_quality.books import CONFIDENCES, SOURCES, Judged, books_of
from benchmarks.model_quality.page import page
from risk.model.metrics import VaRMethod
from risk.risk_figures import default_method
from risk.stats.rolling import REFIT_EVERY, WINDOW, roll

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "model-quality.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("method", list(VaRMethod))
@pytest.mark.parametrize("source", [source.name for source in SOURCES])
def test_the_page_judges_every_method_in_force(source: str, method: VaRMethod) -> None:
    _, rows = PAGE.split(f"### {source}\n", 1)
    table = rows.split("\n### ")[0].split("\n## ")[0]
    for confidence in CONFIDENCES:
        assert re.search(rf"^\| {method.value} \| {confidence:.0%}".replace("%", " %"), table, re.MULTILINE)
    for year in ("2025",):
        assert f"| {year} |" in PAGE
    crash = PAGE.split(f"### {source}, October 2025\n", 1)[1].split("\n#")[0]
    assert crash.count(f"| {method.value} |") == len(CONFIDENCES)


def test_the_page_states_the_window_and_the_default_in_force() -> None:
    assert f"the {WINDOW} days before it alone" in " ".join(PAGE.split())
    assert f"renewed every {REFIT_EVERY} days" in " ".join(PAGE.split())
    assert f"The rule chooses **{default_method({}).value}**" in PAGE


def test_the_page_has_books_of_one_to_eight_assets() -> None:
    for source in SOURCES:
        assert {book.size for book in books_of(source.assets)} == set(range(1, 9))
        for book in books_of(source.assets):
            assert sum(abs(share) for share in book.shares.values()) == pytest.approx(1.0)
            for confidence in ("95 %", "99 %"):
                table = PAGE.split(f"### {source.name}, {confidence}, every book\n", 1)[1].split("\n#")[0]
                assert f"| {book.name} |" in table


def test_no_figure_is_missing_or_made_up() -> None:
    assert not re.search(r"\b(nan|inf|None)\b", PAGE)


def test_the_filtered_default_is_beyond_its_var_about_as_often_as_it_says() -> None:
    """A guard, no promise: the share of violations within 35 % of what was stated; hourly bars at 99 % are nearest."""
    rows = re.findall(r"^\| filtered \| 9\d % \| (\d) % \| ([\d.]+) % \|", PAGE, re.MULTILINE)
    assert len(rows) == len(SOURCES) * len(CONFIDENCES)
    for expected, found in rows:
        assert float(found) == pytest.approx(float(expected), rel=0.35)


def test_a_page_is_made_of_what_was_judged() -> None:
    returns = np.random.default_rng(1).standard_t(5, (760, 2)) * 0.03
    days = np.datetime64("2025-12-01", "s") - np.arange(260)[::-1] * np.timedelta64(1, "D")
    judged = [
        Judged(
            source=source, book=book, days=days,
            forecasts=roll(returns[:, : book.size], np.array(list(book.shares.values())), confidences=CONFIDENCES),
        )
        for source in ("one", "two") for book in books_of(("A", "B"))[::3]
    ]  # fmt: skip
    text = page(judged, date(2026, 1, 5))
    assert "on 2026-01-05, without random numbers" in text
    assert "| one | 2025-03-17 | 2025-12-01 |" in text
    first = judged[0].result(VaRMethod.NORMAL, 0.99)
    (row,) = re.findall(r"^\| A long \| 260 \| .*$", text.split("### one, 99 %, every book")[1], re.MULTILINE)[:1]
    share = f"{100 * first.violations / first.n:.1f} %"
    assert row.split(" | ")[2 + list(VaRMethod).index(VaRMethod.NORMAL)].startswith(share)
    assert text == page(judged, date(2026, 1, 5))
