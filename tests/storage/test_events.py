"""What happened is kept once, with where it was found, and is told when the alert is stored that tells it."""

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from risk.decisions.incidents import NoticeReason
from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind
from storage import (
    Announcement,
    Announcements,
    EventBatch,
    Events,
    FollowedAccount,
    Incidents,
    IncidentStep,
    LoggedEvent,
    NewEvent,
    NewNotice,
    Outdated,
    Store,
)
from tests.storage.builders import NOW, PHONE, after, make_incident

K = EventKind
BASE = FollowedAccount(
    account_id="main", body_json='{"a": 1}', slot=100, observed_at=NOW, cursor="100:abc", heard_slot=60
)


def event(source: str = "", *, kind: EventKind = K.ORDER_FILLED, slot: int = 101, at_s: float = 1.0, told: bool = False,
          account_id: str = "main") -> NewEvent:  # fmt: skip
    return NewEvent(
        account_id=account_id, kind=kind, market="SOL-PERP", tier=Tier.OK, slot=slot, happened_at=after(at_s),
        source=source, body_json=f'["{source}"]', told=told,
    )  # fmt: skip


async def log(store: Store, *events: NewEvent, at: datetime = NOW) -> tuple[LoggedEvent, ...]:
    return await Events(store).record(EventBatch(events=events), at)


async def test_what_a_look_found_is_stored_with_where_it_was_found(store: Store) -> None:
    events = Events(store)
    logged = await events.record(EventBatch(followed=(BASE,), events=(event("a/1"), event())), NOW)

    assert await events.followed() == {"main": BASE}
    assert [one.source for one in logged] == ["a/1", ""]
    assert await events.untold() == logged
    later = replace(BASE, body_json='{"a": 2}', slot=200, cursor="200:def", heard_slot=160)
    await events.record(EventBatch(followed=(later,)), NOW)
    assert await events.followed() == {"main": later}


async def test_all_of_a_look_is_stored_or_nothing(store: Store) -> None:
    broken = replace(event("a/2"), happened_at=datetime(2026, 1, 5))  # noqa: DTZ001  # naive, which nothing stored is
    with pytest.raises(ValueError, match=r"."):
        await Events(store).record(EventBatch(followed=(BASE,), events=(event("a/1"), broken)), NOW)

    assert await Events(store).followed() == {}
    assert await Events(store).untold() == ()


async def test_one_record_of_one_account_is_one_event_however_often_it_is_found(store: Store) -> None:
    first = await log(store, event("a/1"), event("a/1"))
    again = await log(store, event("a/1"), event("a/2"))
    elsewhere = await log(store, event("a/1", account_id="other"))

    assert [len(found) for found in (first, again, elsewhere)] == [1, 1, 1]
    assert again[0].source == "a/2"
    assert len(await log(store, event(), event())) == 2  # readings have no name for what they show


async def test_what_nobody_is_told_of_does_not_wait(store: Store) -> None:
    loud, quiet = await log(store, event("a/1"), event("a/2", told=True))

    assert quiet.told_at == NOW
    assert await Events(store).untold() == (loud,)
    await Events(store).let_pass([loud.event_id], after(5))
    assert await Events(store).untold() == ()


async def test_it_is_told_in_the_transaction_that_stores_the_alert(store: Store) -> None:
    incidents, (one,) = Incidents(store), await log(store, event("a/1"))
    incident = make_incident(1)
    notice = NewNotice(
        outbox_id="n1", incident_id=1, receiver=PHONE, reason=NoticeReason.FIRST, tier=Tier.HIGH, body_json="{}",
        rank=math.inf,
    )  # fmt: skip

    await incidents.apply_assessment(
        steps=[IncidentStep(before=None, after=incident)], notices=[notice], tier_states={}, now=after(7),
        told_events=[one.event_id],
    )  # fmt: skip

    (kept,) = await Events(store).behind_slot("main", 0)
    assert kept.told_at == after(7)
    assert len(await incidents.open_incidents()) == 1


async def test_what_is_decided_on_an_old_look_tells_nothing(store: Store) -> None:
    incidents, (one,) = Incidents(store), await log(store, event("a/1"))
    changed = make_incident(1, tier=Tier.CRITICAL)

    outcome = await incidents.apply_assessment(
        steps=[IncidentStep(before=make_incident(1), after=changed)], notices=[], tier_states={}, now=NOW,
        told_events=[one.event_id],
    )  # fmt: skip

    assert isinstance(outcome, Outdated)
    assert await Events(store).untold() == (one,)


async def test_events_alone_are_told_too(store: Store) -> None:
    (one,) = await log(store, event("a/1"))
    await Incidents(store).apply_assessment(
        steps=[], notices=[], tier_states={}, now=after(3), told_events=[one.event_id]
    )
    assert await Events(store).untold() == ()


async def test_what_grows_stays_one_event(store: Store) -> None:
    (one,) = await log(store, event(kind=K.INTEREST, told=True))

    (grown,) = await Events(store).record(EventBatch(grown={one.event_id: '["more"]'}), after(60))

    assert grown == replace(one, body_json='["more"]')
    assert await Events(store).behind_slot("main", 0) == (grown,)


