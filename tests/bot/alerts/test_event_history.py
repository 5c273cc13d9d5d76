"""How far the history was read: a little is read again, a long one in parts, and silence is not the end of it."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.alerts.event_history import EventListener, Place, Reach
from risk.model.events import AccountEvent, EventKind
from risk.ports import EventPage
from tests.risk.builders import NOW
from venues.errors import VenueRejected, VenueUnavailable


@dataclass(slots=True)
class Pages:
    """A history of pages; implements risk.ports.EventHistory.

    Attributes:
        fails: What a cursor is answered with instead.
        asked: Cursors and slots of every question.
    """

    count: int = 1
    fails: dict[str, Exception] = field(default_factory=dict)
    asked: list[tuple[str, int | None]] = field(default_factory=list)

    async def events_since(self, account_id: str, cursor: str, *, up_to_slot: int | None = None) -> EventPage:
        self.asked.append((cursor, up_to_slot))
        if cursor in self.fails:
            raise self.fails[cursor]
        if not cursor:
            return EventPage(events=(), cursor="0", complete=True)
        number = min(int(cursor) + 1, self.count)
        events = (
            AccountEvent(
                kind=EventKind.HISTORY_GAP, account_id=account_id, slot=number, observed_at=NOW, source=f"{number}"
            ),
        )  # fmt: skip
        done = int(cursor) >= self.count
        return EventPage(events=() if done else events, cursor=str(number), complete=number == self.count)


def places(*slots: int) -> tuple[Place, ...]:
    return tuple(Place(cursor=f"at {slot}", slot=slot) for slot in slots)


@pytest.mark.parametrize(
    ("now", "cursor"),
    [(1_000, "at 900"), (1_031, "at 900"), (1_032, "at 1000"), (1_042, "at 1010"), (5_000, "at 1010")],
)
def test_it_is_read_again_from_a_place_that_nothing_is_listed_late_behind(now: int, cursor: str) -> None:
    assert Reach(places=places(900, 1_000, 1_010)).next_cursor(now) == cursor


def test_places_that_lie_far_back_are_forgotten_and_records_are_known_for_longer() -> None:
    reach = Reach(places=places(900, 1_000, 1_010)).read_to_its_end(Place(cursor="at 1040", slot=1_040))

    assert reach.places == places(1_000, 1_010, 1_040)
    assert reach.heard_slot < 1_000 - 32
    assert Reach.from_stored(reach.cursor, reach.heard_slot).heard_slot == reach.heard_slot


def test_of_a_long_history_only_the_last_page_is_read_again() -> None:
    reach = Reach(places=places(10), read_on="page 500").read_to_its_end(Place(cursor="page 501", slot=2_000))

    assert reach.next_cursor(2_001) == "page 500"
    assert not reach.read_on


async def test_the_first_question_begins_with_the_slot_of_the_first_reading() -> None:
    pages = Pages(count=3)
    listened = await EventListener(pages).listen("main", Reach(begins=77), 100, NOW)

    assert pages.asked[0] == ("", 76)  # something may have been done in slot 77 behind the reading
    assert {slot for _, slot in pages.asked[1:]} == {100}
    assert [event.source for event in listened.heard.events] == ["1", "2", "3"]
    assert listened.heard.complete
    assert not listened.more


async def test_a_history_too_long_for_one_question_is_read_on_where_it_was_left() -> None:
    listener, reach, sources = EventListener(Pages(count=25)), Reach(begins=1), list[str]()
    for expected in (10, 20, 25):
        listened = await listener.listen("main", reach, 100, NOW)
        sources += [event.source for event in listened.heard.events]
        reach = listened.reach
        assert len(sources) == expected
        assert listened.more == (expected < 25)
    assert sources == [str(number) for number in range(1, 26)]


async def test_what_was_read_before_the_node_fell_silent_is_not_lost() -> None:
    pages = Pages(count=5, fails={"3": VenueUnavailable("ask again")})
    listener = EventListener(pages)

    listened = await listener.listen("main", Reach(begins=1), 100, NOW)
    assert [event.source for event in listened.heard.events] == ["1", "2", "3"]
    assert not listened.heard.complete
    pages.fails.clear()
    again = await listener.listen("main", listened.reach, 101, NOW)

    assert [event.source for event in again.heard.events] == ["4", "5"]
    assert again.heard.complete


async def test_a_place_the_venue_does_not_know_is_given_up_for_a_new_one() -> None:
    pages = Pages(count=2, fails={"strange": VenueRejected("no such place")})

    listened = await EventListener(pages).listen("main", Reach.from_stored("strange", 500), 900, NOW)

    assert pages.asked[1] == ("", 499)  # what it had read comes again
    assert listened.heard.complete
    assert not listened.heard.silent


async def test_a_venue_that_keeps_no_history_is_asked_once_an_hour() -> None:
    pages = Pages(fails={"": VenueRejected("there is none here")})
    listener = EventListener(pages)

    assert (await listener.listen("main", Reach(begins=1), 100, NOW)).heard.silent
    assert not listener.asks(NOW + timedelta(minutes=59))
    assert (await listener.listen("main", Reach(begins=1), 100, NOW + timedelta(minutes=59))).heard.silent
    assert len(pages.asked) == 1
    assert listener.asks(NOW + timedelta(minutes=60))


async def test_where_there_is_nobody_to_ask_the_readings_are_all_there_is() -> None:
    listener = EventListener(None)

    assert not listener.asks(NOW)
    assert (await listener.listen("main", Reach(begins=1), 100, NOW)).heard.silent
