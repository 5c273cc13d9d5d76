"""From the outbox to a chat: at least once, each chat by itself, and nothing that fails takes the others down."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.alerts.delivery import LEASE
from bot.alerts.lost import concerned
from bot.messages import Address, Message, MessageRef, Refused, RetryAfter, TryAgain, Unreachable, lines, text_of
from risk.decisions.incidents import NoticeReason
from risk.decisions.tiers import Tier
from storage import DatabaseUnavailable, OutboxState, Receiver, Store
from tests.bot.alerts.delivery_world import ANN, BOB, World
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.waiting import PATIENCE_S, until


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with await Store.open(":memory:") as store:
        yield World(store)


async def test_what_is_queued_is_said_once(world: World) -> None:
    await world.queue(ANN, BOB)
    await world.rounds(5)

    assert (world.heard(ANN), world.heard(BOB)) == (["HIGH #1"], ["HIGH #1"])
    assert await world.states() == [OutboxState.SENT] * 2


async def test_what_is_due_together_is_one_message_with_the_worst_first(world: World) -> None:
    for number, tier in enumerate([Tier.WATCH, Tier.CRITICAL, Tier.WARNING]):
        await world.queue(ANN, tier=tier, account=f"account {number}")
    await world.delivery.drain()

    (message,) = world.sent_to(ANN)
    heads = [line.split(" ")[0] for line in message.text.split("\n")]
    assert [head for head in heads if head in ("CRITICAL", "WARNING", "WATCH")] == ["CRITICAL", "WARNING", "WATCH"]
    assert heads[0] == "CRITICAL"
    assert await world.states() == [OutboxState.SENT] * 3


async def test_tiers_that_follow_each_other_arrive_in_their_order(world: World) -> None:
    number = await world.queue(ANN, tier=Tier.WARNING)
    await world.delivery.drain()
    await world.queue(ANN, tier=Tier.CRITICAL, incident=number)
    await world.delivery.drain()

    assert world.heard(ANN) == ["WARNING #1", "CRITICAL #1"]


async def test_tiers_that_waited_together_are_told_as_the_last_one(world: World) -> None:
    number = await world.queue(ANN, tier=Tier.WARNING)
    await world.queue(ANN, tier=Tier.CRITICAL, incident=number)
    await world.rounds(3)

    assert world.heard(ANN) == ["CRITICAL #1"]


async def test_the_most_urgent_chat_is_served_first(world: World) -> None:
    await world.queue(ANN, tier=Tier.WATCH)
    await world.queue(BOB, tier=Tier.CRITICAL)
    await world.delivery.drain()

    assert [one.chat for one in world.transport.sent] == ["bob", "ann"]


async def test_a_chat_that_asks_to_wait_delays_only_itself(world: World) -> None:
    world.transport.fail("ann", RetryAfter(30.0))
    await world.queue(ANN, BOB)
    await world.rounds(1)
    await world.queue(ANN, BOB)
    await world.rounds(28)

    assert world.heard(ANN) == []
    assert world.heard(BOB) == ["HIGH #1", "HIGH #2"]

    await world.rounds(3)
    assert world.heard(ANN) == ["HIGH #1 #2"]
    assert await world.states() == [OutboxState.SENT] * 4


async def test_a_platform_that_wants_everybody_to_wait_is_left_alone_for_so_long(world: World) -> None:
    world.transport.fail("ann", RetryAfter(20.0, everywhere=True))
    began_s = world.clock.monotonic_s()
    await world.queue(ANN)
    await world.delivery.drain()
    await world.queue(BOB)
    await world.delivery.drain()

    assert world.clock.monotonic_s() - began_s >= 20
    assert world.heard(BOB) == ["HIGH #2"]


async def test_a_platform_that_is_down_is_tried_again_and_never_given_up(world: World) -> None:
    world.transport.fail("ann", *(TryAgain("502") for _ in range(40)))
    await world.queue(ANN)
    await world.rounds(40 * 70, every_s=10)

    assert world.heard(ANN) == ["HIGH #1"]
    assert await world.states() == [OutboxState.SENT]
    assert world.reported == []


async def test_retries_slow_down_to_once_a_minute(world: World) -> None:
    world.transport.fail("ann", *(TryAgain("502") for _ in range(100)))
    await world.queue(ANN)
    await world.rounds(600)

    (notice,) = await world.outbox.waiting_since(world.clock.now(), 10)
    assert 12 <= notice.attempts <= 16
    assert notice.last_error == "502"


async def test_what_is_critical_is_tried_again_every_ten_seconds(world: World) -> None:
    world.transport.fail("ann", *(TryAgain("502") for _ in range(100)))
    await world.queue(ANN, tier=Tier.CRITICAL)
    await world.rounds(600)

    (notice,) = await world.outbox.waiting_since(world.clock.now(), 10)
    assert 55 <= notice.attempts <= 65


async def test_a_platform_that_is_back_gets_at_once_what_had_waited_longest(world: World) -> None:
    chats = [Receiver(transport="chat", chat=f"chat {number}") for number in range(5)]
    for chat in chats:
        world.transport.fail(chat.chat, *(TryAgain("502") for _ in range(100)))
    await world.queue(*chats)
    await world.rounds(60)  # by now they wait for half a minute
    assert world.transport.sent == []
    for chat in chats:
        world.transport.heal(chat.chat)
    await world.queue(ANN, tier=Tier.CRITICAL)
    await world.rounds(3)

    assert {one.chat for one in world.transport.sent} == {"ann", *(chat.chat for chat in chats)}


async def test_a_transport_that_says_it_is_connected_again_gets_at_once_what_had_waited(world: World) -> None:
    world.transport.fail("ann", *(TryAgain("502") for _ in range(6)))
    await world.queue(ANN)
    world.transport.connected = False
    await world.rounds(40)
    world.transport.heal("ann")
    world.transport.connected = True
    await world.rounds(1)

    assert world.heard(ANN) == ["HIGH #1"]


async def test_an_answer_that_was_lost_repeats_the_alert_under_its_number_and_key_and_says_so(world: World) -> None:
    world.transport.fail("ann", TryAgain("no answer in time", unknown=True), taken=True)
    await world.queue(ANN)
    await world.rounds(5)

    first, again = world.sent_to(ANN)
    assert world.heard(ANN) == ["HIGH #1", "HIGH #1"]
    assert "may be a repeat" not in first.text
    assert "This may be a repeat" in again.text
    assert first.key == again.key != ""


async def test_what_never_left_is_not_called_a_repeat(world: World) -> None:
    world.transport.fail("ann", TryAgain("502"))
    await world.queue(ANN)
    await world.rounds(5)

    (only,) = world.sent_to(ANN)
    assert "repeat" not in only.text


async def test_a_process_that_dies_after_sending_repeats_the_alert_under_its_number(world: World) -> None:
    await world.queue(ANN)
    await world.outbox.claim(world.clock.now(), "chat", most=10, lease=LEASE)  # and nobody reports what became of it
    await world.rounds(50)
    assert world.heard(ANN) == []

    await world.rounds(20)
    assert world.heard(ANN) == ["HIGH #1"]
    assert "This may be a repeat" in world.sent_to(ANN)[0].text


async def test_a_chat_that_is_gone_makes_way_and_is_reported_once(world: World) -> None:
    world.transport.fail("ann", Unreachable("blocked by the user"), Unreachable("blocked by the user"))
    await world.queue(ANN)
    await world.rounds(2)
    await world.queue(ANN)
    await world.rounds(2)

    assert await world.states() == [OutboxState.DEAD] * 2
    (report,) = world.reported
    assert concerned(report.cause) == ANN
    assert (report.tier, report.passing) == (Tier.WARNING, False)
    assert report.fact == "no alert reaches ann on chat: blocked by the user"
    (marked,) = await world.outbox.unreachable()
    assert marked.receiver == ANN


async def test_a_chat_that_hears_an_alert_again_is_no_longer_marked(world: World) -> None:
    world.transport.fail("ann", Unreachable("blocked by the user"))
    await world.queue(ANN)
    await world.rounds(2)
    await world.queue(ANN)
    await world.rounds(2)

    assert world.heard(ANN) == ["HIGH #2"]
    assert await world.outbox.unreachable() == ()
    assert [(one.cause, one.tier) for one in world.reported] == [
        (world.reported[0].cause, Tier.WARNING), (world.reported[0].cause, Tier.OK),
    ]  # fmt: skip


async def test_a_chat_where_a_command_is_answered_again_is_no_longer_marked(world: World) -> None:
    world.transport.fail("ann", Unreachable("blocked by the user"))
    await world.queue(ANN)
    await world.rounds(2)
    await world.sender.send(Address(transport="chat", chat="ann"), Message(blocks=lines("an answer")))
    await world.rounds(1)

    assert await world.outbox.unreachable() == ()
    assert world.reported[-1].tier is Tier.OK


async def test_a_message_that_is_refused_is_given_up_after_five_attempts_and_the_operators_told(world: World) -> None:
    world.transport.fail("ann", *(Refused("can't parse entities") for _ in range(9)))
    await world.queue(ANN, tier=Tier.CRITICAL)
    await world.rounds(60)

    (dead,) = await world.outbox.dead_letters(10)
    assert (dead.last_error, dead.attempts) == ("can't parse entities", 5)
    (report,) = world.reported
    assert concerned(report.cause) == ANN, "it is told to everybody else"
    assert report.passing
    assert report.fact == "alert #1 (CRITICAL) could not be told to ann on chat: can't parse entities"


async def test_one_bad_notice_takes_none_of_its_company_down(world: World) -> None:
    world.transport.refuse_text("poison", Refused("can't parse entities"))
    await world.queue(ANN, account="poison")
    await world.queue(ANN, account="fine")
    await world.queue(ANN, account="good")
    await world.rounds(3)
    assert sorted(world.heard(ANN)) == ["HIGH #2", "HIGH #3"]

    await world.rounds(60)
    assert await world.states() == [OutboxState.SENT, OutboxState.SENT, OutboxState.DEAD]


async def test_a_chat_that_moved_is_followed_with_what_waits(world: World) -> None:
    world.transport.fail("ann", Unreachable("became a supergroup", moved_to=Address(transport="chat", chat="new")))
    await world.queue(ANN)
    await world.rounds(3)

    assert [one.chat for one in world.transport.sent] == ["new"]
    assert world.reported == []


async def test_a_topic_stays_a_topic_when_its_chat_moves(world: World) -> None:
    topic = Receiver(transport="chat", chat="ann", thread="7")
    world.transport.fail("ann", Unreachable("became a supergroup", moved_to=Address(transport="chat", chat="new")))
    await world.queue(topic)
    await world.rounds(3)

    assert [one.ref.address for one in world.transport.sent] == [Address(transport="chat", chat="new", thread="7")]


@pytest.mark.parametrize("body", ["{}", "not JSON", '{"incident_id": null}'])
async def test_a_notice_nobody_can_read_is_told_as_far_as_its_incident_is_known(
    world: World, body: str, figure: Gauge
) -> None:
    await world.queue(ANN, tier=Tier.CRITICAL, body=body)
    await world.rounds(2)

    figure(Measure.LOST, 1 - len(world.heard(ANN)))
    assert world.heard(ANN) == ["CRITICAL #1"]
    assert await world.states() == [OutboxState.SENT]


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
        await world.delivery.drain(patience_s=0.01)
    await world.rounds(3)

    assert world.heard(ANN) == ["HIGH #1 #2"]


async def test_a_copy_that_arrives_after_somebody_answered_shows_who(world: World) -> None:
    number = await world.queue(ANN, BOB)
    with world.transport.held("bob"):
        await world.delivery.drain(patience_s=0.01)
        await world.incidents.acknowledge(number, "carol", world.clock.now())
    await world.rounds(2)
    late = await world.queue(BOB, incident=number, tier=Tier.HIGH, reason=NoticeReason.FIRST, account="late")
    await world.rounds(1)

    assert late == number
    assert "Acked by Carol" in world.sent_to(BOB)[-1].text
    edited = {ref.address.chat: text_of(message) for ref, message in world.transport.edits}
    assert "Acked by Carol" in edited["ann"]
    assert "Acked by Carol" in edited["bob"], "it was worded before the answer and arrived after it"


async def test_an_edit_that_fails_is_tried_again(world: World) -> None:
    number = await world.queue(ANN)
    await world.rounds(1)
    world.transport.edit_error = TryAgain("502")
    await world.incidents.acknowledge(number, "carol", world.clock.now())
    await world.rounds(5)
    assert world.transport.edits == []

    world.transport.edit_error = None
    await world.rounds(10)
    assert len(world.transport.edits) == 1
    await world.rounds(100, every_s=10)
    assert len(world.transport.edits) == 1


async def test_a_message_that_is_gone_is_not_edited_for_ever(world: World) -> None:
    number = await world.queue(ANN)
    await world.rounds(1)
    world.transport.edit_error = Refused("message to edit not found")
    await world.incidents.acknowledge(number, "carol", world.clock.now())
    await world.rounds(3)
    world.transport.edit_error = None
    await world.rounds(100, every_s=10)

    assert world.transport.edits == []


async def test_an_edit_says_what_the_message_said_and_in_company_what_became_of_each(world: World) -> None:
    await world.queue(ANN, account="one")
    second = await world.queue(ANN, account="two")
    await world.rounds(1)
    await world.incidents.acknowledge(second, "carol", world.clock.now())
    await world.rounds(1)

    ((ref, message),) = world.transport.edits
    text = text_of(message)
    assert ref == MessageRef(address=Address(transport="chat", chat="ann"), message_id="m1")
    assert "HIGH one" in text
    assert "HIGH two" in text
    assert text.count("acked by Carol") + text.count("Acked by Carol") == 1
    assert {button.label for row in message.buttons for button in row} == {"Ack all", "Snooze 1 h", "Details"}


async def test_the_loop_wakes_at_once_and_survives_a_broken_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [DatabaseUnavailable("the disk is gone")]
    plain = world.outbox.claim

    async def failing_once(*args: object, **given: object) -> object:
        if broken:
            raise broken.pop()
        return await plain(*args, **given)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(world.outbox, "claim", failing_once)
    monkeypatch.setattr("bot.alerts.delivery._IDLE_S", 3_600.0)
    running = asyncio.create_task(world.delivery.run())
    try:
        await asyncio.sleep(0)
        await world.queue(ANN)
        world.delivery.wake()
        await until(lambda: world.transport.sent)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert world.heard(ANN) == ["HIGH #1"]


async def test_a_loop_that_is_stopped_leaves_no_task_behind(world: World) -> None:
    with world.transport.held("ann"):
        await world.queue(ANN)
        running = asyncio.create_task(world.delivery.run())
        await until(lambda: world.transport.waiting)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_a_platform_is_taking_while_the_loop_stops_is_noted_and_not_said_again(world: World) -> None:
    with world.transport.held("ann"):
        await world.queue(ANN)
        running = asyncio.create_task(world.delivery.run())
        await until(lambda: world.transport.waiting)
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
        done, _ = await asyncio.wait((running,), timeout=PATIENCE_S)
        assert done
        running = asyncio.create_task(world.delivery.run())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_was_kept_until_the_morning_is_one_message_that_says_so(world: World) -> None:
    for account in ("one", "two"):
        await world.queue(ANN, tier=Tier.WATCH, account=account, hold_s=3_600)
    await world.rounds(3_500, every_s=100)
    assert world.transport.sent == []
    await world.rounds(200, every_s=100)

    (digest,) = world.sent_to(ANN)
    assert world.heard(ANN) == ["WATCH #1 #2"]
    assert "Kept for you since 12:00:00 UTC." in digest.text
