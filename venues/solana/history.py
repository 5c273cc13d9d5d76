"""What the venue's program recorded of an account, read back from the ledger transaction by transaction.

A node lists the transactions of an account from the newest back, and people want them from the oldest on. So a listing
goes back to the cursor first, over several calls where it is long, and only then are transactions read.

A cursor is ``SLOT:SIGNATURE`` of the last transaction that was handed out. Another endpoint may not know the signature;
then the slot says where to stop.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from solders.pubkey import Pubkey
from solders.signature import Signature

from risk.model.events import AccountEvent, EventKind, GapEvent, GapReason
from risk.ports import Clock, EventPage
from venues.errors import VenueRejected, VenueUnavailable
from venues.solana.addresses import parse_key
from venues.solana.answers import LandedTransaction, SignatureRow
from venues.solana.borsh import Unreadable
from venues.solana.client import MOST_SIGNATURES, ClientManager
from venues.solana.market_directory import MarketDirectory
from venues.solana.order_records import Whose
from venues.solana.profiles import Profile
from venues.solana.program_events import events_of, moment_of
from venues.solana.program_records import Reading, Transaction, read_records, touched

_LISTINGS = 5  # of one call
_TRANSACTIONS = 40  # of one call
_AT_ONCE = 4
_LONGEST_BACKLOG = 100_000  # signatures; what is further back is said to be missing
_REMEMBERED = 2_048
_PATIENCE = 5  # looks for a transaction that is listed and not there
_NEWEST_FEW = 20
_FAR_BACK_SLOTS = 50_000  # about five hours; nodes keep a day and more


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    slot: int
    signature: str

    @classmethod
    def parse(cls, text: str) -> "_Cursor":
        """Raises: VenueRejected."""
        slot, _, signature = text.partition(":")
        try:
            if not slot.isascii() or not slot.isdigit():
                raise ValueError("the slot is no number")
            if signature:
                Signature.from_string(signature)
        except ValueError as exc:
            raise VenueRejected(f"{text[:40]!r} is no place in the history of an account; begin anew") from exc
        return cls(slot=int(slot), signature=signature)

    def __str__(self) -> str:
        return f"{self.slot}:{self.signature}"

    def ends(self, row: SignatureRow) -> bool:
        """Whether a listing has come to this place or gone past it."""
        if row.slot != self.slot:
            return row.slot < self.slot
        # Of one slot there may be others behind this one; a cursor without a signature is behind all of its slot.
        return not self.signature or row.signature == self.signature


@dataclass(slots=True, kw_only=True)
class _Backlog:
    """What is listed behind a cursor, newest first.

    Attributes:
        reached: Whether the listing has come back to the cursor; before, nothing of it can be handed out.
        too_far: Whether it was given up before that, or the node does not remember as much.
        fresh: Whether it was listed just now, so that nothing newer is missing.
    """

    behind: str
    rows: list[SignatureRow] = field(default_factory=list)
    reached: bool = False
    too_far: bool = False
    fresh: bool = True


class History:
    """Implements risk.ports.EventHistory for one profile."""

    def __init__(self, profile: Profile, client: ClientManager, clock: Clock, *, slot_tolerance: int = 0) -> None:
        self._profile, self._client, self._clock = profile, client, clock
        self._slot_tolerance = slot_tolerance
        self._markets = MarketDirectory(profile, client)
        self._backlogs: dict[str, _Backlog] = {}
        self._read: OrderedDict[tuple[str, str], tuple[AccountEvent, ...]] = OrderedDict()
        self._missing: dict[str, int] = {}

    async def events_since(self, account_id: str, cursor: str, *, up_to_slot: int | None = None) -> EventPage:
        """See EventHistory.events_since. Raises: VenueUnavailable, VenueRejected."""
        if not self._profile.events:
            raise VenueRejected(f"{self._profile.name} keeps no record that this program can read")
        key = parse_key(account_id)
        at_slot = max(0, (up_to_slot or 0) - self._slot_tolerance)
        if not cursor:
            return EventPage(events=(), cursor=str(await self._newest(key, up_to_slot, at_slot)), complete=True)
        start = _Cursor.parse(cursor)
        # A node that has not come to the cursor cannot know what is behind it.
        backlog = await self._listed(account_id, key, start, max(at_slot, start.slot))
        if not backlog.reached:
            return EventPage(events=(), cursor=cursor, complete=False)
        due = [row for row in reversed(backlog.rows) if up_to_slot is None or row.slot <= up_to_slot]
        events: list[AccountEvent] = []
        if backlog.too_far and due:
            events.append(self._gap(account_id, due[0], GapReason.TOO_FAR_BACK))
        done, place = 0, start
        while done < min(len(due), _TRANSACTIONS):
            part = due[done : done + _AT_ONCE]
            try:
                found = await asyncio.gather(*(self._events(account_id, key, row) for row in part))
            except VenueUnavailable:
                if not done:
                    raise
                break
            for row, own in zip(part, found, strict=True):
                events += own
                place = _Cursor(slot=row.slot, signature=row.signature)
            done += len(part)
        del self._backlogs[account_id]
        if done < len(due):
            rest = backlog.rows[: len(backlog.rows) - done]
            self._backlogs[account_id] = _Backlog(behind=str(place), rows=rest, reached=True, fresh=False)
        return EventPage(events=tuple(events), cursor=str(place), complete=backlog.fresh and done == len(due))

    async def _newest(self, key: Pubkey, up_to_slot: int | None, at_slot: int) -> _Cursor:
        """The last transaction so far."""
        for row in await self._client.signatures(key, limit=_NEWEST_FEW, at_slot=at_slot):
            if up_to_slot is None or row.slot <= up_to_slot:
                return _Cursor(slot=row.slot, signature=row.signature)
        return _Cursor(slot=self._client.newest_slot if up_to_slot is None else up_to_slot, signature="")

    async def _listed(self, account_id: str, key: Pubkey, start: _Cursor, at_slot: int) -> _Backlog:
        """What is behind the cursor, as far as one call goes."""
        backlog = self._backlogs.get(account_id)
        if backlog is None or backlog.behind != str(start):
            # Kept from the beginning: what a call could not finish, the next one need not do again.
            backlog = self._backlogs[account_id] = _Backlog(behind=str(start))
            backlog.too_far = await self._forgotten(start)
        if backlog.reached:
            backlog.fresh = False
            return backlog
        for _ in range(_LISTINGS):
            before = backlog.rows[-1] if backlog.rows else None
            page = await self._client.signatures(
                key, before=before.signature if before else "", until=start.signature, at_slot=at_slot
            )
            if before and page and page[0].slot > before.slot:
                raise VenueUnavailable("a node lists the history of an account out of order; ask again")
            own = [row for row in page if not start.ends(row)]
            backlog.rows += own
            too_long = len(backlog.rows) >= _LONGEST_BACKLOG
            backlog.too_far |= too_long
            backlog.reached = too_long or len(own) < MOST_SIGNATURES
            if backlog.reached:
                break
        return backlog

    async def _forgotten(self, start: _Cursor) -> bool:
        """Whether the node may have thrown away what was behind a cursor. Asked only of one that lies far back."""
        if self._client.newest_slot - start.slot < _FAR_BACK_SLOTS:
            return False
        return await self._client.first_slot() > start.slot

    async def _events(self, account_id: str, key: Pubkey, row: SignatureRow) -> tuple[AccountEvent, ...]:
        """The events of one transaction. A failed one changed nothing but the fee payer's purse."""
        if row.failed:
            return ()
        known = self._read.get((account_id, row.signature))
        if known is not None:
            return known
        landed = await self._client.transaction(row.signature)
        if landed is None:
            return self._given_up(account_id, row)
        self._missing.pop(row.signature, None)
        events = () if landed.failed else await self._translated(account_id, bytes(key), row, landed)
        self._read[account_id, row.signature] = events
        if len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)
        return events

    async def _translated(
        self, account_id: str, account: bytes, row: SignatureRow, landed: LandedTransaction
    ) -> tuple[AccountEvent, ...]:
        at = None if landed.at_s is None else moment_of(landed.at_s)
        transaction = Transaction(signature=row.signature, slot=row.slot, at=at, logs=landed.logs)
        reading = read_records(self._profile, account, transaction)
        names = await self._markets.names(*_touched(reading))
        whose = Whose(account_id=account_id, slot=row.slot, observed_at=self._clock.now())
        return events_of(account, transaction, reading, names, whose)

    def _given_up(self, account_id: str, row: SignatureRow) -> tuple[AccountEvent, ...]:
        """What is said of a transaction that is listed and cannot be had. Raises: VenueUnavailable, the first times."""
        looks = self._missing[row.signature] = self._missing.get(row.signature, 0) + 1
        if looks < _PATIENCE:
            raise VenueUnavailable(f"a transaction at slot {row.slot} is listed and not there yet; ask again")
        del self._missing[row.signature]
        return (self._gap(account_id, row, GapReason.TRANSACTION_MISSING),)

    def _gap(self, account_id: str, row: SignatureRow, reason: GapReason) -> GapEvent:
        return GapEvent(
            kind=EventKind.HISTORY_GAP, account_id=account_id, slot=row.slot, observed_at=self._clock.now(),
            reason=reason, source=f"{row.signature}/{reason.value}",
        )  # fmt: skip


def _touched(reading: Reading) -> tuple[set[int], set[int]]:
    """Markets of a reading; of records that contradict their layout nothing is looked up, and events_of says so."""
    perps: set[int] = set()
    spots: set[int] = set()
    for record in reading.records:
        try:
            own_perps, own_spots = touched([record])
        except Unreadable:
            continue
        perps |= own_perps
        spots |= own_spots
    return perps, spots
