"""The outbox: who gets what when, and what becomes of claims that were lost."""

import asyncio
import math
from datetime import timedelta

import pytest

from risk.decisions.incidents import LastNotice, NoticeReason
from risk.decisions.tiers import Tier
from storage import (
    Copies,
    Incidents,
    MessageCopy,
    NewNotice,
    Outbox,
    OutboxCounts,
    OutboxState,
    Receiver,
    StorageDefect,
    Store,
)
from tests.storage.builders import (
    DESK,
    LEASE,
    NOW,
    PHONE,
    after,
    assess,
    claim,
    claim_ids,
    claim_one,
    ids_of,
    make_notice,
    open_with_notices,
)


def chat(number: int, thread: str = "") -> Receiver:
    return Receiver(transport="telegram", chat=str(number), thread=thread)


async def test_a_claimed_notice_carries_everything_and_is_given_to_nobody_else(store: Store) -> None:
    await open_with_notices(store, make_notice(body_json='{"ratio": 140}', rank=2.5))
    batch = await claim_one(store)
    (notice,) = batch.notices
    assert (notice.outbox_id, notice.incident_id, notice.body_json) == ("n1", 1, '{"ratio": 140}')
    assert (batch.receiver, batch.receiver.route) == (PHONE, "owner")
    assert (notice.reason, notice.tier, notice.rank) == (NoticeReason.FIRST, Tier.HIGH, 2.5)
    assert (notice.state, notice.attempts, notice.lease_epoch) == (OutboxState.LEASED, 0, 1)
    assert (batch.epoch, notice.batch, batch.uncertain) == (1, batch.key, False)
    assert notice.due_at == NOW + LEASE
    assert await claim_ids(store) == []


async def test_a_key_can_be_a_nonce(store: Store) -> None:
    await open_with_notices(store, make_notice())
    key = (await claim_one(store)).key
    assert key.isascii()
    assert 16 <= len(key) <= 25


async def test_eight_claims_at_once_share_the_notices(store: Store) -> None:
    notices = [make_notice(f"n{n}", receiver=chat(n)) for n in range(20)]
    await open_with_notices(store, *notices)
    shares = await asyncio.gather(*(claim_ids(store, most=5) for _ in range(8)))
    assert sorted(name for share in shares for name in share) == sorted(notice.outbox_id for notice in notices)


async def test_critical_goes_first_then_what_is_nearest_then_what_is_oldest(store: Store) -> None:
    ranked = [
        (Tier.WATCH, math.inf), (Tier.CRITICAL, 3.0), (Tier.UNKNOWN, math.inf), (Tier.HIGH, math.inf),
        (Tier.LIQUIDATING, math.inf), (Tier.OK, math.inf), (Tier.CRITICAL, -0.5), (Tier.HIGH, 0.1),
    ]  # fmt: skip
    for number, (tier, rank) in enumerate(ranked, start=1):
        notice = make_notice(f"n{number}", incident_id=number, tier=tier, rank=rank, receiver=chat(number))
        await open_with_notices(store, notice, incident_id=number)
    assert await claim_ids(store, most=6) == ["n5", "n7", "n2", "n8", "n3", "n4"]
    assert await claim_ids(store) == ["n1", "n6"]


async def test_only_the_asked_transport_is_claimed(store: Store) -> None:
    await open_with_notices(store, make_notice("phone"), make_notice("desk", receiver=DESK))
    assert [ids_of(batch) for batch in await claim(store, transport="console")] == [["desk"]]
    assert [ids_of(batch) for batch in await claim(store)] == [["phone"]]


async def test_what_waits_for_one_receiver_goes_out_together_in_the_order_of_queueing(store: Store) -> None:
    for number, tier in enumerate([Tier.WATCH, Tier.CRITICAL, Tier.WARNING], start=1):
        await open_with_notices(store, make_notice(f"n{number}", incident_id=number, tier=tier), incident_id=number)
    (batch,) = await claim(store)
    assert ids_of(batch) == ["n1", "n2", "n3"]
    assert {notice.batch for notice in batch.notices} == {batch.key}


