"""Incidents that are events: what passes, what stands until somebody has seen it; and when the next word is due."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.incidents import (
    Cause,
    CauseKind,
    Change,
    Incident,
    IncidentStatus,
    LastNotice,
    NoticeReason,
    RepeatIntervals,
    acknowledge,
    advance,
    happened,
    needs_notice,
    next_notice_at,
    seen_long_enough,
    snooze,
)
from risk.decisions.tiers import Tier
from tests.risk.builders import NOW

EVENT = Cause(kind=CauseKind.EVENT, account_id="main", subject="withdrawal 7")
HEALTH = Cause(kind=CauseKind.HEALTH, account_id="main")
REPEATS = RepeatIntervals()


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def standing(tier: Tier = Tier.HIGH, cause: Cause = EVENT) -> Incident:
    opened, change = advance(None, cause, tier, fact="500 USDC", now=NOW, new_id=7, market="USDC", remedy="Look.")
    assert opened is not None
    assert change is Change.OPENED
    return opened


def heard(tier: Tier = Tier.HIGH, seconds: float = 0.0) -> LastNotice:
    return LastNotice(tier=tier, at=after(seconds))


PASSED = happened(EVENT, Tier.WARNING, fact="a fill", now=NOW, new_id=8, market="SOL-PERP")
SEEN = acknowledge(standing(), "ann", after(60))
OLD = seen_long_enough(standing(), after(86_400))


def test_what_passes_is_over_from_the_start_and_keeps_its_tier() -> None:
    assert (PASSED.status, PASSED.tier, PASSED.resolved_at) == (IncidentStatus.RESOLVED, Tier.WARNING, NOW)
    assert PASSED.passing
    assert not PASSED.standing
    assert PASSED.market == "SOL-PERP"


def test_what_opens_carries_what_it_is_about_and_what_would_end_it() -> None:
    assert (standing().market, standing().remedy, standing().rang_at) == ("USDC", "Look.", NOW)


def test_an_event_is_over_once_somebody_has_seen_it_and_anything_else_is_not() -> None:
    assert (SEEN.status, SEEN.tier, SEEN.acked_by, SEEN.resolved_at) == (
        IncidentStatus.RESOLVED, Tier.OK, "ann", after(60),
    )  # fmt: skip
    assert acknowledge(standing(cause=HEALTH), "ann", after(60)).status is IncidentStatus.ACKED
    assert acknowledge(SEEN, "bob", after(99)) == SEEN


@pytest.mark.parametrize(
    ("incident", "at", "over", "why"),
    [
        (standing(), after(86_399), False, "not yet a day"),
        (standing(), after(86_400), True, "a day"),
        (standing(cause=HEALTH), after(999_999), False, "only events end by themselves"),
        (PASSED, after(999_999), True, "it was over"),
    ],
)
def test_an_event_nobody_saw_is_over_after_a_day(incident: Incident, at: datetime, over: bool, why: str) -> None:
    assert (not seen_long_enough(incident, at).standing) == over, why


def test_an_event_that_happens_again_makes_room_at_once() -> None:
    assert not seen_long_enough(standing(), after(1), at_once=True).standing


@pytest.mark.parametrize(
    ("last", "incident", "reason", "why"),
    [
        (None, PASSED, NoticeReason.FIRST, "what passed is told although it is over"),
        (heard(Tier.WARNING), PASSED, None, "and told once"),
        (None, standing(), NoticeReason.FIRST, "what stands is told"),
        (heard(), SEEN, None, "that somebody saw it is no news"),
        (None, SEEN, None, "nor is it for those who come later"),
        (heard(), OLD, None, "nor is its age"),
        (heard(), standing(Tier.CRITICAL), NoticeReason.ESCALATED, "worse than what was told"),
    ],
)
def test_who_hears_of_an_event(
    last: LastNotice | None, incident: Incident, reason: NoticeReason | None, why: str
) -> None:
    assert needs_notice(last, incident, REPEATS, after(90_000)) is reason, why


@given(
    tier=st.sampled_from(Tier), cause=st.sampled_from([EVENT, HEALTH]), heard_s=st.integers(0, 50_000),
    asked_s=st.integers(0, 200_000), quiet=st.sampled_from(["", "acked", "snoozed"]), snoozed_s=st.integers(0, 90_000),
)  # fmt: skip
def test_the_moment_of_the_next_word_is_the_first_at_which_there_is_one(
    tier: Tier, cause: Cause, heard_s: int, asked_s: int, quiet: str, snoozed_s: int
) -> None:
    incident = replace(standing(tier if tier is not Tier.OK else Tier.WATCH, cause))
    if quiet == "acked":
        incident = acknowledge(incident, "ann", after(1))
    if quiet == "snoozed":
        incident = snooze(incident, after(snoozed_s))
    last, asked_at = heard(incident.tier, heard_s), after(max(heard_s, asked_s))
    due_at = next_notice_at(last, incident, REPEATS)
    reason = needs_notice(last, incident, REPEATS, asked_at)

    if incident.standing:
        assert (reason is NoticeReason.REPEAT_DUE) == (due_at is not None and asked_at >= due_at)
        assert reason in (None, NoticeReason.REPEAT_DUE)
    else:
        assert reason is None
        assert due_at is None
