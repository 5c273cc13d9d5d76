"""Which tier stood when, as a line of letters."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.replaying.timeline import timeline
from risk.decisions.tiers import Tier

START = datetime(2025, 10, 10, tzinfo=UTC)


def after(hours: float) -> datetime:
    return START + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("told", "letters", "why"),
    [
        ([(0, Tier.OK)], "..........", "nothing was told"),
        ([(0, Tier.OK), (5, Tier.HIGH)], ".....HHHHH", "from the middle on"),
        ([(0, Tier.OK), (5.5, Tier.HIGH)], ".....HHHHH", "the worst of a stretch"),
        ([(0, Tier.WATCH), (2, Tier.CRITICAL), (2.1, Tier.WATCH)], "wwCwwwwwww", "however short it was"),
        ([(0, Tier.WARNING), (9.99, Tier.LIQUIDATING)], "WWWWWWWWWL", "at the end"),
        ([(0, Tier.OK), (10, Tier.LIQUIDATING)], ".........L", "at the very end"),
        ([(0, Tier.UNKNOWN), (1, Tier.WATCH)], "??wwwwwwww", "not knowing is as bad as HIGH"),
    ],
)
def test_each_letter_is_the_worst_tier_of_its_time(told: list[tuple[float, Tier]], letters: str, why: str) -> None:
    line, meaning = timeline([(after(hours), tier) for hours, tier in told], after(10), columns=10)
    assert line == letters, why
    assert meaning.startswith("1 h 00 min a letter: ")
    assert all(tier.name in meaning for _, tier in told)


def test_a_single_moment_is_one_letter() -> None:
    assert timeline([(START, Tier.CRITICAL)], START, columns=10) == ("C", "CRITICAL")