async def test_topics_of_one_chat_are_receivers_of_their_own_and_take_turns(store: Store) -> None:
    await open_with_notices(store, make_notice("a", receiver=chat(5, "1")), make_notice("b", receiver=chat(5, "2")))
    (first,) = await claim(store)
    assert ids_of(first) == ["a"]
    assert await claim(store, busy={"5"}) == ()
    (second,) = await claim(store)
    assert ids_of(second) == ["b"]


async def test_where_threads_are_places_of_their_own_they_do_not_wait_for_each_other(store: Store) -> None:
    notices = [make_notice(name, receiver=chat(5, thread)) for name, thread in (("a", "1"), ("b", "2"), ("c", ""))]
    await open_with_notices(store, *notices)
    batches = await claim(store, busy={"1"}, threads_apart=True)
    assert sorted(map(ids_of, batches)) == [["b"], ["c"]]


async def test_a_busy_place_is_passed_over(store: Store) -> None:
    await open_with_notices(store, *(make_notice(f"n{n}", receiver=chat(n), tier=Tier.CRITICAL) for n in range(3)))
    assert [ids_of(batch) for batch in await claim(store, most=1, busy={"0"})] == [["n1"]]


async def test_a_lease_that_ran_out_is_claimed_again_under_a_new_epoch_and_the_same_key(store: Store) -> None:
    await open_with_notices(store, make_notice())
    first = await claim_one(store)
    assert await claim_ids(store, after(29.9)) == []
    again = await claim_one(store, after(30))
    assert (again.epoch, again.key, again.uncertain) == (2, first.key, True)
    assert again.notices[0].attempts == 0


async def test_claims_of_a_process_that_died_are_free_at_once_and_may_have_arrived(store: Store) -> None:
    await open_with_notices(store, make_notice())
    key = (await claim_one(store)).key
    assert await Outbox(store).abandon_leases(after(1)) == 1
    again = await claim_one(store, after(1))
    assert (again.key, again.uncertain) == (key, True)


async def test_what_may_have_arrived_goes_out_in_the_same_company_and_news_by_itself(store: Store) -> None:
    outbox = Outbox(store)
    for number in (1, 2):
        await open_with_notices(store, make_notice(f"n{number}", incident_id=number), incident_id=number)
    first = await claim_one(store)
    await outbox.retry_later(first, after(5), "no answer in time", unknown=True)
    await open_with_notices(store, make_notice("n3", incident_id=3), incident_id=3)
    assert ids_of(await claim_one(store, after(1))) == ["n3"]
    again = await claim_one(store, after(5))
    assert (again.key, ids_of(again), again.uncertain) == (first.key, ["n1", "n2"], True)


async def test_what_surely_did_not_arrive_joins_the_news(store: Store) -> None:
    await open_with_notices(store, make_notice("n1"))
    first = await claim_one(store)
    await Outbox(store).retry_later(first, after(60), "502")
    await open_with_notices(store, make_notice("n2", incident_id=2), incident_id=2)
    again = await claim_one(store, after(1))
    assert (ids_of(again), again.uncertain) == (["n1", "n2"], False)
    assert again.key != first.key


async def test_once_in_doubt_a_sure_failure_does_not_make_it_certain(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice("n1"))
    first = await claim_one(store)
    await outbox.retry_later(first, after(1), "no answer in time", unknown=True)
    await outbox.retry_later(await claim_one(store, after(1)), after(2), "502")
    await outbox.postpone(await claim_one(store, after(2)), after(3))
    again = await claim_one(store, after(3))
    assert (again.key, again.uncertain) == (first.key, True)


async def test_a_delivered_notice_is_not_sent_again_and_can_be_edited(store: Store) -> None:
    await open_with_notices(store, make_notice())
    assert await Outbox(store).delivered(await claim_one(store), "m7", after(1))
    assert await claim_ids(store, after(1000)) == []
    copy = MessageCopy(incident_id=1, outbox_id="n1", receiver=PHONE, message_id="m7", sent_at=after(1))
    assert await Copies(store).of_incident(1) == (copy,)
    assert await Copies(store).of_incident(2) == ()


