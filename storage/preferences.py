"""What each chat wants to hear, and when. Read at every settling, so the whole of it is kept in memory as well."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from risk.decisions.hearing import EVERYTHING, ChatPreferences, DigestPlan, Verbosity
from risk.decisions.quiet_hours import QuietSpan
from storage.columns import ReadRow, Row, encodable, integer, member, moment, text, to_us
from storage.errors import BadRow
from storage.records import Receiver
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

Change = Callable[[ChatPreferences], ChatPreferences]


class Preferences:
    """Preferences by chat. One for each process: it alone writes them, so what it remembers is what is stored."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: Mapping[Receiver, ChatPreferences] | None = None
        self._changes = 0

    async def all(self) -> Mapping[Receiver, ChatPreferences]:
        """Of the chats that have any; the others want everything at once."""
        if self._known is not None:
            return self._known
        changes = self._changes
        loaded = await self._store.run(_load)
        if changes == self._changes:
            self._known = loaded
        return loaded

    async def of(self, receiver: Receiver) -> ChatPreferences:
        """What one chat wants."""
        return (await self.all()).get(receiver, EVERYTHING)

    async def change(self, receiver: Receiver, change: Change, now: datetime) -> ChatPreferences:
        """Put what ``change`` makes of a chat's preferences in their place; nobody changes them in between.

        Mutes and silences that are over are forgotten by the way.
        """
        try:
            return await self._store.atomic(lambda db: _change(db, receiver, change, now))
        finally:
            self._forget()

    async def move_chat(self, old: Receiver, new: Receiver) -> None:
        """A platform gave a chat another address: its preferences go there, in the place of any that were there."""
        try:
            await self._store.atomic(lambda db: _move(db, old, new))
        finally:
            self._forget()

    async def bring_forward(self, receiver: Receiver, holds: Mapping[int, datetime]) -> int:
        """What waits for a chat shall not wait longer than until these moments, by the value of its tier; how many
        notices that concerned."""
        return await self._store.atomic(lambda db: _bring_forward(db, receiver, holds))

    def _forget(self) -> None:
        """What was read before a change may not be remembered after it."""
        self._changes += 1
        self._known = None


class _Mute(StrEnum):
    """What a mute is about, as it is stored."""

    MARKET = "market"
    ACCOUNT = "account"


_THERE = "SELECT 1 FROM chat_preferences WHERE transport = :transport AND chat = :chat AND thread = :thread"
_FORGET = "DELETE FROM chat_preferences WHERE transport = :transport AND chat = :chat AND thread = :thread"
_READDRESS = """
    UPDATE chat_preferences SET transport = :new_transport, chat = :new_chat, thread = :new_thread
    WHERE transport = :transport AND chat = :chat AND thread = :thread
"""
_BRING_FORWARD = """
    UPDATE outbox SET due_at = :due_at
    WHERE state = 'pending' AND held = 1 AND due_at > :due_at AND tier = :tier
        AND transport = :transport AND chat = :chat AND thread = :thread
"""


def _key(receiver: Receiver) -> Row:
    return {"transport": receiver.transport, "chat": receiver.chat, "thread": receiver.thread}


def _receiver(row: ReadRow) -> Receiver:
    return Receiver(transport=text(row, "transport"), chat=text(row, "chat"), thread=text(row, "thread"))


def _load(db: "Database") -> dict[Receiver, ChatPreferences]:
    spans = _by_chat(db.query("SELECT * FROM quiet_spans ORDER BY begins_minute"))
    mutes = _by_chat(db.query("SELECT * FROM chat_mutes"))
    events = _by_chat(db.query("SELECT * FROM event_switches"))
    return {
        receiver: _preferences(row, spans.get(receiver, ()), mutes.get(receiver, ()), events.get(receiver, ()))
        for receiver, (row,) in _by_chat(db.query("SELECT * FROM chat_preferences")).items()
    }


def _by_chat(rows: Iterable[ReadRow]) -> dict[Receiver, list[ReadRow]]:
    found: dict[Receiver, list[ReadRow]] = {}
    for row in rows:
        found.setdefault(_receiver(row), []).append(row)
    return found


def _preferences(
    row: ReadRow, spans: Iterable[ReadRow], mutes: Iterable[ReadRow], events: Iterable[ReadRow]
) -> ChatPreferences:
    until: dict[_Mute, dict[str, datetime]] = {kind: {} for kind in _Mute}
    for mute in mutes:
        until[member(_Mute, mute, "kind")][text(mute, "subject")] = moment(mute, "until")
    try:
        return ChatPreferences(
            zone=_zone(text(row, "zone")),
            quiet=tuple(
                QuietSpan(begins_minute=integer(one, "begins_minute"), ends_minute=integer(one, "ends_minute"))
                for one in spans
            ),
            verbosity=member(Verbosity, row, "verbosity"),
            digest=DigestPlan(at_minute=integer(row, "digest_minute"), every_h=integer(row, "digest_every_h")),
            muted=until[_Mute.MARKET],
            silenced=until[_Mute.ACCOUNT],
            events={text(one, "event"): bool(integer(one, "told")) for one in events},
        )
    except ValueError as exc:
        raise BadRow(f"The stored preferences of a chat contradict themselves ({exc}); restore a backup.") from exc


def _zone(key: str) -> ZoneInfo:
    """A zone that this machine's database no longer has is UTC: alerts must not stop for it."""
    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _change(db: "Database", receiver: Receiver, change: Change, now: datetime) -> ChatPreferences:
    wanted = change(_load(db).get(receiver, EVERYTHING))
    key = _key(receiver)
    db.execute(_FORGET, key)  # the rest goes with it
    db.table("chat_preferences").insert(
        {
            **key,
            "zone": wanted.zone.key,
            "verbosity": wanted.verbosity.value,
            "digest_minute": wanted.digest.at_minute,
            "digest_every_h": wanted.digest.every_h,
            "changed_at": to_us(now),
        }
    )
    db.table("quiet_spans").insert_all(
        {**key, "begins_minute": one.begins_minute, "ends_minute": one.ends_minute} for one in wanted.quiet
    )
    db.table("chat_mutes").insert_all(
        {**key, "kind": kind.value, "subject": encodable(subject), "until": to_us(until)}
        for kind, mutes in ((_Mute.MARKET, wanted.muted), (_Mute.ACCOUNT, wanted.silenced))
        for subject, until in mutes.items()
        if until > now
    )
    db.table("event_switches").insert_all(
        {**key, "event": event, "told": int(told)} for event, told in wanted.events.items()
    )
    return _load(db)[receiver]


def _move(db: "Database", old: Receiver, new: Receiver) -> None:
    there = {"new_transport": new.transport, "new_chat": new.chat, "new_thread": new.thread}
    if db.execute(_THERE, _key(old)).fetchone() and old != new:
        db.execute(_FORGET, _key(new))
        db.execute(_READDRESS, {**there, **_key(old)})


def _bring_forward(db: "Database", receiver: Receiver, holds: Mapping[int, datetime]) -> int:
    return sum(
        db.execute(_BRING_FORWARD, {**_key(receiver), "tier": tier, "due_at": to_us(hold)}).rowcount
        for tier, hold in holds.items()
    )
