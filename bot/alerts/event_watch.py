"""What happened to the accounts, told once: after every assessment the last reading is held against the one before.

Accounts whose own state stayed as it was cost a comparison of rows. Of the others the venue's history is asked, the
most urgent first and a few at a time, and what both say is logged with where it was found, so that a process that is
killed anywhere in between neither misses anything nor says it twice.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime

import structlog

from bot.alerts.event_followers import EventFollowers, Followed, Step, Wish
from bot.alerts.event_ledger import Entry, EventLedger
from bot.alerts.event_teller import EventTeller
from bot.alerts.event_venue import VenueFollower
from bot.roster import Roster
from risk.decisions.book_changes import changed_rows
from risk.decisions.incidents import severity
from risk.decisions.money_events import EventThresholds
from risk.decisions.tiers import Tier
from risk.fleet import Fleet, FleetView
from risk.margin.snapshot import snapshot_at
from risk.model.account import AccountSnapshot
from risk.ports import Clock

log = structlog.get_logger()

_LOOK_EVERY_S = 1.0
_AT_ONCE = 4  # histories that are asked side by side
_PER_LOOK = 16  # before it is seen whether something more urgent has come
_BATCH = 100
_BREATHE_EVERY = 20  # accounts, before others in the loop get their turn


class EventWatch:
    """Follows the fleet's readings for ever."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        roster: Roster,
        followers: EventFollowers,
        venue: VenueFollower,
        ledger: EventLedger,
        teller: EventTeller,
        clock: Clock,
        thresholds: EventThresholds | None = None,
    ) -> None:
        self._fleet, self._roster, self._clock = fleet, roster, clock
        self._followers, self._venue, self._ledger, self._teller = followers, venue, ledger, teller
        self._thresholds = thresholds or EventThresholds()
        self._watched: frozenset[str] = frozenset()
        self._seen: FleetView | None = None
        self._day: date | None = None
        # Accounts that may have news, and how urgent that looks; None for those nobody has looked at yet.
        self._to_do: dict[str, int | None] = {}
        self._loaded = False
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()

    def wake(self) -> None:
        """There is a new reading."""
        self._news.set()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            self._news.clear()
            pause_s = _LOOK_EVERY_S
            try:
                pause_s = await self.look()
            except Exception:
                # The top of a task. Nothing was remembered that is not stored, so the next look does it again.
                log.exception("events.look_failed")
                await self._clock.sleep(_LOOK_EVERY_S)
            await self._until_news(pause_s)

    async def _until_news(self, pause_s: float) -> None:
        news, pause = (asyncio.ensure_future(one) for one in (self._news.wait(), self._clock.sleep(pause_s)))
        try:
            await asyncio.wait((news, pause), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (news, pause):
                task.cancel()
            await asyncio.gather(news, pause, return_exceptions=True)

    async def look(self) -> float:
        """One look at the latest reading, and at what has become due. Returns: seconds until the next one is of use,
        unless a reading comes before."""
        async with self._turn:
            await self._load()
            now, view = self._clock.now(), self._fleet.latest
            await self._leave()
            if view is not None:
                self._notice(view, now)
                self._teller.add(await self._venue.look(view.book))
                await self._readings(view, now)
                await self._histories(view)
            await self._teller.tell(self._clock.now())
            return await self._pause_s(view, self._clock.now())

    async def _load(self) -> None:
        if not self._loaded:
            await self._followers.load()
            await self._venue.load()
            await self._teller.load()
            self._loaded = True

    async def _leave(self) -> None:
        """Who is not watched any more is not followed."""
        self._watched = frozenset(self._roster.account_ids)
        gone = self._followers.known - self._watched
        if gone:
            await self._followers.forget(gone)
            self._to_do = {account_id: urgency for account_id, urgency in self._to_do.items() if account_id not in gone}

    def _notice(self, view: FleetView, now: datetime) -> None:
        """Which accounts may have news."""
        found: set[str] = set(self._followers.due(now))
        today = now.astimezone(UTC).date()
        if view is not self._seen:
            ids = view.book.accounts.ids
            if self._seen is None or today != self._day:
                found.update(ids)
            else:
                rows = changed_rows(
                    self._seen.book, view.book, dear_borrow_annual_frac=self._thresholds.dear_borrow_annual_frac
                )
                found.update(ids[row] for row in rows.tolist())
            self._seen, self._day = view, today
        self._to_do |= dict.fromkeys(found)

    async def _readings(self, view: FleetView, now: datetime) -> None:
        """The steps that need no history; of the others, how urgent they are."""
        steps: list[Step] = []
        new = [account_id for account_id, urgency in self._to_do.items() if urgency is None]
        for number, account_id in enumerate(new, start=1):
            if number % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)
            step = await self._reading(view, account_id, now)
            if step is not None:
                steps.append(step)
            if len(steps) == _BATCH:
                await self._enter(steps)
                steps = []
        await self._enter(steps)

    async def _reading(self, view: FleetView, account_id: str, now: datetime) -> Step | None:
        """The step of one account, where it needs no history; else it stays among those to do."""
        if not self._followed(view, account_id):
            del self._to_do[account_id]
            return None
        one = await self._followers.where(account_id)
        if view.position_of(account_id) in view.book.accounts.problems:
            self._to_do[account_id] = severity(Tier.HIGH)
            if one is None or (one.troubled and not one.due(now)):
                del self._to_do[account_id]
            return None
        current = _snapshot(view, account_id)
        if one is None:
            return self._followers.first(current)
        wish = self._followers.wish(one, current, now)
        if wish is None:
            del self._to_do[account_id]
        elif wish.history:
            self._to_do[account_id] = wish.urgency
        else:
            return await self._followers.step(one, current, wish, now)
        return None

    async def _histories(self, view: FleetView) -> None:
        """The most urgent of the steps that need the venue's history."""
        ready = await self._ready(view, self._clock.now())
        urgent = sorted(ready, key=lambda account_id: -(self._to_do[account_id] or 0))
        gate = asyncio.Semaphore(_AT_ONCE)

        async def take(account_id: str) -> None:
            async with gate:
                await self._enter([await self._with_history(view, account_id, ready[account_id])])

        async with asyncio.TaskGroup() as tasks:
            for account_id in urgent[:_PER_LOOK]:
                tasks.create_task(take(account_id))

    async def _with_history(self, view: FleetView, account_id: str, one: Followed) -> Step:
        now = self._clock.now()
        if view.position_of(account_id) in view.book.accounts.problems:
            return await self._followers.step_of_troubled(one, view.book.slot, now)
        return await self._followers.step(one, _snapshot(view, account_id), Wish(history=True), now)

    def _followed(self, view: FleetView, account_id: str) -> bool:
        return account_id in view and account_id in self._watched

    async def _enter(self, steps: Sequence[Step]) -> None:
        """Make steps durable, and only then remember them."""
        entries = [
            Entry(news=step.news, records=step.records, followed=step.stored)
            for step in steps
            if step.news or step.records or step.stored
        ]
        if entries:
            self._teller.add(await self._ledger.enter(entries, self._clock.now()))
        for step in steps:
            self._followers.took(step)
            if not step.after.waits:
                self._to_do.pop(step.account_id, None)

    async def _ready(self, view: FleetView, now: datetime) -> dict[str, Followed]:
        """Accounts whose history may be asked now, and where they stand."""
        found: dict[str, Followed] = {}
        for account_id in self._to_do:
            one = await self._followers.where(account_id) if self._followed(view, account_id) else None
            if one is not None and not one.early(now):
                found[account_id] = one
        return found

    async def _pause_s(self, view: FleetView | None, now: datetime) -> float:
        """How long until there is something to do, unless a reading comes before."""
        if view is not None and await self._ready(view, now):
            return 0.0
        told_at = self._teller.next_at()
        left_s = _LOOK_EVERY_S if told_at is None else (told_at - now).total_seconds()
        return min(max(left_s, 0.0), _LOOK_EVERY_S)


def _snapshot(view: FleetView, account_id: str) -> AccountSnapshot:
    return snapshot_at(view.book, view.position_of(account_id))