async def test_what_happened_is_found_by_account_and_time_and_what_was_learned_by_time_alone(store: Store) -> None:
    first, second = await log(store, event("a/1", at_s=10), event("a/2", at_s=20))
    (old,) = await log(store, event("a/0", at_s=-1_000), at=after(100))
    (other,) = await log(store, event("b/1", at_s=15, account_id="other"), at=after(100))
    events = Events(store)

    assert await events.events_between("main", NOW, after(20)) == (first,)
    assert await events.events_between("main", after(-2_000), after(21)) == (old, first, second)
    assert await events.events_between("main", after(-2_000), after(21), limit=2) == (first, second)
    assert await events.logged_between(after(50), after(200)) == (old, other)
    assert await events.logged_between(after(50), after(200), limit=1) == (other,)
    assert await events.behind_slot("main", 102) == ()


async def test_what_is_long_over_is_forgotten_unless_nobody_was_told(store: Store) -> None:
    await log(store, event("a/1", at_s=-100, told=True), event("a/2", at_s=-100), event("a/3", told=True))
    await log(store, event("a/4", at_s=-100, told=True, kind=K.ORDER_PLACED))

    assert await Events(store).forget_before(NOW, {K.ORDER_PLACED}) == 1
    assert await Events(store).forget_before(NOW, frozenset(EventKind)) == 1
    assert [one.source for one in await Events(store).behind_slot("main", 0)] == ["a/2", "a/3"]


async def test_who_is_not_watched_any_more_is_not_followed_and_what_happened_is_kept(store: Store) -> None:
    events = Events(store)
    other = replace(BASE, account_id="other")
    await events.record(EventBatch(followed=(BASE, other), events=(event("a/1"),)), NOW)

    await events.unfollow({"main"})

    assert await events.followed() == {"other": other}
    assert len(await events.behind_slot("main", 0)) == 1


async def test_what_a_venue_allows_is_kept_with_what_that_is_told_as(store: Store) -> None:
    events = Events(store)
    assert await events.venue_state("drift") is None

    logged = await events.save_venue_state("drift", '{"b": 1}', [event(account_id="", kind=K.MARKET_PAUSED)], NOW)

    assert await events.venue_state("drift") == '{"b": 1}'
    assert await events.venue_state("paper") is None
    assert await events.untold() == logged
    await events.save_venue_state("drift", '{"b": 2}', [], NOW)
    assert await events.venue_state("drift") == '{"b": 2}'


async def test_the_accounts_of_an_owner_are_known_from_the_first_look(store: Store) -> None:
    events = Events(store)
    assert await events.owned("wallet") == frozenset()
    await events.save_owned("wallet", ["a", "b"], [], NOW)
    logged = await events.save_owned("wallet", ["a", "b", "c"], [event(kind=K.SUB_ACCOUNT_CREATED)], NOW)

    assert await events.owned("wallet") == {"a", "b", "c"}
    assert await events.untold() == logged


async def announced(store: Store, **changes: object) -> Announcement:
    given: dict[str, object] = {
        "account_id": "main", "kind": K.WITHDRAWAL, "amount_usd": 500.0, "counterpart": "", "from_at": NOW,
        "until_at": after(7_200), "announced_by": "person-owner",
    }  # fmt: skip
    return await Announcements(store).announce(**{**given, **changes})  # type: ignore[arg-type]


async def test_an_announcement_stands_for_its_time(store: Store) -> None:
    made, later = await announced(store), await announced(store, until_at=after(10_000))
    announcements = Announcements(store)

    assert made.left_usd == made.amount_usd == 500.0
    assert await announcements.standing(after(7_199)) == (made, later)
    assert await announcements.standing(after(7_200)) == (later,)
    assert await announcements.around(after(-1)) == ()
    assert await announcements.around(NOW) == (made, later)
    assert await announcements.around(after(7_201)) == (later,)


async def test_what_was_taken_back_counted_until_then(store: Store) -> None:
    made = await announced(store)
    announcements = Announcements(store)

    taken = await announcements.withdraw(made.announcement_id, after(60))

    assert taken == replace(made, withdrawn_at=after(60))
    assert await announcements.withdraw(made.announcement_id, after(61)) is None
    assert await announcements.standing(after(61)) == ()
    assert await announcements.around(after(59)) == (taken,)
    assert await announcements.around(after(61)) == ()
    assert await announcements.withdraw(99, after(61)) is None


async def test_what_is_left_of_it_is_stored_with_what_used_it(store: Store) -> None:
    made = await announced(store)

    await Events(store).record(EventBatch(events=(event("a/1"),), spent={made.announcement_id: 125.5}), NOW)

    (left,) = await Announcements(store).standing(NOW + timedelta(seconds=1))
    assert left.left_usd == 125.5


@pytest.mark.parametrize("amount", [math.nan, math.inf])
async def test_an_amount_that_is_none_is_refused(store: Store, amount: float) -> None:
    with pytest.raises(ValueError, match=r"."):
        await announced(store, amount_usd=amount)
