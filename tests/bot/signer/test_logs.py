"""Lines of the log: nobody waits for who does not read them, and nobody fills a disk with them."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bot.signer.logs import Seldom, log

WAIT_S = 30.0


@contextmanager
def full_pipe(patched: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard error is a pipe nobody has read from; its other end, which never lets a reader wait."""
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    os.set_blocking(writes, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writes, b"x" * 4_096)
    os.set_blocking(writes, True)
    with os.fdopen(writes, "w") as stream:
        patched.setattr(sys, "stderr", stream)
        yield reads
        patched.undo()
        with suppress(BlockingIOError):  # whoever still waits may go on
            while os.read(reads, 2**20):
                pass
    os.close(reads)


def test_who_does_not_read_the_log_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_pipe(monkeypatch) as reads:
        writer = threading.Thread(target=log, args=("signer.signed",), daemon=True)
        writer.start()
        writer.join(WAIT_S)
        waits = writer.is_alive()
        os.read(reads, 2**20)
        log("signer.refused", why="later")
        assert not waits
        assert json.loads(os.read(reads, 2**20))["why"] == "later"


def test_a_log_nobody_will_ever_read_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stream)
        log("signer.signed")


def test_a_log_that_was_closed_before_the_start_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    log("signer.signed")


def test_a_line_is_whole_or_short_but_never_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stream)
        log("signer.refused", why="é" * 300)
        log("signer.refused", why="é" * 3_000)
    first, second = (json.loads(line) for line in path.read_text().splitlines())

    assert first["why"] == "é" * 300
    assert (second["event"], "why" in second) == ("signer.refused", False)


def test_lines_of_one_kind_are_bounded_and_another_kind_is_not_its_victim(capsys: pytest.CaptureFixture[str]) -> None:
    seldom = Seldom()
    for _ in range(300):
        seldom.log("signer.refused", "locked", now_s=1_200, code="locked")
    seldom.log("signer.refused", "cap", now_s=1_799, code="cap")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["code"] for one in lines] == ["locked"] * 100 + ["cap"]
    assert [at for at, one in enumerate(lines) if "more" in one] == [99]

    seldom.log("signer.refused", "locked", now_s=1_800, code="locked")
    assert len(capsys.readouterr().err.splitlines()) == 1
