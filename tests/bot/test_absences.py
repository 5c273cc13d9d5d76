"""Stretches in which nobody watched: told for what they were, and nothing told where nothing was."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.absences import Instant, Meanwhile, Passed, noticed, since_last_life, told
from bot.messages import Message, Table, Tone, text_of
from bot.text.tables import lines as table_lines
from risk.decisions.tiers import Tier
from storage import Absence, AbsenceKind, Life
from tests.storage.builders import NOW, after

TIERS = {"a": Tier.OK, "b": Tier.WATCH}


def life(*, seen_s: float, stopped_s: float | None = None) -> Life:
    return Life(
        started_at=after(-9_999), seen_at=after(seen_s), stopped_at=None if stopped_s is None else after(stopped_s)
    )


LIVES = {
    "the very first": (None, None),
    "stopped and started": (life(seen_s=-20, stopped_s=-10), None),
    "stopped for a minute": (life(seen_s=-70, stopped_s=-60), None),
    "stopped for longer": (life(seen_s=-70, stopped_s=-61), (AbsenceKind.STOPPED, 61)),
    "killed just now": (life(seen_s=-3), (AbsenceKind.KILLED, 3)),
    "killed long ago": (life(seen_s=-3_600), (AbsenceKind.KILLED, 3_600)),
    "restored from a backup": (
        Life(started_at=after(-99), seen_at=after(-9), stopped_at=after(-9), restored_at=after(-1)),
        (AbsenceKind.RESTORED, 9),
    ),
    "the clock was set back meanwhile": (life(seen_s=500, stopped_s=500), (AbsenceKind.STOPPED, -500)),
}


@pytest.mark.parametrize(("before", "expected"), LIVES.values(), ids=LIVES)
def test_what_lies_between_two_lives(before: Life | None, expected: tuple[AbsenceKind, float] | None) -> None:
    found = since_last_life(before, NOW, tiers=TIERS, waiting=2)

    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.kind, (found.to_at - found.from_at).total_seconds()) == expected
        assert (found.tiers, found.waiting) == (TIERS, 2)


def instant(wall_s: float, monotonic_s: float, uptime_s: float) -> Instant:
    return Instant(wall=after(wall_s), monotonic_s=monotonic_s, uptime_s=uptime_s)


START = instant(0, 0, 0)
MOMENTS = {
    "a second passes": (instant(1, 1, 1), None, False),
    "a busy machine": (instant(20, 20, 20), None, False),
    "stopped for a minute and a half (SIGSTOP)": (instant(91, 91, 91), (AbsenceKind.STALLED, 90), False),
    "asleep for an hour": (instant(3_601, 1, 3_601), (AbsenceKind.SUSPENDED, 3_600), True),
    "asleep for a moment": (instant(31, 1, 31), None, True),
    "the clock set ahead": (instant(3_601, 1, 1), (AbsenceKind.CLOCK_AHEAD, 3_600), True),
    "the clock set back": (instant(-3_599, 1, 1), (AbsenceKind.CLOCK_BACK, -3_600), True),
    "the clock corrected a little": (instant(3, 1, 1), None, True),
    "the clock slewed": (instant(1.4, 1, 1), None, False),
    "asleep with a clock that was wrong after": (instant(7_201, 1, 3_601), (AbsenceKind.SUSPENDED, 3_600), True),
    "an uptime that does not count sleep": (instant(3_601, 1, 1), (AbsenceKind.CLOCK_AHEAD, 3_600), True),
}


@pytest.mark.parametrize(("now", "expected", "upset"), MOMENTS.values(), ids=MOMENTS)
def test_what_three_clocks_tell(now: Instant, expected: tuple[AbsenceKind, float] | None, upset: bool) -> None:
    found = noticed(START, now, due_s=1.0, tiers=TIERS)

    assert Passed.between(START, now, due_s=1.0).upset is upset
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.kind, (found.to_at - found.from_at).total_seconds()) == expected
        assert found.to_at == now.wall


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(-1e6, 1e6))
def test_time_is_accounted_for_once(stood_s: float, slept_s: float, stepped_s: float) -> None:
    now = instant(1 + stood_s + slept_s + stepped_s, 1 + stood_s, 1 + stood_s + slept_s)
    passed = Passed.between(START, now, due_s=1.0)

    assert passed.late_s == pytest.approx(stood_s, abs=1e-5)
    assert passed.asleep_s == pytest.approx(slept_s, abs=1e-5)
    assert passed.stepped_s == pytest.approx(stepped_s, abs=1e-5)


# How it is told.


def absence(kind: AbsenceKind = AbsenceKind.KILLED, *, lasted_s: float = 1_080, waiting: int = 0) -> Absence:
    return Absence(
        kind=kind, from_at=NOW, to_at=after(lasted_s), waiting=waiting,
        tiers={"a": Tier.OK, "b": Tier.WATCH, "gone": Tier.HIGH},
    )  # fmt: skip


def meanwhile(*events: str, **now: Tier) -> Meanwhile:
    labels = {"a": "main", "b": "second"}
    return Meanwhile(now={"a": Tier.OK, "b": Tier.WATCH, **now}, labels=labels, events=events)


def lines(message: Message) -> list[str]:
    return text_of(message).split("\n")


def test_a_kill_is_told_with_what_changed_and_what_waited() -> None:
    message = told(absence(waiting=3), meanwhile("main: SOL-PERP was closed", a=Tier.CRITICAL))

    assert message.tone is Tone.NORMAL
    assert lines(message) == [
        "Keel was down for 18 min",
        "It was killed or lost power: from about 12:00:00 UTC to 12:18:00 UTC.",
        "account  before  now",
        "main  OK  CRITICAL",
        "1 other account unchanged.",
        "Meanwhile:",
        "- main: SOL-PERP was closed",
        "3 alerts had to wait and go out now.",
    ]


def test_where_nothing_changed_it_says_so() -> None:
    said = lines(told(absence(AbsenceKind.STOPPED), meanwhile()))

    assert said[1:] == [
        "It was stopped: from 12:00:00 UTC to 12:18:00 UTC.",
        "Every account stands where it stood.",
        "No alert had to wait.",
    ]


def test_the_worst_comes_first_and_a_new_account_is_called_new() -> None:
    now = {"a": Tier.OK, "b": Tier.LIQUIDATING, "c": Tier.WATCH}
    labels = {"a": "main", "c": "fresh", "b": "second"}
    said = told(absence(), Meanwhile(now=now, labels=labels))
    (table,) = (block for block in said.blocks if isinstance(block, Table))

    assert table.rows == (("second", "WATCH", "LIQUIDATING"), ("fresh", "new", "WATCH"))


def test_a_chat_hears_of_no_account_it_may_not_hear_of() -> None:
    said = text_of(told(absence(), Meanwhile(now={"a": Tier.HIGH}, labels={"a": "main"})))

    assert "second" not in said
    assert "gone" not in said


@pytest.mark.parametrize(
    ("kind", "lasted_s", "headline", "why"),
    [
        (AbsenceKind.SUSPENDED, 7_200, "Keel did not watch for 2 h 00 min", "asleep with its machine"),
        (AbsenceKind.STALLED, 90, "Keel did not watch for 90 s", "stood still"),
        (AbsenceKind.RESTORED, 7_200, "Keel has lost its memory of 2 h 00 min", "was restored from a backup"),
        (AbsenceKind.CLOCK_AHEAD, 3_600, "Keel: the clock was set ahead by 1 h 00 min", "found its clock set ahead"),
        (AbsenceKind.CLOCK_BACK, -3_600, "Keel: the clock was set back by 1 h 00 min", "found its clock set back"),
        (AbsenceKind.KILLED, -3_600, "Keel was down, for how long is unknown", "ended before it began"),
        (AbsenceKind.STOPPED, 5 * 86_400, "Keel was down for 5 d", "from 5 Jan 2026 12:00 UTC to 12:00:00 UTC"),
    ],
)
def test_every_kind_is_told_for_what_it_was(kind: AbsenceKind, lasted_s: float, headline: str, why: str) -> None:
    said = lines(told(absence(kind, lasted_s=lasted_s), meanwhile()))

    assert said[0] == headline
    assert why in said[1]


def test_a_thousand_accounts_are_one_message_that_fits() -> None:
    labels = {f"a{number}": f"an account called {number}" for number in range(1_000)}
    message = told(
        Absence(kind=AbsenceKind.KILLED, from_at=NOW, to_at=NOW + timedelta(days=400), tiers={}, waiting=1),
        Meanwhile(now=dict.fromkeys(labels, Tier.LIQUIDATING), labels=labels, events=["something"] * 500),
    )

    assert len(text_of(message)) < 2_500
    assert "980 more accounts changed." in text_of(message)
    assert "- and 488 more; /events has them all" in text_of(message)
    assert "1 alert had to wait and goes out now." in text_of(message)
    for block in message.blocks:
        if isinstance(block, Table):
            assert max(map(len, table_lines(block))) <= 34
