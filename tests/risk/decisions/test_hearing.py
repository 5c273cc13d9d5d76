"""How a chat hears of an incident: what rings, what is silent, what waits, what is not told, and what nothing holds."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.hearing import (
    EVERYTHING,
    ChatPreferences,
    DigestPlan,
    Hearing,
    Manner,
    Verbosity,
    hears,
    hold,
    manner,
    rings,
)
from risk.decisions.incidents import Cause, CauseKind, Incident, IncidentStatus
from risk.decisions.quiet_hours import QuietSpan, span
from risk.decisions.tiers import Tier

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
NIGHT = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
MORNING = datetime(2026, 1, 6, 7, 0, tzinfo=UTC)
EIGHT = datetime(2026, 1, 6, 8, 0, tzinfo=UTC)
ASLEEP = (span(time(22), time(7)),)
LATER, EARLIER = NOON + timedelta(hours=1), NOON - timedelta(hours=1)


def incident(
    tier: Tier = Tier.HIGH, *, status: IncidentStatus = IncidentStatus.OPEN, kind: CauseKind = CauseKind.HEALTH
) -> Incident:
    return Incident(
        incident_id=1, cause=Cause(kind=kind, account_id="main"), tier=tier, peak=tier, status=status,
        opened_at=NOON, changed_at=NOON, rang_at=NOON,
    )  # fmt: skip


def at_level(level: Verbosity, **more: object) -> ChatPreferences:
    return replace(EVERYTHING, verbosity=level, **more)  # type: ignore[arg-type]


R, S, D = Manner.RING, Manner.SILENT, Manner.DIGEST
LEVELS = {
    Verbosity.ALL: (R, R, R, R),
    Verbosity.NORMAL: (S, R, R, R),
    Verbosity.IMPORTANT: (D, S, R, R),
    Verbosity.CRITICAL: (D, D, S, S),
}


@pytest.mark.parametrize(("level", "expected"), LEVELS.items())
def test_each_level_says_what_rings_what_is_silent_and_what_waits(
    level: Verbosity, expected: tuple[Manner, ...]
) -> None:
    assert tuple(manner(level, tier) for tier in (Tier.WATCH, Tier.WARNING, Tier.HIGH, Tier.UNKNOWN)) == expected
    assert manner(level, Tier.CRITICAL) is manner(level, Tier.LIQUIDATING) is Manner.RING


CASES = {
    "nothing was asked for": (EVERYTHING, incident(), "", NOON, Hearing()),
    "by day, quiet hours say nothing": (replace(EVERYTHING, quiet=ASLEEP), incident(), "", NOON, Hearing()),
    "by night HIGH waits for the morning": (
        replace(EVERYTHING, quiet=ASLEEP), incident(), "", NIGHT, Hearing(hold_until=MORNING),
    ),
    "by night UNKNOWN is told at once": (
        replace(EVERYTHING, quiet=ASLEEP), incident(Tier.UNKNOWN), "", NIGHT, Hearing(),
    ),
    "by night CRITICAL is told at once": (
        replace(EVERYTHING, quiet=ASLEEP), incident(Tier.CRITICAL), "", NIGHT, Hearing(),
    ),
    "by night the end is told at once": (
        replace(EVERYTHING, quiet=ASLEEP), incident(Tier.OK, status=IncidentStatus.RESOLVED), "", NIGHT, Hearing(),
    ),
    "something that passed waits as anything else": (
        replace(EVERYTHING, quiet=ASLEEP), incident(Tier.WARNING, status=IncidentStatus.RESOLVED), "", NIGHT,
        Hearing(hold_until=MORNING),
    ),
    "the digest comes at eight": (
        at_level(Verbosity.IMPORTANT), incident(Tier.WATCH), "", NOON, Hearing(hold_until=EIGHT),
    ),
    "a digest in the night waits for its end": (
        at_level(Verbosity.IMPORTANT, quiet=ASLEEP, digest=DigestPlan(at_minute=6 * 60)), incident(Tier.WATCH), "",
        NOON, Hearing(hold_until=MORNING),
    ),
    "a digest every six hours": (
        at_level(Verbosity.IMPORTANT, digest=DigestPlan(at_minute=8 * 60, every_h=6)), incident(Tier.WATCH), "", NOON,
        Hearing(hold_until=NOON.replace(hour=14)),
    ),
    "in the time of the chat": (
        replace(EVERYTHING, quiet=ASLEEP, zone=ZoneInfo("Asia/Tokyo")), incident(), "", NOON.replace(hour=14),
        Hearing(hold_until=NOON.replace(hour=22)),
    ),
    "a muted market": (replace(EVERYTHING, muted={"SOL-PERP": LATER}), incident(), "SOL-PERP", NOON, None),
    "another market": (replace(EVERYTHING, muted={"SOL-PERP": LATER}), incident(), "BTC-PERP", NOON, Hearing()),
    "no market at all": (replace(EVERYTHING, muted={"": LATER}), incident(), "", NOON, Hearing()),
    "a mute that is over": (replace(EVERYTHING, muted={"SOL-PERP": EARLIER}), incident(), "SOL-PERP", NOON, Hearing()),
    "a mute as it ends": (replace(EVERYTHING, muted={"SOL-PERP": NOON}), incident(), "SOL-PERP", NOON, Hearing()),
    "a muted market that is CRITICAL": (
        replace(EVERYTHING, muted={"SOL-PERP": LATER}), incident(Tier.CRITICAL), "SOL-PERP", NOON, Hearing(),
    ),
    "a silenced account": (replace(EVERYTHING, silenced={"main": LATER}), incident(), "", NOON, None),
    "a silenced account that is CRITICAL": (
        replace(EVERYTHING, silenced={"main": LATER}), incident(Tier.CRITICAL), "", NOON, Hearing(),
    ),
    "a silenced account nobody can assess": (
        replace(EVERYTHING, silenced={"main": LATER}), incident(Tier.UNKNOWN), "", NOON, Hearing(),
    ),
    "the end of what a silenced account was told of": (
        replace(EVERYTHING, silenced={"main": LATER}), incident(Tier.OK, status=IncidentStatus.RESOLVED), "", NOON,
        Hearing(),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wants", "what", "market", "now", "expected"), CASES.values(), ids=CASES)
def test_a_chat_hears(
    wants: ChatPreferences, what: Incident, market: str, now: datetime, expected: Hearing | None
) -> None:
    assert hears(wants, what, market, now) == expected


def test_a_kind_of_event_that_was_switched_off_is_not_told_even_when_it_is_critical() -> None:
    wants = replace(EVERYTHING, events={"withdrawal": False})
    critical = incident(Tier.CRITICAL, kind=CauseKind.EVENT)

    assert hears(wants, critical, "", NOON, event="withdrawal") is None
    assert hears(wants, critical, "", NOON, event="deposit") == Hearing()
    assert hears(wants, incident(Tier.CRITICAL), "", NOON) == Hearing()


def test_what_happens_all_the_time_is_told_only_to_those_who_asked_for_it() -> None:
    placed = incident(Tier.WATCH, kind=CauseKind.EVENT)
    asked = replace(EVERYTHING, events={"order_placed": True})

    assert hears(EVERYTHING, placed, "", NOON, event="order_placed") is None
    assert hears(asked, placed, "", NOON, event="order_placed") == Hearing()


SOUNDS = {
    "by day": (replace(EVERYTHING, quiet=ASLEEP), Tier.HIGH, NOON, True),
    "UNKNOWN by night": (replace(EVERYTHING, quiet=ASLEEP), Tier.UNKNOWN, NIGHT, False),
    "CRITICAL by night": (replace(EVERYTHING, quiet=ASLEEP), Tier.CRITICAL, NIGHT, True),
    "WATCH where little is wanted": (at_level(Verbosity.NORMAL), Tier.WATCH, NOON, False),
    "HIGH where only CRITICAL is": (at_level(Verbosity.CRITICAL), Tier.HIGH, NOON, False),
    "LIQUIDATING where only CRITICAL is": (at_level(Verbosity.CRITICAL), Tier.LIQUIDATING, NOON, True),
    "a silenced account": (replace(EVERYTHING, silenced={"main": LATER}), Tier.UNKNOWN, NOON, False),
    "a silenced account that is CRITICAL": (replace(EVERYTHING, silenced={"main": LATER}), Tier.CRITICAL, NOON, True),
}  # fmt: skip


@pytest.mark.parametrize(("wants", "tier", "now", "sounds"), SOUNDS.values(), ids=SOUNDS)
def test_what_is_delivered_makes_a_sound(wants: ChatPreferences, tier: Tier, now: datetime, sounds: bool) -> None:
    assert rings(wants, tier, "main", now) is sounds


@pytest.mark.parametrize("every_h", [0, -1, 5, 7, 25, 48])
def test_a_digest_that_would_not_come_at_the_same_times_every_day_is_refused(every_h: int) -> None:
    with pytest.raises(ValueError, match="a digest comes at a time of the day"):
        DigestPlan(every_h=every_h)


PREFERENCES = st.builds(
    ChatPreferences,
    zone=st.sampled_from([ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/St_Johns")]),
    quiet=st.sampled_from([(), ASLEEP, (QuietSpan(begins_minute=1, ends_minute=1440),)]),
    verbosity=st.sampled_from(Verbosity),
    digest=st.builds(DigestPlan, at_minute=st.integers(0, 1439), every_h=st.sampled_from([1, 2, 3, 4, 6, 8, 12, 24])),
    muted=st.dictionaries(st.sampled_from(["SOL-PERP", "BTC-PERP"]), st.sampled_from([EARLIER, LATER])),
    silenced=st.dictionaries(st.sampled_from(["main", "other"]), st.sampled_from([EARLIER, LATER])),
    events=st.dictionaries(st.sampled_from(["withdrawal", "deposit"]), st.booleans()),
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(PREFERENCES, st.sampled_from([Tier.CRITICAL, Tier.LIQUIDATING]), st.sampled_from(["", "SOL-PERP"]), MOMENTS)
def test_nothing_a_chat_asks_for_holds_back_or_mutes_critical(
    wants: ChatPreferences, tier: Tier, market: str, now: datetime
) -> None:
    assert hears(wants, incident(tier), market, now) == Hearing()
    assert hold(wants, tier, now) is None
    assert rings(wants, tier, "main", now)


@given(PREFERENCES, st.sampled_from(["", "SOL-PERP"]), MOMENTS)
def test_nothing_a_chat_asks_for_holds_back_unknown(wants: ChatPreferences, market: str, now: datetime) -> None:
    assert hears(wants, incident(Tier.UNKNOWN), market, now) == Hearing()


@given(PREFERENCES, st.sampled_from([Tier.WATCH, Tier.WARNING, Tier.HIGH]), MOMENTS)
def test_what_waits_is_told_within_two_days_and_not_in_quiet_hours(
    wants: ChatPreferences, tier: Tier, now: datetime
) -> None:
    held = hold(wants, tier, now)

    if held is not None:
        assert now < held <= now + timedelta(days=2, hours=2)
        assert hold(replace(wants, verbosity=Verbosity.ALL), tier, held) is None
