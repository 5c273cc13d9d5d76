"""When and where the process backs itself up, and which files are its own. Pure, but for the look into the folder."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

PREFIX = "keel"
_NAME = re.compile(rf"{PREFIX}-(\d{{8}}T\d{{6}}Z)\.sqlite3")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """A schedule of backups.

    Attributes:
        keep: How many of its own files stay; others in the folder are never touched.
    """

    folder: Path
    every: timedelta = timedelta(hours=24)
    keep: int = 14


def taken_at(file: Path) -> datetime | None:
    """When one of the process's own backups was made, by its name; None for any other file.

    >>> taken_at(Path("keel-20260105T120000Z.sqlite3")), taken_at(Path("mine.sqlite3"))
    (datetime.datetime(2026, 1, 5, 12, 0, tzinfo=datetime.timezone.utc), None)
    """
    found = _NAME.fullmatch(file.name)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def own_backups(folder: Path) -> list[tuple[datetime, Path]]:
    """Backups the process made there, newest first. Raises: OSError."""
    dated = ((taken_at(file), file) for file in folder.iterdir())
    return sorted(((at, file) for at, file in dated if at is not None), reverse=True)


def superfluous(folder: Path, keep: int) -> list[Path]:
    """Those that make room for newer ones. The newest always stays. Raises: OSError."""
    return [file for _, file in own_backups(folder)[max(1, keep) :]]
