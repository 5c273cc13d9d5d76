"""A bot whose venue keeps a history, and a test that says what happens there."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from risk.model.account import AccountSnapshot
from risk.model.events import AccountEvent
from risk.ports import EventPage
from storage import Events, LoggedEvent
from tests.risk.builders import make_account, make_position
from tests.support.bot_world import BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.recording_transport import Sent
from tests.support.tuned_reader import TunedReader
from venues.errors import VenueUnavailable

MAIN = "account-of-main"
_PAGE = 40


class RecordedVenue(TunedReader):
    """A venue with a record of what happened. Its cursors count an account's records; implements
    risk.ports.EventHistory as well.

    Attributes:
        records: Everything that was recorded, oldest first.
        unlisted: Whether what was recorded is not listed yet.
        silent: Whether the history does not answer.
        questions: Accounts whose history was asked, one for each question.
    """

    def __init__(self, clock: FakeClock, *account_ids: str) -> None:
        super().__init__(clock, *account_ids)
        self.records: list[AccountEvent] = []
        self.unlisted = self.silent = False
        self.questions: list[str] = []

    def record(self, event: AccountEvent) -> None:
        """It happens now, behind what was read."""
        number = len(self.records)
        self.records.append(
            replace(
                event, slot=self.slot + 1, observed_at=self._clock.now(), happened_at=self._clock.now(),
                source=f"transaction-{number}/0",
            )
        )  # fmt: skip

    async def events_since(self, account_id: str, cursor: str, *, up_to_slot: int | None = None) -> EventPage:
        self.questions.append(account_id)
        if self.silent:
            raise VenueUnavailable("the history does not answer; ask again")
        own = [one for one in self.records if one.account_id == account_id]
        listed = [one for one in own if (up_to_slot is None or one.slot <= up_to_slot) and not self.unlisted]
        if not cursor:
            return EventPage(events=(), cursor=str(len(listed)), complete=True)
        page = listed[int(cursor) : int(cursor) + _PAGE]
        return EventPage(
            events=tuple(page), cursor=str(int(cursor) + len(page)), complete=int(cursor) + len(page) >= len(listed)
        )


@dataclass(slots=True, kw_only=True)
class EventWorld:
    """The bot, and how to move what it watches."""

    bot: BotWorld
    venue: RecordedVenue

    @property
    def events(self) -> Events:
        return Events(self.bot.store)

    def put(self, account: AccountSnapshot, account_id: str = MAIN) -> None:
        self.venue.accounts[account_id] = replace(account, account_id=account_id)

    def change(self, account_id: str = MAIN, **changes: Any) -> None:
        self.venue.accounts[account_id] = replace(self.venue.accounts[account_id], **changes)

    async def look(self, after_s: float = 5.0, *, read: bool = True) -> list[Sent]:
        """Time passes, the venue is read, events are followed; what was sent of it."""
        self.bot.clock.pass_s(after_s)
        before = len(self.bot.transport.sent)
        if read:
            await self.bot.app.watch.check()
        await self.bot.app.events.watch.look()
        await self.bot.deliver()
        return self.bot.transport.sent[before:]

    async def heard(self, after_s: float = 5.0) -> list[str]:
        """Every message that came of a look."""
        return [sent.text for sent in await self.look(after_s)]

    async def log(self, account_id: str = MAIN) -> tuple[LoggedEvent, ...]:
        return await self.events.behind_slot(account_id, 0)


def standing(size_base: float = 10.0, **changes: Any) -> AccountSnapshot:
    """An account in good health, long SOL."""
    positions = (make_position(size_base),) if size_base else ()
    return make_account(*positions, usdc=1_000.0, **changes)


@contextlib.asynccontextmanager
async def event_world(
    *nicknames: str,
    database: Path | str = ":memory:",
    venue: RecordedVenue | None = None,
    clock: FakeClock | None = None,
    linked: bool = True,
    accounts: Iterable[AccountSnapshot] = (),
) -> AsyncIterator[EventWorld]:
    """A bot that has looked once, unless it is one that comes after another: then its venue is given."""
    names = nicknames or ("main",)
    clock = clock or FakeClock()
    fresh = venue is None
    venue = venue or RecordedVenue(clock, *(f"account-of-{name}" for name in names))
    async with bot_world(*names, database=database, clock=clock, reader=venue, linked=linked) as bot:
        world = EventWorld(bot=bot, venue=venue)
        if fresh:
            given = iter(accounts)
            for name in names:
                world.put(next(given, standing()), f"account-of-{name}")
            await world.look()
            bot.transport.sent.clear()
        yield world
