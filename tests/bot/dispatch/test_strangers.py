"""Who is not known learns nothing and changes nothing."""

from dataclasses import replace

import pytest

from bot.commands.registry import all_commands
from bot.messages import Person
from risk.decisions.incidents import IncidentStatus
from storage import Receiver, Role
from tests.support.bot_world import HOME, BotWorld, bot_world
from tests.support.recording_transport import RecordingTransport

REFUSAL = "This is a private bot. If it is yours, send /start with the code from its console."
EVERY_COMMAND = sorted(all_commands())


async def status_of(world: BotWorld, number: int = 1) -> IncidentStatus:
    incident = await world.app.services.incidents.find(number)
    assert incident is not None
    return incident.status


async def test_a_stranger_gets_one_polite_sentence_and_then_silence() -> None:
    async with bot_world() as world:
        assert [one.text for one in await world.say("/health", user="eve", chat="eve")] == [REFUSAL]
        for text in ("/health", "/start", "hello", "/help", "/ack 1"):
            assert await world.say(text, user="eve", chat="eve") == []


async def test_a_stranger_in_a_group_gets_nothing_and_still_their_sentence_in_private() -> None:
    async with bot_world() as world:
        assert await world.say("/health", user="eve", chat="group", private=False) == []
        assert await world.say("what is this?", user="eve", chat="group", private=False) == []

        assert [one.text for one in await world.say("/start", user="eve", chat="eve")] == [REFUSAL]


@pytest.mark.parametrize("command", EVERY_COMMAND)
async def test_no_command_tells_a_stranger_anything_of_an_account(command: str) -> None:
    async with bot_world() as world:
        await world.check(110)
        heard = await world.say(f"/{command} main 1", user="eve", chat="eve")

        said = "".join(one.text for one in heard)
        assert "main" not in said
        assert "$" not in said
        assert "%" not in said


async def test_a_strangers_press_has_no_effect() -> None:
    async with bot_world() as world:
        await world.check(110)

        assert await world.press(world.alerts[0].data("Ack"), user="eve") == "This button is not for you."
        assert await status_of(world) is IncidentStatus.OPEN


async def test_somebody_who_was_revoked_is_a_stranger_again() -> None:
    async with bot_world() as world:
        bob = await world.link("bob", Role.ADMIN)
        await world.app.services.people.revoke(bob.person_id, world.clock.now())

        assert [one.text for one in await world.say("/health", user="bob", chat="bob")] == [REFUSAL]


async def test_the_person_decides_and_not_the_chat() -> None:
    async with bot_world() as world:
        await world.check(110)

        assert await world.say("/health", user="eve", chat=HOME, private=False) == []
        assert await world.press(world.alerts[0].data("Ack"), user="eve") == "This button is not for you."


async def test_whoever_sits_at_the_terminal_is_the_owner() -> None:
    async with bot_world(console=Receiver(transport="console", chat="console"), linked=False) as world:
        terminal = RecordingTransport(now=world.clock.now, name="console")
        terminal.hear(replace(world.written("/help"), sender=Person(transport="console", user_id="anybody")))
        terminal.end()
        await world.app.dispatcher.serve(terminal)

        assert [one.first for one in terminal.sent] == ["Keel watches your margin and warns before liquidation."]
        assert [one.text for one in await world.say("/help", user="anybody")] == [REFUSAL]
