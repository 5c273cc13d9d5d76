"""A damaged memory is set aside, the last backup takes its place, trading is halted, and nothing else is touched."""

import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.backup_plan import BackupPlan
from bot.rescue import findings_of, open_memory
from risk.decisions.tiers import Tier
from risk.model.trading import TradingState
from storage import Proposals, Seen, StorageError, Store, TradingStates
from storage.backup import back_up, stamped
from storage.journal import why_damaged
from storage.rescue import look_through, mark_damaged
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.storage.trading_builders import Desk
from tests.support.clock import FakeClock
from tests.support.damage import commits_of, frames_of, journal_of, spoil_header, spoil_journal, spoil_pages

CLOCK = FakeClock()
BACKED_UP = datetime(2026, 1, 1, tzinfo=UTC)

Spoil = Callable[[Path], None]


@pytest.fixture
def plan(tmp_path: Path) -> BackupPlan:
    folder = tmp_path / "backups"
    folder.mkdir()
    return BackupPlan(folder=folder)


@pytest.fixture
async def database(tmp_path: Path, plan: BackupPlan) -> Path:
    """As a killed process leaves it: its journal beside it, a backup of an earlier moment."""
    live, left = tmp_path / "live.db", tmp_path / "keel.db"
    async with await Store.open(live) as store:
        await Seen(store).first_time("backed up", CLOCK.now())
        back_up(live, plan.folder / stamped("keel", BACKED_UP))
        for key in ("later", "later still"):
            await Seen(store).first_time(key, CLOCK.now())
        shutil.copy(live, left)
        shutil.copy(journal_of(live), journal_of(left))
    return left


def folded(spoil: Spoil) -> Spoil:
    """The same once the journal was folded in, as it is when a process has ended in peace."""

    def both(database: Path) -> None:
        raw = sqlite3.connect(database)
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raw.close()
        spoil(database)

    return both


def read(file: Path) -> bytes:
    return file.read_bytes()


def write(file: Path, content: bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)


def renamed(file: Path, other: Path) -> None:
    file.rename(other)


async def keys(store: Store) -> list[str]:
    return await store.run(lambda db: [row["key"] for row in db.query("SELECT key FROM seen ORDER BY key")])


async def test_a_sound_memory_is_opened_as_it_is(database: Path, plan: BackupPlan) -> None:
    store, rescue = await open_memory(database, plan, CLOCK)
    async with store:
        assert rescue is None
        assert await keys(store) == ["backed up", "later", "later still"]
        assert (await TradingStates(store).get()).state is TradingState.ACTIVE
    assert [one.tier for one in findings_of(rescue)] == [Tier.OK]


@pytest.mark.parametrize(
    "spoil", [folded(spoil_header), folded(spoil_pages), spoil_journal], ids=["header", "pages", "journal"]
)
async def test_a_damaged_memory_is_set_aside_and_the_last_backup_takes_its_place(
    database: Path, plan: BackupPlan, spoil: Spoil, figure: Gauge
) -> None:
    spoil(database)
    damaged = read(database)

    store, rescue = await open_memory(database, plan, CLOCK)

    async with store:
        assert rescue is not None
        assert await keys(store) == ["backed up"]
        status = await TradingStates(store).get()
        figure(Measure.UNAPPROVED, status.state is not TradingState.HALTED)
        assert "compare /orders" in status.reason
    figure(Measure.LOST, read(rescue.kept) != damaged)
    figure(Measure.ACCEPTED, "later" in rescue.why)
    assert rescue.restored == plan.folder / stamped("keel", BACKED_UP)
    (finding,) = findings_of(rescue)
    assert finding.tier is Tier.CRITICAL
    assert f"the old one is {rescue.kept.name}" in finding.fact
    assert "Jan 1" in finding.fact or "1 Jan" in finding.fact

    again, nothing = await open_memory(database, plan, CLOCK)
    async with again:
        assert nothing is None, "what took its place is sound"


async def test_without_a_sound_backup_it_begins_empty_and_halted(database: Path, plan: BackupPlan) -> None:
    spoil_header(plan.folder / stamped("keel", BACKED_UP))
    spoil_pages(database)
    store, rescue = await open_memory(database, plan, CLOCK)
    async with store:
        assert rescue is not None
        assert rescue.restored is None
        assert await keys(store) == []
        assert (await TradingStates(store).get()).state is TradingState.HALTED
    assert "begins empty" in findings_of(rescue)[0].fact


