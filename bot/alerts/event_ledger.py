"""News becomes rows of the event log: judged by what was announced, with where it was found, in one transaction.

Some of it is logged and not told: what only those hear of who asked to when nobody did, and what was told of the same
market a moment ago.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.alerts.announced import LEEWAY, judged
from bot.alerts.event_codec import event_from, event_json
from bot.alerts.event_fills import fills_of
from bot.alerts.event_groups import Waiting, market_of
from bot.alerts.event_interest import DailyInterest
from risk.decisions.event_tiers import ON_REQUEST
from risk.decisions.tiers import Tier
from risk.model.events import AccountEvent, DelegateEvent, EventKind, FlowEvent, InterestEvent, SubAccountEvent
from storage import Announcement, Announcements, EventBatch, Events, FollowedAccount, LoggedEvent, NewEvent

_RESTS = timedelta(hours=1)
# What may cross a threshold back and forth.
_RESTING = frozenset({EventKind.FUNDING_FLIPPED, EventKind.FUNDING_HEAVY, EventKind.BORROW_RATE_SPIKE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be logged.

    Attributes:
        records: What the venue's program said; the fills among it are kept, told or not.
        followed: Where it was found, as it is to be kept with it; None where that has not changed.
    """

    news: tuple[AccountEvent, ...] = ()
    records: tuple[AccountEvent, ...] = ()
    followed: FollowedAccount | None = None


_Key = tuple[str, EventKind, str]


@dataclass(slots=True)
class _Draft:
    """A batch while it is made.

    Attributes:
        announcements: As they stand after what the batch has used of them.
        rested: What is told of kinds that rest afterwards.
    """

    announcements: dict[int, Announcement] = field(default_factory=dict)
    spent: dict[int, float] = field(default_factory=dict)
    rested: dict[_Key, datetime] = field(default_factory=dict)


class EventLedger:
    """Writes the event log. Whoever writes takes turns, for an announcement is used up once.

    Args:
        asked: Which of the kinds on request some chat wants to hear now.
    """

    def __init__(
        self, *, events: Events, announcements: Announcements, asked: Callable[[], Awaitable[Collection[EventKind]]]
    ) -> None:  # fmt: skip
        self._events, self._announcements, self._asked = events, announcements, asked
        self._interest = DailyInterest(events)
        self._rested: dict[_Key, datetime] = {}
        self._turn = asyncio.Lock()

    async def enter(self, entries: Sequence[Entry], now: datetime) -> tuple[Waiting, ...]:
        """Log it; what of it waits to be told, or has become more while it waits."""
        async with self._turn:
            asked, draft = await self._asked(), _Draft()
            news = [event for entry in entries for event in entry.news]
            records = [event for entry in entries for event in entry.records]
            rows = [await self._row(one, asked, draft, now) for one in news if not isinstance(one, InterestEvent)]
            interest = await self._interest.rows(one for one in news if isinstance(one, InterestEvent))
            rows += [_new(one, Tier.OK, told=one.kind not in asked) for one in interest.new]
            batch = EventBatch(
                followed=tuple(entry.followed for entry in entries if entry.followed is not None),
                events=tuple(rows), spent=draft.spent,
                grown={number: event_json(one) for number, one in interest.grown.items()}, fills=fills_of(records),
            )  # fmt: skip
            logged = await self._events.record(batch, now)
            self._interest.logged(logged)
            self._rested |= draft.rested
        return tuple(waiting_of(one) for one in logged if one.told_at is None)

    async def enter_of_venue(
        self, venue: str, state_json: str, news: Sequence[AccountEvent], now: datetime
    ) -> tuple[Waiting, ...]:
        """Log what a venue did to all accounts, with what it allows now."""
        rows = [_new(event, judged(event, ()).tier) for event in news]
        return tuple(waiting_of(one) for one in await self._events.save_venue_state(venue, state_json, rows, now))

    async def enter_of_owner(
        self, owner: str, account_ids: Collection[str], news: Sequence[AccountEvent], now: datetime
    ) -> tuple[Waiting, ...]:
        """Log what an owner opened, with all that they have."""
        async with self._turn:
            asked, draft = await self._asked(), _Draft()
            rows = [await self._row(event, asked, draft, now) for event in news]
            logged = await self._events.save_owned(owner, account_ids, rows, now)
        return tuple(waiting_of(one) for one in logged if one.told_at is None)

    async def _row(self, event: AccountEvent, asked: Collection[EventKind], draft: _Draft, now: datetime) -> NewEvent:
        verdict = judged(event, await self._announced(event, draft))
        for number, left_usd in verdict.spent.items():
            draft.announcements[number] = replace(draft.announcements[number], left_usd=left_usd)
            draft.spent[number] = left_usd
        return _new(verdict.event, verdict.tier, told=self._passes(event, asked, draft, now))

    async def _announced(self, event: AccountEvent, draft: _Draft) -> Sequence[Announcement]:
        """What was said before of that time, less what the batch has used of it."""
        if not isinstance(event, FlowEvent | DelegateEvent | SubAccountEvent):
            return ()
        for one in await self._announcements.around(event.happened_at or event.observed_at, LEEWAY):
            draft.announcements.setdefault(one.announcement_id, one)
        return tuple(draft.announcements.values())

    def _passes(self, event: AccountEvent, asked: Collection[EventKind], draft: _Draft, now: datetime) -> bool:
        """Whether nobody is told."""
        if event.kind in ON_REQUEST and event.kind not in asked:
            return True
        if event.kind not in _RESTING:
            return False
        key = event.account_id, event.kind, market_of(event)
        told_at = draft.rested.get(key, self._rested.get(key))
        if told_at is not None and now - told_at < _RESTS:
            return True
        draft.rested[key] = now
        return False


def _new(event: AccountEvent, tier: Tier, *, told: bool = False) -> NewEvent:
    return NewEvent(
        account_id=event.account_id, kind=event.kind, market=market_of(event), tier=tier, slot=event.slot,
        happened_at=event.happened_at or event.observed_at, source=event.source, body_json=event_json(event), told=told,
    )  # fmt: skip


def waiting_of(logged: LoggedEvent) -> Waiting:
    """A row of the log as it waits to be told. Raises: ValueError for one this version does not understand."""
    return Waiting(
        event_id=logged.event_id, event=event_from(logged.body_json), tier=logged.tier,
        happened_at=logged.happened_at, logged_at=logged.logged_at,
    )  # fmt: skip
