"""Which alarms were false: HIGH or worse that ended without a price within half its distance."""

import math

import pytest

from bot.replaying.alarms import Alarms
from risk.decisions.tiers import Tier

NAN = math.nan


@pytest.mark.parametrize(
    ("looks", "rung", "false", "why"),
    [
        ([(Tier.WARNING, 50), (Tier.OK, 90)], 0, 0, "WARNING is no alarm"),
        ([(Tier.HIGH, 40), (Tier.HIGH, 30), (Tier.OK, 90)], 1, 1, "never near"),
        ([(Tier.HIGH, 40), (Tier.HIGH, 20), (Tier.OK, 90)], 1, 0, "half the way exactly is within half"),
        ([(Tier.HIGH, 40), (Tier.HIGH, 20.01), (Tier.OK, 90)], 1, 1, "a hair short of it"),
        ([(Tier.HIGH, 40), (Tier.CRITICAL, 12), (Tier.HIGH, 30), (Tier.OK, 90)], 1, 0, "one alarm, however it rose"),
        ([(Tier.CRITICAL, 12), (Tier.CRITICAL, 11), (Tier.WARNING, 60)], 1, 1, "CRITICAL for nothing"),
        ([(Tier.HIGH, 40), (Tier.WARNING, 50), (Tier.HIGH, 40), (Tier.OK, 90)], 2, 2, "it rang twice"),
        ([(Tier.HIGH, 40)], 1, 0, "it still stands"),
        ([(Tier.HIGH, 40), (Tier.LIQUIDATING, -5)], 1, 0, "it was right"),
        ([(Tier.HIGH, 40), (Tier.HIGH, NAN), (Tier.HIGH, 10), (Tier.OK, 90)], 1, 0, "a gap hides nothing"),
        ([(Tier.HIGH, 40), (Tier.HIGH, NAN), (Tier.OK, 90)], 1, 1, "nor does it count as near"),
        ([(Tier.HIGH, 40), (Tier.OK, 15)], 1, 0, "the look that ends it counts"),
    ],
)
def test_false_alarms(looks: list[tuple[Tier, float]], rung: int, false: int, why: str) -> None:
    alarms = Alarms()
    for tier, to_spare_usd in looks:
        alarms = alarms.after(tier, to_spare_usd)
    assert (alarms.rung, alarms.false) == (rung, false), why