async def test_without_a_backup_what_lies_before_the_damage_of_the_journal_is_kept(database: Path) -> None:
    spoil_journal(database, frame=commits_of(database)[-2])
    store, rescue = await open_memory(database, None, CLOCK)
    async with store:
        assert await keys(store) == ["backed up"]
        assert (await TradingStates(store).get()).state is TradingState.HALTED
    assert "what was stored last is lost" in findings_of(rescue)[0].fact


async def test_what_an_earlier_process_gave_up_is_not_used_again_although_it_opens(
    database: Path, plan: BackupPlan
) -> None:
    mark_damaged(database, "page 7 is not what it was")
    store, rescue = await open_memory(database, plan, CLOCK)
    async with store:
        assert rescue is not None
        assert rescue.why == "page 7 is not what it was"
        assert await keys(store) == ["backed up"]


async def test_a_rescue_that_was_cut_short_is_taken_up_again(database: Path, plan: BackupPlan) -> None:
    mark_damaged(database, "page 7 is not what it was")
    kept = database.with_name(f"{database.name}.damaged-20260101T000000000000Z")
    renamed(database, kept)
    store, rescue = await open_memory(database, plan, CLOCK)
    async with store:
        assert rescue is not None
        assert rescue.kept == kept
        assert await keys(store) == ["backed up"]


async def test_a_proposal_that_waits_in_a_backup_is_not_asked_about_again(tmp_path: Path, plan: BackupPlan) -> None:
    database = tmp_path / "keel.db"
    async with await Store.open(database) as store:
        waiting = await (await Desk.over(store)).put()
        back_up(database, plan.folder / stamped("keel", BACKED_UP))
    spoil_pages(database)
    store, _ = await open_memory(database, plan, CLOCK)
    async with store:
        restored = await Proposals(store).get(waiting.proposal_id)
        assert restored is not None
        assert restored.expires_at <= CLOCK.now()


async def test_a_flip_anywhere_in_the_journal_is_found_or_changes_nothing(database: Path, figure: Gauge) -> None:
    """Only the last transaction may be lost without a word: it cannot be told from one that was cut off in writing."""
    commits = commits_of(database)
    assert frames_of(database) == commits[-1]
    missed = 0
    sound = journal_of(database).read_bytes()
    for frame in range(1, commits[-2] + 1):
        spoil_journal(database, frame=frame)
        missed += not why_damaged(database)
        journal_of(database).write_bytes(sound)
    figure(Measure.TRIED, commits[-2])
    figure(Measure.ACCEPTED, missed)
    assert why_damaged(database) == ""


def test_a_journal_that_was_cut_off_in_writing_is_no_damage(database: Path) -> None:
    raw = journal_of(database).read_bytes()
    for cut in (len(raw) - 1, len(raw) - 4_000, 33, 32, 0):
        journal_of(database).write_bytes(raw[:cut])
        assert why_damaged(database) == ""


@pytest.mark.parametrize("at", [0, 4, 8, 16, 20, 24, 31])
def test_a_journal_with_a_damaged_head_is_damage(database: Path, at: int) -> None:
    raw = bytearray(journal_of(database).read_bytes())
    raw[at] ^= 1
    journal_of(database).write_bytes(bytes(raw))
    assert "head of its journal" in why_damaged(database)


async def test_a_flipped_bit_in_the_head_of_the_file_is_refused_rescued_or_harmless(
    database: Path, plan: BackupPlan, tmp_path: Path, figure: Gauge
) -> None:
    """Never an exception of another kind, and never a memory that lacks what was stored, with trading on."""
    wrong = 0
    folded(lambda _: None)(database)
    for at in range(100):
        copy = tmp_path / f"{at}" / "keel.db"
        raw = bytearray(read(database))
        raw[at] ^= 1 << (at % 8)
        write(copy, bytes(raw))
        try:
            store, rescue = await open_memory(copy, plan, CLOCK)
        except StorageError:
            continue
        async with store:
            halted = (await TradingStates(store).get()).state is TradingState.HALTED
            known = await keys(store)
        wrong += not halted and "later still" not in known
        wrong += (rescue is not None) is not halted
    figure(Measure.TRIED, 100)
    figure(Measure.ACCEPTED, wrong)


def test_every_page_is_looked_at_beside_whoever_uses_the_file(database: Path) -> None:
    look_through(database)
    folded(spoil_pages)(database)
    with pytest.raises(StorageError, match="damaged"):
        look_through(database)
