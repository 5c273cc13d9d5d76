"""The slash commands people see."""

from dataclasses import replace
from functools import partial

import pytest

from bot.messages import ArgumentHint, CommandHint, Person, Suggestion, Typing
from bot.transports.discord import DiscordTransport
from bot.transports.discord.menu import commands_json, differ
from tests.bot.transports.conftest import Time, discord_of
from tests.support.discord.checks import check_command
from tests.support.discord_server import Channel, DiscordServer, Fault

ACCOUNT = ArgumentHint(name="account", summary="which account")
NUMBER = ArgumentHint(name="number", summary="of the alert", required=True)
HINTS = (
    CommandHint(name="/Health", summary="How far from\nliquidation", arguments=(ACCOUNT,)),
    CommandHint(name="ack", summary="x" * 300, arguments=(NUMBER, ACCOUNT)),
)


def names(server: DiscordServer, scope: int | None) -> list[str]:
    return sorted(command["name"] for command in server.api.commands.get(scope, ()))


def puts(server: DiscordServer) -> int:
    return sum(call.method == "PUT" for call in server.calls)


def test_each_hint_is_a_command_with_an_option_for_each_argument() -> None:
    health, ack = commands_json(HINTS, suggesting=True, direct=False)
    assert (health["name"], health["description"]) == ("health", "How far from liquidation")
    assert [
        [(one["name"], one["type"], one["required"]) for one in command["options"]] for command in (health, ack)
    ] == [
        [("account", 3, False)],
        [("number", 3, True), ("account", 3, False)],
    ]
    assert all(one["autocomplete"] for one in (*health["options"], *ack["options"]))
    assert len(ack["description"]) == 100


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((), []),
        ((ACCOUNT, NUMBER), [("account", False), ("number", False)]),
        (
            (NUMBER, ArgumentHint(name="Not one", summary="s", required=True), ACCOUNT),
            [("number", True), ("account", False)],
        ),
        (tuple(ArgumentHint(name=f"a{n}", summary="") for n in range(30)), [(f"a{n}", False) for n in range(25)]),
    ],
    ids=["none", "needed behind one that may be left out", "a name Discord refuses", "more than fit"],
)
def test_options_are_what_discord_takes(arguments: tuple[ArgumentHint, ...], options: list[tuple[str, bool]]) -> None:
    (command,) = commands_json((CommandHint(name="x", summary="s", arguments=arguments),), suggesting=True, direct=True)
    assert [(one["name"], one["required"]) for one in command["options"]] == options
    check_command(dict(command))


def gets(server: DiscordServer) -> int:
    return sum(call.method == "GET" and call.path.endswith("/commands") for call in server.calls)


def has_looked(server: DiscordServer, times: int) -> bool:
    return gets(server) == times


@pytest.mark.parametrize("name", ["", "two words", "a" * 33, "ä b", "a/b"])
def test_a_name_discord_would_refuse_does_not_cost_the_others(name: str) -> None:
    commands = commands_json((CommandHint(name=name, summary="s"), *HINTS), suggesting=False, direct=True)
    assert [command["name"] for command in commands] == ["health", "ack"]
    assert all(command["contexts"] == [1] for command in commands)


@pytest.mark.parametrize(
    ("hints", "suggesting", "different"),
    [
        (HINTS, False, False),
        (HINTS[::-1], False, False),
        (HINTS, True, True),
        (HINTS[:1], False, True),
        ((*HINTS, CommandHint(name="new", summary="n")), False, True),
        ((HINTS[0], replace(HINTS[1], summary="changed")), False, True),
        ((HINTS[0], replace(HINTS[1], arguments=(ACCOUNT,))), False, True),
        ((HINTS[0], replace(HINTS[1], arguments=(replace(NUMBER, required=False), ACCOUNT))), False, True),
    ],
    ids=["same", "order", "suggestions", "fewer", "more", "words", "options", "what is needed"],
)
def test_only_what_somebody_would_notice_is_a_difference(
    hints: tuple[CommandHint, ...], suggesting: bool, different: bool
) -> None:
    registered = [
        {**command, "id": "7", "version": "1", "nsfw": False}
        for command in commands_json(HINTS, suggesting=False, direct=False)
    ]
    assert differ(commands_json(hints, suggesting=suggesting, direct=False), registered) is different


