"""What happened to accounts: the log of it, how far each account was followed, what venues allowed when last seen."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind
from storage.columns import ReadRow, Row, encodable, integer, maybe_moment, member, moment, text, to_us
from storage.event_records import EventBatch, FollowedAccount, LoggedEvent, NewEvent
from storage.fills import fill_rows, save_fills
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

FROM_EVENTS = "account events"


class Events:
    """The memory of the event watch, and of whoever asks what happened."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def followed(self) -> Mapping[str, FollowedAccount]:
        """How far each account was followed, by id."""
        return await self._store.run(
            lambda db: {row["account_id"]: _followed_of(row) for row in db.query("SELECT * FROM followed_accounts")}
        )

    async def record(self, batch: EventBatch, now: datetime) -> tuple[LoggedEvent, ...]:
        """Store what a look found, whole or not at all.

        Returns: The events that were new, with their numbers, and those that have grown; one whose source is known
            already is left out.
        """
        if batch.empty:
            return ()
        return await self._store.atomic(lambda db: _record(db, batch, now))

    async def untold(self) -> tuple[LoggedEvent, ...]:
        """What waits to be told, oldest first."""
        return await self._store.run(
            lambda db: _logged(db.query("SELECT * FROM event_log WHERE told_at IS NULL ORDER BY event_id"))
        )

    async def let_pass(self, event_ids: Collection[int], now: datetime) -> None:
        """Nobody is to be told of these."""
        if event_ids:
            await self._store.atomic(lambda db: mark_told(db, event_ids, now))

    async def behind_slot(self, account_id: str, slot: int) -> tuple[LoggedEvent, ...]:
        """Events of an account from a slot on, as they were logged."""
        return await self._store.run(
            lambda db: _logged(
                db.query(
                    "SELECT * FROM event_log WHERE account_id = ? AND slot >= ? ORDER BY event_id", [account_id, slot]
                )
            )
        )

    async def events_between(
        self, account_id: str, begin: datetime, end: datetime, *, limit: int = 1_000
    ) -> tuple[LoggedEvent, ...]:
        """What happened to an account within [begin, end), oldest first; to venues with an empty id.

        Args:
            limit: The last so many of them.
        """
        rows = await self._store.run(
            lambda db: _logged(
                db.query(
                    "SELECT * FROM event_log WHERE account_id = ? AND happened_at >= ? AND happened_at < ?"
                    " ORDER BY happened_at DESC, event_id DESC LIMIT ?",
                    [account_id, to_us(begin), to_us(end), limit],
                )
            )
        )
        return rows[::-1]

    async def logged_between(self, begin: datetime, end: datetime, *, limit: int = 1_000) -> tuple[LoggedEvent, ...]:
        """What was learned of all accounts within [begin, end), oldest first: after a pause, what happened in it."""
        rows = await self._store.run(
            lambda db: _logged(
                db.query(
                    "SELECT * FROM event_log WHERE logged_at >= ? AND logged_at < ? ORDER BY event_id DESC LIMIT ?",
                    [to_us(begin), to_us(end), limit],
                )
            )
        )
        return rows[::-1]

    async def venue_state(self, venue: str) -> str | None:
        """What a venue allowed when it was last looked at, as the caller wrote it; None before the first look."""
        found = await self._store.run(
            lambda db: db.execute("SELECT body_json FROM venue_states WHERE venue = ?", [venue]).fetchone()
        )
        return None if found is None else str(found[0])

    async def save_venue_state(
        self, venue: str, body_json: str, events: Sequence[NewEvent], now: datetime
    ) -> tuple[LoggedEvent, ...]:
        """What it allows now, together with what that change is told as."""
        row: Row = {"venue": venue, "body_json": body_json, "observed_at": to_us(now)}

        def save(db: "Database") -> tuple[LoggedEvent, ...]:
            db.execute(_SAVE_VENUE, row)
            return _insert(db, events, now)

        return await self._store.atomic(save)

    async def owned(self, owner: str) -> frozenset[str]:
        """Accounts an owner is known to have; empty before the first look."""
        return await self._store.run(
            lambda db: frozenset(
                row["account_id"] for row in db.query("SELECT account_id FROM owned_accounts WHERE owner = ?", [owner])
            )
        )

    async def save_owned(
        self, owner: str, account_ids: Iterable[str], events: Sequence[NewEvent], now: datetime
    ) -> tuple[LoggedEvent, ...]:
        """Accounts an owner has, together with what is told of new ones."""
        rows: list[Row] = [{"owner": owner, "account_id": account_id} for account_id in account_ids]

        def save(db: "Database") -> tuple[LoggedEvent, ...]:
            for row in rows:
                db.execute(_SAVE_OWNED, row)
            return _insert(db, events, now)

        return await self._store.atomic(save)

    async def forget_before(self, when: datetime, kinds: Collection[EventKind]) -> int:
        """Drop what was told and happened before, of some kinds; how much that was."""
        listed = json.dumps(sorted(kind.value for kind in kinds))
        return await self._store.atomic(
            lambda db: (
                db.execute(
                    "DELETE FROM event_log WHERE told_at IS NOT NULL AND happened_at < ?"
                    " AND kind IN (SELECT value FROM json_each(?))",
                    [to_us(when), listed],
                ).rowcount
            )
        )

    async def unfollow(self, account_ids: Collection[str]) -> None:
        """These are not watched any more: where they stood is no longer of interest, what happened is kept."""
        listed = json.dumps(sorted(account_ids))
        await self._store.atomic(
            lambda db: db.execute(
                "DELETE FROM followed_accounts WHERE account_id IN (SELECT value FROM json_each(?))", [listed]
            )
        )


