"""Replays in a process of their own: an answer, a refusal, an end by force, one at a time."""

import asyncio
import os
from pathlib import Path

import pytest

from bot.charts import Theme
from bot.replaying.asking import Replays
from bot.replaying.question import Answer, Question, Refusal
from bot.replaying.span import Span
from risk.decisions.tiers import Tier
from tests.risk.builders import RATIO_ALONE
from tests.support.waiting import PATIENCE_S, given_up, until
from tests.venues.replaying import Bar, flat, long, make_bars, write_bars
from venues.replay import BookPosition, ReplayBook

FALL: list[Bar] = [*flat(*[100.0] * 46), (100, 100, 86, 87), (87, 87, 80, 81)]


def question(*positions: BookPosition, folder: Path | None = None, stored: bool = True) -> Question:
    return Question(
        book=ReplayBook(collateral_usd=10_000.0, positions=positions or (long(),)),
        thresholds=RATIO_ALONE, span=Span(days=30), theme=Theme.DARK, name="main",
        bars={"SOL": make_bars(FALL)} if stored else None, folder=folder,
    )  # fmt: skip


async def test_the_answer_is_that_of_keel_replay() -> None:
    found = await Replays().ask(question())
    assert isinstance(found, Answer)
    assert found.liquidated_at is not None
    assert (found.lead_s[Tier.HIGH], found.page_lead_s) == (3_600, 3_600)
    assert found.title == "Liquidated 11 Oct 2025 08:20 UTC, paged 1 h 00 min before"
    assert found.png.startswith(b"\x89PNG")
    assert found.messages >= 2


async def test_bars_come_from_a_folder_and_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    write_bars(tmp_path, FALL)
    both = question(long(leverage=3), long("JUP-PERP", 2), folder=tmp_path, stored=False)
    found = await Replays(tmp_path).ask(both)
    assert isinstance(found, Answer)
    assert found.missing == ("JUP",)
    assert [one.asset for one in found.book.positions] == ["SOL"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (question(long("JUP-PERP")), "there are no bars of JUP"),
        (question(folder=Path("/nowhere"), stored=False), "the folder /nowhere cannot be read"),
    ],
)
async def test_what_cannot_be_played_is_a_sentence(asked: Question, sentence: str) -> None:
    found = await Replays().ask(asked)
    assert isinstance(found, Refusal)
    assert sentence in found.text


def worker(folder: Path, code: str) -> str:
    """A worker that does something else."""
    (folder / "stand_in_worker.py").write_text(code)
    return "stand_in_worker"


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


async def test_one_that_takes_too_long_is_ended(importable: Path) -> None:
    note = importable / "pid"
    slow = worker(
        importable,
        f"import os, pathlib, time\npathlib.Path({str(note)!r}).write_text(str(os.getpid()))\ntime.sleep(600)\n",
    )
    asking = Replays(limit_s=PATIENCE_S, worker=slow).ask(question())
    found = await given_up(asking, heard=lambda: int(note.exists() and note.read_text() != ""))
    assert found == Refusal(text="it took longer than 30 s and was ended; ask for fewer days")
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


async def test_one_that_fails_says_so_and_does_not_tell_its_secrets(importable: Path) -> None:
    broken = worker(importable, "raise SystemExit('the token is 123')\n")
    found = await Replays(worker=broken).ask(question())
    assert found == Refusal(text="the replay failed; Keel's log says why")


async def test_the_environment_of_the_worker_holds_no_tokens(importable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "123:secret")
    note = importable / "seen"
    spy = worker(importable, f"import os, pathlib\npathlib.Path({str(note)!r}).write_text(str(dict(os.environ)))\n")
    await Replays(worker=spy).ask(question())
    assert "PYTHONPATH" in note.read_text()
    assert "secret" not in note.read_text()


async def test_they_are_played_one_at_a_time(importable: Path) -> None:
    slow = worker(importable, "import time\ntime.sleep(600)\n")
    replays = Replays(worker=slow)
    first = asyncio.create_task(replays.ask(question()))
    await until(lambda: replays.busy)
    second = await replays.ask(question())
    assert second == Refusal(text="another replay is being played; ask again in a minute")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert not replays.busy