async def test_an_announcement_reaches_every_guild_and_direct_messages(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord.announce(HINTS)
    await discord_server.wait_for(lambda: len(discord_server.api.commands) == 2)
    assert names(discord_server, desk.guild) == names(discord_server, None) == ["ack", "health"]
    (direct, guild) = (discord_server.api.commands[scope][0] for scope in (None, desk.guild))
    assert direct["contexts"] == [1]  # or a guild would show everything twice
    assert "contexts" not in guild


async def test_what_is_registered_already_is_left_alone(
    discord_server: DiscordServer, time: Time, desk: Channel
) -> None:
    for looked in (2, 6):  # each announcement looks at direct messages and at the guild
        async with discord_of(discord_server, time) as discord:
            await discord.announce(HINTS)
            await discord_server.wait_for(partial(has_looked, discord_server, looked))
            await discord.announce(HINTS)
    assert puts(discord_server) == 2


async def test_a_changed_set_replaces_the_registered_one(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord.announce(HINTS)
    await discord_server.wait_for(lambda: len(discord_server.api.commands) == 2)
    await discord.announce(HINTS[:1])
    assert names(discord_server, desk.guild) == names(discord_server, None) == ["health"]


async def test_a_guild_the_bot_is_invited_to_gets_its_commands(
    discord: DiscordTransport, discord_server: DiscordServer
) -> None:
    await discord.announce(HINTS)
    guild = await discord_server.join()
    await discord_server.wait_for(lambda: guild.guild_id in discord_server.api.commands)
    assert names(discord_server, guild.guild_id) == ["ack", "health"]


async def test_before_an_announcement_nothing_is_registered(
    discord: DiscordTransport, discord_server: DiscordServer
) -> None:
    await discord_server.join()
    assert puts(discord_server) == 0


async def test_only_the_guilds_that_were_named_are_touched_and_any_other_is_left(
    discord_server: DiscordServer, time: Time, desk: Channel
) -> None:
    other = discord_server.add_guild("Other")
    async with discord_of(discord_server, time, guild_ids=(desk.guild or 0,)) as discord:
        await discord.announce(HINTS)
        await discord_server.wait_for(lambda: other.guild_id not in discord_server.api.guilds)
        invited = await discord_server.join("Another")
        await discord_server.wait_for(lambda: invited.guild_id not in discord_server.api.guilds)
    assert other.guild_id not in discord_server.api.commands
    assert names(discord_server, desk.guild) == ["ack", "health"]


async def test_one_guild_that_refuses_does_not_cost_the_others_and_is_asked_again(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    discord_server.inject(Fault(path=f"/guilds/{desk.guild}", times=2, status=403, code=50001))
    await discord.announce(HINTS)
    await discord_server.wait_for(lambda: names(discord_server, None))
    await discord_server.gateway.ask_to_reconnect()
    await discord_server.wait_for(lambda: names(discord_server, desk.guild))


async def test_commands_that_cannot_be_read_are_written(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    discord_server.inject(Fault(method="GET", path="/commands", times=None, status=404))
    await discord.announce(HINTS)
    await discord_server.wait_for(lambda: len(discord_server.api.commands) == 2)


async def test_announced_while_discord_is_down_they_are_registered_when_it_is_back(
    discord_idle: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord_server.stop()
    async with discord_idle:
        await discord_idle.announce(HINTS)
        await discord_server.start()
        await discord_server.wait_for(lambda: len(discord_server.api.commands) == 2)


async def test_suggestions_are_asked_for_where_the_bot_has_some(discord_server: DiscordServer, time: Time) -> None:
    async def suggest(person: Person, typing: Typing) -> list[Suggestion]:
        return []

    async with discord_of(discord_server, time, suggest=suggest) as discord:
        await discord.announce(HINTS)
    assert all(command["options"][0]["autocomplete"] for command in discord_server.api.commands[None])
