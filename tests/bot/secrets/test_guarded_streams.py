"""Standard output and error without secrets, whoever writes to them and however."""

import asyncio
import faulthandler
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from bot import redaction
from bot.guarded_streams import GuardedStream, guarded

ROOT = Path(__file__).resolve().parents[3]
SECRET = "canary-4f1c9a7e"


def stream() -> tuple[GuardedStream, io.StringIO]:
    redaction.know([SECRET])
    inner = io.StringIO()
    return GuardedStream(inner), inner


def test_a_line_leaves_without_its_secret() -> None:
    guard, inner = stream()
    print(f"a {SECRET} b", file=guard)

    assert inner.getvalue() == "a [secret] b\n"


def test_a_secret_written_in_pieces_is_seen_as_one() -> None:
    guard, inner = stream()
    for letter in f"a {SECRET} b\n":
        guard.write(letter)
    print("can", "ary-4f1c9a7e", sep="", file=guard)

    assert inner.getvalue() == "a [secret] b\n[secret]\n"


def test_what_has_no_end_of_line_waits_for_a_flush() -> None:
    guard, inner = stream()
    guard.write(f"> {SECRET}")
    assert inner.getvalue() == ""
    guard.flush()

    assert inner.getvalue() == "> [secret]"


def test_a_line_without_end_is_not_held_for_ever() -> None:
    guard, inner = stream()
    guard.write("x" * 100_000)

    assert len(inner.getvalue()) == 100_000


def test_empty_lines_and_many_lines_stay_as_they_are() -> None:
    guard, inner = stream()
    text = "\n\na\r\nb\n\nc\n"
    guard.write(text)

    assert inner.getvalue() == text


def test_there_is_no_way_around_it() -> None:
    guard, _ = stream()

    assert not hasattr(guard, "buffer")


def test_the_streams_are_guarded_for_as_long_as_a_command_runs(capsys: pytest.CaptureFixture[str]) -> None:
    redaction.know([SECRET])
    before = sys.stdout, sys.stderr, sys.excepthook
    try:
        with guarded():
            print(SECRET)  # noqa: T201  # that is what is tried
            click.echo(f"keel: {SECRET}", err=True)
            sys.stderr.write(f"half a line of {SECRET}")
    finally:
        sys.excepthook = before[2]
    said = capsys.readouterr()

    assert (sys.stdout, sys.stderr) == before[:2]
    assert said.out == "[secret]\n"
    assert said.err == "keel: [secret]\nhalf a line of [secret]"


CRASH = f"""
import sys
from bot import redaction
from bot.guarded_streams import guarded
redaction.know(["{SECRET}"])

def work(argument):
    local = "{SECRET[:7]}" + "{SECRET[7:]}"
    try:
        raise KeyError(local)
    except KeyError as cause:
        error = RuntimeError("no way to reach", local, {{"in": [local]}})
        error.add_note("a note about " + local)
        raise ExceptionGroup(local, [error, OSError(2, local, local)]) from cause

with guarded():
    work(None)
"""


def test_the_last_words_of_a_process_show_neither_arguments_nor_causes_nor_notes_nor_locals() -> None:
    ended = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, text=True, cwd=ROOT, check=False)

    assert ended.returncode == 1
    assert SECRET not in ended.stdout + ended.stderr
    assert "RuntimeError: ('no way to reach', '[secret]'" in ended.stderr
    assert "KeyError: '[secret]'" in ended.stderr
    assert "a note about [secret]" in ended.stderr


def test_a_dump_of_the_fault_handler_shows_no_values() -> None:
    local = SECRET
    with tempfile.TemporaryFile("w+") as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        dumped = file.read()

    assert "test_a_dump_of_the_fault_handler_shows_no_values" in dumped
    assert local not in dumped


async def test_what_nobody_awaited_is_logged_without_its_secret() -> None:
    from bot.logs import setup_logging

    told = io.StringIO()
    setup_logging("DEBUG", secrets=[SECRET], stream=told)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)  # it then tells where tasks and handles came from, and with which arguments

    async def dies(argument: str) -> None:
        raise RuntimeError(f"with {argument}")

    task = asyncio.create_task(dies(SECRET), name=f"task of {SECRET}")
    await asyncio.wait([task])
    loop.call_exception_handler({"message": SECRET, "exception": task.exception(), "task": task, "handle": SECRET})
    loop.call_soon(_raises, SECRET)
    await asyncio.sleep(0)
    loop.set_debug(False)

    assert told.getvalue().count("[secret]") >= 4
    assert SECRET not in told.getvalue()


def _raises(argument: str) -> None:
    raise ValueError(argument)
