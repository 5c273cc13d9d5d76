"""The one way to a platform: who goes first, and that nobody waits for ever or breaks a limit."""

import asyncio

import pytest

from bot.alerts.sender import Sender
from bot.messages import (
    Address,
    Guest,
    Limits,
    Message,
    MessageRef,
    Rate,
    Refused,
    RetryAfter,
    TryAgain,
    Unreachable,
    lines,
)
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport
from tests.support.waiting import PATIENCE_S

ANN, BOB = Address(transport="chat", chat="ann"), Address(transport="chat", chat="bob")
SLOW = Limits(in_all=Rate(most=10, per_s=1.0), per_chat=Rate(most=1, per_s=1.0))


def saying(text: str) -> Message:
    return Message(blocks=lines(text))


class World:
    def __init__(self, limits: Limits = SLOW) -> None:
        self.clock = FakeClock()
        self.transport = RecordingTransport(now=self.clock.now)
        self.transport.pace = limits
        self.sender = Sender(self.transport, self.clock)

    @property
    def said(self) -> list[str]:
        return [one.text for one in self.transport.sent]

    async def alert(self, address: Address, text: str) -> None:
        """As delivery does."""
        (ticket,) = await self.sender.turn()
        assert self.sender.take(ticket, address)
        await self.sender.say(ticket, address, saying(text), key="k")


async def test_it_passes_on_what_its_transport_is_and_does() -> None:
    world = World()
    ref = await world.sender.send(ANN, saying("hello"), key="k")
    world.clock.pass_s(2)
    await world.sender.edit(ref, saying("hello again"))
    world.clock.pass_s(2)
    await world.sender.pin(ref)

    assert (world.sender.name, world.sender.limits) == ("chat", SLOW)
    assert (world.said, [one.key for one in world.transport.sent]) == (["hello"], ["k"])
    assert [edited for edited, _ in world.transport.edits] == world.transport.pins == [ref]
    assert world.sender.health().connected
    assert isinstance(world.sender, Guest)
    await world.sender.leave(ANN)  # a platform without groups


async def test_two_answers_to_one_chat_are_a_second_apart_and_to_two_chats_are_not() -> None:
    world = World()
    await world.sender.send(ANN, saying("one"))
    await world.sender.send(BOB, saying("two"))
    assert world.clock.monotonic_s() < 0.2
    await world.sender.send(ANN, saying("three"))
    assert 1.0 <= world.clock.monotonic_s() < 1.3


async def test_an_edit_counts_as_a_message() -> None:
    world = World()
    ref = await world.sender.send(ANN, saying("one"))
    await world.sender.edit(ref, saying("two"))
    assert world.clock.monotonic_s() >= 1.0


async def test_an_answer_waits_for_a_chat_that_was_told_to_wait() -> None:
    world = World()
    world.transport.fail("ann", RetryAfter(5.0))
    await world.sender.send(ANN, saying("one"))

    assert world.said == ["one"]
    assert 5.0 <= world.clock.monotonic_s() < 7.0


async def test_an_answer_does_not_wait_for_minutes() -> None:
    world = World()
    world.transport.fail("ann", RetryAfter(300.0))
    with pytest.raises(RetryAfter):
        await world.sender.send(ANN, saying("one"))
    assert world.clock.monotonic_s() < 1.0
    assert 299 < world.sender.held_s(ANN) <= 300
    assert world.sender.held_s(BOB) == 0


@pytest.mark.parametrize("error", [TryAgain("502"), Refused("bad"), Unreachable("gone")])
async def test_other_failures_are_the_callers(error: Exception) -> None:
    world = World()
    world.transport.fail("ann", error)
    with pytest.raises(type(error)):
        await world.sender.send(ANN, saying("one"))


async def test_alerts_go_before_answers_that_came_first() -> None:
    world = World()
    await world.sender.send(Address(transport="chat", chat="x"), saying("now there is no room"))
    answers = [
        asyncio.create_task(world.sender.send(Address(transport="chat", chat=f"p{n}"), saying(f"answer {n}")))
        for n in range(2)
    ]
    await asyncio.sleep(0)
    await asyncio.gather(world.alert(BOB, "alert"), *answers)

    assert world.said[1] == "alert"


