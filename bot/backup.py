"""Backups of the memory: on request, and by the process itself, with those kept that are newest."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot.alerts.desk import Finding
from bot.backup_plan import PREFIX, BackupPlan, own_backups, superfluous
from bot.text.clean import sentence
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.ports import Clock
from storage.backup import CheckedFile, back_up, stamped
from storage.errors import DatabaseUnavailable, StorageError

log = structlog.get_logger()

_LOOK_EVERY_S = 60.0
_AGAIN = timedelta(minutes=15)
CAUSE = Cause(kind=CauseKind.SYSTEM, subject="backup")


def target_of(wanted: Path, now: datetime) -> Path:
    """The file a backup goes to: the one that was named, or one with the time in its name in the folder that was.

    Raises: DatabaseUnavailable, for a folder there is none of.
    """
    if wanted.is_dir():
        return wanted / stamped(PREFIX, now)
    if not wanted.parent.is_dir():
        raise DatabaseUnavailable(f"There is no folder {wanted.parent}; make it first.")
    return wanted


class Backups:
    """Backs the memory up while the process runs. A failure is an incident, and it is tried again.

    Args:
        settle: Takes findings; see bot.alerts.desk.
    """

    def __init__(
        self,
        *,
        database: Path,
        plan: BackupPlan,
        clock: Clock,
        settle: Callable[[list[Finding]], Awaitable[None]],
    ) -> None:
        self._database, self._plan, self._clock, self._settle = database, plan, clock, settle
        self._not_before: datetime | None = None
        self.last: CheckedFile | None = None
        self.last_at: datetime | None = None

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(_LOOK_EVERY_S)

    async def look(self) -> None:
        """One backup, where one is due."""
        now = self._clock.now()
        if self._not_before is not None and timedelta() <= self._not_before - now <= _AGAIN:
            return
        try:
            if not await asyncio.to_thread(self._is_due, now):
                return
            checked = await asyncio.to_thread(self._make, now)
        except (StorageError, OSError) as error:
            self._not_before = now + _AGAIN
            text = str(error) if isinstance(error, StorageError) else f"{self._plan.folder}: {error.strerror}"
            log.error("backup.failed", error=text)
            fact = sentence(f"no backup could be made: {text}")
            await self._settle([Finding(cause=CAUSE, tier=Tier.WARNING, fact=fact)])
            return
        self._not_before, self.last, self.last_at = None, checked, now
        log.info("backup.made", file=checked.path.name, rows=checked.row_count, size_bytes=checked.size_bytes)
        await self._settle([Finding(cause=CAUSE, tier=Tier.OK, fact="backups are made again")])

    def _is_due(self, now: datetime) -> bool:
        """Counted from the newest file, so that restarts make no difference."""
        self._plan.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One from the future was made before the clock was set back; it says nothing of how old the others are.
        past = [at for at, _ in own_backups(self._plan.folder) if at <= now]
        if not past:
            return True
        self.last_at = past[0]
        return now - past[0] >= self._plan.every

    def _make(self, now: datetime) -> CheckedFile:
        checked = back_up(self._database, self._plan.folder / stamped(PREFIX, now))
        for file in superfluous(self._plan.folder, self._plan.keep):
            file.unlink(missing_ok=True)
        return checked
