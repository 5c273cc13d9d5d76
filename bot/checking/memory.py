"""What a check finds of the database, of who uses it, and of its backups."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.backup_plan import BackupPlan, own_backups
from bot.checking.facts import Fact, advice, ok, wrong
from bot.checking.machine import folder, secret_file
from bot.text.ages import age
from storage import DatabaseCorrupt, Life, LinkedChat, Lives, People, StorageError, Store
from storage.backup import checked_file
from storage.file_lock import holder
from storage.migrations import MIGRATIONS

_LAST_SIGN = timedelta(seconds=45)
_SUBJECT = "database"
_DAMAGED = wrong(
    _SUBJECT,
    "it is damaged: keel run sets it aside, puts the newest sound backup in its place and halts trading",
    "start keel run and read what it says; for another backup, stop it first: keel restore FILE",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the database says, as far as it could be read.

    Attributes:
        chats: Linked ones, None where nobody can tell.
    """

    facts: tuple[Fact, ...]
    chats: tuple[LinkedChat, ...] | None = None


async def remembered(path: Path, now: datetime) -> Remembered:
    """Look into the database beside whoever uses it."""
    facts = [folder(path.parent, "database folder")]
    private = secret_file(path, f"{_SUBJECT} file")
    if private is None:
        facts.append(advice(_SUBJECT, f"{path} is not there yet", "it is made by keel run"))
        return Remembered(facts=tuple(facts))
    facts.append(private)
    used_by = holder(path)
    facts.append(ok("process", f"the database is used by {used_by}" if used_by else "no process uses the database"))
    try:
        async with Store.looking(path) as store:
            return await _inside(store, facts, now, running=bool(used_by))
    except DatabaseCorrupt:
        return Remembered(facts=(*facts, _DAMAGED))
    except StorageError as exc:
        return Remembered(facts=(*facts, wrong(_SUBJECT, str(exc), "see the sentence itself")))


async def _inside(store: Store, facts: list[Fact], now: datetime, *, running: bool) -> Remembered:
    schema = await store.run(lambda db: int(db.execute("SELECT max(version) FROM schema_migrations").fetchone()[0]))
    if await store.run(lambda db: str(db.execute("PRAGMA quick_check(1)").fetchone()[0])) != "ok":
        return Remembered(facts=(*facts, _DAMAGED))
    newest = MIGRATIONS[-1].version
    if schema < newest:
        text = f"sound, of schema {schema}; this version has {newest}"
        facts.append(advice(_SUBJECT, text, "keel run brings it up to date; a backup before that does no harm"))
        return Remembered(facts=tuple(facts))
    facts.append(ok(_SUBJECT, f"sound, schema {schema}"))
    if running:
        facts.append(_life(await Lives(store).last(), now))
    people = People(store)
    audience = await people.audience()
    if not await people.has_owner():
        facts.append(wrong("people", "nobody owns the bot", "keel run shows a link code: send /start CODE to the bot"))
    elif not audience.chats:
        facts.append(wrong("people", "no chat is linked: nobody hears an alert", "send /start to the bot, or /invite"))
    else:
        facts.append(ok("people", f"{len(audience.access)} linked, {len(audience.chats)} chats hear of alerts"))
    return Remembered(facts=tuple(facts), chats=audience.chats)


async def sign_of_life(path: Path, now: datetime) -> Fact:
    """Whether the process on a database runs and does its work. Cheap: for a health check every few seconds."""
    try:
        async with Store.looking(path) as store:
            return _life(await Lives(store).last(), now)
    except StorageError as exc:
        return wrong("life", str(exc), "see the sentence itself")


def backups(plan: BackupPlan | None, now: datetime) -> Fact:
    """Whether there is something to restore."""
    if plan is None:
        return advice("backups", "none are made", "take BACKUP_DIR=off away, or name a folder on another disk")
    try:
        found = own_backups(plan.folder)
    except FileNotFoundError:
        return advice("backups", f"there is no folder {plan.folder} yet", "keel run makes it, and the first backup")
    except OSError as exc:
        return wrong("backups", f"{plan.folder} cannot be read ({exc.strerror})", "check the folder's permissions")
    if not found:
        return advice("backups", f"none in {plan.folder} yet", "keel run makes one within a minute")
    at, newest = found[0]
    old = now - at
    text = f"the newest of {len(found)} is {age(old.total_seconds())} old"
    try:
        checked = checked_file(newest)
    except StorageError as exc:
        return wrong("backups", f"the newest is no good: {exc}", f"delete {newest.name} and let keel backup make one")
    if old > 2 * plan.every:
        return wrong("backups", text, "look in the log for backup.failed, or is Keel not running?")
    return ok("backups", f"{text}, {checked.row_count} rows, sound")


def _life(life: Life | None, now: datetime) -> Fact:
    if life is None:
        return wrong("life", "no process has ever noted that it lives here", "start keel run")
    if life.stopped_at is not None:
        text = f"stopped {age((now - life.stopped_at).total_seconds())} ago"
        return wrong("life", text, "start keel run")
    silent = now - life.seen_at
    if silent > _LAST_SIGN:
        text = f"the last sign of life is {age(silent.total_seconds())} old"
        return wrong("life", text, "look at the log; restart it")
    if life.ailing:
        return wrong("life", f"it runs and is not well: {life.ailing}", "see /status and the log")
    running = age((now - life.started_at).total_seconds())
    return ok("life", f"runs for {running}, last sign {age(silent.total_seconds())} ago")