async def test_an_answer_gets_a_turn_between_many_alerts() -> None:
    world = World(Limits(in_all=Rate(most=10, per_s=1.0)))
    await world.alert(ANN, "first")
    answer = asyncio.create_task(world.sender.send(BOB, saying("answer")))
    await asyncio.sleep(0)
    world.clock.pass_s(0.6)  # it has waited by now
    storm = [asyncio.create_task(world.alert(Address(transport="chat", chat=str(n)), f"{n}")) for n in range(30)]
    await asyncio.gather(answer, *storm)

    assert world.said.index("answer") <= 8


async def test_a_turn_that_is_given_back_is_somebody_elses() -> None:
    world = World()
    (ticket,) = await world.sender.turn()
    world.sender.give_back(ticket)
    await world.sender.send(ANN, saying("one"))

    assert world.clock.monotonic_s() < 0.05


async def test_a_turn_cannot_be_taken_for_a_chat_that_has_no_room() -> None:
    world = World()
    await world.sender.send(ANN, saying("one"))
    (ticket,) = await world.sender.turn()

    assert not world.sender.take(ticket, ANN)
    assert world.sender.busy() == {"ann"}
    assert 0.8 < world.sender.free_in_s(frozenset({"ann"})) <= 1.1


async def test_without_limits_many_may_go_at_once() -> None:
    world = World(Limits())
    assert len(await world.sender.turn(most=7)) == 7


async def test_when_chat_after_chat_fails_one_a_second_is_tried_until_something_works() -> None:
    world = World(Limits())
    chats = [Address(transport="chat", chat=str(n)) for n in range(6)]
    for chat in chats:
        world.transport.fail(chat.chat, TryAgain("502"))
    for chat in chats:
        with pytest.raises(TryAgain):
            await world.alert(chat, "alert")
    assert 2.9 <= world.clock.monotonic_s() <= 4.1

    await world.alert(BOB, "it works")
    began_s = world.clock.monotonic_s()
    for chat in chats:
        await world.alert(chat, "alert")
    assert world.clock.monotonic_s() == began_s


async def test_one_chat_that_fails_for_ever_slows_nobody_down() -> None:
    world = World(Limits())
    world.transport.fail("ann", *(TryAgain("502") for _ in range(20)))
    for _ in range(20):
        with pytest.raises(TryAgain):
            await world.alert(ANN, "alert")
    assert world.clock.monotonic_s() == 0.0


async def test_whoever_listens_hears_which_chats_were_answered() -> None:
    world = World()
    heard: list[Address] = []
    world.sender.when_heard(heard.append)
    world.transport.fail("bob", Unreachable("gone"))
    await world.sender.send(ANN, saying("one"))
    with pytest.raises(Unreachable):
        await world.sender.send(BOB, saying("two"))

    assert heard == [ANN]


async def test_somebody_who_stops_waiting_blocks_nobody() -> None:
    world = World()
    world.transport.fail("ann", RetryAfter(3_600.0))
    waiting = asyncio.create_task(world.sender.send(ANN, saying("never")))
    with world.transport.held("nobody"):
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(PATIENCE_S):
        await world.sender.send(BOB, saying("two"))

    assert world.said == ["two"]


async def test_a_reference_of_another_chat_is_edited_there() -> None:
    world = World()
    ref = MessageRef(address=BOB, message_id="m9")
    await world.sender.edit(ref, saying("new"))

    assert [edited for edited, _ in world.transport.edits] == [ref]


async def test_an_alert_that_waits_for_a_chat_goes_before_the_answers_that_keep_it_busy() -> None:
    world = World()
    await world.sender.send(ANN, saying("one"))
    world.sender.favour(frozenset({world.sender.place_of(ANN)}))
    answers = [asyncio.ensure_future(world.sender.send(ANN, saying(text))) for text in ("two", "three")]
    other = asyncio.ensure_future(world.sender.send(BOB, saying("elsewhere")))
    await asyncio.sleep(0)
    await asyncio.gather(world.alert(ANN, "alert"), other, *answers)
    # And an answer that makes way holds up no other chat.
    assert (set(world.said[1:3]), world.said[3:]) == ({"elsewhere", "alert"}, ["two", "three"])


async def test_an_answer_does_not_make_way_for_ever() -> None:
    world = World()
    await world.sender.send(ANN, saying("one"))
    world.sender.favour(frozenset({world.sender.place_of(ANN)}))
    await world.sender.send(ANN, saying("two"))
    assert world.said == ["one", "two"]
    assert world.clock.monotonic_s() < 8.0
