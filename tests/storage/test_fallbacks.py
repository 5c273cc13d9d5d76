"""Which alerts are blocked, and that each step of a route goes round once for each state of an incident."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from risk.decisions.incidents import Incident, IncidentStatus
from risk.decisions.tiers import Tier
from storage import Batch, Blocked, Fallbacks, Incidents, IncidentStep, NewNotice, Outbox, Receiver, Store, Stored
from tests.storage.builders import LEASE, NOW, after, assess, make_cause, make_incident, make_notice

PHONE = Receiver(transport="telegram", chat="1", route="desk/1")
OTHER = Receiver(transport="telegram", chat="2", route="desk/2")
PAGER = Receiver(transport="service:pager", chat="pager", route="desk/1>pager")
LATER = after(11)


def notice(name: str, receiver: Receiver = PHONE, *, number: int = 1, tier: Tier = Tier.CRITICAL) -> NewNotice:
    return make_notice(name, incident_id=number, receiver=receiver, tier=tier)


async def opened(
    store: Store, *notices: NewNotice, number: int = 1, tier: Tier = Tier.CRITICAL, now: datetime = NOW
) -> Incident:
    incident = make_incident(number, cause=make_cause(f"account {number}"), tier=tier)
    outcome = await assess(store, steps=[IncidentStep(before=None, after=incident)], notices=notices, now=now)
    assert isinstance(outcome, Stored)
    return incident


async def claimed(store: Store, now: datetime = NOW, transport: str = "telegram") -> list[Batch]:
    return list(await Outbox(store).claim(now, transport, most=10, lease=LEASE))


async def blocked(store: Store, before: datetime | None = None, least: Tier = Tier.CRITICAL) -> list[str]:
    found = await Fallbacks(store).blocked(before or after(1), least, 100)
    return [one.notice.outbox_id for one in found]


async def test_what_was_tried_and_has_not_arrived_in_time_is_blocked(store: Store) -> None:
    await opened(store, notice("n1"))
    (batch,) = await claimed(store)

    assert await blocked(store, before=NOW - timedelta(seconds=1)) == []
    assert await blocked(store) == ["n1"]  # on its way for too long
    await Outbox(store).retry_later(batch, after(60), "Telegram cannot be reached")
    (found,) = await Fallbacks(store).blocked(after(1), Tier.CRITICAL, 10)
    assert found.notice.last_error == "Telegram cannot be reached"
    assert found.incident.cause.account_id == "account 1"


async def test_what_a_chat_has_to_wait_for_is_blocked_as_well(store: Store) -> None:
    await opened(store, notice("n1"))
    (batch,) = await claimed(store)
    await Outbox(store).postpone(batch, after(30))
    await opened(store, notice("n2", number=2), number=2)  # behind it, and not even tried
    await opened(store, notice("n3", OTHER, number=3), number=3)
    (elsewhere,) = await Outbox(store).claim(after(1), "telegram", most=10, lease=LEASE, busy=["1"])
    await Outbox(store).delivered(elsewhere, "m3", after(5))

    assert set(await blocked(store, before=after(2))) == {"n1", "n2"}


async def test_what_waits_its_turn_while_others_get_through_is_not_blocked(store: Store) -> None:
    await opened(store, notice("n1"))
    await opened(store, notice("n2", OTHER, number=2), number=2)
    outbox = Outbox(store)
    (first,) = await outbox.claim(NOW, "telegram", most=1, lease=LEASE)
    (waiting,) = {"n1", "n2"} - {one.outbox_id for one in first.notices}

    await outbox.delivered(first, "m1", after(5))
    assert await blocked(store, before=after(2)) == []
    assert await blocked(store, before=after(6)) == [waiting]  # nothing got through since: nothing does


@pytest.mark.parametrize("tier", [Tier.HIGH, Tier.UNKNOWN, Tier.WATCH])
async def test_less_than_critical_waits_for_its_own_way(store: Store, tier: Tier) -> None:
    await opened(store, notice("n1", tier=tier), tier=tier)
    await claimed(store)

    assert await blocked(store) == []
    assert await blocked(store, least=Tier.WATCH) == ["n1"]


async def test_what_was_given_up_is_blocked_at_once(store: Store) -> None:
    await opened(store, notice("n1"))
    await Outbox(store).lost(PHONE, "blocked by the person", NOW)

    assert await blocked(store, before=NOW - timedelta(hours=1)) == ["n1"]


async def test_what_arrived_or_was_answered_or_is_over_needs_no_other_way(store: Store) -> None:
    await opened(store, notice("n1"))
    (batch,) = await claimed(store)
    await Outbox(store).delivered(batch, "m1", NOW)
    await opened(store, notice("n2", number=2), number=2)
    await Incidents(store).acknowledge(2, "ann", NOW)
    third = await opened(store, notice("n3", number=3), number=3)
    over = replace(third, tier=Tier.OK, status=IncidentStatus.RESOLVED, resolved_at=NOW)
    await assess(store, steps=[IncidentStep(before=third, after=over)])

    assert await blocked(store) == []


async def test_what_told_of_an_earlier_state_is_history(store: Store) -> None:
    before = await opened(store, notice("n1"))
    await claimed(store)
    again = replace(before, tier=Tier.LIQUIDATING, peak=Tier.LIQUIDATING, rang_at=after(5))
    await assess(store, steps=[IncidentStep(before=before, after=again)], now=after(5))

    assert await blocked(store) == []


async def test_what_is_held_by_wish_is_not_blocked(store: Store) -> None:
    await opened(store, replace(notice("n1"), hold_until=after(3_600)))

    assert await blocked(store) == []


async def round_once(store: Store, blocked_notice: Blocked, name: str) -> bool:
    detour = make_notice(name, incident_id=blocked_notice.notice.incident_id, receiver=PAGER, tier=Tier.CRITICAL)
    return await Fallbacks(store).go_round(blocked_notice, "service:pager", [detour], LATER)


async def one_blocked(store: Store) -> Blocked:
    (found,) = await Fallbacks(store).blocked(after(1), Tier.CRITICAL, 10)
    return found


async def test_a_step_goes_round_once_for_each_state_of_an_incident(store: Store) -> None:
    incident = await opened(store, notice("n1"))
    await claimed(store)
    found = await one_blocked(store)

    assert await round_once(store, found, "r1")
    assert not await round_once(store, found, "r2")
    assert await blocked(store) == []
    (detour,) = await claimed(store, LATER, "service:pager")
    assert [one.outbox_id for one in detour.notices] == ["r1"]

    worse = replace(incident, tier=Tier.LIQUIDATING, peak=Tier.LIQUIDATING, rang_at=after(20))
    await assess(
        store, steps=[IncidentStep(before=incident, after=worse)], now=after(20),
        notices=[notice("n2", tier=Tier.LIQUIDATING)],
    )  # fmt: skip
    await Outbox(store).claim(after(21), "telegram", most=10, lease=LEASE)
    again = await Fallbacks(store).blocked(after(30), Tier.CRITICAL, 10)
    assert [one.notice.outbox_id for one in again] == ["n2"]
    assert await round_once(store, again[0], "r3")


async def test_what_went_round_is_remembered_by_the_next_process_and_may_be_blocked_itself(store: Store) -> None:
    await opened(store, notice("n1"))
    await claimed(store)
    assert await round_once(store, await one_blocked(store), "r1")
    (detour,) = await claimed(store, LATER, "service:pager")
    await Outbox(store).retry_later(detour, after(60), "the service has trouble")

    (found,) = await Fallbacks(store).blocked(after(12), Tier.CRITICAL, 10)
    assert found.notice.outbox_id == "r1"
    assert found.notice.receiver.route == "desk/1>pager"


async def test_who_was_told_since_it_rang_is_known(store: Store) -> None:
    await opened(store, notice("n1"), notice("n2", OTHER))
    await Outbox(store).lost(OTHER, "blocked by the person", NOW)

    assert await Fallbacks(store).heard(1, NOW) == {PHONE}
    assert await Fallbacks(store).heard(1, after(1)) == frozenset()


async def test_the_most_urgent_goes_first(store: Store) -> None:
    await opened(store, replace(notice("far"), rank=4.0))
    await opened(store, replace(notice("near", number=2), rank=0.5), number=2)
    await opened(store, notice("worst", number=3, tier=Tier.LIQUIDATING), number=3, tier=Tier.LIQUIDATING)
    await claimed(store)

    assert await blocked(store) == ["worst", "near", "far"]
