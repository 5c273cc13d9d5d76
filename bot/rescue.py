"""A memory to begin with: the database of the settings, or what can be had in its place where that one is damaged."""

import asyncio
import os
import sys
from pathlib import Path
from typing import NoReturn

import structlog

from bot.alerts.findings import Finding
from bot.backup_plan import BackupPlan, own_backups, taken_at
from bot.memory_watch import DAMAGE
from bot.text.ages import day_and_moment
from risk.decisions.tiers import Tier
from risk.model.trading import TradingState
from risk.ports import Clock
from storage import DatabaseCorrupt, Store, TradingStates
from storage.rescue import Rescue, mark_damaged, rescued, why_unusable

log = structlog.get_logger()

_KEEL = "keel"


async def open_memory(path: Path, plan: BackupPlan | None, clock: Clock) -> tuple[Store, Rescue | None]:
    """Open the database; a damaged one is set aside first, and trading is halted in what takes its place.

    Raises: StorageError, as Store.open.
    """
    why = await asyncio.to_thread(why_unusable, path)
    if not why:
        try:
            return await Store.open(path), None
        except DatabaseCorrupt as exc:
            why = str(exc)
    backups = await asyncio.to_thread(_backups, plan)
    rescue = await asyncio.to_thread(rescued, path, backups, why, clock.now())
    log.critical("memory.rescued", why=why, kept=str(rescue.kept), restored=str(rescue.restored or "nothing"))
    store = await Store.open(path)
    try:
        reason = "the memory was damaged and is not what it was; compare /orders with the venue before /resume"
        await TradingStates(store).set(TradingState.HALTED, by=_KEEL, reason=reason, now=clock.now())
    except BaseException:
        await store.close()
        raise
    return store, rescue


def findings_of(rescue: Rescue | None) -> list[Finding]:
    """What people are told at the start."""
    if rescue is None:
        return [Finding(cause=DAMAGE, tier=Tier.OK, fact="its memory was sound at this start")]
    return [Finding(cause=DAMAGE, tier=Tier.CRITICAL, fact=f"{_in_its_place(rescue)}; trading is halted: compare "
            "/orders with the venue before /resume")]  # fmt: skip


def begin_again(database: Path, why: str) -> NoReturn:
    """The same program with the same arguments, in the place of this process; it will not use this database."""
    mark_damaged(database, why)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # its own command line


def _in_its_place(rescue: Rescue) -> str:
    if rescue.restored is None:
        return f"its memory was damaged, no backup was sound, and it begins empty; the old one is {rescue.kept.name}"
    if rescue.restored == rescue.kept:
        return f"the end of its memory was damaged, and what was stored last is lost; the old one is {rescue.kept.name}"
    made_at = taken_at(rescue.restored)
    of = f" of {day_and_moment(made_at)}" if made_at is not None else ""
    return f"its memory was damaged, and the backup{of} took its place; the old one is {rescue.kept.name}"


def _backups(plan: BackupPlan | None) -> list[Path]:
    try:
        return [] if plan is None else [file for _, file in own_backups(plan.folder)]
    except OSError:
        return []  # no folder, no backups