def mark_told(db: "Database", event_ids: Collection[int], now: datetime) -> None:
    """In the caller's transaction: the alert that tells these is stored with it."""
    db.execute(
        "UPDATE event_log SET told_at = ? WHERE told_at IS NULL AND event_id IN (SELECT value FROM json_each(?))",
        [to_us(now), json.dumps(sorted(event_ids))],
    )


def _record(db: "Database", batch: EventBatch, now: datetime) -> tuple[LoggedEvent, ...]:
    for account in batch.followed:
        db.execute(_FOLLOW, _followed_row(account))
    grown = [
        _event_of(row)
        for event_id, body_json in batch.grown.items()
        for row in db.query(
            "UPDATE event_log SET body_json = ? WHERE event_id = ? RETURNING *", [encodable(body_json), event_id]
        )
    ]
    for announcement_id, left_usd in batch.spent.items():
        db.execute("UPDATE announcements SET left_usd = ? WHERE announcement_id = ?", [left_usd, announcement_id])
    for account_id, fills in batch.fills.items():
        save_fills(db, fill_rows(account_id, fills, FROM_EVENTS))
    return (*_insert(db, batch.events, now), *grown)


def _insert(db: "Database", events: Sequence[NewEvent], now: datetime) -> tuple[LoggedEvent, ...]:
    found: list[LoggedEvent] = []
    for event in events:
        row = _event_row(event, now)
        for inserted in db.query(_LOG, row):
            found.append(_event_of(inserted))
    return tuple(found)


_FOLLOW = """
    INSERT INTO followed_accounts (account_id, body_json, slot, observed_at, cursor, heard_slot)
    VALUES (:account_id, :body_json, :slot, :observed_at, :cursor, :heard_slot)
    ON CONFLICT (account_id) DO UPDATE SET
        body_json = excluded.body_json, slot = excluded.slot, observed_at = excluded.observed_at,
        cursor = excluded.cursor, heard_slot = excluded.heard_slot
"""

_LOG = """
    INSERT INTO event_log (
        account_id, kind, market, tier, slot, happened_at, logged_at, source, body_json, told_at
    ) VALUES (
        :account_id, :kind, :market, :tier, :slot, :happened_at, :logged_at, :source, :body_json, :told_at
    ) ON CONFLICT (account_id, source) WHERE source <> '' DO NOTHING
    RETURNING *
"""

_SAVE_VENUE = """
    INSERT INTO venue_states (venue, body_json, observed_at) VALUES (:venue, :body_json, :observed_at)
    ON CONFLICT (venue) DO UPDATE SET body_json = excluded.body_json, observed_at = excluded.observed_at
"""

_SAVE_OWNED = """
    INSERT INTO owned_accounts (owner, account_id) VALUES (:owner, :account_id)
    ON CONFLICT (owner, account_id) DO NOTHING
"""


def _followed_row(account: FollowedAccount) -> Row:
    return {
        "account_id": account.account_id,
        "body_json": encodable(account.body_json),
        "slot": account.slot,
        "observed_at": to_us(account.observed_at),
        "cursor": encodable(account.cursor),
        "heard_slot": account.heard_slot,
    }


def _followed_of(row: ReadRow) -> FollowedAccount:
    return FollowedAccount(
        account_id=text(row, "account_id"),
        body_json=text(row, "body_json"),
        slot=integer(row, "slot"),
        observed_at=moment(row, "observed_at"),
        cursor=text(row, "cursor"),
        heard_slot=integer(row, "heard_slot"),
    )


def _event_row(event: NewEvent, now: datetime) -> Row:
    return {
        "account_id": event.account_id,
        "kind": event.kind.value,
        "market": encodable(event.market),
        "tier": event.tier.value,
        "slot": event.slot,
        "happened_at": to_us(event.happened_at),
        "logged_at": to_us(now),
        "source": encodable(event.source),
        "body_json": encodable(event.body_json),
        "told_at": to_us(now) if event.told else None,
    }


def _logged(rows: Iterable[ReadRow]) -> tuple[LoggedEvent, ...]:
    return tuple(_event_of(row) for row in rows)


def _event_of(row: ReadRow) -> LoggedEvent:
    return LoggedEvent(
        event_id=integer(row, "event_id"),
        account_id=text(row, "account_id"),
        kind=member(EventKind, row, "kind"),
        market=text(row, "market"),
        tier=member(Tier, row, "tier"),
        slot=integer(row, "slot"),
        happened_at=moment(row, "happened_at"),
        logged_at=moment(row, "logged_at"),
        source=text(row, "source"),
        body_json=text(row, "body_json"),
        told_at=maybe_moment(row, "told_at"),
    )
