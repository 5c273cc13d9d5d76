"""A test that states a figure is held to the goal of its row, and what it stated is noted where somebody asks."""

from pathlib import Path

import pytest

from tests.faults import Measure
from tests.faults.figures import Failed, Gauge, Stated, note, noted

STREAM = "tests/venues/solana/test_stream_faults.py::test_silence_ends_a_stream"


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "figures"
    monkeypatch.setenv("KEEL_FIGURES", str(path))
    return path


def test_a_figure_is_noted_under_the_row_of_its_test(notes: Path) -> None:
    Gauge(f"{STREAM}[silent]")(Measure.LEFT_AFTER, 1)
    note(Failed(test="another"))

    assert noted(notes.read_text()) == [
        Stated(node=STREAM, test=f"{STREAM}[silent]", measure=Measure.LEFT_AFTER, value=1.0),
        Failed(test="another"),
    ]


def test_a_figure_beyond_its_goal_fails_the_test_and_is_noted_all_the_same(notes: Path) -> None:
    with pytest.raises(AssertionError, match="LEFT_AFTER is 99; wanted is left after ≤ 2 s"):
        Gauge(STREAM)(Measure.LEFT_AFTER, 99)

    assert len(noted(notes.read_text())) == 1


def test_seconds_of_the_wall_clock_are_held_to_a_goal_only_where_figures_are_asked_for(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AssertionError, match="LEFT_AFTER is 99"):
        Gauge(STREAM).took(Measure.LEFT_AFTER, 99)
    monkeypatch.delenv("KEEL_FIGURES")
    Gauge(STREAM).took(Measure.LEFT_AFTER, 99)
    with pytest.raises(LookupError):
        Gauge(STREAM).took(Measure.LOST, 0)


def test_a_block_that_fails_states_nothing(notes: Path) -> None:
    with pytest.raises(KeyError), Gauge(STREAM).timing(Measure.LEFT_AFTER):
        raise KeyError

    assert not notes.exists()


@pytest.mark.parametrize(("test", "measure"), [("tests/x.py::test_x", Measure.LOST), (STREAM, Measure.LOST)])
def test_what_no_row_speaks_of_cannot_be_stated(test: str, measure: Measure) -> None:
    with pytest.raises(LookupError):
        Gauge(test)(measure, 0)


def test_where_nobody_asks_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEEL_FIGURES", raising=False)
    monkeypatch.chdir(tmp_path)
    Gauge(STREAM)(Measure.LEFT_AFTER, 1)

    assert list(tmp_path.iterdir()) == []
