"""Backups by the process itself: on time, rotated, and an incident when they fail."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.alerts.desk import Finding
from bot.backup import CAUSE, Backups, target_of
from bot.backup_plan import BackupPlan, own_backups, superfluous
from risk.decisions.tiers import Tier
from storage import DatabaseUnavailable, Seen, Store
from storage.backup import checked_file, stamped
from tests.storage.builders import NOW
from tests.support.clock import FakeClock


class World:
    """A process with a memory and a folder."""

    def __init__(self, database: Path, folder: Path, *, keep: int = 3) -> None:
        self.folder, self.clock = folder, FakeClock()
        self.findings: list[Finding] = []
        plan = BackupPlan(folder=folder, every=timedelta(hours=24), keep=keep)
        self.backups = Backups(database=database, plan=plan, clock=self.clock, settle=self._settle)

    async def _settle(self, findings: list[Finding]) -> None:
        self.findings += findings

    async def hours(self, hours: float) -> None:
        for _ in range(round(hours * 2)):
            self.clock.pass_s(1_800)
            await self.backups.look()

    @property
    def names(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir())


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    async with await Store.open(tmp_path / "keel.db") as store:
        await Seen(store).first_time("x", NOW)
    return tmp_path / "keel.db"


async def test_a_folder_without_backups_gets_one_at_once_and_then_one_a_day(database: Path, tmp_path: Path) -> None:
    world = World(database, tmp_path / "a" / "backups")
    await world.backups.look()
    assert world.names == ["keel-20260105T120000Z.sqlite3"]
    assert checked_file(world.folder / world.names[0]).rows["seen"] == 1
    await world.hours(23.5)
    assert len(world.names) == 1
    await world.hours(1)
    assert len(world.names) == 2
    assert {finding.tier for finding in world.findings} == {Tier.OK}


async def test_a_restart_counts_from_the_newest_file(database: Path, tmp_path: Path) -> None:
    world = World(database, tmp_path / "backups")
    await world.backups.look()
    again = World(database, tmp_path / "backups")
    again.clock.pass_s(3_600)
    await again.backups.look()

    assert len(again.names) == 1
    assert again.backups.last_at == world.clock.now()


async def test_the_oldest_make_room_and_what_is_not_its_own_stays(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in ("mine.sqlite3", "keel-yesterday.sqlite3", "keel-20200101T000000Z.sqlite3.gz", "notes.txt"):
        (folder / name).touch()
    world = World(database, folder, keep=3)
    await world.hours(24 * 6)

    assert len(own_backups(folder)) == 3
    assert {"mine.sqlite3", "keel-yesterday.sqlite3", "keel-20200101T000000Z.sqlite3.gz", "notes.txt"} <= set(
        world.names
    )
    newest, *_ = own_backups(folder)
    assert world.clock.now() - newest[0] < timedelta(hours=24)


def test_the_newest_always_stays(tmp_path: Path) -> None:
    (tmp_path / stamped("keel", NOW)).touch()

    assert superfluous(tmp_path, 0) == []


async def test_a_failure_is_an_incident_until_one_works_and_is_not_tried_every_minute(
    database: Path, tmp_path: Path
) -> None:
    world = World(database, tmp_path / "backups")
    (tmp_path / "backups").write_text("a file where a folder should be")
    await world.backups.look()
    for _ in range(14):
        world.clock.pass_s(60)
        await world.backups.look()
    (failed,) = world.findings
    assert (failed.cause, failed.tier) == (CAUSE, Tier.WARNING)
    assert failed.fact.startswith("no backup could be made: ")
    (tmp_path / "backups").unlink()
    world.clock.pass_s(120)
    await world.backups.look()
    assert world.findings[-1].tier is Tier.OK
    assert len(world.names) == 1


async def test_a_file_from_the_future_neither_stops_backups_nor_calls_for_one_a_minute(
    database: Path, tmp_path: Path
) -> None:
    world = World(database, tmp_path / "backups")
    world.folder.mkdir()
    (world.folder / stamped("keel", NOW + timedelta(days=400))).touch()
    await world.hours(12)

    assert len(world.names) == 2


def test_a_backup_goes_to_the_file_or_into_the_folder_that_was_named(tmp_path: Path) -> None:
    assert target_of(tmp_path, NOW) == tmp_path / "keel-20260105T120000Z.sqlite3"
    assert target_of(tmp_path / "mine.db", NOW) == tmp_path / "mine.db"
    with pytest.raises(DatabaseUnavailable, match="There is no folder"):
        target_of(tmp_path / "nowhere" / "mine.db", NOW)
