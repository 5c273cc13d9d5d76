"""Discord's roles, and who reads along, decided at the press by what came with it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.dispatch import Dispatcher
from bot.messages import Address, MessageRef
from bot.platform_roles import PlatformRoles
from storage import Role, Seen
from tests.support.bot_world import OWNER, BotWorld, bot_world

DESK = "1400000000000000007"


@pytest.fixture
async def world() -> AsyncIterator[BotWorld]:
    async with bot_world("main") as world:
        await world.check(115)
        yield world


async def pressed(
    world: BotWorld, rules: PlatformRoles, user: str, *roles: str, data: str = "ack:1", **at: object
) -> str:
    """Somebody presses with these roles; the notice."""
    press = world.pressed(data, user=user)
    press = replace(press, sender=replace(press.sender, roles=frozenset(roles)), **at)  # type: ignore[arg-type]
    world.transport.hear(press)
    world.transport.end()
    await Dispatcher(world.app.services, Seen(world.store), platform_roles=rules).serve(world.transport)
    return world.transport.answers[-1][1]


async def test_a_role_lets_a_viewer_answer_and_its_loss_counts_at_the_next_press(world: BotWorld) -> None:
    await world.link("bob", Role.VIEWER)
    rules = PlatformRoles(platform="chat", granted={DESK: Role.RESPONDER})
    assert await pressed(world, rules, "bob") == "This needs the role responder; yours is viewer."
    assert (await pressed(world, rules, "bob", DESK)).startswith("Acked alert #1.")
    assert await pressed(world, rules, "bob", data="snooze:1:60") == "This needs the role responder; yours is viewer."


async def test_a_role_that_is_needed_holds_back_even_the_owner(world: BotWorld) -> None:
    rules = PlatformRoles(platform="chat", required=frozenset({DESK}))
    refused = await pressed(world, rules, OWNER)
    assert refused == "This needs the role responder; yours is viewer. Here it takes a role of Chat's besides."
    assert (await pressed(world, rules, OWNER, DESK)).startswith("Acked alert #1.")


async def test_a_role_makes_nobody_known(world: BotWorld) -> None:
    rules = PlatformRoles(platform="chat", granted={DESK: Role.TRADER})
    assert await pressed(world, rules, "stranger", DESK) == "This button is not for you."


@pytest.mark.parametrize("shared", [True, False])
async def test_a_press_where_others_read_along_is_answered_as_there(world: BotWorld, shared: bool) -> None:
    """Discord hides answers, and everybody sees what becomes of the card they stand under."""
    address = Address(transport="chat", chat="elsewhere", reply_to="7", shared=shared)
    ref = MessageRef(address=address, message_id="m1")
    notice = await pressed(world, PlatformRoles(platform=""), OWNER, data="details:1", message=ref, private=False)
    assert ("linked this group" in notice) is shared


async def test_a_command_whose_answer_everybody_sees_says_what_all_may_hear(world: BotWorld) -> None:
    for shared, seen in ((False, True), (True, False)):
        written = world.written("/health", private=False)
        address = Address(transport="chat", chat="elsewhere", reply_to="7", shared=shared)
        before = len(world.transport.sent)
        await world.serve(replace(written, address=address))
        (answer,) = world.transport.sent[before:]
        assert ("main: health" in answer.text) is seen
