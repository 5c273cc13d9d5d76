"""Whether Keel does its work: each organ is asked for progress, and none for more than it can be blamed for."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.vitals import ChecksSign, DeliverySign, Organ, Patience, Signs, StreamSign, ailments, said
from tests.storage.builders import NOW, after

UP = DeliverySign(transport="telegram", connected=True, since=NOW)


def checks(ago_s: float | None = 0.0, *, interval_s: float = 5.0) -> ChecksSign:
    return ChecksSign(interval_s=interval_s, last_succeeded=None if ago_s is None else after(-ago_s))


def signs(
    *,
    check: ChecksSign | None = None,
    stream: StreamSign | None = None,
    ways: tuple[DeliverySign, ...] = (UP,),
    memory_failed_s: float | None = None,
    running_s: float = 3_600,
) -> Signs:
    return Signs(
        now=NOW, started_at=after(-running_s), checks=check or checks(), stream=stream, deliveries=ways,
        memory_failed_since=None if memory_failed_s is None else after(-memory_failed_s),
    )  # fmt: skip


def way(
    name: str = "telegram",
    *,
    down_s: float | None = None,
    unheard_s: float | None = None,
    progressed_s: float | None = None,
) -> DeliverySign:
    def ago(seconds: float | None) -> datetime | None:
        return None if seconds is None else after(-seconds)

    return DeliverySign(
        transport=name, connected=down_s is None, since=after(-(down_s or 0)), unheard_since=ago(unheard_s),
        progressed_at=ago(progressed_s),
    )  # fmt: skip


WELL = {
    "all in order": signs(),
    "a check every five seconds is late by little": signs(check=checks(15)),
    "a slow check has three intervals": signs(check=checks(170, interval_s=60)),
    "the first check has not come yet": signs(check=checks(None), running_s=10),
    "the stream broke just now, checks bridge it": signs(stream=StreamSign(connected=False, since=after(-59))),
    "the stream has long been up": signs(stream=StreamSign(connected=True, since=after(-9_999))),
    "an alert is on its way": signs(ways=(way(unheard_s=59),)),
    "a long queue drains": signs(ways=(way(unheard_s=900, progressed_s=2),)),
    "one of two ways is down": signs(ways=(way(down_s=900), way("discord"))),
    "the only way broke just now": signs(ways=(way(down_s=59),)),
    "the second way broke just now, the first long ago": signs(ways=(way(down_s=900), way("discord", down_s=30))),
    "nobody is linked and nothing is to be delivered": signs(ways=()),
    "the disk was full for a moment": signs(memory_failed_s=19),
}

ILL = {
    "no check since": (signs(check=checks(16)), Organ.CHECKS, True, "no health check for 16 s"),
    "no check ever": (signs(check=checks(None), running_s=16), Organ.CHECKS, True, "no health check for 16 s"),
    "no slow check since": (signs(check=checks(181, interval_s=60)), Organ.CHECKS, True, "no health check for 3 min"),
    "the stream is gone": (
        signs(stream=StreamSign(connected=False, since=after(-61))), Organ.STREAM, False, "no stream of the venue",
    ),
    "an alert stands still although the platform answers": (
        signs(ways=(way(unheard_s=61),)), Organ.DELIVERY, True, "an alert for telegram has waited for 61 s",
    ),
    "an alert stands still since the last one went": (
        signs(ways=(way(unheard_s=900, progressed_s=61),)), Organ.DELIVERY, True, "for 61 s and nobody has heard it",
    ),
    "an alert stands still because the platform is down": (
        signs(ways=(way(unheard_s=61, down_s=30), way("discord"))), Organ.DELIVERY, False, "an alert for telegram",
    ),
    "there is no way to anybody": (
        signs(ways=(way(down_s=61), way("discord", down_s=99))), Organ.DELIVERY, False,
        "no way to people for 61 s: telegram, discord down",
    ),
    "nothing can be stored": (signs(memory_failed_s=21), Organ.MEMORY, False, "nothing could be stored for 21 s"),
}  # fmt: skip


@pytest.mark.parametrize("given_signs", WELL.values(), ids=WELL)
def test_progress_is_no_ailment(given_signs: Signs) -> None:
    assert ailments(given_signs) == ()


@pytest.mark.parametrize(("given_signs", "organ", "restart_helps", "text"), ILL.values(), ids=ILL)
def test_what_stands_still_is_named_and_a_restart_is_asked_for_where_it_may_help(
    given_signs: Signs, organ: Organ, restart_helps: bool, text: str
) -> None:
    (found,) = ailments(given_signs)

    assert (found.organ, found.restart_helps) == (organ, restart_helps)
    assert text in found.text


def test_everything_that_stands_still_is_said_at_once() -> None:
    found = ailments(signs(check=checks(99), ways=(way(down_s=99),), memory_failed_s=99))

    assert {one.organ for one in found} == {Organ.CHECKS, Organ.DELIVERY, Organ.MEMORY}
    assert said(found).count("; ") == 2
    assert said(()) == ""


@given(
    silent_s=st.floats(0, 10_000), more_s=st.floats(0, 10_000), interval_s=st.floats(0.1, 300),
    patience_s=st.floats(1, 600),
)  # fmt: skip
def test_longer_silence_is_never_better(silent_s: float, more_s: float, interval_s: float, patience_s: float) -> None:
    patience = Patience(checks=timedelta(seconds=patience_s))
    sooner, later = (
        ailments(signs(check=checks(seconds, interval_s=interval_s)), patience)
        for seconds in (silent_s, silent_s + more_s)
    )

    assert len(later) >= len(sooner)
