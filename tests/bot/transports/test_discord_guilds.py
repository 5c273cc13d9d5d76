"""Guilds the bot is let into, thrown out of, and leaves."""

import asyncio
from collections.abc import Collection

import pytest

from bot.messages import Address, DeliveryError, Guest, Membership, Unreachable
from bot.transports.discord import DiscordTransport
from tests.bot.transports.conftest import ANN, Time, discord_of
from tests.support.discord_server import Channel, DiscordServer, Fault, Guild


async def memberships(transport: DiscordTransport, count: int) -> list[Membership]:
    found: list[Membership] = []
    async with asyncio.timeout(30):
        async for incoming in transport.incoming():
            assert isinstance(incoming, Membership)
            found.append(incoming)
            if len(found) == count:
                break
    return found


def group(guild: Guild | int | None) -> Address:
    return Address(transport="discord", chat=str(guild.guild_id if isinstance(guild, Guild) else guild))


async def test_every_guild_is_told_of_once_with_its_channels_however_often_the_connection_breaks(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    (there,) = await memberships(discord, 1)
    assert (there.group, there.joined, there.chats) == (group(desk.guild), True, frozenset({str(desk.channel_id)}))
    await discord_server.gateway.invalidate(resumable=False)
    await discord_server.wait_for(lambda: discord_server.gateway.identified == 2 and discord_server.gateway.live)
    new = await discord_server.join("New")
    (joined,) = await memberships(discord, 1)
    assert (joined.group, joined.joined) == (group(new), True)


async def test_being_thrown_out_is_told_for_each_channel_and_coming_back_too(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    guild = discord_server.api.guilds[desk.guild or 0]
    await memberships(discord, 1)
    await discord_server.kick(guild)
    (gone,) = await memberships(discord, 1)
    assert (gone.group, gone.joined) == (group(desk.channel_id), False)
    discord_server.api.guilds[guild.guild_id] = guild
    shape = discord_server.api.shapes.guild(guild)
    del shape["unavailable"]
    await discord_server.gateway.dispatch("GUILD_CREATE", shape)
    assert [one.joined for one in await memberships(discord, 1)] == [True]


async def test_an_outage_of_a_guild_is_not_being_thrown_out(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await memberships(discord, 1)
    await discord_server.gateway.dispatch("GUILD_DELETE", {"id": str(desk.guild), "unavailable": True})
    new = await discord_server.join("New")
    assert [one.group for one in await memberships(discord, 1)] == [group(new)]


@pytest.mark.parametrize(("known", "stays"), [((), True), (("5", str(ANN)), True), (("5",), False)])
async def test_it_leaves_unless_somebody_it_knows_is_a_member(
    discord_server: DiscordServer, desk: Channel, time: Time, known: tuple[str, ...], stays: bool
) -> None:
    """Direct messages reach only those who share a guild with the bot, and the first of all comes from one."""

    async def acquaintances() -> Collection[str]:
        return known

    async with discord_of(discord_server, time, acquaintances=acquaintances) as discord:
        assert isinstance(discord, Guest)
        await discord_server.wait_for(lambda: discord_server.gateway.live)
        await discord.leave(group(desk.guild))
    assert (desk.guild in discord_server.api.guilds) is stays


async def test_leaving_a_guild_it_is_not_in_is_fine(discord: DiscordTransport, discord_server: DiscordServer) -> None:
    await discord.leave(group(12345))
    with pytest.raises(Unreachable):
        await discord.leave(group(-1))


async def test_where_nobody_can_say_who_is_a_member_it_stays(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    async def acquaintances() -> Collection[str]:
        return (str(ANN),)

    discord_server.inject(Fault(path="/members/", status=503))
    async with discord_of(discord_server, time, acquaintances=acquaintances) as discord:
        with pytest.raises(DeliveryError):
            await discord.leave(group(desk.guild))
    assert desk.guild in discord_server.api.guilds


async def test_guilds_the_settings_name_are_nobodys_business(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    async with discord_of(discord_server, time, guild_ids=(desk.guild or 0,)) as discord:
        await discord_server.wait_for(lambda: discord_server.gateway.live)
        await discord_server.slash(ANN, "health", channel=desk)
        async with asyncio.timeout(30):
            async for incoming in discord.incoming():
                assert not isinstance(incoming, Membership)
                break


async def test_a_strangers_guild_is_told_nothing(discord: DiscordTransport, discord_server: DiscordServer) -> None:
    new = await discord_server.join("Strangers")
    discord_server.add_channel(new)
    await memberships(discord, 2)
    assert discord_server.messages() == []
