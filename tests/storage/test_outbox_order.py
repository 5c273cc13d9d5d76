"""The order in which one receiver hears of one incident: no tier after the one that followed it, nothing lost."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.incidents import NoticeReason, severity
from risk.decisions.tiers import Tier
from storage import Batch, Incidents, NewNotice, Outbox, OutboxState, Store, Stored
from tests.storage.builders import (
    DESK,
    NOW,
    after,
    assess,
    claim,
    claim_ids,
    claim_one,
    ids_of,
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


async def test_tiers_that_wait_together_go_out_together_in_their_order(store: Store) -> None:
    await open_with_notices(store, WATCH, CRITICAL)
    assert await claim_ids(store) == ["watch", "critical"]


async def test_a_worse_tier_waits_for_the_one_before_it_that_is_on_its_way(store: Store) -> None:
    await open_with_notices(store, WATCH)
    batch = await claim_one(store)
    await assess(store, notices=[CRITICAL], now=after(1))
    assert await claim_ids(store, after(1)) == []
    await Outbox(store).delivered(batch, "m1", after(1))
    assert await claim_ids(store, after(1)) == ["critical"]


async def test_what_stands_before_a_critical_notice_leaves_with_it_ahead_of_other_warnings(store: Store) -> None:
    for number in range(2, 12):
        notice = make_notice(f"warning {number}", incident_id=number, tier=Tier.WARNING, receiver=DESK)
        await open_with_notices(store, notice, incident_id=number)
    await open_with_notices(store, WATCH, CRITICAL)
    assert ids_of((await claim(store, most=1))[0]) == ["watch", "critical"]


async def test_a_notice_in_doubt_is_overtaken_by_a_worse_one_and_then_no_longer_sent(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, WATCH)
    await outbox.retry_later(await claim_one(store), after(60), "no answer", unknown=True)
    await assess(store, notices=[CRITICAL], now=after(1))
    overtaking = await claim_one(store, after(1))
    assert ids_of(overtaking) == ["critical"]
    await outbox.delivered(overtaking, "m1", after(2))
    assert await state_of(store, "watch") == OutboxState.SUPERSEDED
    assert await claim_ids(store, after(100)) == []


async def test_a_notice_in_doubt_does_not_follow_the_one_that_is_overtaking_it(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, WATCH)
    await outbox.retry_later(await claim_one(store), after(5), "no answer", unknown=True)
    await assess(store, notices=[CRITICAL], now=after(1))
    overtaking = await claim_one(store, after(1))
    assert await claim_ids(store, after(5)) == []
    await outbox.retry_later(overtaking, after(90), "timed out", unknown=True)
    assert await claim_ids(store, after(6)) == ["watch"]


async def test_a_notice_in_doubt_that_is_being_tried_again_is_not_overtaken(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, WATCH)
    await outbox.retry_later(await claim_one(store), after(1), "no answer", unknown=True)
    again = await claim_one(store, after(1))
    await assess(store, notices=[CRITICAL], now=after(2))
    assert await claim_ids(store, after(2)) == []
    await outbox.delivered(again, "m1", after(3))
    assert await claim_ids(store, after(3)) == ["critical"]


async def test_good_news_never_overtakes_bad_news(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, CRITICAL)
    await outbox.retry_later(await claim_one(store), after(60), "no answer", unknown=True)
    await assess(store, notices=[RESOLVED], now=after(1))
    assert await claim_ids(store, after(1)) == []
    again = await claim_one(store, after(60))
    assert ids_of(again) == ["critical"]
    await outbox.delivered(again, "m1", after(61))
    assert await claim_ids(store, after(61)) == ["resolved"]


async def test_good_news_goes_out_with_bad_news_that_surely_did_not_arrive(store: Store) -> None:
    await open_with_notices(store, CRITICAL)
    await Outbox(store).retry_later(await claim_one(store), after(60), "502")
    await assess(store, notices=[RESOLVED], now=after(1))
    assert await claim_ids(store, after(1)) == ["critical", "resolved"]


async def test_a_refused_notice_is_overtaken_by_a_worse_one_and_by_no_better_one(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, WATCH)
    await outbox.refused(await claim_one(store), after(60), "400", most=5)
    await assess(store, notices=[RESOLVED], now=after(1))
    assert await claim_ids(store, after(1)) == []
    await assess(store, notices=[CRITICAL], now=after(2))
    assert "critical" in await claim_ids(store, after(2))


async def test_another_receiver_never_waits(store: Store) -> None:
    await open_with_notices(store, WATCH, make_notice("desk", receiver=DESK, tier=Tier.CRITICAL))
    assert sorted(await claim_ids(store)) == ["desk", "watch"]


async def test_a_repeat_is_not_queued_while_an_earlier_word_still_waits(store: Store) -> None:
    await open_with_notices(store, CRITICAL)
    assert await assess(store, notices=[REPEAT], now=after(300)) == Stored(queued=())
    batch = await claim_one(store, after(300))
    assert ids_of(batch) == ["critical"]
    assert await assess(store, notices=[REPEAT], now=after(301)) == Stored(queued=())
    await Outbox(store).delivered(batch, "m1", after(302))
    assert await assess(store, notices=[REPEAT], now=after(603)) == Stored(queued=("repeat",))
    assert await claim_ids(store, after(603)) == ["repeat"]


async def test_a_repeat_that_waits_gives_way_to_news(store: Store) -> None:
    await open_with_notices(store, CRITICAL)
    await Outbox(store).delivered(await claim_one(store), "m1", after(1))
    await assess(store, notices=[REPEAT], now=after(300))
    await assess(store, notices=[RESOLVED], now=after(301))
    assert await claim_ids(store, after(301)) == ["resolved"]


MORNING = after(8 * 3_600)


def held(outbox_id: str, tier: Tier, reason: NoticeReason = NoticeReason.FIRST, **more: int) -> NewNotice:
    return make_notice(outbox_id, tier=tier, reason=reason, hold_until=MORNING, **more)  # type: ignore[arg-type]


async def test_a_held_notice_waits_for_its_moment(store: Store) -> None:
    await open_with_notices(store, held("watch", Tier.WATCH))
    assert await claim_ids(store, MORNING - timedelta(seconds=1)) == []
    assert await Outbox(store).next_due_at("telegram", NOW) == MORNING
    (notice,) = (await claim_one(store, MORNING)).notices
    assert notice.held


async def test_news_do_not_take_along_what_is_held(store: Store) -> None:
    await open_with_notices(store, held("quiet", Tier.WATCH))
    await open_with_notices(store, make_notice("loud", incident_id=2, tier=Tier.CRITICAL), incident_id=2)
    assert await claim_ids(store, after(1)) == ["loud"]


async def test_what_is_held_until_one_moment_goes_out_together(store: Store) -> None:
    for number in (1, 2, 3):
        await open_with_notices(store, held(f"n{number}", Tier.WATCH, incident_id=number), incident_id=number)
    assert ids_of(await claim_one(store, MORNING)) == ["n1", "n2", "n3"]


async def test_a_worse_tier_takes_the_place_of_what_is_held_and_never_waits_for_it(store: Store) -> None:
    await open_with_notices(store, held("watch", Tier.WATCH))
    await assess(store, notices=[CRITICAL], now=after(60))
    assert await claim_ids(store, after(60)) == ["critical"]
    assert await state_of(store, "watch") == OutboxState.SUPERSEDED


async def test_what_began_and_ended_in_the_quiet_is_not_told(store: Store) -> None:
    await open_with_notices(store, held("watch", Tier.WATCH))
    assert await assess(store, notices=[RESOLVED], now=after(60)) == Stored(queued=())
    assert await claim_ids(store, MORNING) == []


async def test_the_end_of_what_was_told_before_the_quiet_is_told(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, make_notice("high"))
    await outbox.delivered(await claim_one(store), "m1", after(1))
    await assess(store, notices=[held("eased", Tier.WATCH, NoticeReason.EASED)], now=after(60))
    await assess(store, notices=[held("resolved", Tier.OK, NoticeReason.RESOLVED)], now=after(120))
    assert await claim_ids(store, MORNING) == ["resolved"]


async def test_an_end_is_not_swallowed_because_the_held_word_was_already_tried(store: Store) -> None:
    outbox = Outbox(store)
    await open_with_notices(store, held("watch", Tier.WATCH))
    await outbox.retry_later(await claim_one(store, MORNING), MORNING + timedelta(seconds=2), "502")
    assert await assess(store, notices=[RESOLVED], now=MORNING) == Stored(queued=("resolved",))
    assert await claim_ids(store, MORNING + timedelta(seconds=2)) == ["watch", "resolved"]


@dataclass
class Run:
    """A receiver whose platform misbehaves, and what they heard, message by message."""

    store: Store
    seconds: int = 0
    heard: list[list[str]] = field(default_factory=list)
    in_flight: list[Batch] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [name for message in self.heard for name in message]

    async def step(self, action: str) -> None:
        outbox = Outbox(self.store)
        now = after(self.seconds)
        if action == "wait":
            self.seconds += 31  # longer than a lease, and than a retry
            self.in_flight.clear()
            return
        if not self.in_flight:
            self.in_flight.extend(await claim(self.store, now, most=1))
        if not self.in_flight:
            return
        batch = self.in_flight.pop()
        match action:
            case "deliver":
                self.heard.append(ids_of(batch))
                await outbox.delivered(batch, str(len(self.heard)), now)
            case "fail":
                await outbox.retry_later(batch, now + timedelta(seconds=20), "502")
            case "doubt":
                await outbox.retry_later(batch, now + timedelta(seconds=20), "no answer", unknown=True)
            case "refuse":
                await outbox.refused(batch, now + timedelta(seconds=5), "400", most=1_000)
            case "lose":
                self.heard.append(ids_of(batch))  # accepted, and the answer was lost
            case "crash":
                await outbox.abandon_leases(now)


TIERS = st.sampled_from([Tier.OK, Tier.WATCH, Tier.HIGH, Tier.UNKNOWN, Tier.CRITICAL])
ACTIONS = st.sampled_from(["deliver", "fail", "doubt", "refuse", "lose", "crash", "wait"])


@given(tiers=st.lists(TIERS, max_size=6), actions=st.lists(ACTIONS, max_size=30))
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
                if notice.outbox_id not in run.names:
                    later = [other for other in notices[number + 1 :] if other.outbox_id in run.names]
                    assert any(severity(other.tier) >= severity(notice.tier) for other in later)
            for message in run.heard:
                assert message == sorted(message, key=lambda name: int(name[1:]))
            if "lose" not in actions:
                # A lost answer can make a tier be heard again after the next one; nothing else can.
                assert run.names == sorted(set(run.names), key=lambda name: int(name[1:]))

    asyncio.run(scenario())


async def test_a_run_without_failures_is_heard_once_and_in_order(store: Store) -> None:
    ladder = [Tier.WATCH, Tier.WARNING, Tier.HIGH, Tier.CRITICAL, Tier.LIQUIDATING, Tier.WATCH, Tier.OK]
    notices = [make_notice(f"n{number}", tier=tier) for number, tier in enumerate(ladder)]
    await open_with_notices(store)
    run = Run(store)
    for notice in notices:
        await assess(store, notices=[notice])
        await run.step("deliver")
    assert run.names == [notice.outbox_id for notice in notices]
    assert await claim_ids(store, NOW + timedelta(days=1)) == []


@pytest.mark.parametrize("quieten", ["ack", "snooze"])
async def test_an_answer_drops_the_repeat_that_waits(store: Store, quieten: str) -> None:
    await open_with_notices(store, CRITICAL)
    await Outbox(store).delivered(await claim_one(store), "m1", after(1))
    await assess(store, notices=[REPEAT], now=after(300))
    if quieten == "ack":
        await Incidents(store).acknowledge(1, "ada", after(301))
    else:
        await Incidents(store).snooze(1, after(3_600))
    assert await claim_ids(store, after(302)) == []
