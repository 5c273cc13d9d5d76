"""From the outbox to a chat: at least once, each chat by itself, and nothing that fails takes the others down."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.alerts.delivery import LEASE, Delivery
from bot.alerts.facts import to_json
from bot.messages import Address, Refused, RetryAfter, TryAgain, Unreachable
from risk.decisions.incidents import CauseKind, NoticeReason
from risk.decisions.tiers import Tier
from storage import (
    DatabaseUnavailable,
    Incidents,
    IncidentStep,
    LinkedChat,
    NewNotice,
    Outbox,
    OutboxState,
    People,
    Receiver,
    Role,
    Store,
)
from tests.bot.alerts.builders import make_facts
from tests.storage.builders import make_cause, make_claim, make_incident
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport
from tests.support.waiting import until

ANN, BOB = Receiver(transport="chat", chat="ann"), Receiver(transport="chat", chat="bob")


class World:
    """An outbox, a chat platform, and the loop between them, with a clock moved by hand."""

    def __init__(self, store: Store) -> None:
        self.clock = FakeClock()
        self.transport = RecordingTransport(now=self.clock.now)
        self.outbox, self.incidents, self.people = Outbox(store), Incidents(store), People(store)
        self.delivery = Delivery(
            self.transport, self.outbox, self.clock, moved=self.people.move_chat, jitter=lambda: 1.0
        )
        self._ids = iter(range(1, 1_000))

    async def queue(
        self, *receivers: Receiver, tier: Tier = Tier.HIGH, body: str | None = None, incident: int | None = None
    ) -> int:
        """An incident of which these receivers are to hear; its number."""
        number = incident or next(self._ids)
        steps = []
        if incident is None:
            opened = make_incident(number, cause=make_cause(f"account {number}", CauseKind.HEALTH))
            steps = [IncidentStep(before=None, after=opened)]
        facts = make_facts(incident_id=number, tier=tier)
        notices = [
            NewNotice(
                outbox_id=f"{number}-{tier.name}-{receiver.chat}", incident_id=number, receiver=receiver,
                reason=NoticeReason.FIRST if incident is None else NoticeReason.ESCALATED, tier=tier,
                body_json=to_json(facts) if body is None else body,
            )
            for receiver in receivers
        ]  # fmt: skip
        await self.incidents.apply_assessment(steps=steps, notices=notices, tier_states={}, now=self.clock.now())
        return number

    async def rounds(self, seconds: float, *, every_s: float = 1.0) -> None:
        for _ in range(round(seconds / every_s)):
            await self.delivery.drain()
            self.clock.pass_s(every_s)

    def heard(self, receiver: Receiver) -> list[str]:
        return [f"{one.first.split(' ')[0]} {one.text.split('alert ')[1]}" for one in self.transport.sent
                if one.chat == receiver.chat]  # fmt: skip

    async def states(self) -> list[OutboxState]:
        counts = await self.outbox.counts()
        names = ("pending", "leased", "sent", "dead", "superseded")
        return [OutboxState(name) for name in names for _ in range(getattr(counts, name))]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with await Store.open(":memory:") as store:
        yield World(store)


async def test_what_is_queued_is_said_once(world: World) -> None:
    await world.queue(ANN, BOB)
    await world.rounds(5)

    assert (world.heard(ANN), world.heard(BOB)) == (["HIGH #1"], ["HIGH #1"])
    assert await world.states() == [OutboxState.SENT] * 2


async def test_the_worst_comes_first(world: World) -> None:
    await world.queue(ANN, tier=Tier.WATCH)
    await world.queue(ANN, tier=Tier.CRITICAL)
    await world.queue(ANN, tier=Tier.WARNING)
    await world.delivery.drain()

    assert world.heard(ANN) == ["CRITICAL #2", "WARNING #3", "WATCH #1"]


async def test_tiers_of_one_incident_arrive_in_their_order(world: World) -> None:
    number = await world.queue(ANN, tier=Tier.WARNING)
    await world.queue(ANN, tier=Tier.CRITICAL, incident=number)
    await world.rounds(3)

    assert world.heard(ANN) == ["WARNING #1", "CRITICAL #1"]


async def test_a_chat_that_asks_to_wait_delays_only_itself(world: World) -> None:
    world.transport.fail("ann", RetryAfter(30.0))
    await world.queue(ANN, BOB)
    await world.queue(ANN, BOB)
    await world.rounds(29)

    assert world.heard(ANN) == []
    assert len(world.heard(BOB)) == 2

    await world.rounds(3)
    assert world.heard(ANN) == ["HIGH #1", "HIGH #2"]
    assert await world.states() == [OutboxState.SENT] * 4


async def test_a_platform_that_is_down_is_tried_again_and_never_given_up(world: World) -> None:
    world.transport.fail("ann", *(TryAgain("502") for _ in range(40)))
    await world.queue(ANN)
    await world.rounds(40 * 70, every_s=10)

    assert world.heard(ANN) == ["HIGH #1"]
    assert await world.states() == [OutboxState.SENT]


async def test_retries_slow_down_to_once_a_minute(world: World) -> None:
    world.transport.fail("ann", *(TryAgain("502") for _ in range(100)))
    await world.queue(ANN)
    await world.rounds(600)

    (notice,) = await world.outbox.waiting_since(world.clock.now(), 10)
    assert 12 <= notice.attempts <= 16
    assert notice.last_error == "502"


async def test_an_answer_that_was_lost_repeats_the_alert_under_its_number(world: World) -> None:
    world.transport.fail("ann", TryAgain("no answer in time", unknown=True), taken=True)
    await world.queue(ANN)
    await world.rounds(5)

    assert world.heard(ANN) == ["HIGH #1", "HIGH #1"]


async def test_a_process_that_dies_after_sending_repeats_the_alert_under_its_number(world: World) -> None:
    await world.queue(ANN)
    await world.outbox.claim_deliveries(world.clock.now(), 10, LEASE)  # and nobody reports what became of it
    await world.rounds(50)
    assert world.heard(ANN) == []

    await world.rounds(20)
    assert world.heard(ANN) == ["HIGH #1"]


@pytest.mark.parametrize("error", [Unreachable("blocked by the user"), Refused("can't parse entities")])
async def test_what_can_never_arrive_makes_way_for_the_rest(world: World, error: Exception) -> None:
    world.transport.fail("ann", error)
    await world.queue(ANN)
    await world.queue(ANN)
    await world.rounds(5)

    assert world.heard(ANN) == ["HIGH #2"]
    (dead,) = await world.outbox.dead_letters(10)
    assert dead.last_error == str(error)


async def test_a_chat_that_moved_is_followed_with_its_link_and_what_waits(world: World) -> None:
    code = await world.people.issue_link_code(world.clock.now(), Role.ADMIN, timedelta(hours=1))
    await world.people.redeem_link_code(code, make_claim("ann"), world.clock.now())
    await world.people.link_chat(
        LinkedChat(transport="chat", chat="ann", thread="", person_id="p1", private=False, linked_at=world.clock.now())
    )
    world.transport.fail("ann", Unreachable("became a supergroup", moved_to=Address(transport="chat", chat="new")))
    await world.queue(ANN)
    await world.rounds(3)

    assert [one.chat for one in world.transport.sent] == ["new"]
    assert "new" in {chat.chat for chat in await world.people.chats()}


@pytest.mark.parametrize("body", ["{}", "not JSON", '{"incident_id": null}'])
async def test_a_notice_nobody_can_read_is_given_up_and_the_others_go_on(world: World, body: str) -> None:
    await world.queue(ANN, tier=Tier.CRITICAL, body=body)
    await world.queue(ANN, tier=Tier.WATCH)
    await world.delivery.drain()
    assert world.heard(ANN) == ["WATCH #2"]

    await world.rounds(120, every_s=10)
    assert await world.states() == [OutboxState.SENT, OutboxState.DEAD]


async def test_a_transport_with_a_defect_silences_nobody(world: World) -> None:
    world.transport.fail("ann", *(RuntimeError("a defect") for _ in range(9)))
    await world.queue(ANN, BOB)
    await world.rounds(120, every_s=10)

    assert world.heard(BOB) == ["HIGH #1"]
    (dead,) = await world.outbox.dead_letters(10)
    assert dead.last_error == "RuntimeError inside Keel; see its log"


async def test_a_chat_that_hangs_does_not_hold_up_the_others(world: World) -> None:
    with world.transport.held("ann"):
        await world.queue(ANN, BOB)
        await world.delivery.drain(patience_s=0.01)
        await world.queue(ANN, BOB)
        await world.delivery.drain(patience_s=0.01)

        assert world.heard(ANN) == []
        assert world.heard(BOB) == ["HIGH #1", "HIGH #2"]

    await world.rounds(3)
    assert world.heard(ANN) == ["HIGH #1", "HIGH #2"]


async def test_a_lease_that_runs_out_behind_a_chat_that_hangs_doubles_nothing(world: World) -> None:
    with world.transport.held("ann"):
        await world.queue(ANN)
        await world.queue(ANN)
        await world.delivery.drain(patience_s=0.01)
        world.clock.pass_s(LEASE.total_seconds() + 1)
    await world.rounds(3)

    assert world.heard(ANN) == ["HIGH #1", "HIGH #2"]


async def test_the_loop_wakes_at_once_and_survives_a_broken_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [DatabaseUnavailable("the disk is gone")]
    plain = world.outbox.claim_deliveries

    async def failing_once(*args: object, **given: object) -> object:
        if broken:
            raise broken.pop()
        return await plain(*args, **given)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(world.outbox, "claim_deliveries", failing_once)
    running = asyncio.create_task(world.delivery.run())
    try:
        await asyncio.sleep(0)
        await world.queue(ANN)
        world.delivery.wake()
        await until(lambda: world.transport.sent, within_s=0.9)  # less than the loop would sleep
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert world.heard(ANN) == ["HIGH #1"]


async def test_a_loop_that_is_stopped_leaves_no_task_behind(world: World) -> None:
    with world.transport.held("ann"):
        await world.queue(ANN)
        running = asyncio.create_task(world.delivery.run())
        await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_a_platform_is_taking_while_the_loop_stops_is_noted_and_not_said_again(world: World) -> None:
    with world.transport.held("ann"):
        await world.queue(ANN)
        running = asyncio.create_task(world.delivery.run())
        await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(running, return_exceptions=True)

    assert world.heard(ANN) == ["HIGH #1"]
    assert await world.states() == [OutboxState.SENT]


async def test_a_loop_that_is_stopped_just_as_it_is_woken_stops(world: World) -> None:
    running = asyncio.create_task(world.delivery.run())
    for _ in range(20):
        await asyncio.sleep(0.01)  # it idles
        world.delivery.wake()
        running.cancel()
        done, _ = await asyncio.wait((running,), timeout=1)
        assert done
        running = asyncio.create_task(world.delivery.run())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
