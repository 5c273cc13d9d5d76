"""Incidents: one for each cause, and who hears of it when."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

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
    needs_notice,
    severity,
    snooze,
)
from risk.decisions.tiers import Tier
from tests.risk.builders import NOW

CAUSE = Cause(kind=CauseKind.HEALTH, account_id="main")
REPEATS = RepeatIntervals()


def after(seconds: float = 0.0, *, minutes: float = 0.0) -> datetime:
    return NOW + timedelta(seconds=seconds, minutes=minutes)


def make_incident(tier: Tier = Tier.HIGH, **changes: object) -> Incident:
    incident = Incident(
        incident_id=7, cause=CAUSE, tier=tier, peak=tier, status=IncidentStatus.OPEN, opened_at=NOW, changed_at=NOW,
        rang_at=NOW, fact="health ratio 140 %",
    )  # fmt: skip
    return replace(incident, **changes)  # type: ignore[arg-type]  # any of its fields


def stepped(incident: Incident | None, tier: Tier, *, at: datetime = NOW) -> tuple[Incident | None, Change | None]:
    return advance(incident, CAUSE, tier, fact=f"now {tier.name}", now=at, new_id=8)


ACKED = make_incident(status=IncidentStatus.ACKED, acked_by="ada", acked_at=NOW)
OVER = make_incident(Tier.OK, status=IncidentStatus.RESOLVED, resolved_at=NOW, peak=Tier.HIGH)


@pytest.mark.parametrize(
    ("incident", "tier", "change", "why"),
    [
        (None, Tier.OK, None, "nothing is and nothing was"),
        (None, Tier.WATCH, Change.OPENED, "a cause begins to stand"),
        (None, Tier.UNKNOWN, Change.OPENED, "not knowing is a cause"),
        (OVER, Tier.OK, None, "it stays over"),
        (OVER, Tier.WATCH, Change.OPENED, "a cause that comes back is a new incident"),
        (make_incident(), Tier.HIGH, None, "everything stays"),
        (make_incident(), Tier.CRITICAL, Change.ESCALATED, "a worse tier"),
        (make_incident(), Tier.WARNING, Change.EASED, "a better tier"),
        (make_incident(), Tier.OK, Change.RESOLVED, "the cause is gone"),
        (ACKED, Tier.CRITICAL, Change.ESCALATED, "an acknowledged one escalates as well"),
        (ACKED, Tier.WATCH, Change.EASED, "and eases"),
        (ACKED, Tier.OK, Change.RESOLVED, "and ends"),
        (make_incident(), Tier.UNKNOWN, None, "not knowing is as urgent as HIGH"),
        (make_incident(Tier.WATCH), Tier.UNKNOWN, Change.ESCALATED, "and more urgent than WATCH"),
        (make_incident(Tier.UNKNOWN), Tier.CRITICAL, Change.ESCALATED, "and less than CRITICAL"),
    ],
)
def test_what_one_look_changes(incident: Incident | None, tier: Tier, change: Change | None, why: str) -> None:
    assert stepped(incident, tier)[1] is change, why


def test_an_incident_that_opens_says_what_and_when() -> None:
    opened, _ = stepped(None, Tier.HIGH, at=after(5))
    assert opened == Incident(
        incident_id=8, cause=CAUSE, tier=Tier.HIGH, peak=Tier.HIGH, status=IncidentStatus.OPEN, opened_at=after(5),
        changed_at=after(5), rang_at=after(5), fact="now HIGH",
    )  # fmt: skip


def test_nothing_opens_without_a_cause() -> None:
    assert stepped(None, Tier.OK) == (None, None)
    assert stepped(OVER, Tier.OK) == (None, None)


def test_an_escalation_is_a_new_alarm_whoever_acknowledged_the_last_one() -> None:
    risen, _ = stepped(ACKED, Tier.CRITICAL, at=after(5))
    assert risen is not None
    assert (risen.tier, risen.peak, risen.status) == (Tier.CRITICAL, Tier.CRITICAL, IncidentStatus.OPEN)
    assert (risen.acked_by, risen.acked_at) == (None, None)
    assert (risen.opened_at, risen.changed_at, risen.fact) == (NOW, after(5), "now CRITICAL")
    assert risen.incident_id == 7


def test_easing_keeps_the_acknowledgement_and_the_peak() -> None:
    eased, _ = stepped(ACKED, Tier.WATCH, at=after(5))
    assert eased is not None
    assert (eased.tier, eased.peak, eased.status) == (Tier.WATCH, Tier.HIGH, IncidentStatus.ACKED)
    assert (eased.acked_by, eased.changed_at, eased.fact) == ("ada", after(5), "now WATCH")


def test_coming_back_up_below_the_peak_is_an_alarm_but_no_new_peak() -> None:
    eased = make_incident(Tier.WATCH, peak=Tier.CRITICAL)
    risen, change = stepped(eased, Tier.HIGH)
    assert risen is not None
    assert (change, risen.peak) == (Change.ESCALATED, Tier.CRITICAL)


def test_what_is_over_says_since_when_and_how_bad_it_was() -> None:
    over, _ = stepped(make_incident(Tier.WATCH, peak=Tier.CRITICAL), Tier.OK, at=after(9))
    assert over is not None
    assert (over.status, over.tier, over.peak) == (IncidentStatus.RESOLVED, Tier.OK, Tier.CRITICAL)
    assert (over.resolved_at, over.changed_at, over.fact) == (after(9), after(9), "now OK")


def test_nothing_of_an_incident_changes_while_its_tier_stays() -> None:
    same = make_incident()
    assert stepped(same, Tier.HIGH, at=after(60))[0] is same


def test_an_acknowledgement_names_who_and_when() -> None:
    acked = acknowledge(make_incident(), "ada", after(3))
    assert (acked.status, acked.acked_by, acked.acked_at) == (IncidentStatus.ACKED, "ada", after(3))
    assert acknowledge(acked, "bob", after(4)) is acked
    assert acknowledge(OVER, "bob", after(4)) is OVER


def test_a_snooze_holds_until_its_moment() -> None:
    assert snooze(make_incident(), after(minutes=60)).snoozed_until == after(minutes=60)
    assert snooze(ACKED, after(minutes=60)).snoozed_until == after(minutes=60)
    assert snooze(OVER, after(minutes=60)) is OVER


def told(tier: Tier = Tier.HIGH, *, minutes_ago: float = 0.0) -> LastNotice:
    return LastNotice(tier=tier, at=after(minutes=-minutes_ago))


SNOOZED = make_incident(Tier.CRITICAL, snoozed_until=after(minutes=10))


@pytest.mark.parametrize(
    ("last", "incident", "reason", "why"),
    [
        (None, make_incident(), NoticeReason.FIRST, "this receiver has heard nothing yet"),
        (None, ACKED, NoticeReason.FIRST, "acknowledged by somebody else, but news here"),
        (None, SNOOZED, NoticeReason.FIRST, "a snooze holds back repeats only"),
        (None, OVER, None, "over before it was told: no noise"),
        (told(), OVER, NoticeReason.RESOLVED, "who heard of it hears of its end"),
        (told(Tier.OK), OVER, None, "and hears it once"),
        (told(Tier.WARNING), make_incident(), NoticeReason.ESCALATED, "worse than what was told"),
        (told(Tier.HIGH), make_incident(Tier.CRITICAL, status=IncidentStatus.ACKED), NoticeReason.ESCALATED,
         "an acknowledgement does not silence an escalation"),
        (told(Tier.HIGH), SNOOZED, NoticeReason.ESCALATED, "nor does a snooze"),
        (told(Tier.CRITICAL), make_incident(), NoticeReason.EASED, "better than what was told"),
        (told(minutes_ago=29), make_incident(), None, "the interval of HIGH is 30 minutes"),
        (told(minutes_ago=30), make_incident(), NoticeReason.REPEAT_DUE, "and it is over now"),
        (told(Tier.CRITICAL, minutes_ago=4), make_incident(Tier.CRITICAL), None, "five minutes"),
        (told(Tier.CRITICAL, minutes_ago=5), make_incident(Tier.CRITICAL), NoticeReason.REPEAT_DUE, "five minutes"),
        (told(Tier.LIQUIDATING, minutes_ago=2), make_incident(Tier.LIQUIDATING), NoticeReason.REPEAT_DUE, "two"),
        (told(Tier.UNKNOWN, minutes_ago=30), make_incident(Tier.UNKNOWN), NoticeReason.REPEAT_DUE, "thirty"),
        (told(Tier.WATCH, minutes_ago=9_999), make_incident(Tier.WATCH), None, "WATCH is said once"),
        (told(Tier.WARNING, minutes_ago=9_999), make_incident(Tier.WARNING), None, "WARNING is said once"),
        (told(minutes_ago=9_999), ACKED, None, "acknowledged: no repeats"),
        (told(Tier.CRITICAL, minutes_ago=9_999), SNOOZED, None, "snoozed: no repeats yet"),
        (told(Tier.CRITICAL, minutes_ago=9_999), replace(SNOOZED, snoozed_until=NOW), NoticeReason.REPEAT_DUE,
         "the snooze is over at its moment"),
        (told(Tier.HIGH, minutes_ago=1), make_incident(Tier.UNKNOWN), None, "as urgent as what was told"),
    ],
)  # fmt: skip
def test_who_hears_of_an_incident_and_why(
    last: LastNotice | None, incident: Incident, reason: NoticeReason | None, why: str
) -> None:
    assert needs_notice(last, incident, REPEATS, NOW) is reason, why


def test_ack_silences_repeats_but_not_escalation() -> None:
    incident: Incident | None = acknowledge(make_incident(Tier.HIGH), "ada", NOW)
    assert incident is not None
    assert needs_notice(told(), incident, REPEATS, after(minutes=600)) is None
    risen, _ = stepped(incident, Tier.CRITICAL, at=after(minutes=601))
    assert risen is not None
    assert needs_notice(told(), risen, REPEATS, after(minutes=601)) is NoticeReason.ESCALATED
    heard = LastNotice(tier=Tier.CRITICAL, at=after(minutes=601))
    assert needs_notice(heard, risen, REPEATS, after(minutes=606)) is NoticeReason.REPEAT_DUE


TIERS = st.lists(st.sampled_from(list(Tier)), min_size=1, max_size=30)


@given(tiers=TIERS)
def test_at_most_one_incident_stands_for_a_cause_and_only_while_it_stands(tiers: list[Tier]) -> None:
    incident: Incident | None = None
    opened = 0
    for step, tier in enumerate(tiers):
        stood = incident is not None and incident.status is not IncidentStatus.RESOLVED
        result, change = advance(incident, CAUSE, tier, fact="", now=after(step), new_id=step)
        opened += change is Change.OPENED
        assert (change is Change.OPENED) == (not stood and tier is not Tier.OK)
        assert (change is Change.RESOLVED) == (stood and tier is Tier.OK)
        incident = result if result is not None else incident
        if tier is not Tier.OK:
            assert incident is not None
            assert severity(incident.tier) == severity(tier)
            assert severity(incident.peak) >= severity(tier)
    assert opened == sum(before is Tier.OK and now is not Tier.OK for before, now in pairwise([Tier.OK, *tiers]))


@pytest.mark.parametrize(
    ("tier", "said_min"),
    [
        (Tier.HIGH, [30, 60, 120, 240, 480, 960, 1_680, 2_400]),
        (Tier.CRITICAL, [5, 10, 20, 40, 70, 100, 130, 160]),
        (Tier.LIQUIDATING, [2, 4, 8, 16, 32, 62, 92, 122]),
        (Tier.UNKNOWN, [30, 60, 120, 240, 360, 480, 600, 720]),
        (Tier.WARNING, []),
    ],
)
def test_the_wait_between_repeats_doubles_up_to_a_bound(tier: Tier, said_min: list[int]) -> None:
    incident, last, said = make_incident(tier), LastNotice(tier=tier, at=NOW), list[int]()
    for minute in range(1, (said_min or [2_000])[-1] + 1):
        if needs_notice(last, incident, REPEATS, after(minutes=minute)) is NoticeReason.REPEAT_DUE:
            last = LastNotice(tier=tier, at=after(minutes=minute))
            said.append(minute)
    assert said == said_min


def test_an_escalation_begins_the_waits_again() -> None:
    risen, _ = stepped(make_incident(), Tier.CRITICAL, at=after(minutes=600))
    assert risen is not None
    told_at_once = LastNotice(tier=Tier.CRITICAL, at=after(minutes=600))
    assert needs_notice(told_at_once, risen, REPEATS, after(minutes=604)) is None
    assert needs_notice(told_at_once, risen, REPEATS, after(minutes=605)) is NoticeReason.REPEAT_DUE


@given(tiers=TIERS, acks=st.sets(st.integers(0, 29)), every_s=st.floats(1, 900))
def test_every_escalation_is_told_at_once_and_nothing_is_told_twice(
    tiers: list[Tier], acks: set[int], every_s: float
) -> None:
    incident: Incident | None = None
    last: LastNotice | None = None
    for step, tier in enumerate(tiers):
        now = after(step * every_s)
        before = incident
        stepped_to, change = advance(incident, CAUSE, tier, fact="", now=now, new_id=step)
        incident = stepped_to if stepped_to is not None else incident
        if incident is None:
            continue
        if change is Change.OPENED:
            last = None
        reason = needs_notice(last, incident, REPEATS, now)
        if change in (Change.OPENED, Change.ESCALATED):
            assert reason in (NoticeReason.FIRST, NoticeReason.ESCALATED)
        if before is not None and before.status is IncidentStatus.ACKED and change is None:
            assert reason is None
        if reason is not None:
            last = LastNotice(tier=incident.tier, at=now)
        assert needs_notice(last, incident, REPEATS, now) is None
        if step in acks:
            incident = acknowledge(incident, "ada", now)
