"""The order in which one receiver hears of one incident: no tier after the one that followed it, nothing lost."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.incidents import NoticeReason, severity
from risk.decisions.tiers import Tier
from storage import Notice, Outbox, OutboxState, Store, Stored
from tests.storage.builders import (
    DESK,
    LEASE,
    NOW,
    after,
    assess,
    claim_ids,
    make_notice,
    open_with_notices,
)

WATCH = make_notice("watch", tier=Tier.WATCH)
CRITICAL = make_notice("critical", tier=Tier.CRITICAL, reason=NoticeReason.ESCALATED)
RESOLVED = make_notice("resolved", tier=Tier.OK, reason=NoticeReason.RESOLVED)
REPEAT = make_notice("repeat", tier=Tier.CRITICAL, reason=NoticeReason.REPEAT_DUE)


async def state_of(store: Store, outbox_id: str) -> str:
    found = await store.run(
        lambda db: db.execute("SELECT state FROM outbox WHERE outbox_id = ?", [outbox_id]).fetchone()
    )
    return str(found[0])


async def test_a_worse_tier_waits_for_the_one_before_it(store: Store) -> None:
    await open_with_notices(store, WATCH, CRITICAL)
    assert await claim_ids(store) == ["watch"]
    assert await claim_ids(store, after(1)) == []
    await Outbox(store).delivered("watch", 1, "m1", after(1))
    assert await claim_ids(store, after(1)) == ["critical"]


async def test_what_stands_before_a_critical_notice_is_as_urgent_as_it(store: Store) -> None:
    for number in range(2, 12):
        notice = make_notice(f"warning {number}", incident_id=number, tier=Tier.WARNING)
        await open_with_notices(store, notice, incident_id=number)
    await open_with_notices(store, WATCH, CRITICAL)
    assert await claim_ids(store, limit=1) == ["watch"]


async def test_a_failed_notice_is_overtaken_by_a_worse_one_and_then_no_longer_sent(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, WATCH, CRITICAL)
    await claim_ids(store)
    await outbox.retry_later("watch", 1, after(60), "400")
    assert await claim_ids(store, after(1)) == ["critical"]
    await outbox.delivered("critical", 1, "m1", after(2))
    assert await state_of(store, "watch") == OutboxState.SUPERSEDED
    assert await claim_ids(store, after(100)) == []


async def test_a_failed_notice_does_not_follow_the_one_that_is_overtaking_it(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, WATCH, CRITICAL)
    await claim_ids(store)
    await outbox.retry_later("watch", 1, after(5), "400")
    assert await claim_ids(store, after(1)) == ["critical"]
    assert await claim_ids(store, after(5)) == []
    await outbox.retry_later("critical", 1, after(90), "timed out")
    assert await claim_ids(store, after(6)) == ["watch"]


async def test_a_failed_notice_that_is_being_tried_again_is_not_overtaken(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, WATCH, CRITICAL)
    await claim_ids(store)
    await outbox.retry_later("watch", 1, after(1), "502")
    assert await claim_ids(store, after(1), limit=1) == ["watch"]
    assert await claim_ids(store, after(2)) == []
    await outbox.delivered("watch", 2, "m1", after(3))
    assert await claim_ids(store, after(3)) == ["critical"]


async def test_good_news_never_overtakes_bad_news(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, CRITICAL, RESOLVED)
    await claim_ids(store)
    await outbox.retry_later("critical", 1, after(60), "502")
    assert await claim_ids(store, after(1)) == []
    assert await claim_ids(store, after(60)) == ["critical"]
    await outbox.delivered("critical", 2, "m1", after(61))
    assert await claim_ids(store, after(61)) == ["resolved"]


async def test_another_receiver_never_waits(store: Store) -> None:
    await open_with_notices(store, WATCH, make_notice("desk", receiver=DESK, tier=Tier.CRITICAL))
    assert await claim_ids(store) == ["desk", "watch"]


async def test_a_repeat_is_not_queued_while_an_earlier_word_still_waits(store: Store) -> None:
    await open_with_notices(store, CRITICAL)
    assert await assess(store, notices=[REPEAT], now=after(300)) == Stored(queued=())
    assert await claim_ids(store, after(300)) == ["critical"]
    assert await assess(store, notices=[REPEAT], now=after(301)) == Stored(queued=())
    await Outbox(store).delivered("critical", 1, "m1", after(302))
    assert await assess(store, notices=[REPEAT], now=after(603)) == Stored(queued=("repeat",))
    assert await claim_ids(store, after(603)) == ["repeat"]


async def test_a_repeat_that_waits_gives_way_to_news(store: Store) -> None:
    await open_with_notices(store, CRITICAL)
    await claim_ids(store)
    await Outbox(store).delivered("critical", 1, "m1", after(1))
    await assess(store, notices=[REPEAT], now=after(300))
    await assess(store, notices=[RESOLVED], now=after(301))
    assert await claim_ids(store, after(301)) == ["resolved"]


@dataclass
class Run:
    """A receiver whose platform misbehaves, and what they heard."""

    store: Store
    seconds: int = 0
    heard: list[str] = field(default_factory=list)
    in_flight: list[Notice] = field(default_factory=list)

    async def step(self, action: str) -> None:
        outbox = Outbox(self.store)
        now = after(self.seconds)
        if action == "wait":
            self.seconds += 31  # longer than a lease, and than a retry
            self.in_flight.clear()
            return
        if not self.in_flight:
            self.in_flight.extend(await outbox.claim_deliveries(now, 1, LEASE))
        if not self.in_flight:
            return
        notice = self.in_flight.pop()
        match action:
            case "deliver":
                self.heard.append(notice.outbox_id)
                await outbox.delivered(notice.outbox_id, notice.lease_epoch, str(len(self.heard)), now)
            case "fail":
                await outbox.retry_later(notice.outbox_id, notice.lease_epoch, now + timedelta(seconds=20), "502")
            case "lose":
                self.heard.append(notice.outbox_id)  # accepted, and the answer was lost
            case "crash":
                pass


@given(
    tiers=st.lists(st.sampled_from([Tier.OK, Tier.WATCH, Tier.HIGH, Tier.UNKNOWN, Tier.CRITICAL]), max_size=6),
    actions=st.lists(st.sampled_from(["deliver", "fail", "lose", "crash", "wait"]), max_size=30),
)
def test_whatever_fails_every_notice_is_heard_or_overtaken_by_one_that_is_no_better(
    tiers: list[Tier], actions: list[str]
) -> None:
    async def scenario() -> None:
        async with await Store.open(":memory:") as store:
            notices = [
                make_notice(f"n{number}", tier=tier, reason=NoticeReason.ESCALATED) for number, tier in enumerate(tiers)
            ]
            await open_with_notices(store)
            run = Run(store)
            for number, action in enumerate(actions):
                if number < len(notices):
                    await assess(store, notices=[notices[number]], now=after(run.seconds))
                await run.step(action)
            await assess(store, notices=notices, now=after(run.seconds))
            for _ in range(3 * len(notices) + 3):
                await run.step("wait")
                await run.step("deliver")
            counts = await Outbox(store).counts()
            assert counts.pending + counts.leased + counts.dead == 0
            for number, notice in enumerate(notices):
                if notice.outbox_id not in run.heard:
                    later = [other for other in notices[number + 1 :] if other.outbox_id in run.heard]
                    assert any(severity(other.tier) >= severity(notice.tier) for other in later)
            if "lose" not in actions:
                # A lost answer can make a tier be heard again after the next one; nothing else can.
                assert run.heard == sorted(set(run.heard), key=lambda name: int(name[1:]))

    asyncio.run(scenario())


async def test_a_run_without_failures_is_heard_once_and_in_order(store: Store) -> None:
    ladder = [Tier.WATCH, Tier.WARNING, Tier.HIGH, Tier.CRITICAL, Tier.LIQUIDATING, Tier.WATCH, Tier.OK]
    notices = [make_notice(f"n{number}", tier=tier) for number, tier in enumerate(ladder)]
    await open_with_notices(store, *notices)
    run = Run(store)
    for _ in range(20):
        await run.step("deliver")
    assert run.heard == [notice.outbox_id for notice in notices]
    assert await Outbox(store).claim_deliveries(NOW + timedelta(days=1), 10, LEASE) == ()
