"""A flood of requests: the flooder waits, nobody else does, and an emergency is heard all the same."""

import asyncio
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.door import TOO_FAST, USUAL, Admission, Allowance, Door
from bot.messages import Address, Command, Membership, Person
from storage import Role
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.bot_world import BotWorld, bot_world
from tests.support.clock import FakeClock

HERE = Address(transport="chat", chat="home")
FLOOD = 2_000


def said(text: str = "/health", *, by: str = "ann") -> Command:
    sender = Person(transport="chat", user_id=by)
    return Command(sender=sender, address=HERE, text=text, sent_at=datetime(2026, 1, 1, tzinfo=UTC))


async def leave(door: Door, incoming: Command, admitted: Admission) -> None:
    async with door.turn(incoming, admitted):
        pass


async def served(world: BotWorld, *texts: str, user: str = "owner", private: bool = True) -> list[str]:
    before = len(world.transport.sent)
    world.transport.hear(*(world.written(text, user=user, private=private) for text in texts))
    world.transport.end()
    await world.app.dispatcher.serve(world.transport)
    return [one.first for one in world.transport.sent[before:]]


async def test_of_a_flood_the_bucket_is_answered_and_the_rest_is_refused_in_one_sentence(figure: Gauge) -> None:
    async with bot_world(allowance=USUAL) as world:
        await world.check(140)
        answers = await served(world, *["/health"] * FLOOD)
        figure(Measure.TRIED, FLOOD)
        figure(Measure.ACCEPTED, len(answers))
        assert answers.count(TOO_FAST) == 1
        assert len(answers) == USUAL.burst + 1


async def test_others_are_answered_during_a_flood() -> None:
    async with bot_world(allowance=USUAL) as world:
        await world.link("other", Role.VIEWER)
        await world.check(140)
        world.transport.hear(*(world.written("/health") for _ in range(FLOOD)))
        assert await served(world, "/health", user="other")
        assert sum(one.chat == "home" for one in world.transport.sent) < 100


async def test_halt_is_heard_although_its_sender_has_flooded() -> None:
    async with bot_world(allowance=USUAL) as world:
        answers = await served(world, *["/help"] * FLOOD, "/halt")
        assert any("Trading is off" in answer for answer in answers)


async def test_a_stranger_who_floods_hears_the_one_refusal_and_a_group_hears_nothing() -> None:
    async with bot_world(allowance=USUAL) as world:
        assert len(await served(world, *["/health"] * FLOOD, user="stranger")) == 1
        assert await served(world, *["/health"] * FLOOD, user="other stranger", private=False) == []
        assert await served(world, *["lunch?"] * FLOOD, private=False) == []


async def test_the_bucket_fills_again() -> None:
    clock = FakeClock()
    door = Door(clock, Allowance(burst=2, per_s=1))
    for expected in (Admission.IN, Admission.IN, Admission.TOLD, Admission.LEFT_OUT):
        admitted = door.enters(said())
        assert admitted is expected
        await leave(door, said(), admitted)
    clock.pass_s(1.0)
    assert door.enters(said()) is Admission.IN


async def test_at_most_sixteen_run_at_once_eight_of_one_person_and_halt_besides() -> None:
    door, running, most, release = Door(FakeClock()), 0, 0, asyncio.Event()

    async def run(incoming: Command) -> None:
        nonlocal running, most
        async with door.turn(incoming, door.enters(incoming)):
            running += 1
            most = max(most, running)
            await release.wait()
            running -= 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(run(said()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert running == 8
        for number in range(20):
            tasks.create_task(run(said(by=f"other {number}")))
        tasks.create_task(run(said("/halt", by="trader")))
        for _ in range(5):
            await asyncio.sleep(0)
        assert running == 17
        release.set()
    assert most == 17


async def test_no_more_than_so_many_wait_for_an_answer() -> None:
    door = Door(FakeClock(), Allowance(in_all=3))
    admitted = [door.enters(said(by=f"person {number}")) for number in range(5)]
    assert admitted == [Admission.IN] * 3 + [Admission.TOLD] * 2


async def test_strangers_by_the_thousand_are_not_remembered_for_ever() -> None:
    clock = FakeClock()
    door = Door(clock)
    for number in range(6_000):
        one = said(by=f"stranger {number}")
        await leave(door, one, door.enters(one))
    assert len(door._usual._guests) <= 4_096
    group = Membership(group=HERE, joined=True)
    assert door.enters(group) is Admission.IN


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3)), max_size=120))
def test_nobody_ever_gets_more_than_the_bucket_and_what_it_gained(asked: list[tuple[str, float]]) -> None:
    async def ask() -> None:
        clock, let_in = FakeClock(), dict.fromkeys("abc", 0)
        door = Door(clock, Allowance(burst=5, per_s=0.5))
        for who, pause_s in asked:
            clock.pass_s(pause_s)
            admitted = door.enters(said(by=who))
            let_in[who] += admitted is Admission.IN
            await leave(door, said(by=who), admitted)
            assert let_in[who] <= 5 + 0.5 * clock.monotonic_s() + 1e-6

    asyncio.run(ask())
