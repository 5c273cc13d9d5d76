"""Urgent alerts ring the roles that were named for their place. Nothing else rings anybody by name."""

from dataclasses import replace

import pytest

from bot.messages import Accent, Message, Tone, lines
from bot.transports.discord import DiscordTransport, Pings, parse_pings
from tests.bot.transports.conftest import ANN, Time, at, discord_of, heard_command
from tests.support.discord_server import Channel, DiscordServer, Fault

ROLE, OTHER = "1400000000000077777", "1400000000000088888"
URGENT = Message(
    blocks=lines("CRITICAL main @everyone <@&5>", f"Deposit $820. <@&{OTHER}>"), tone=Tone.URGENT,
    accent=Accent.EMERGENCY,
)  # fmt: skip


def bot_of(server: DiscordServer, time: Time, pings: Pings) -> DiscordTransport:
    return discord_of(server, time, pings=pings)


@pytest.mark.parametrize("where", ["channel", "guild", "the channel around a thread"])
async def test_an_urgent_alert_rings_exactly_the_roles_of_its_place(
    discord_server: DiscordServer, desk: Channel, time: Time, where: str
) -> None:
    place = desk.guild if where == "guild" else desk.channel_id
    to = discord_server.add_thread(desk) if "thread" in where else desk
    async with bot_of(discord_server, time, parse_pings(f"{place}={ROLE}, {place}={OTHER}")) as bot:
        await bot.send(at(to), URGENT)
        await bot.send(at(to), replace(URGENT, accent=Accent.NONE))
    for message in discord_server.messages(to):
        assert set(message.pings) == {f"<@&{ROLE}>", f"<@&{OTHER}>"}


@pytest.mark.parametrize("tone", [Tone.NORMAL, Tone.QUIET])
async def test_what_is_not_urgent_rings_nobody(
    discord_server: DiscordServer, desk: Channel, time: Time, tone: Tone
) -> None:
    async with bot_of(discord_server, time, parse_pings(f"{desk.channel_id}={ROLE}")) as bot:
        await bot.send(at(desk), replace(URGENT, tone=tone))
    (message,) = discord_server.messages(desk)
    assert message.pings == ()
    assert ROLE not in message.source


async def test_an_edit_and_an_answer_ring_nobody(discord_server: DiscordServer, desk: Channel, time: Time) -> None:
    async with bot_of(discord_server, time, parse_pings(f"{desk.channel_id}={ROLE}")) as bot:
        ref = await bot.send(at(desk), Message(blocks=lines("quiet")))
        await bot.edit(ref, URGENT)
        await discord_server.slash(ANN, "health", channel=desk)
        await bot.send((await heard_command(bot)).address, URGENT)
    assert [message.pings for message in discord_server.messages(desk, seen_by=ANN)] == [(), ()]


async def test_another_place_rings_nobody_and_the_narrowest_place_decides(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    other = discord_server.add_channel(discord_server.api.guilds[desk.guild or 0], "quiet")
    elsewhere = discord_server.add_channel(discord_server.add_guild("Elsewhere"))
    pings = parse_pings(f"{desk.guild}={ROLE},{other.channel_id}={OTHER}")
    async with bot_of(discord_server, time, pings) as bot:
        for channel in (desk, other, elsewhere, discord_server.direct(ANN)):
            await bot.send(at(channel), URGENT)
    assert [message.pings for message in discord_server.messages()] == [(f"<@&{ROLE}>",), (f"<@&{OTHER}>",), (), ()]


async def test_only_the_first_part_of_a_long_alert_rings(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    async with bot_of(discord_server, time, parse_pings(f"{desk.channel_id}={ROLE}")) as bot:
        await bot.send(at(desk), replace(URGENT, blocks=lines(*("x" * 1_900 for _ in range(6)))))
        await bot.send(at(desk), replace(URGENT, blocks=lines(*("x" * 1_995 for _ in range(2))), accent=Accent.NONE))
    rung = [message.pings for message in discord_server.messages(desk)]
    assert rung.count((f"<@&{ROLE}>",)) == 2
    assert rung.count(()) == len(rung) - 2 >= 2


async def test_where_nobody_can_say_whose_channel_it_is_the_alert_goes_out_all_the_same(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    discord_server.inject(Fault(method="GET", path="/channels/", times=None, status=503))
    async with bot_of(discord_server, time, parse_pings(f"{desk.guild}={ROLE}")) as bot:
        await bot.send(at(desk), URGENT)
    assert [message.pings for message in discord_server.messages(desk)] == [()]


async def test_everybody_is_never_rung(discord_server: DiscordServer, desk: Channel, time: Time) -> None:
    everyone = Pings(roles={desk.guild or 0: (str(desk.guild), ROLE)})
    async with bot_of(discord_server, time, everyone) as bot:
        await bot.send(at(desk), URGENT)
    assert discord_server.messages(desk)[0].pings == (f"<@&{ROLE}>",)


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("", {}),
        (" , ", {}),
        ("1=2", {1: ("2",)}),
        (" 1 = 2 ,1=3, 1=2,4=2", {1: ("2", "3"), 4: ("2",)}),
    ],
)
def test_places_and_roles_are_ids(text: str, roles: dict[int, tuple[str, ...]]) -> None:
    assert parse_pings(text).roles == roles


@pytest.mark.parametrize("text", ["1", "1=", "=2", "a=2", "1=@everyone", "1=2=3", "1=1", "\u0661=2", "1=" + "2" * 21])
def test_what_is_no_place_and_role_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"^entry 1 "):
        parse_pings(text)
