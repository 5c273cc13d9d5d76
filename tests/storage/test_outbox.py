"""The outbox: who gets what when, and what becomes of claims that were lost."""

import asyncio
from datetime import timedelta

import pytest

from risk.decisions.incidents import LastNotice, NoticeReason
from risk.decisions.tiers import Tier
from storage import Incidents, MessageCopy, NewNotice, Outbox, OutboxCounts, OutboxState, Receiver, StorageDefect, Store
from tests.storage.builders import (
    DESK,
    LEASE,
    NOW,
    PHONE,
    after,
    assess,
    claim_ids,
    make_notice,
    open_with_notices,
)


async def test_a_claimed_notice_carries_everything_and_is_given_to_nobody_else(store: Store) -> None:
    await open_with_notices(store, make_notice(body_json='{"ratio": 140}'))
    (notice,) = await Outbox(store).claim_deliveries(NOW, 10, LEASE)
    assert (notice.outbox_id, notice.incident_id, notice.body_json) == ("n1", 1, '{"ratio": 140}')
    assert (notice.receiver, notice.receiver.route) == (PHONE, "owner")
    assert (notice.reason, notice.tier) == (NoticeReason.FIRST, Tier.HIGH)
    assert (notice.state, notice.attempts, notice.lease_epoch) == (OutboxState.LEASED, 0, 1)
    assert notice.due_at == NOW + LEASE
    assert await claim_ids(store) == []


async def test_eight_claims_at_once_share_the_notices(store: Store) -> None:
    notices = [make_notice(f"n{n}", receiver=Receiver(transport="telegram", chat=str(n))) for n in range(20)]
    await open_with_notices(store, *notices)
    shares = await asyncio.gather(*(claim_ids(store, limit=5) for _ in range(8)))
    assert sorted(name for share in shares for name in share) == sorted(notice.outbox_id for notice in notices)


async def test_critical_goes_first_and_then_what_is_oldest(store: Store) -> None:
    tiers = {1: Tier.WATCH, 2: Tier.CRITICAL, 3: Tier.UNKNOWN, 4: Tier.HIGH, 5: Tier.LIQUIDATING, 6: Tier.OK}
    for incident_id, tier in tiers.items():
        await open_with_notices(
            store, make_notice(f"n{incident_id}", incident_id=incident_id, tier=tier), incident_id=incident_id
        )
    assert await claim_ids(store, limit=4) == ["n5", "n2", "n3", "n4"]
    assert await claim_ids(store) == ["n1", "n6"]


async def test_only_the_asked_transport_is_claimed(store: Store) -> None:
    await open_with_notices(store, make_notice("phone"), make_notice("desk", receiver=DESK))
    assert await claim_ids(store, transport="console") == ["desk"]
    assert await claim_ids(store) == ["phone"]


async def test_a_lease_that_ran_out_is_claimed_again_under_a_new_epoch(store: Store) -> None:
    await open_with_notices(store, make_notice())
    assert await claim_ids(store) == ["n1"]
    assert await claim_ids(store, after(29.9)) == []
    (again,) = await Outbox(store).claim_deliveries(after(30), 10, LEASE)
    assert (again.lease_epoch, again.attempts) == (2, 0)


async def test_claims_of_a_process_that_died_are_free_at_once(store: Store) -> None:
    await open_with_notices(store, make_notice())
    await claim_ids(store)
    assert await Outbox(store).abandon_leases(after(1)) == 1
    assert await claim_ids(store, after(1)) == ["n1"]


