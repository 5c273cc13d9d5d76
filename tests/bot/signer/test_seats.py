"""Who may stay connected. Who has asked something lately does, whoever else comes."""

import pytest

from bot.signer.seats import RECENTLY_S, SEATS, Seats


class Guest:
    def __init__(self, name: int) -> None:
        self.name, self.left = name, False

    def cancel(self) -> bool:
        self.left = True
        return True


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def seated(seats: Seats[Guest], count: int) -> list[Guest]:
    guests = [Guest(number) for number in range(count)]
    for one in guests:
        assert seats.make_room()
        seats.take(one)
    return guests


def left(guests: list[Guest]) -> list[int]:
    return [one.name for one in guests if one.left]


def test_nobody_leaves_as_long_as_there_is_room(clock: Clock) -> None:
    assert left(seated(Seats(clock), SEATS)) == []


def test_who_never_asked_leaves_first_and_the_longest_there_before_others(clock: Clock) -> None:
    seats = Seats[Guest](clock)
    guests = seated(seats, SEATS)
    seats.asked(guests[0])
    clock.now_s += 10 * RECENTLY_S
    assert seats.make_room()
    assert left(guests) == [1]
    seats.take(Guest(SEATS))
    assert seats.make_room()
    assert left(guests) == [1, 2]


def test_among_those_who_asked_the_one_silent_for_longest_leaves(clock: Clock) -> None:
    seats = Seats[Guest](clock)
    guests = seated(seats, SEATS)
    for one in (*guests, guests[0]):
        seats.asked(one)
    clock.now_s += RECENTLY_S + 1
    assert seats.make_room()
    assert left(guests) == [1]


def test_who_comes_is_turned_away_where_everybody_has_asked_lately(clock: Clock) -> None:
    seats = Seats[Guest](clock)
    guests = seated(seats, SEATS)
    for one in guests:
        seats.asked(one)
    clock.now_s += RECENTLY_S
    assert not seats.make_room()
    assert left(guests) == []
    seats.leave(guests[5])
    assert seats.make_room()


def test_who_has_left_holds_no_seat_whatever_it_asks(clock: Clock) -> None:
    seats = Seats[Guest](clock)
    guests = seated(seats, SEATS)
    assert seats.make_room()
    seats.asked(guests[0])
    seats.asked(None)
    seats.take(Guest(SEATS))
    assert seats.make_room()
    assert left(guests) == [0, 1]


def test_an_empty_room_sends_nobody_away(clock: Clock) -> None:
    assert not Seats[Guest](clock).send_away()
