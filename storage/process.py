"""What the process remembers of itself, and how far its deliveries have come."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from risk.decisions.tiers import Tier
from storage.columns import ReadRow, encodable, integer, maybe_moment, member, moment, text, to_us
from storage.records import Receiver
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

_LIVES_KEPT = 1_000
_ABSENCES_KEPT_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One time the process ran.

    Attributes:
        seen_at: Its last sign of life.
        stopped_at: When it ended of its own accord; None while it runs, and for ever where it was killed.
        ailing: Why it held its heartbeat back at ``seen_at``; empty while it was well.
        restored_at: When a backup of it was put in the place of a newer memory; None for never.
        did_at: When it last delivered or decided something, as far as that is stored; None for not known.
    """

    started_at: datetime
    seen_at: datetime
    stopped_at: datetime | None
    ailing: str = ""
    restored_at: datetime | None = None
    did_at: datetime | None = None

    @property
    def last_at(self) -> datetime:
        """The last moment of which it is known that it lived."""
        return self.stopped_at or max(self.seen_at, self.did_at or self.seen_at)


class AbsenceKind(StrEnum):
    """Why nobody watched."""

    STOPPED = "stopped"
    KILLED = "killed"
    RESTORED = "restored"
    SUSPENDED = "suspended"
    STALLED = "stalled"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BACK = "clock_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A stretch in which nobody watched.

    Attributes:
        from_at: By the clock that was valid then; after ``to_at`` where the clock was set back.
        tiers: Where the accounts stood before, by account id.
        waiting: Alerts that had not been delivered when it ended.
    """

    kind: AbsenceKind
    from_at: datetime
    to_at: datetime
    tiers: Mapping[str, Tier]
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UntoldAbsence:
    """An absence of which not everybody was told yet."""

    absence_id: int
    absence: Absence
    told: frozenset[Receiver]


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseMessage:
    """The status message of a chat, as its platform knows it."""

    receiver: Receiver
    message_id: str
    pinned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """Alerts of one transport that nobody has heard of by any way.

    Attributes:
        since: When the oldest of them should have gone out.
    """

    transport: str
    since: datetime
    number: int


class Lives:
    """When the process lived. One durable row every few seconds, so that a kill can be dated."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, now: datetime) -> Life | None:
        """Note that a life begins; the one before it, None for the very first."""
        return await self._store.atomic(lambda db: _begin(db, now))

    async def last(self) -> Life | None:
        """The present life, or the one that ended last."""
        return await self._store.run(
            lambda db: next(
                (_life_of(row) for row in db.query("SELECT * FROM lives ORDER BY life_id DESC LIMIT 1")), None
            )
        )

    async def restored_at(self) -> datetime | None:
        """When a backup took the place of this memory last; None for never."""
        newest = "SELECT restored_at FROM lives WHERE restored_at IS NOT NULL ORDER BY life_id DESC LIMIT 1"
        return await self._store.run(lambda db: next((moment(row, "restored_at") for row in db.query(newest)), None))

    async def seen(self, now: datetime, ailing: str = "") -> None:
        """Note that the present life goes on."""
        await self._store.atomic(
            lambda db: db.execute(
                "UPDATE lives SET seen_at = ?, ailing = ? WHERE life_id = (SELECT max(life_id) FROM lives)",
                [to_us(now), encodable(ailing)],
            )
        )

    async def end(self, now: datetime) -> None:
        """Note that the present life ends of its own accord."""
        await self._store.atomic(
            lambda db: db.execute(
                "UPDATE lives SET seen_at = :now, stopped_at = :now WHERE life_id = (SELECT max(life_id) FROM lives)",
                {"now": to_us(now)},
            )
        )


class Absences:
    """Stretches in which nobody watched, until everybody was told."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, absence: Absence) -> int:
        """Remember one, so that it is told even by the next process; its id."""
        return await self._store.atomic(lambda db: _note(db, absence))

    async def untold(self) -> tuple[UntoldAbsence, ...]:
        """Those that are not over, oldest first."""
        return await self._store.run(
            lambda db: tuple(
                _untold(db, row) for row in db.query("SELECT * FROM absences WHERE over = 0 ORDER BY absence_id")
            )
        )

    async def told(self, absence_id: int, receiver: Receiver) -> None:
        """A chat has heard of one."""
        await self._store.atomic(
            lambda db: db.execute(
                "INSERT INTO absences_told (absence_id, transport, chat, thread) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                [absence_id, receiver.transport, receiver.chat, receiver.thread],
            )
        )

    async def over(self, absence_id: int) -> None:
        """Everybody was told who could be."""
        await self._store.atomic(
            lambda db: db.execute("UPDATE absences SET over = 1 WHERE absence_id = ?", [absence_id])
        )


class Pulses:
    """The status messages, so that a restart edits them instead of sending new ones."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> Mapping[Receiver, PulseMessage]:
        """Every one, by its chat."""
        found = await self._store.run(lambda db: [_pulse_of(row) for row in db.query("SELECT * FROM pulses")])
        return {pulse.receiver: pulse for pulse in found}

    async def save(self, pulse: PulseMessage) -> None:
        """The one of its chat from now on."""
        row = {
            "transport": pulse.receiver.transport,
            "chat": pulse.receiver.chat,
            "thread": pulse.receiver.thread,
            "message_id": pulse.message_id,
            "pinned": int(pulse.pinned),
        }
        await self._store.atomic(lambda db: db.table("pulses").upsert(row, pk=("transport", "chat", "thread")))

    async def off(self) -> frozenset[Receiver]:
        """The chats that want none."""
        return await self._store.run(lambda db: frozenset(_receiver_of(row) for row in db.query(_OFF)))

    async def switch(self, receiver: Receiver, *, on: bool) -> None:
        """Whether a chat wants one."""
        change = _SWITCH_ON if on else _SWITCH_OFF
        await self._store.atomic(lambda db: db.execute(change, [receiver.transport, receiver.chat, receiver.thread]))

    async def forget(self, receiver: Receiver) -> None:
        """The message is gone."""
        await self._store.atomic(
            lambda db: db.execute(
                "DELETE FROM pulses WHERE transport = ? AND chat = ? AND thread = ?",
                [receiver.transport, receiver.chat, receiver.thread],
            )
        )


