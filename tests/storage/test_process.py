"""What the process remembers of itself."""

from dataclasses import replace

import pytest

from risk.decisions.tiers import Tier
from storage import (
    Absence,
    AbsenceKind,
    Absences,
    Life,
    Lives,
    Outbox,
    Progress,
    PulseMessage,
    Pulses,
    Receiver,
    Store,
    Unheard,
    queueing,
)
from tests.storage.builders import DESK, LEASE, NOW, PHONE, after, make_notice, open_with_notices

ABSENCE = Absence(
    kind=AbsenceKind.KILLED, from_at=NOW, to_at=after(90), tiers={"a": Tier.HIGH, "b": Tier.OK}, waiting=3
)


async def test_a_life_knows_the_one_before_it(store: Store) -> None:
    lives = Lives(store)
    assert await lives.begin(NOW) is None
    await lives.seen(after(10))
    await lives.seen(after(20), "no health check for 20 s")
    killed = await lives.begin(after(60))
    assert killed == Life(started_at=NOW, seen_at=after(20), stopped_at=None, ailing="no health check for 20 s")
    assert killed.last_at == after(20)
    await lives.end(after(70))
    stopped = await lives.begin(after(80))
    assert stopped is not None
    assert (stopped.stopped_at, stopped.last_at) == (after(70), after(70))


async def test_what_a_life_did_last_is_a_sign_of_it(store: Store) -> None:
    lives, outbox = Lives(store), Outbox(store)
    await lives.begin(NOW)
    await lives.seen(after(10))
    await open_with_notices(store, make_notice("n1"))
    (batch,) = await outbox.claim(after(12), "telegram", most=1, lease=LEASE)
    await outbox.delivered(batch, "7", after(17))

    killed = await lives.begin(after(60))
    assert killed is not None
    assert (killed.seen_at, killed.did_at, killed.last_at) == (after(10), after(17), after(17))


async def test_what_is_dated_behind_now_was_dated_by_another_clock(store: Store) -> None:
    lives, outbox = Lives(store), Outbox(store)
    await lives.begin(NOW)
    await open_with_notices(store, make_notice("n1"))
    (batch,) = await outbox.claim(after(12), "telegram", most=1, lease=LEASE)
    await outbox.delivered(batch, "7", after(900))

    killed = await lives.begin(after(60))
    assert killed is not None
    assert killed.last_at == NOW


async def test_an_absence_is_untold_until_it_is_over(store: Store) -> None:
    absences = Absences(store)
    number = await absences.note(ABSENCE)
    later = await absences.note(replace(ABSENCE, kind=AbsenceKind.CLOCK_BACK, from_at=after(99), tiers={}))
    await absences.told(number, PHONE)
    await absences.told(number, PHONE)
    first, second = await absences.untold()
    assert (first.absence_id, first.absence, first.told) == (number, ABSENCE, frozenset({PHONE}))
    assert (second.absence_id, second.told) == (later, frozenset())
    await absences.over(number)
    assert [one.absence_id for one in await absences.untold()] == [later]


async def test_a_chat_has_one_status_message_and_may_want_none(store: Store) -> None:
    pulses = Pulses(store)
    first = PulseMessage(receiver=PHONE, message_id="7", pinned=False)
    await pulses.save(first)
    await pulses.save(replace(first, message_id="8", pinned=True))
    topic = PulseMessage(receiver=Receiver(transport="telegram", chat="1001", thread="5"), message_id="9", pinned=True)
    await pulses.save(topic)
    known = await pulses.all()
    assert known[PHONE].message_id == "8"
    assert known[topic.receiver] == topic
    await pulses.forget(PHONE)
    await pulses.forget(PHONE)
    assert set(await pulses.all()) == {topic.receiver}
    for _ in range(2):
        await pulses.switch(PHONE, on=False)
    assert await pulses.off() == {PHONE}
    await pulses.switch(PHONE, on=True)
    assert await pulses.off() == frozenset()


async def test_what_nobody_has_heard_is_late_from_when_it_was_queued(store: Store) -> None:
    progress = Progress(store)
    assert await progress.unheard(NOW) == ()
    await open_with_notices(store, make_notice("n1"))
    assert await progress.unheard(after(30)) == (Unheard(transport="telegram", since=NOW, number=1),)


async def test_what_somebody_else_has_heard_is_not_late(store: Store) -> None:
    outbox, progress = Outbox(store), Progress(store)
    await open_with_notices(store, make_notice("n1"), make_notice("n2", receiver=DESK))
    (one,) = await outbox.claim(NOW, "console", most=10, lease=LEASE)
    assert {one.transport for one in await progress.unheard(after(1))} == {"telegram", "console"}
    await outbox.delivered(one, "m1", after(1))
    assert await progress.unheard(after(2)) == ()


async def test_what_somebody_heard_before_it_got_worse_does_not_count(store: Store) -> None:
    outbox, progress = Outbox(store), Progress(store)
    await open_with_notices(store, make_notice("n1", receiver=DESK, tier=Tier.WATCH))
    (one,) = await outbox.claim(NOW, "console", most=10, lease=LEASE)
    await outbox.delivered(one, "m1", NOW)
    worse = make_notice("n2", tier=Tier.CRITICAL)
    await store.atomic(lambda db: queueing.queue(db, [worse], after(10)))
    assert [one.transport for one in await progress.unheard(after(20))] == ["telegram"]


@pytest.mark.parametrize(("now_s", "late"), [(59, False), (61, True)])
async def test_what_is_held_back_on_purpose_is_late_only_after_its_hold(store: Store, now_s: float, late: bool) -> None:
    held = replace(make_notice("n1"), hold_until=after(60))
    await open_with_notices(store, held)
    found = await Progress(store).unheard(after(now_s))
    assert [one.since for one in found] == ([after(60)] if late else [])
