"""keel discord-sync: what is registered, and what changed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.commands.registry import all_commands
from tests.support.discord import DiscordServer, Fault, Guild
from tests.support.keel_process import Finished, run_keel


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
def desk(discord: DiscordServer) -> Guild:
    return discord.add_guild("Desk")


async def synced(server: DiscordServer, folder: Path, *arguments: str, **env: str) -> Finished:
    settings = {
        "DISCORD_TOKEN": server.token,
        "DISCORD_API_URL": server.api_url,
        "DISCORD_GATEWAY_URL": server.gateway_url,
        "ALLOW_LOOPBACK_PLATFORMS": "true",
    }
    done = await run_keel("discord-sync", *arguments, env=settings | env, folder=folder)
    assert server.token not in done.stdout + done.stderr
    return done


async def test_it_registers_what_differs_and_says_so(discord: DiscordServer, desk: Guild, tmp_path: Path) -> None:
    count = len(all_commands())
    first = await synced(discord, tmp_path)
    assert first.code == 0, first.stderr
    assert first.stdout.startswith(f"direct messages: {count} added (")
    assert f"\nDesk ({desk.guild_id}): {count} added (" in first.stdout
    kept = discord.api.commands[desk.guild_id]
    changed = {**next(one for one in kept if one["name"] == "health"), "description": "old words"}
    discord.api.commands[desk.guild_id] = (
        *(one for one in kept if one["name"] not in ("health", "liq")), changed, {**changed, "name": "gone"},
    )  # fmt: skip
    again = await synced(discord, tmp_path)
    assert again.stdout.splitlines() == [
        f"direct messages: nothing to change, {count} commands",
        f"Desk ({desk.guild_id}): 1 added (liq), 1 changed (health), 1 removed (gone)",
    ]
    assert {one["name"] for one in discord.api.commands[desk.guild_id]} == set(all_commands())


async def test_one_guild_alone_can_be_meant_and_emptied(discord: DiscordServer, desk: Guild, tmp_path: Path) -> None:
    other = discord.add_guild("Other")
    await synced(discord, tmp_path, "--guild", str(desk.guild_id))
    assert set(discord.api.commands) == {desk.guild_id}
    await synced(discord, tmp_path)
    removed = await synced(discord, tmp_path, "--guild", str(desk.guild_id), "--remove")
    assert f"{len(all_commands())} removed (" in removed.stdout
    assert discord.api.commands[desk.guild_id] == ()
    assert len(discord.api.commands[other.guild_id]) == len(all_commands())
    everything = await synced(discord, tmp_path, "--remove")
    assert everything.code == 0
    assert not any(discord.api.commands.values())


async def test_only_the_guilds_of_the_settings_are_meant(discord: DiscordServer, desk: Guild, tmp_path: Path) -> None:
    other = discord.add_guild("Other")
    await synced(discord, tmp_path, DISCORD_GUILD_IDS=str(desk.guild_id))
    assert set(discord.api.commands) == {None, desk.guild_id}
    assert other.guild_id in discord.api.guilds


async def test_a_guild_that_refuses_is_told_and_does_not_cost_the_others(
    discord: DiscordServer, desk: Guild, tmp_path: Path
) -> None:
    discord.inject(Fault(path=f"/guilds/{desk.guild_id}/commands", times=None, status=403, code=50001))
    done = await synced(discord, tmp_path)
    assert done.code == 3
    assert f"Desk ({desk.guild_id}): nothing was done. Discord refuses this channel" in done.stdout
    assert done.stdout.startswith("direct messages: ")
    assert None in discord.api.commands


@pytest.mark.parametrize(
    ("env", "code", "words"),
    [
        ({"DISCORD_TOKEN": ""}, 2, "DISCORD_TOKEN is empty"),
        ({"DISCORD_TOKEN": "MTQ.wrong.token"}, 3, "Discord refused the token: check DISCORD_TOKEN"),
        ({"DISCORD_GUILD_IDS": "desk"}, 2, "DISCORD_GUILD_IDS: entry 1 is no id"),
        ({"DISCORD_API_URL": "https://discord.example"}, 2, "DISCORD_API_URL"),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(
    discord: DiscordServer, tmp_path: Path, env: dict[str, str], code: int, words: str
) -> None:
    done = await synced(discord, tmp_path, **env)
    assert (done.code, done.stdout) == (code, "")
    assert words in done.stderr


async def test_discord_that_is_down_is_told(discord: DiscordServer, tmp_path: Path) -> None:
    discord.inject(Fault(times=None, status=503))
    done = await synced(discord, tmp_path)
    assert (done.code, "Discord has trouble" in done.stderr) == (3, True)
