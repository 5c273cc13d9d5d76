"""A ledger on which anything happens, a bot that is killed anywhere, a node that lags: everything is told once."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from bot.alerts.event_codec import event_from
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.model.events import EventKind, FlowEvent, LiquidationEvent, OrderEvent, PositionEvent
from risk.ports import EventPage
from storage import StorageError, Stored
from tests.bot.alerts.event_world import MAIN, EventWorld, RecordedVenue, event_world
from tests.risk.decisions.chain_of_events import Chain
from tests.support.clock import FakeClock
from venues.errors import VenueUnavailable

K = EventKind


class ChainVenue(RecordedVenue):
    """The chain as a venue.

    Attributes:
        lag: How many of the newest records are not listed yet.
        page: Records of one page; small ones show that pages are put together.
    """

    def __init__(self, clock: FakeClock, chain: Chain) -> None:
        super().__init__(clock, MAIN)
        self.chain, self.lag, self.page = chain, 0, 3

    def _book(self, account_ids: object) -> FleetBook:
        reading = self.chain.reading()
        return book_of([replace(reading, account_id=MAIN, observed_at=self._clock.now())])

    async def events_since(self, account_id: str, cursor: str, *, up_to_slot: int | None = None) -> EventPage:
        if self.silent:
            raise VenueUnavailable("the history does not answer; ask again")
        known = self.chain.records[: len(self.chain.records) - self.lag]
        slots = [one.slot for one in known if up_to_slot is None or one.slot <= up_to_slot]
        # All of a slot or nothing: transactions of the test have one record each, but a slot has several.
        if not cursor:
            return EventPage(events=(), cursor=str(len(slots)), complete=True)
        begin = int(cursor)
        page = known[begin : min(begin + self.page, len(slots))]
        events = tuple(replace(one, account_id=MAIN) for one in page)
        return EventPage(events=events, cursor=str(begin + len(page)), complete=begin + len(page) >= len(slots))


async def tell(world: EventWorld, random: Random) -> None:
    """A look; sometimes the process dies between what it found and what it says."""
    world.bot.clock.pass_s(random.choice((0.5, 1.0, 2.0)))
    await world.bot.app.watch.check()
    dies = pytest.MonkeyPatch()
    if random.random() < 0.2:

        async def die(**_: object) -> Stored:
            raise StorageError("the process is killed here")

        dies.setattr(world.bot.app.services.incidents, "apply_assessment", die)
        dies.setattr(world.bot.app.desk._incidents, "apply_assessment", die)
    try:
        await world.bot.app.events.watch.look()
    except StorageError:
        pass
    finally:
        dies.undo()


@pytest.mark.parametrize("seed", range(12))
async def test_every_record_is_logged_and_told_once_whatever_happens_to_node_and_process(
    tmp_path: Path, seed: int
) -> None:
    random, clock = Random(seed), FakeClock()
    chain = Chain(random)
    venue = ChainVenue(clock, chain)
    database = tmp_path / "keel.sqlite3"
    first = True
    for _life in range(4):
        async with event_world(database=database, clock=clock, venue=venue, linked=first) as world:
            if first:
                await world.look()
            first = False
            for _ in range(6):
                for _ in range(random.randint(0, 3)):
                    chain.happen()
                venue.lag = 0 if random.random() < 0.7 else min(len(chain.records), random.randint(0, 2))
                await tell(world, random)
        clock.pass_s(random.choice((1.0, 100_000.0)))
        chain.happen()  # while nobody looks
    venue.lag = 0
    async with event_world(database=database, clock=clock, venue=venue, linked=False) as world:
        for _ in range(12):
            await world.look(30.0)
        log = await world.log()
        events = [event_from(row.body_json) for row in log]

    assert all(row.told_at is not None for row in log)
    logged = Counter(event.source for event in events if event.recorded)
    assert set(logged.values()) <= {1}
    missing = [record for record in chain.records if not logged[record.source]]
    # A record that came when readings had told the same is not logged beside them; everything else is.
    alone = [event for event in events if not event.recorded]
    for record in missing:
        assert not isinstance(record, LiquidationEvent)
        assert any(
            isinstance(event, PositionEvent | OrderEvent | FlowEvent)
            and event.after_slot is not None
            and event.after_slot < record.slot <= event.slot
            for event in alone
        ), record
    moved = sum(
        event.signed_base if isinstance(event, OrderEvent) else event.change_base - event.recorded_base
        for event in events
        if (isinstance(event, OrderEvent) and event.is_fill and event.recorded and event.market == "SOL-PERP")
        or (isinstance(event, PositionEvent) and event.market == "SOL-PERP")
    )
    seized = sum(
        one.taken_base for one in chain.records if isinstance(one, LiquidationEvent) and one.market == "SOL-PERP"
    )
    assert abs(moved - chain.sizes[0] / 1e9) <= seized + 1e-6
