"""Which part of history is played."""

import pytest

from bot.replaying.span import Span, cut, worst_day_s
from tests.venues.replaying import HOUR_S, START_S, Bar, flat, long, make_bars, short
from venues.replay import BadRecording, Bars, BookPosition, ReplayBook

DAY = 24


def book(*positions: BookPosition) -> ReplayBook:
    return ReplayBook(collateral_usd=1_000.0, positions=positions or (long(),))


def bars(n: int, *, fall_at: int | None = None, start: int = 0, asset: str = "SOL") -> Bars:
    """Hours at 100, and at 80 from one on."""
    prices = [80.0 if fall_at is not None and hour >= fall_at else 100.0 for hour in range(n)]
    made: list[Bar] = flat(*prices)
    return make_bars(made, asset=asset, start_s=START_S + start * HOUR_S)


def hours(found: list[Bars]) -> list[tuple[int, int]]:
    """First and last bar of each, in hours since the start."""
    return [(int(one.opened_s[0] - START_S) // HOUR_S, int(one.opened_s[-1] - START_S) // HOUR_S) for one in found]


def test_the_last_days_of_what_all_have() -> None:
    both = book(long(), long("BTC-PERP"))
    every = [bars(100 * DAY), bars(95 * DAY, start=DAY, asset="BTC")]
    assert hours(cut(every, both, Span(days=10))) == [(86 * DAY, 96 * DAY - 1)] * 2


def test_more_days_than_there_are_is_all_there_is() -> None:
    assert hours(cut([bars(5 * DAY)], book(), Span(days=90))) == [(0, 5 * DAY - 1)]


def test_the_worst_day_comes_with_a_week_before_it_and_some_days_after() -> None:
    found = cut([bars(100 * DAY, fall_at=50 * DAY)], book(), Span(days=None))
    worst = worst_day_s([bars(100 * DAY, fall_at=50 * DAY)], book()) - START_S
    assert 49 * DAY <= worst // HOUR_S < 50 * DAY
    assert hours(found) == [(worst // HOUR_S - 7 * DAY, worst // HOUR_S + 4 * DAY - 1)]


def test_what_is_worst_depends_on_the_book() -> None:
    """A fall on day 20 and as steep a rise on day 60: longs fear the one, shorts the other."""
    prices = [100.0] * (20 * DAY) + [80.0] * (40 * DAY) + [120.0] * (20 * DAY)
    every = [make_bars(flat(*prices))]
    assert worst_day_s(every, book(long())) // HOUR_S < START_S // HOUR_S + 20 * DAY
    assert worst_day_s(every, book(short())) // HOUR_S > START_S // HOUR_S + 58 * DAY


@pytest.mark.parametrize(
    ("every", "span", "why"),
    [
        ([bars(3 * DAY), bars(3 * DAY, start=10 * DAY, asset="BTC")], Span(days=5), "no time in common"),
        ([bars(5)], Span(days=None), "no whole day of history"),
    ],
)
def test_histories_that_cannot_be_played(every: list[Bars], span: Span, why: str) -> None:
    with pytest.raises(BadRecording, match=why):
        cut(every, book(*(long(f"{one.asset}-PERP") for one in every)), span)
