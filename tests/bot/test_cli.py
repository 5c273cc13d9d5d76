"""The command line: what it prints where, and the code it ends with. Whole processes are tried in tests/scenarios."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from bot.cli import main
from bot.config import BadSettings
from bot.setup import Wizard
from risk.errors import BadBook
from storage import DatabaseLocked, DiskFull
from tests.bot.commands.accounts import rich
from tests.support.clock import FakeClock
from tests.support.tuned_reader import TunedReader, at_ratio
from venues.errors import BadAccountData, VenueRejected, VenueUnavailable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """A command sets logging up for its process; here it ends with the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> TunedReader:
    """What inspect and sweep ask instead of a ledger."""
    found = TunedReader(FakeClock(), "placeholder")
    found.accounts = {"a1": rich(), "a2": at_ratio(110)}
    monkeypatch.setattr("bot.run.ledger_reader", lambda *args: found)
    return found


def keel(*arguments: str, folder: Path | None = None, **env: str) -> Result:
    runner = CliRunner(env=env)
    if folder is None:
        return runner.invoke(main, list(arguments))
    before = Path.cwd()
    os.chdir(folder)
    try:
        return runner.invoke(main, list(arguments))
    finally:
        os.chdir(before)


def test_help_names_every_command() -> None:
    result = keel("--help")

    assert result.exit_code == 0
    assert all(name in result.stdout for name in main.commands)
    for name in set(main.commands) - {"signer"}:  # which hands over to another process: see test_cli_signer
        assert keel(name, "--help").exit_code == 0
        assert keel(name, "-h").stdout.startswith(f"Usage: main {name}")


@pytest.mark.parametrize(
    "arguments", [["nosuch"], ["inspect"], ["inspect", "a1"], ["sweep"], ["demo", "extra"], ["run", "--nosuch"]]
)
def test_a_line_nobody_understands_ends_with_2_and_the_usage(arguments: list[str]) -> None:
    result = keel(*arguments)

    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert result.stdout == ""


def test_demo_prints_the_transcript_and_ends_with_0() -> None:
    result = keel("demo", "--script")

    assert result.exit_code == 0
    assert result.stdout.startswith("Keel demo: one account")
    assert "The demo is over" in result.stdout
    assert result.stderr == ""


def test_inspect_prints_one_object(reader: TunedReader) -> None:
    result = keel("inspect", "a1", "--rpc", "http://127.0.0.1:1", "--json")

    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)["account"] == "a1"
    assert result.stdout.count("\n") == 1
    assert reader.closed


def test_inspect_prints_for_people(reader: TunedReader) -> None:
    result = keel("inspect", "a2", "--rpc", "http://127.0.0.1:1")

    assert result.exit_code == 0
    assert "ratio 110.0%" in result.stdout


def test_sweep_prints_one_object_a_line_the_worst_first_and_no_bar_into_a_pipe(reader: TunedReader) -> None:
    result = keel("sweep", "--rpc", "http://127.0.0.1:1", "--json")

    assert [json.loads(line)["account"] for line in result.stdout.splitlines()] == ["a2", "a1"]
    assert (result.exit_code, result.stderr) == (0, "")
    assert reader.closed


ENDS = {
    "down": (VenueUnavailable("the endpoint does not answer; try later"), 3),
    "rejected": (VenueRejected("there is no such account; check it"), 2),
    "bad data": (BadAccountData("the account is 12 bytes short"), 2),
    "a book that makes no sense": (BadBook("columns contradict each other"), 2),
    "disk full": (DiskFull("There is no room left; free some space."), 2),
    "locked": (DatabaseLocked("The database is held by another program; close it."), 2),
    "settings": (BadSettings("RPC_URLS is needed"), 2),
    "from a task": (ExceptionGroup("tasks", [ExceptionGroup("inner", [VenueUnavailable("the endpoint is down")])]), 3),
}