async def test_a_delivered_notice_is_not_sent_again_and_can_be_edited(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    await claim_ids(store)
    assert await outbox.delivered("n1", 1, "m7", after(1))
    assert await claim_ids(store, after(1000)) == []
    copy = MessageCopy(incident_id=1, outbox_id="n1", receiver=PHONE, message_id="m7", sent_at=after(1))
    assert await outbox.copies(1) == (copy,)
    assert await outbox.copies(2) == ()


async def test_what_was_said_can_be_read_again_by_notice(store: Store) -> None:
    await open_with_notices(store, make_notice("a", body_json="1"), make_notice("b", receiver=DESK, body_json="2"))
    await open_with_notices(store, make_notice("c", incident_id=2, body_json="3"), incident_id=2)
    assert await Outbox(store).bodies(1) == {"a": "1", "b": "2"}
    assert await Outbox(store).bodies(9) == {}


async def test_a_failed_attempt_waits_for_its_moment_and_is_counted(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    await claim_ids(store)
    assert await outbox.retry_later("n1", 1, after(5), "502 \ud800")
    assert await claim_ids(store, after(4.9)) == []
    (again,) = await outbox.claim_deliveries(after(5), 10, LEASE)
    assert (again.attempts, again.last_error, again.lease_epoch) == (1, "502 ?", 2)


async def test_a_chat_that_has_to_wait_costs_no_attempt(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    await claim_ids(store)
    assert await outbox.postpone("n1", 1, after(60))
    assert await claim_ids(store, after(59)) == []
    (again,) = await outbox.claim_deliveries(after(60), 10, LEASE)
    assert again.attempts == 0


async def test_a_dead_letter_is_kept_for_the_operator_and_others_go_on(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice("poison"), make_notice("fine", receiver=DESK))
    await claim_ids(store)
    assert await outbox.dead_letter("poison", 1, "400 cannot parse")
    assert await outbox.delivered("fine", 1, "m1", NOW)
    assert await claim_ids(store, after(1000)) == []
    (dead,) = await outbox.dead_letters(10)
    assert (dead.outbox_id, dead.last_error, dead.state) == ("poison", "400 cannot parse", OutboxState.DEAD)


async def test_reports_of_a_lost_claim_decide_nothing(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    await claim_ids(store)
    await claim_ids(store, after(30))  # epoch 2
    assert not await outbox.retry_later("n1", 1, after(99), "late")
    assert not await outbox.postpone("n1", 1, after(99))
    assert not await outbox.dead_letter("n1", 1, "late")
    assert await outbox.delivered("n1", 2, "m2", after(31))
    (copy,) = await outbox.copies(1)
    assert copy.message_id == "m2"


async def test_a_late_delivery_does_not_replace_a_newer_one_but_its_message_is_remembered(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    await claim_ids(store)
    await claim_ids(store, after(30))
    assert await outbox.delivered("n1", 2, "newer", after(31))
    assert not await outbox.delivered("n1", 1, "late", after(32))
    assert [copy.message_id for copy in await outbox.copies(1)] == ["newer", "late"]
    kept = await store.run(lambda db: db.execute("SELECT message_id, lease_epoch FROM outbox").fetchone())
    assert kept == ("newer", 2)


async def test_a_late_delivery_spares_the_receiver_another_one(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    await claim_ids(store)
    await claim_ids(store, after(30))
    assert await outbox.delivered("n1", 1, "late", after(31))
    assert not await outbox.retry_later("n1", 2, after(40), "timed out")
    assert await claim_ids(store, after(1000)) == []


async def test_the_same_delivery_reported_twice_is_one_copy(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice())
    await claim_ids(store)
    assert await outbox.delivered("n1", 1, "m1", after(1))
    assert not await outbox.delivered("n1", 1, "m1", after(2))
    assert len(await outbox.copies(1)) == 1


@pytest.mark.parametrize(("outbox_id", "epoch"), [("never queued", 1), ("n1", 2), ("n1", 0)])
async def test_a_delivery_nobody_claimed_is_a_defect(store: Store, outbox_id: str, epoch: int) -> None:
    await open_with_notices(store, make_notice())
    await claim_ids(store)
    with pytest.raises(StorageDefect, match="nobody had claimed"):
        await Outbox(store).delivered(outbox_id, epoch, "m", NOW)


async def test_queueing_the_same_notice_again_changes_nothing(store: Store) -> None:
    await open_with_notices(store, make_notice())
    await assess(store, notices=[make_notice(), make_notice("n2", receiver=DESK)])
    assert sorted(await claim_ids(store)) == ["n1", "n2"]


async def deliver(store: Store, notice: NewNotice, at: float) -> None:
    await assess(store, notices=[notice], now=after(at))
    (claimed,) = await Outbox(store).claim_deliveries(after(at), 1, LEASE)
    await Outbox(store).delivered(claimed.outbox_id, claimed.lease_epoch, f"m {claimed.outbox_id}", after(at + 1))


async def test_the_last_word_is_known_for_each_receiver_and_incident(store: Store) -> None:
    await open_with_notices(store)
    await open_with_notices(store, incident_id=2)
    await deliver(store, make_notice("a", tier=Tier.WATCH), 0)
    await deliver(store, make_notice("b", tier=Tier.CRITICAL, reason=NoticeReason.ESCALATED), 10)
    await deliver(store, make_notice("c", tier=Tier.HIGH, incident_id=2), 20)
    await assess(store, notices=[make_notice("d", tier=Tier.WATCH, receiver=DESK)], now=after(30))
    outbox = Outbox(store)
    assert await outbox.last_notices(PHONE) == {
        1: LastNotice(tier=Tier.CRITICAL, at=after(11)),
        2: LastNotice(tier=Tier.HIGH, at=after(21)),
    }
    # Queued counts as told: nobody is told twice while a platform is down.
    assert await outbox.last_notices(DESK) == {1: LastNotice(tier=Tier.WATCH, at=after(30))}
    assert await outbox.last_notices(Receiver(transport="telegram", chat="1001", thread="5")) == {}


async def test_what_a_receiver_knows_to_be_over_is_no_longer_listed(store: Store) -> None:
    await open_with_notices(store)
    await deliver(store, make_notice("a", tier=Tier.HIGH), 0)
    await deliver(store, make_notice("b", tier=Tier.OK, reason=NoticeReason.RESOLVED), 10)
    assert await Outbox(store).last_notices(PHONE) == {}


async def test_a_repeat_that_was_dropped_was_never_said(store: Store) -> None:
    await open_with_notices(store)
    await deliver(store, make_notice("a", tier=Tier.CRITICAL), 0)
    await assess(store, notices=[make_notice("b", tier=Tier.CRITICAL, reason=NoticeReason.REPEAT_DUE)], now=after(300))
    await Incidents(store).acknowledge(1, "ada", after(301))
    assert await Outbox(store).last_notices(PHONE) == {1: LastNotice(tier=Tier.CRITICAL, at=after(1))}


async def test_the_counts_say_how_long_the_oldest_waits(store: Store) -> None:
    outbox = Outbox(store)
    assert (await outbox.counts()).waiting_since is None
    receivers = [Receiver(transport="telegram", chat=str(n)) for n in range(4)]
    await open_with_notices(store, *(make_notice(f"n{n}", receiver=receivers[n]) for n in range(4)))
    await claim_ids(store, limit=3)
    await outbox.delivered("n0", 1, "m", after(1))
    await outbox.dead_letter("n1", 1, "blocked")
    assert await outbox.counts() == OutboxCounts(pending=1, leased=1, sent=1, dead=1, superseded=0, waiting_since=NOW)
    waiting = await outbox.waiting_since(after(1), 10)
    assert [notice.outbox_id for notice in waiting] == ["n2", "n3"]
    assert await outbox.waiting_since(NOW - timedelta(seconds=1), 10) == ()