async def test_every_notice_of_a_message_is_remembered_with_it(store: Store) -> None:
    for number in (1, 2):
        await open_with_notices(store, make_notice(f"n{number}", incident_id=number), incident_id=number)
    batch = await claim_one(store)
    await Outbox(store).delivered(batch, "m1", NOW, bodies={"n2": "newer"})
    assert [copy.message_id for number in (1, 2) for copy in await Copies(store).of_incident(number)] == ["m1", "m1"]
    assert await Outbox(store).told_together(batch.key) == (1, 2)
    bodies = await store.run(lambda db: db.execute("SELECT body_json FROM outbox ORDER BY seq").fetchall())
    assert bodies == [('{"fact": "health"}',), ("newer",)]


async def test_a_failed_attempt_waits_for_its_moment_and_is_counted(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    assert await outbox.retry_later(await claim_one(store), after(5), "502 \ud800")
    assert await claim_ids(store, after(4.9)) == []
    assert await outbox.next_due_at("telegram", NOW) == after(5)
    again = await claim_one(store, after(5))
    assert (again.notices[0].attempts, again.notices[0].last_error, again.epoch) == (1, "502 ?", 2)


async def test_a_chat_that_has_to_wait_costs_no_attempt(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    assert await outbox.postpone(await claim_one(store), after(60), "asked to wait")
    assert await claim_ids(store, after(59)) == []
    (notice,) = (await claim_one(store, after(60))).notices
    assert (notice.attempts, notice.last_error) == (0, "asked to wait")


async def test_a_platform_that_is_back_gets_at_once_what_had_failed_there(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(
        store, make_notice("failed"), make_notice("held", receiver=chat(2), hold_until=after(900)),
        make_notice("refused", receiver=chat(3)),
    )  # fmt: skip
    for batch in await claim(store):
        if ids_of(batch) == ["failed"]:
            await outbox.retry_later(batch, after(60), "502")
        else:
            await outbox.refused(batch, after(60), "400", most=5)
    assert await outbox.hurry("telegram", after(1)) == 1
    assert await claim_ids(store, after(1)) == ["failed"]


async def test_what_is_refused_is_tried_by_itself_and_given_up_in_the_end(store: Store) -> None:
    outbox = Outbox(store)
    for number in (1, 2):
        await open_with_notices(store, make_notice(f"n{number}", incident_id=number), incident_id=number)
    assert await outbox.refused(await claim_one(store), after(1), "400 cannot parse", most=3)
    alone = await claim_one(store, after(1))
    assert ids_of(alone) == ["n1"]
    await outbox.refused(alone, after(2), "400 cannot parse", most=3)
    other = await claim_one(store, after(1))
    assert ids_of(other) == ["n2"]
    await outbox.delivered(other, "m2", after(1))
    await outbox.refused(await claim_one(store, after(2)), after(9), "400 cannot parse", most=3)
    assert await claim_ids(store, after(1000)) == []
    (dead,) = await outbox.dead_letters(10)
    assert (dead.outbox_id, dead.last_error, dead.state) == ("n1", "400 cannot parse", OutboxState.DEAD)


async def test_a_chat_that_is_gone_is_marked_and_its_notices_given_up(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice("sending"), make_notice("other", receiver=chat(7)))
    await claim(store, most=1)
    await open_with_notices(store, make_notice("waiting", incident_id=2), incident_id=2)
    assert await outbox.lost(PHONE, "blocked by the user", after(1))
    assert not await outbox.lost(PHONE, "blocked by the user", after(2))
    assert {dead.outbox_id for dead in await outbox.dead_letters(10)} == {"sending", "waiting"}
    (gone,) = await outbox.unreachable()
    assert (gone.receiver, gone.reason, gone.since) == (PHONE, "blocked by the user", after(1))
    assert await claim_ids(store, after(1)) == ["other"]


async def test_a_chat_that_is_back_counts_as_never_told_what_it_missed(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    await claim(store)
    await outbox.lost(PHONE, "blocked by the user", after(1))
    assert PHONE in (await outbox.last_notices([1]))[1], "while it is gone nobody tries again at every check"
    assert await outbox.reached(PHONE)
    assert not await outbox.reached(PHONE)
    assert await outbox.unreachable() == ()
    assert await outbox.last_notices([1]) == {}


async def test_reports_of_a_lost_claim_decide_nothing(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    late = await claim_one(store)
    now = await claim_one(store, after(30))
    assert not await outbox.retry_later(late, after(99), "late")
    assert not await outbox.postpone(late, after(99))
    assert not await outbox.refused(late, after(99), "late", most=1)
    assert await outbox.delivered(now, "m2", after(31))
    (copy,) = await Copies(store).of_incident(1)
    assert copy.message_id == "m2"


async def test_a_late_delivery_does_not_replace_a_newer_one_but_its_message_is_remembered(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    late = await claim_one(store)
    assert await outbox.delivered(await claim_one(store, after(30)), "newer", after(31))
    assert not await outbox.delivered(late, "late", after(32))
    assert [copy.message_id for copy in await Copies(store).of_incident(1)] == ["newer", "late"]
    kept = await store.run(lambda db: db.execute("SELECT message_id, lease_epoch FROM outbox").fetchone())
    assert kept == ("newer", 2)


async def test_a_late_delivery_spares_the_receiver_another_one(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    late, now = await claim_one(store), await claim_one(store, after(30))
    assert await outbox.delivered(late, "late", after(31))
    assert not await outbox.retry_later(now, after(40), "timed out")
    assert await claim_ids(store, after(1000)) == []


async def test_the_same_delivery_reported_twice_is_one_copy(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    batch = await claim_one(store)
    assert await outbox.delivered(batch, "m1", after(1))
    assert not await outbox.delivered(batch, "m1", after(2))
    assert len(await Copies(store).of_incident(1)) == 1


async def test_a_delivery_nobody_claimed_is_a_defect(store: Store) -> None:
    await open_with_notices(store, make_notice())
    batch = await claim_one(store)
    await store.atomic(lambda db: db.execute("DELETE FROM outbox"))
    with pytest.raises(StorageDefect, match="nobody had claimed"):
        await Outbox(store).delivered(batch, "m", NOW)


async def test_queueing_the_same_notice_again_changes_nothing(store: Store) -> None:
    await open_with_notices(store, make_notice())
    await assess(store, notices=[make_notice(), make_notice("n2", receiver=DESK)])
    assert sorted(await claim_ids(store)) == ["n1", "n2"]


async def deliver(store: Store, notice: NewNotice, at: float) -> None:
    await assess(store, notices=[notice], now=after(at))
    batch = await claim_one(store, after(at))
    await Outbox(store).delivered(batch, f"m {notice.outbox_id}", after(at + 1))


async def test_the_last_word_is_known_for_each_receiver_and_incident(store: Store) -> None:
    await open_with_notices(store)
    await open_with_notices(store, incident_id=2)
    await deliver(store, make_notice("a", tier=Tier.WATCH), 0)
    await deliver(store, make_notice("b", tier=Tier.CRITICAL, reason=NoticeReason.ESCALATED), 10)
    await deliver(store, make_notice("c", tier=Tier.HIGH, incident_id=2), 20)
    await assess(store, notices=[make_notice("d", tier=Tier.WATCH, receiver=DESK)], now=after(30))
    assert await Outbox(store).last_notices([1, 2, 3]) == {
        # Queued counts as told: nobody is told twice while a platform is down.
        1: {
            PHONE: LastNotice(tier=Tier.CRITICAL, at=after(11)),
            DESK: LastNotice(tier=Tier.WATCH, at=after(30)),
        },
        2: {PHONE: LastNotice(tier=Tier.HIGH, at=after(21))},
    }
    assert set(await Outbox(store).last_notices([2])) == {2}
    assert await Outbox(store).last_notices([]) == {}


async def test_what_a_receiver_knows_to_be_over_is_no_longer_listed(store: Store) -> None:
    await open_with_notices(store)
    await deliver(store, make_notice("a", tier=Tier.HIGH), 0)
    await deliver(store, make_notice("b", tier=Tier.OK, reason=NoticeReason.RESOLVED), 10)
    assert await Outbox(store).last_notices([1]) == {}


async def test_a_repeat_that_was_dropped_was_never_said(store: Store) -> None:
    await open_with_notices(store)
    await deliver(store, make_notice("a", tier=Tier.CRITICAL), 0)
    await assess(store, notices=[make_notice("b", tier=Tier.CRITICAL, reason=NoticeReason.REPEAT_DUE)], now=after(300))
    await Incidents(store).acknowledge(1, "ada", after(301))
    assert await Outbox(store).last_notices([1]) == {1: {PHONE: LastNotice(tier=Tier.CRITICAL, at=after(1))}}


async def test_receipts_say_what_became_of_the_last_word_to_everybody(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store)
    await deliver(store, make_notice("a", tier=Tier.WATCH), 0)
    await deliver(store, make_notice("b", tier=Tier.HIGH, reason=NoticeReason.ESCALATED), 10)
    await assess(store, notices=[make_notice("c", receiver=DESK)], now=after(20))
    await outbox.postpone(await claim_one(store, after(20), DESK.transport), after(32), "console asked to wait 12 s")
    phone, desk = await outbox.receipts([1])
    assert (phone.receiver, phone.state, phone.tier, phone.sent_at) == (PHONE, OutboxState.SENT, Tier.HIGH, after(11))
    assert (desk.receiver, desk.state, desk.due_at) == (DESK, OutboxState.PENDING, after(32))
    assert desk.error == "console asked to wait 12 s"


async def test_the_counts_say_how_long_the_oldest_waits(store: Store) -> None:
    outbox = Outbox(store)
    assert (await outbox.counts()).waiting_since is None
    await open_with_notices(
        store, *(make_notice(f"n{n}", receiver=chat(n)) for n in range(4)),
        make_notice("later", receiver=chat(9), hold_until=after(3_600)),
    )  # fmt: skip
    sent, gone, _ = await claim(store, most=3)
    await outbox.delivered(sent, "m", after(1))
    await outbox.lost(gone.receiver, "blocked", after(1))
    assert await outbox.counts() == OutboxCounts(
        pending=1, leased=1, sent=1, dead=1, superseded=0, held=1, waiting_since=NOW
    )
    waiting = await outbox.waiting_since(after(1), 10)
    assert [notice.outbox_id for notice in waiting] == ["n2", "n3"]
    assert await outbox.waiting_since(NOW - timedelta(seconds=1), 10) == ()


async def test_a_thousand_incidents_and_chats_are_looked_up_in_one_question(store: Store) -> None:
    """Not a benchmark: with a look per receiver or per incident this would take minutes."""
    count = 1_000
    for first in range(0, count, 250):
        numbers = range(first + 1, first + 251)
        notices = [make_notice(f"n{n}", incident_id=n, receiver=chat(n)) for n in numbers]
        for n in numbers:
            await open_with_notices(store, incident_id=n)
        await assess(store, notices=notices)
    heard = await Outbox(store).last_notices(range(1, count + 1))
    assert len(heard) == count
    assert all(len(of_incident) == 1 for of_incident in heard.values())


async def test_what_was_last_said_of_an_incident_is_known_newest_first_and_only_a_few(store: Store) -> None:
    bodies = [f'{{"number": {number}}}' for number in range(7)]
    receivers = [Receiver(transport="telegram", chat=str(number)) for number in range(7)]
    notices = [make_notice(f"n{at}", body_json=body, receiver=receivers[at]) for at, body in enumerate(bodies)]
    await open_with_notices(store, *notices)
    await open_with_notices(store, make_notice("other", incident_id=2, body_json="{}"), incident_id=2)

    known = await Outbox(store).last_bodies([1, 3])
    assert known == {1: bodies[:1:-1]}
    assert await Outbox(store).last_bodies([]) == {}