@pytest.mark.parametrize(("error", "code"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("command", [["inspect", "a1"], ["sweep"], ["sweep", "--json"]])
def test_an_error_is_one_sentence_on_stderr_and_a_code(
    command: list[str], error: Exception, code: int, reader: TunedReader
) -> None:
    reader.error = error
    result = keel(*command, "--rpc", "http://127.0.0.1:1")

    sentence = str(error) if not isinstance(error, ExceptionGroup) else "the endpoint is down"
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"keel: {sentence}\n"
    assert reader.closed


def test_a_defect_is_no_bad_input_and_shows_where_it_is(reader: TunedReader) -> None:
    reader.error = ValueError("a defect")
    result = keel("inspect", "a1", "--rpc", "http://127.0.0.1:1")

    assert result.exit_code == 1
    assert isinstance(result.exception, ValueError)


@pytest.mark.parametrize("command", [["inspect", "a1"], ["sweep"]])
def test_the_paper_venue_cannot_be_asked_from_outside(command: list[str]) -> None:
    result = keel(*command, "--rpc", "http://127.0.0.1:1", "--venue", "paper")

    assert result.exit_code == 2
    assert result.stderr == (
        "keel: the paper venue lives inside keel run and keel demo; name a venue that has an RPC\n"
    )


def test_a_venue_there_is_none_of_is_told_with_those_there_are() -> None:
    result = keel("inspect", "a1", "--rpc", "http://127.0.0.1:1", "--venue", "nosuch")

    assert result.exit_code == 2
    assert "drift" in result.stderr


@pytest.mark.parametrize("url", ["ftp://x", "http://rpc.example.com/secret-key", "https://user:secret@x", "secret"])
def test_a_url_that_may_not_be_asked_is_refused_without_showing_it(url: str) -> None:
    result = keel("inspect", "a1", "--rpc", url)

    assert result.exit_code == 2
    assert "secret" not in result.stderr


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"VENUE": "nosuch"}, "VENUE: "),
        ({"VENUE": "drift"}, "RPC_URLS is needed"),
        ({"CHECK_INTERVAL_S": "secret"}, "CHECK_INTERVAL_S: "),
        ({"TELEGRAM_BASE_URL": "https://secret.example"}, "TELEGRAM_BASE_URL must be"),
        ({"VENUE": "paper", "ACCOUNTS": "nosuch:0"}, "there is no account nosuch-0 here"),
        ({"VENUE": "paper", "DATABASE_PATH": "/nosuch/folder/keel.sqlite3"}, "/nosuch/folder"),
    ],
)
def test_run_with_what_it_cannot_use_ends_with_2(variables: dict[str, str], named: str, tmp_path: Path) -> None:
    result = keel("run", folder=tmp_path, **{"DATABASE_PATH": ":memory:", **variables})

    assert result.exit_code == 2, result.exception
    assert named in result.stderr
    assert "secret" not in result.stderr
    assert result.stderr.count("\n") == 1


def test_setup_with_an_env_file_it_cannot_read_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    result = keel("setup", "wallet", "--rpc", "http://127.0.0.1:1", folder=tmp_path)

    assert result.exit_code == 2
    assert ".env cannot be read" in result.stderr


def test_setup_passes_on_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, str]] = []

    async def walked(self: Wizard, wallet: str, rpc_url: str) -> None:
        heard.append((wallet, rpc_url))

    monkeypatch.setattr(Wizard, "run", walked)
    assert keel("setup").exit_code == 0
    assert keel("setup", "9xQe", "--rpc", "https://x").exit_code == 0
    assert heard == [("", ""), ("9xQe", "https://x")]


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(work: Coroutine[None, None, None]) -> None:
        work.close()
        raise KeyboardInterrupt

    monkeypatch.setattr("asyncio.run", interrupted)

    assert keel("demo", "--script").exit_code == 130


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    script = (
        "import bot.sweep, bot.run; from bot.cli import main\n"
        "class Reader:\n"
        "    async def close(self): pass\n"
        "async def sweep(reader, progress): return [1] * 200_000\n"
        "bot.sweep.sweep, bot.sweep.as_json = sweep, lambda row: 'x' * 100\n"
        "bot.run.ledger_reader = lambda *args: Reader()\n"
        "main(['sweep', '--rpc', 'x', '--json'])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()

    assert (process.returncode, errors) == (0, "")
