"""Incidents: one transaction for what a check found, and nobody's acknowledgement is lost."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from risk.decisions.incidents import CauseKind, Change, Incident, IncidentStatus, NoticeReason, acknowledge, advance
from risk.decisions.tiers import Tier, TierState
from storage import Copies, Incidents, IncidentStep, Outbox, Outdated, StorageDefect, Store, Stored, TierStates
from tests.storage.builders import (
    DESK,
    NOW,
    PHONE,
    after,
    assess,
    claim_ids,
    claim_one,
    make_cause,
    make_incident,
    make_notice,
    open_with_notices,
)

HIGH = TierState(tier=Tier.HIGH, known=Tier.HIGH)


async def test_a_check_stores_states_incidents_and_a_notice_for_each_receiver(store: Store) -> None:
    opened = make_incident()
    outcome = await assess(
        store,
        steps=[IncidentStep(before=None, after=opened)],
        notices=[make_notice("phone", receiver=PHONE), make_notice("desk", receiver=DESK)],
        tier_states={"main": HIGH},
    )
    assert outcome == Stored(queued=("phone", "desk"))
    assert await Incidents(store).open_incidents() == (opened,)
    assert await TierStates(store).load() == {"main": HIGH}
    assert await claim_ids(store) == ["phone", "desk"]


async def test_a_check_that_found_nothing_new_writes_nothing(store: Store) -> None:
    before = await store.run(lambda db: db.conn.total_changes)
    assert await assess(store) == Stored(queued=())
    assert await store.run(lambda db: db.conn.total_changes) == before


async def test_a_notice_without_its_incident_stores_nothing_at_all(store: Store) -> None:
    with pytest.raises(StorageDefect):
        await assess(store, notices=[make_notice(incident_id=404)], tier_states={"main": HIGH})
    assert await TierStates(store).load() == {}


async def test_a_whole_life_is_followed(store: Store) -> None:
    incidents = Incidents(store)
    cause = make_cause()
    current: Incident | None = None
    changes: list[Change | None] = []
    for step, tier in enumerate([Tier.WATCH, Tier.CRITICAL, Tier.WARNING, Tier.OK]):
        before = current
        current, change = advance(
            before, cause, tier, fact=tier.name, now=after(step), new_id=await incidents.next_id()
        )
        assert current is not None
        changes.append(change)
        assert isinstance(await assess(store, steps=[IncidentStep(before=before, after=current)]), Stored)
        assert await incidents.find(1) == current
    assert changes == [Change.OPENED, Change.ESCALATED, Change.EASED, Change.RESOLVED]
    assert await incidents.open_incidents() == ()
    assert await incidents.recent(5) == (current,)


async def test_ids_go_on_after_a_resolved_incident_and_a_cause_can_come_back(store: Store) -> None:
    incidents = Incidents(store)
    assert await incidents.next_id() == 1
    over = make_incident(1, status=IncidentStatus.RESOLVED)
    await assess(store, steps=[IncidentStep(before=None, after=over)])
    assert await incidents.next_id() == 2
    again = make_incident(2)
    await assess(store, steps=[IncidentStep(before=None, after=again)])
    assert await incidents.recent(1) == (again,)
    assert await incidents.recent(10) == (again, over)


async def test_causes_that_differ_only_in_their_subject_are_apart(store: Store) -> None:
    steps = [
        IncidentStep(
            before=None, after=make_incident(number, cause=make_cause(kind=CauseKind.LIMIT, subject=f"limit {number}"))
        )
        for number in (1, 2)
    ]
    assert isinstance(await assess(store, steps=steps), Stored)
    assert len(await Incidents(store).open_incidents()) == 2


async def test_a_second_incident_for_an_open_cause_is_outdated(store: Store) -> None:
    await assess(store, steps=[IncidentStep(before=None, after=make_incident(1))])
    outcome = await assess(store, steps=[IncidentStep(before=None, after=make_incident(2))])
    assert outcome == Outdated(causes=(make_cause(),))
    assert len(await Incidents(store).open_incidents()) == 1


async def test_an_acknowledgement_is_not_overwritten_by_an_older_look(store: Store) -> None:
    incidents = Incidents(store)
    seen = make_incident(tier=Tier.HIGH)
    await assess(store, steps=[IncidentStep(before=None, after=seen)])
    await incidents.acknowledge(1, "ada", after(1))
    eased = replace(seen, tier=Tier.WARNING, changed_at=after(2))
    outcome = await assess(
        store,
        steps=[IncidentStep(before=seen, after=eased)],
        notices=[make_notice(reason=NoticeReason.EASED, tier=Tier.WARNING)],
        tier_states={"main": TierState(tier=Tier.WARNING, known=Tier.WARNING)},
        now=after(2),
    )
    assert outcome == Outdated(causes=(seen.cause,))
    assert await incidents.find(1) == acknowledge(seen, "ada", after(1))
    assert await TierStates(store).load() == {}
    assert await claim_ids(store, after(3)) == []


async def test_the_first_of_two_acknowledgements_counts(store: Store) -> None:
    incidents = Incidents(store)
    await open_with_notices(store)
    seen_by = await asyncio.gather(*(incidents.acknowledge(1, f"person {n}", after(n)) for n in range(8)))
    assert {incident.acked_by for incident in seen_by if incident is not None} == {"person 0"}
    assert len(seen_by) == 8


async def test_an_acknowledged_incident_is_still_open_and_can_escalate(store: Store) -> None:
    incidents = Incidents(store)
    await assess(store, steps=[IncidentStep(before=None, after=make_incident())])
    acked = await incidents.acknowledge(1, "ada", after(1))
    assert await incidents.open_incidents() == (acked,)
    risen, change = advance(acked, make_cause(), Tier.CRITICAL, fact="worse", now=after(2), new_id=9)
    assert risen is not None
    assert change is Change.ESCALATED
    assert isinstance(await assess(store, steps=[IncidentStep(before=acked, after=risen)]), Stored)
    assert await incidents.open_incidents() == (risen,)


async def test_an_unknown_incident_can_be_neither_acknowledged_nor_snoozed(store: Store) -> None:
    assert await Incidents(store).acknowledge(7, "ada", NOW) is None
    assert await Incidents(store).snooze(7, NOW) is None
    assert await Incidents(store).find(7) is None


async def test_a_resolved_incident_is_not_changed_by_a_late_press(store: Store) -> None:
    over = make_incident(status=IncidentStatus.RESOLVED)
    await assess(store, steps=[IncidentStep(before=None, after=over)])
    assert await Incidents(store).acknowledge(1, "ada", NOW) == over
    assert await Incidents(store).snooze(1, after(3600)) == over


@pytest.mark.parametrize("how", ["ack", "snooze"])
async def test_quietening_drops_repeats_that_wait_but_never_the_first_word(store: Store, how: str) -> None:
    await open_with_notices(store, make_notice("first"))
    await Outbox(store).delivered(await claim_one(store), "m1", NOW)
    repeat = make_notice("repeat", reason=NoticeReason.REPEAT_DUE)
    other = make_notice("other desk", receiver=DESK)
    await assess(store, notices=[repeat, other], now=after(300))
    if how == "ack":
        await Incidents(store).acknowledge(1, "ada", after(301))
    else:
        snoozed = await Incidents(store).snooze(1, after(301) + timedelta(hours=1))
        assert snoozed is not None
        assert snoozed.snoozed_until == after(3901)
    assert await claim_ids(store, after(302)) == ["other desk"]


async def test_an_event_is_over_once_it_is_acknowledged(store: Store) -> None:
    event = make_incident(cause=make_cause(kind=CauseKind.EVENT, subject="withdrawal 7"))
    await assess(store, steps=[IncidentStep(before=None, after=event)])
    acked = await Incidents(store).acknowledge(1, "ada", after(5))
    assert acked is not None
    assert (acked.status, acked.acked_by, acked.resolved_at) == (IncidentStatus.RESOLVED, "ada", after(5))
    assert await Incidents(store).open_incidents() == ()


async def test_what_merely_happened_is_stored_as_over_beside_what_stands_for_the_same_cause(store: Store) -> None:
    cause = make_cause(kind=CauseKind.EVENT, subject="fill")
    standing = make_incident(1, cause=cause)
    passed = make_incident(2, cause=cause, status=IncidentStatus.RESOLVED)
    for one in (standing, passed):
        assert isinstance(await assess(store, steps=[IncidentStep(before=None, after=one)]), Stored)
    assert await Incidents(store).open_incidents() == (standing,)


async def test_what_happens_again_takes_the_place_of_what_stands_in_one_step(store: Store) -> None:
    cause = make_cause(kind=CauseKind.EVENT, subject="withdrawal")
    first, again = make_incident(1, cause=cause), make_incident(2, cause=cause, fact="once more")
    await assess(store, steps=[IncidentStep(before=None, after=first)])
    over = replace(first, status=IncidentStatus.RESOLVED, tier=Tier.OK, resolved_at=after(9))
    steps = [IncidentStep(before=first, after=over), IncidentStep(before=None, after=again)]
    assert isinstance(await assess(store, steps=steps, now=after(9)), Stored)
    assert await Incidents(store).open_incidents() == (again,)


async def test_an_acknowledgement_makes_every_message_that_shows_the_incident_stale(store: Store) -> None:
    copies = Copies(store)
    for number in (1, 2):
        await open_with_notices(store, make_notice(f"n{number}", incident_id=number), incident_id=number)
    batch = await claim_one(store)
    await Outbox(store).delivered(batch, "m1", after(1))
    assert await copies.stale(after(2), "telegram", 10) == ()

    await Incidents(store).acknowledge(2, "ada", after(5))
    (stale,) = await copies.stale(after(5), "telegram", 10)
    assert (stale.message_id, stale.receiver, stale.key, stale.attempts) == ("m1", PHONE, batch.key, 0)
    assert [notice.outbox_id for notice in stale.notices] == ["n1", "n2"]
    assert await copies.stale(after(5), "console", 10) == ()

    await copies.edit_later(stale, after(65))
    assert await copies.stale(after(64), "telegram", 10) == ()
    (again,) = await copies.stale(after(65), "telegram", 10)
    assert again.attempts == 1
    await copies.shown(again)
    assert await copies.stale(after(1000), "telegram", 10) == ()


async def test_an_acknowledgement_while_a_copy_was_edited_makes_it_stale_again(store: Store) -> None:
    copies = Copies(store)
    await open_with_notices(store, make_notice("a"), incident_id=1)
    await open_with_notices(store, make_notice("b", incident_id=2), incident_id=2)
    await Outbox(store).delivered(await claim_one(store), "m1", after(1))
    await Incidents(store).acknowledge(1, "ada", after(2))
    (stale,) = await copies.stale(after(3), "telegram", 10)
    await Incidents(store).acknowledge(2, "bob", after(4))
    await copies.shown(stale)
    assert len(await copies.stale(after(5), "telegram", 10)) == 1


async def test_a_copy_that_was_worded_before_an_acknowledgement_is_stale_from_the_start(store: Store) -> None:
    await open_with_notices(store, make_notice())
    batch = await claim_one(store)
    await Incidents(store).acknowledge(1, "ada", after(1))
    await Outbox(store).delivered(batch, "m1", after(2))
    assert len(await Copies(store).stale(after(2), "telegram", 10)) == 1


async def test_a_copy_that_was_worded_after_an_acknowledgement_is_not_stale(store: Store) -> None:
    await open_with_notices(store, make_notice())
    batch = await claim_one(store)
    await Incidents(store).acknowledge(1, "ada", after(1))
    await Outbox(store).delivered(batch, "m1", after(3), acked=[1])
    assert await Copies(store).stale(after(9), "telegram", 10) == ()


async def test_what_is_open_is_read_again_after_anything_was_written(store: Store) -> None:
    incidents, others = Incidents(store), Incidents(store)
    assert await incidents.open_incidents() == ()
    await assess(store, steps=[IncidentStep(before=None, after=make_incident())])
    assert len(await incidents.open_incidents()) == 1
    acked = await others.acknowledge(1, "ada", after(1))
    assert await incidents.open_incidents() == (acked,)


async def test_several_can_be_found_at_once(store: Store) -> None:
    await open_with_notices(store, incident_id=1)
    await open_with_notices(store, incident_id=3)
    assert set(await Incidents(store).by_ids([1, 2, 3])) == {1, 3}
    assert await Incidents(store).by_ids([]) == {}


async def test_words_that_utf8_cannot_hold_do_not_stop_an_incident(store: Store) -> None:
    odd = make_incident(fact="name \ud800")
    await assess(store, steps=[IncidentStep(before=None, after=odd)])
    moved = replace(odd, tier=Tier.CRITICAL)
    assert isinstance(await assess(store, steps=[IncidentStep(before=odd, after=moved)]), Stored)