_OFF = "SELECT * FROM pulses_off"
_SWITCH_ON = "DELETE FROM pulses_off WHERE transport = ? AND chat = ? AND thread = ?"
_SWITCH_OFF = "INSERT INTO pulses_off (transport, chat, thread) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"


class Progress:
    """How far deliveries have come."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def unheard(self, now: datetime) -> tuple[Unheard, ...]:
        """What is due and has reached nobody, by transport. A copy that another chat has heard counts as heard; what
        is held back on purpose is not due."""
        return await self._store.run(
            lambda db: tuple(
                Unheard(transport=text(row, "transport"), since=moment(row, "since"), number=integer(row, "number"))
                for row in db.query(_UNHEARD, {"now": to_us(now)})
            )
        )


# A held notice is late from the end of its hold on, and every failed attempt moves that; a late alarm is no harm here.
_UNHEARD = """
    SELECT transport, min(CASE WHEN held THEN due_at ELSE created_at END) AS since, count(*) AS number
    FROM outbox AS waiting
    WHERE state IN ('pending', 'leased') AND NOT (held AND state = 'pending' AND due_at > :now)
        AND NOT EXISTS (
            SELECT 1 FROM outbox AS heard
            WHERE heard.incident_id = waiting.incident_id AND heard.state = 'sent'
                AND heard.sent_at >= waiting.created_at AND heard.severity >= waiting.severity
        )
    GROUP BY transport ORDER BY transport
"""


# What is dated behind now was dated by another clock.
_DID = """
    SELECT max(at) AS did_at FROM (
        SELECT max(sent_at) AS at FROM outbox WHERE sent_at <= :now
        UNION ALL SELECT max(changed_at) FROM incidents WHERE changed_at <= :now
    )
"""


def _begin(db: "Database", now: datetime) -> Life | None:
    rows = db.query("SELECT * FROM lives ORDER BY life_id DESC LIMIT 1")
    before = next((_life_of(row) for row in rows), None)
    if before is not None:
        before = replace(before, did_at=_did_at(db, now))
    db.execute(
        "INSERT INTO lives (started_at, seen_at, ailing) VALUES (:now, :now, '')",
        {"now": to_us(now)},
    )
    db.execute("DELETE FROM lives WHERE life_id <= (SELECT max(life_id) FROM lives) - ?", [_LIVES_KEPT])
    db.execute("DELETE FROM absences WHERE to_at < ?", [to_us(now - _ABSENCES_KEPT_FOR)])
    return before


def _did_at(db: "Database", now: datetime) -> datetime | None:
    (row,) = db.query(_DID, {"now": to_us(now)})
    return maybe_moment(row, "did_at")


def _note(db: "Database", absence: Absence) -> int:
    db.execute(
        "INSERT INTO absences (kind, from_at, to_at, waiting, over) VALUES (?, ?, ?, ?, 0)",
        [absence.kind.value, to_us(absence.from_at), to_us(absence.to_at), absence.waiting],
    )
    absence_id = int(db.execute("SELECT max(absence_id) FROM absences").fetchone()[0])
    for account_id, tier in absence.tiers.items():
        db.execute("INSERT INTO absence_tiers VALUES (?, ?, ?)", [absence_id, account_id, tier.value])
    return absence_id


def _untold(db: "Database", row: ReadRow) -> UntoldAbsence:
    absence_id = integer(row, "absence_id")
    return UntoldAbsence(
        absence_id=absence_id,
        absence=Absence(
            kind=member(AbsenceKind, row, "kind"),
            from_at=moment(row, "from_at"),
            to_at=moment(row, "to_at"),
            waiting=integer(row, "waiting"),
            tiers={
                text(one, "account_id"): member(Tier, one, "tier")
                for one in db.query("SELECT * FROM absence_tiers WHERE absence_id = ?", [absence_id])
            },
        ),
        told=frozenset(
            _receiver_of(one) for one in db.query("SELECT * FROM absences_told WHERE absence_id = ?", [absence_id])
        ),
    )


def _life_of(row: ReadRow) -> Life:
    return Life(
        started_at=moment(row, "started_at"),
        seen_at=moment(row, "seen_at"),
        stopped_at=maybe_moment(row, "stopped_at"),
        ailing=text(row, "ailing"),
        restored_at=maybe_moment(row, "restored_at"),
    )


def _pulse_of(row: ReadRow) -> PulseMessage:
    return PulseMessage(
        receiver=_receiver_of(row), message_id=text(row, "message_id"), pinned=bool(integer(row, "pinned"))
    )


def _receiver_of(row: ReadRow) -> Receiver:
    return Receiver(transport=text(row, "transport"), chat=text(row, "chat"), thread=text(row, "thread"))
