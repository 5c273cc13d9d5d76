"""Several notices as one message: what a lock screen shows is the worst of them, and nothing is left out unsaid."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.grouping import MOST_LINES, Told, message_of
from bot.alerts.view import alert_message
from bot.messages import Message, Tone, text_of
from risk.decisions.incidents import CauseKind, NoticeReason, severity
from risk.decisions.tiers import Tier
from tests.bot.alerts.builders import NOW, make_facts

KEY = "0123456789abcdef01234567"
HEALTH, LIMIT, DRAWDOWN, EVENT = CauseKind.HEALTH, CauseKind.LIMIT, CauseKind.DRAWDOWN, CauseKind.EVENT


def told(number: int = 12, *, queued_at: datetime = NOW, **changes: Any) -> Told:
    of_told = {name: changes.pop(name) for name in ("held", "acked_by", "acked_at", "ended_at") if name in changes}
    return Told(facts=make_facts(incident_id=number, **changes), queued_at=queued_at, **of_told)


def texts(*each: Told, **how: Any) -> list[str]:
    return text_of(message_of(each, NOW, key=KEY, **how)).split("\n")


def labels(message: Message) -> list[list[str]]:
    return [[button.label for button in row] for row in message.buttons]


def test_one_notice_reads_as_it_always_did() -> None:
    assert message_of([told()], NOW, key=KEY) == alert_message(make_facts(), NOW)


def test_the_worst_is_the_headline_and_every_other_incident_has_a_line_with_its_number() -> None:
    assert texts(
        told(1, account="calm", tier=Tier.WATCH),
        told(2, account="main"),
        told(3, account="alt", tier=Tier.HIGH),
    ) == [
        "CRITICAL main: 4.1% to liq, +$820 fixes",
        "Health ratio 119.2%, below 120.0%; 100% is liquidation.",
        "SOL-PERP liquidates at 153.43 USD, 4.1% away, others fixed.",
        "Back to WATCH: deposit $820 or cut SOL-PERP by $4,399.",
        "HIGH alt: 4.1% to liq, +$820 fixes · alert #3",
        "WATCH calm: 4.1% to liq, +$820 fixes · alert #1",
        "main · 0 s old · slot 348,900,662 · alert #2",
    ]


def test_one_fall_of_one_account_reads_as_one_alert() -> None:
    assert texts(
        told(3, kind=DRAWDOWN, tier=Tier.HIGH, detail="15.1% below its high", margin=None),
        told(2, kind=LIMIT, tier=Tier.WARNING, detail="leverage 16.5x, above 15.0x", margin=None),
        told(1),
    ) == [
        "CRITICAL main: 4.1% to liq, +$820 fixes",
        "Health ratio 119.2%, below 120.0%; 100% is liquidation.",
        "SOL-PERP liquidates at 153.43 USD, 4.1% away, others fixed.",
        "Back to WATCH: deposit $820 or cut SOL-PERP by $4,399.",
        "DRAWDOWN main: 15.1% below its high · alert #3",
        "LIMIT main: leverage 16.5x, above 15.0x · alert #2",
        "main · 0 s old · slot 348,900,662 · alert #1",
    ]


@pytest.mark.parametrize(
    "news",
    [
        told(2, kind=CauseKind.SYSTEM, account="", margin=None, tier=Tier.OK, reason=NoticeReason.RESOLVED,
             previous=Tier.WARNING, detail="the routes are in order"),
        told(2, kind=EVENT, account="alt", margin=None, tier=Tier.WATCH, passing=True, detail="bought 3 SOL"),
    ],
)  # fmt: skip
def test_the_worst_keeps_its_explanation_whatever_travels_with_it(news: Told) -> None:
    worst = told(1, reason=NoticeReason.ESCALATED, previous=Tier.HIGH)
    first, *lines = texts(news, worst)

    assert first == "CRITICAL main: 4.1% to liq, +$820 fixes"
    assert lines[:4] == [
        "Was HIGH.",
        "Health ratio 119.2%, below 120.0%; 100% is liquidation.",
        "SOL-PERP liquidates at 153.43 USD, 4.1% away, others fixed.",
        "Back to WATCH: deposit $820 or cut SOL-PERP by $4,399.",
    ]
    assert lines[4].endswith("· alert #2")


def no_data(number: int, **changes: Any) -> Told:
    return told(
        number, kind=CauseKind.DATA, tier=Tier.UNKNOWN, account="", margin=None, detail="no answer for 12 s", **changes
    )


def test_that_nothing_is_known_keeps_its_reason_beside_what_is_less_bad() -> None:
    assert texts(no_data(1), told(2, kind=LIMIT, tier=Tier.WARNING, detail="leverage 16.5x", margin=None))[:3] == [
        "UNKNOWN all accounts: no fresh data",
        "No answer for 12 s.",
        "Health cannot be stated until the data is back; look at the venue itself.",
    ]


def test_that_nothing_is_known_keeps_its_reason_beside_what_is_worse() -> None:
    assert "UNKNOWN all accounts: no fresh data · no answer for 12 s · alert #1" in texts(no_data(1), told(2))
    assert not any("12 s" in line for line in texts(no_data(1, ended_at=NOW), told(2)))


def test_health_comes_before_what_is_as_bad() -> None:
    first, *_ = texts(told(1, kind=DRAWDOWN, detail="25.1% below its high", margin=None), told(2))

    assert first == "CRITICAL main: 4.1% to liq, +$820 fixes"


def test_what_does_not_fit_is_counted() -> None:
    each = [told(number, account=f"account {number}") for number in range(1, 16)]
    lines = texts(*each)

    explained = 3  # of the worst
    assert lines[MOST_LINES + explained] == "and 7 more: /alerts"
    assert sum("CRITICAL" in line for line in lines) == MOST_LINES


def test_an_incident_is_told_once_as_it_stands_last() -> None:
    assert texts(
        told(1, tier=Tier.WATCH, reason=NoticeReason.FIRST),
        told(1, tier=Tier.CRITICAL, reason=NoticeReason.ESCALATED, previous=Tier.WATCH),
    )[0] == "CRITICAL main: 4.1% to liq, +$820 fixes"  # fmt: skip


def test_a_tier_nobody_heard_of_is_not_said_to_have_been() -> None:
    lines = texts(
        told(1, tier=Tier.HIGH, reason=NoticeReason.ESCALATED, previous=Tier.WARNING),
        told(1, tier=Tier.CRITICAL, reason=NoticeReason.ESCALATED, previous=Tier.HIGH),
    )

    assert lines[1] == "Was WARNING."


def test_what_came_and_went_unheard_says_how_bad_it_was_and_still_makes_a_sound() -> None:
    each = (
        told(1, tier=Tier.CRITICAL, reason=NoticeReason.FIRST, queued_at=NOW - timedelta(minutes=9)),
        told(1, tier=Tier.OK, reason=NoticeReason.RESOLVED, previous=Tier.CRITICAL),
    )
    message = message_of(each, NOW, key=KEY)

    assert text_of(message).split("\n")[:3] == [
        "RESOLVED main: health ratio 119.2%", "Was CRITICAL.", "Late: it could not be told since 11:51:00 UTC.",
    ]  # fmt: skip
    assert (message.tone, message.buttons) == (Tone.NORMAL, ())


@pytest.mark.parametrize(
    ("each", "tone"),
    [
        ([told(1, tier=Tier.WATCH), told(2, tier=Tier.CRITICAL)], Tone.URGENT),
        ([told(1, tier=Tier.WATCH), told(2, tier=Tier.HIGH)], Tone.NORMAL),
        ([told(1, tier=Tier.OK, reason=NoticeReason.RESOLVED), told(2, reason=NoticeReason.EASED)], Tone.QUIET),
        ([told(1, tier=Tier.OK, reason=NoticeReason.RESOLVED), told(2, tier=Tier.CRITICAL)], Tone.URGENT),
        ([told(1, kind=EVENT, tier=Tier.WATCH, passing=True)], Tone.QUIET),
        ([told(1, kind=EVENT, tier=Tier.WARNING, passing=True)], Tone.NORMAL),
        ([told(1, tier=Tier.CRITICAL, ended_at=NOW)], Tone.NORMAL),
    ],
)  # fmt: skip
def test_a_message_is_as_loud_as_the_loudest_of_what_it_tells(each: list[Told], tone: Tone) -> None:
    assert message_of(each, NOW, key=KEY).tone is tone


def test_buttons_are_for_all_of_it_and_where_they_are_few_for_each() -> None:
    message = message_of([told(1, account="a"), told(2, account="b")], NOW, key=KEY)

    assert labels(message) == [["Ack all", "Snooze 1 h", "Details"], ["Ack #1", "Ack #2"]]
    assert [button.data for button in message.buttons[0]] == [f"acks:{KEY}", f"snoozes:{KEY}:60", "details:1"]


def test_of_many_each_has_no_button_of_its_own() -> None:
    message = message_of([told(number, account=str(number)) for number in range(1, 7)], NOW, key=KEY)

    assert labels(message) == [["Ack all", "Snooze 1 h", "Details"]]


def test_what_is_taken_on_or_over_has_no_ack() -> None:
    each = [
        told(1, account="a", acked_by="Ann", acked_at=NOW), told(2, account="b"),
        told(3, account="c", ended_at=NOW), told(4, account="d", tier=Tier.OK, reason=NoticeReason.RESOLVED),
    ]  # fmt: skip
    message = message_of(each, NOW, key=KEY)

    assert labels(message) == [["Ack all", "Snooze 1 h", "Details"]]
    lines = text_of(message).split("\n")
    assert "Acked by Ann at 12:00:00 UTC. No repeats; it will ring if it gets worse." in lines
    assert any("over since 12:00:00 UTC · alert #3" in line for line in lines)


def test_when_all_is_taken_on_nothing_is_left_to_ack() -> None:
    each = [told(number, account=str(number), acked_by="Ann", acked_at=NOW) for number in (1, 2)]

    assert labels(message_of(each, NOW, key=KEY)) == [["Snooze 1 h", "Details"]]


def test_what_is_over_altogether_has_no_buttons() -> None:
    each = [told(number, account=str(number), tier=Tier.OK, reason=NoticeReason.RESOLVED) for number in (1, 2)]

    assert message_of(each, NOW, key=KEY).buttons == ()


def test_an_alert_that_is_over_meanwhile_says_since_when() -> None:
    message = message_of([told(1, ended_at=NOW)], NOW, key=KEY)

    assert "Over since 12:00:00 UTC." in text_of(message)
    assert message.buttons == ()


def test_an_event_that_somebody_has_seen_says_who_and_nothing_of_repeats() -> None:
    seen = told(1, kind=EVENT, margin=None, detail="a withdrawal", acked_by="Ann", acked_at=NOW, ended_at=NOW)

    assert texts(seen) == [
        "CRITICAL main: a withdrawal", "main · 12:00:00 UTC · alert #1", "Acked by Ann at 12:00:00 UTC."
    ]  # fmt: skip


def test_what_may_have_arrived_before_says_so() -> None:
    assert "This may be a repeat: nobody knows whether it arrived the first time." in texts(told(), uncertain=True)


def test_what_was_kept_for_the_morning_says_since_when() -> None:
    each = [told(number, account=str(number), held=True, queued_at=NOW - timedelta(hours=number)) for number in (1, 9)]

    assert "Kept for you since 03:00:00 UTC." in texts(*each)


def test_what_was_kept_together_with_news_is_not_called_kept() -> None:
    assert not any("Kept" in line for line in texts(told(1, held=True), told(2, account="b")))


def test_an_edit_hours_later_does_not_call_the_alert_late() -> None:
    lines = texts(told(queued_at=NOW - timedelta(hours=3)), said_at=NOW - timedelta(hours=3))

    assert not any("Late" in line for line in lines)


any_told = st.builds(
    told,
    st.integers(1, 9),
    account=st.sampled_from(["main", "alt", ""]),
    kind=st.sampled_from(CauseKind),
    reason=st.sampled_from(NoticeReason),
    tier=st.sampled_from(Tier),
    previous=st.none() | st.sampled_from(Tier),
    passing=st.booleans(),
    detail=st.sampled_from(["a fact", "a fact of very many words " * 12]),
    remedy=st.sampled_from(["", "Do something."]),
    held=st.booleans(),
    acked_by=st.sampled_from(["", "Ann"]),
    ended_at=st.none() | st.just(NOW),
)


@given(st.lists(any_told, min_size=1, max_size=20), st.booleans())
def test_whatever_it_tells_a_message_names_its_incidents_once_and_fits(each: list[Told], uncertain: bool) -> None:
    message = message_of(each, NOW, key=KEY, uncertain=uncertain)
    text = text_of(message)
    numbers = {one.facts.incident_id for one in each}

    named = [int(part.split()[0]) for part in text.split("alert #")[1:]]
    assert len(named) == len(set(named)) == min(len(numbers), MOST_LINES)
    assert set(named) <= numbers
    assert len(text) < 4_000
    assert all(len(row) <= 5 for row in message.buttons)
    assert all(len(button.data.encode()) <= 64 for row in message.buttons for button in row)
    last = {one.facts.incident_id: one for one in each}
    standing = [severity(one.facts.tier) for one in last.values() if not one.over]
    if standing:
        (headline,) = {one.facts.incident_id for one in last.values()} & {named[-1] if len(named) > 1 else named[0]}
        assert not last[headline].over or last[headline].facts.passing


def test_previous_tiers_of_one_notice_alone_stay() -> None:
    facts = replace(make_facts(), previous=Tier.HIGH, reason=NoticeReason.ESCALATED)

    assert "Was HIGH." in texts(Told(facts=facts, queued_at=NOW))
