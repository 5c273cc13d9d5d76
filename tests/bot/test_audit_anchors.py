"""The audit against the signer's journal: what was cut off, or written anew, shows."""

import asyncio
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.signer.intent import Anchor, SigningVenue
from bot.trading.signer_client import SignerClient
from risk.model.trading import TradingState
from storage import Audit, Epochs, Store, TradingStates
from storage.backup import restore
from tests.bot.test_cli import own_logging  # noqa: F401  # a fixture, used by being here
from tests.storage.builders import NOW
from tests.support.order_terms import agreed, make_terms
from tests.support.signer_process import SignerProcess, signer_process
from venues.signing import SigningRequest

pytest.importorskip("solders", reason="the signer needs solders; install keel[solana]")

ACCOUNT = "ann-0"


async def _written(path: Path, signer: SignerProcess) -> None:
    """Five rows, with a signature behind the third and behind the fifth."""
    async with await Store.open(path) as store:
        audit = Audit(store)

        async def anchor() -> Anchor:
            rows, head = await audit.head()
            return Anchor(rows=rows, head=head)

        client = SignerClient(
            signer.socket, venue=SigningVenue.PAPER, epoch=await Epochs(store).take(NOW), anchor=anchor,
            memory_name=await Epochs(store).memory_name(),
        )  # fmt: skip
        for number in range(1, 6):
            await TradingStates(store).set(TradingState.HALTED, by="ann", reason=f"reason {number}", now=NOW)
            if number in (3, 5):
                batch = replace(agreed(ACCOUNT, make_terms(ACCOUNT)), leg=1)
                await client.sign(SigningRequest(batch=batch, message=None, height=1, valid_until=151))
        await client.close()


def verified(database: Path, journal: Path, *more: str) -> tuple[int, str]:
    arguments = ["audit", "verify", "--database", str(database), "--signer-journal", str(journal), *more]
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


_CALLED = "UPDATE memory_name SET name = '?'"


def behind_our_back(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as raw:
        for statement in statements:
            raw.execute(statement)
    raw.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A database and the journal of the signer that it alone asked."""
    folder = tmp_path / "signer"
    folder.mkdir()
    database = tmp_path / "keel.sqlite3"
    with signer_process(folder, accounts=[ACCOUNT]) as running:
        asyncio.run(_written(database, running))
        yield database, running.state


def test_an_audit_that_is_whole_fits_what_the_signer_saw(own: tuple[Path, Path]) -> None:
    code, output = verified(*own)
    assert code == 0
    assert "The audit is sound: 5 rows" in output
    assert "The audit is the one that the signer saw: 2 signatures fit." in output


CUT = (
    "DROP TRIGGER audit_log_stays", "DROP TRIGGER audit_head_grows",
    "DELETE FROM audit_log WHERE seq > 4",
    "UPDATE audit_head SET row_count = 4, hash = (SELECT hash FROM audit_log WHERE seq = 4)",
)  # fmt: skip


def test_an_end_that_was_cut_off_with_its_head_shows(own: tuple[Path, Path]) -> None:
    database, journal = own
    behind_our_back(database, *CUT)
    code, output = verified(database, journal)
    assert code == 1
    assert "The audit is sound: 4 rows" in output  # the chain alone cannot know
    assert "1 of 2 signatures do not fit the audit." in output
    assert "The end of the audit is missing: it had 5 rows when order 1 of P" in output
    assert "A backup took the place" not in output


def test_another_audit_of_the_same_length_shows(own: tuple[Path, Path], tmp_path: Path) -> None:
    database, journal = own
    other = tmp_path / "other.sqlite3"

    async def write() -> str:
        async with await Store.open(database) as store:
            name = await Epochs(store).memory_name()
        async with await Store.open(other) as store:
            for number in range(9):
                await TradingStates(store).set(TradingState.HALTED, by="eve", reason=f"nothing {number}", now=NOW)
        return name

    name = asyncio.run(write())
    code, output = verified(other, journal)
    assert code == 1
    assert "2 of 2 signatures do not fit the audit." in output
    assert f"the signer knows that one as {name}. 2 signatures in all." in output
    behind_our_back(other, "DROP TRIGGER memory_name_stays", _CALLED.replace("?", name))
    code, output = verified(other, journal)
    assert code == 1
    assert "The audit was written anew: row 3 is not the one" in output


def test_a_restored_database_says_so_and_what_comes_after_is_compared_from_a_row_on(
    own: tuple[Path, Path], tmp_path: Path
) -> None:
    database, journal = own
    backup = tmp_path / "backup.sqlite3"
    shutil.copy(database, backup)
    behind_our_back(backup, *CUT, "INSERT INTO lives (started_at, seen_at, ailing) VALUES (1, 1, '')")
    database.unlink()
    restore(backup, database, datetime.now(UTC) + timedelta(minutes=1))
    code, output = verified(database, journal)
    assert code == 1
    assert "all of these are from before, so this is what a backup lacks" in output
    found = re.search(r"--since (\d+) compares what came after", output)
    assert found is not None
    code, output = verified(database, journal, "--since", found[1])
    assert code == 1
    assert f"names no row of the audit since its row {found[1]}: nothing was compared." in output, "nothing came after"


def test_a_journal_that_was_changed_or_is_not_there_is_no_proof(own: tuple[Path, Path], tmp_path: Path) -> None:
    database, journal = own
    copy = tmp_path / "copy"
    shutil.copytree(journal, copy)
    (part,) = copy.glob("journal-*.jsonl")
    part.write_bytes(part.read_bytes().replace(b'"rows":5', b'"rows":4'))
    code, output = verified(database, copy)
    assert code == 1
    assert "Nothing was compared" in output
    code, output = verified(database, tmp_path / "nowhere")
    assert code == 1
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", journal.parent):
        code, output = verified(database, folder)
        assert code == 1
        assert f"there is no journal in {folder}; name the folder that the signer's file calls state" in output


def test_a_journal_without_a_signature_is_no_proof(tmp_path: Path) -> None:
    folder = tmp_path / "signer"
    folder.mkdir()
    with signer_process(folder, accounts=[ACCOUNT]) as running:
        database = tmp_path / "keel.sqlite3"

        async def write() -> None:
            async with await Store.open(database) as store:
                await TradingStates(store).set(TradingState.HALTED, by="ann", reason="enough", now=NOW)

        asyncio.run(write())
        code, output = verified(database, running.state)
    assert code == 1
    assert "names no row of the audit: nothing was compared." in output
