"""The connection over which Discord says what people do: lost in every way, and always back."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial

import pytest

from bot.messages import Address, Button, Command, CommandHint, DeliveryError, Message, Press, lines
from bot.transports.discord import DiscordTransport
from bot.transports.discord.health import HealthRecord
from tests.bot.transports.conftest import ANN, Time, at, discord_of, heard, heard_command
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.discord_server import Channel, DiscordServer, Fault
from tests.support.waiting import PATIENCE_S

PLAIN = Message(blocks=lines("Resolved"))
CARD = Message(blocks=lines("HIGH"), buttons=((Button("Ack", "ack:1"),),))
DIRECT_AND_GUILDS = 1 << 0 | 1 << 12


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - a transport has no event for what is only its health
            await asyncio.sleep(0.002)


def has_identified(server: DiscordServer, times: int) -> bool:
    return server.gateway.identified == times


async def is_connected(discord: DiscordTransport, server: DiscordServer) -> None:
    await server.wait_for(lambda: server.gateway.live)
    await until(lambda: discord.health().connected)


async def is_lost(discord: DiscordTransport) -> None:
    await until(lambda: not discord.health().connected)


async def test_it_greets_identifies_and_says_that_it_is_connected(
    discord: DiscordTransport, discord_server: DiscordServer
) -> None:
    await is_connected(discord, discord_server)
    assert discord.health().detail == "connected to Discord"
    assert (discord_server.gateway.identified, discord_server.gateway.heartbeats) == (1, 1)
    session = discord_server.gateway.live
    assert session is not None
    assert session.intents == DIRECT_AND_GUILDS  # nothing that needs Discord's permission


async def test_heartbeats_go_on_while_nothing_happens(
    discord_idle: DiscordTransport, discord_server: DiscordServer
) -> None:
    discord_server.gateway.heartbeat_s = 0.02
    async with discord_idle:
        await discord_server.wait_for(lambda: discord_server.gateway.heartbeats >= 4)
    assert discord_server.gateway.identified == 1


async def test_a_gateway_that_answers_no_heartbeat_is_left_and_the_session_resumed(
    discord_server: DiscordServer, time: Time, figure: Gauge
) -> None:
    discord_server.gateway.heartbeat_s = 0.05
    async with discord_of(discord_server, time, silence_s=0.3) as discord:
        await is_connected(discord, discord_server)
        discord_server.gateway.mute = True
        await discord_server.wait_for(lambda: discord_server.gateway.goodbyes)
        await is_lost(discord)
        discord_server.gateway.mute = False
        with figure.timing(Measure.BACK_AFTER):
            await discord_server.wait_for(lambda: discord_server.gateway.resumed)
            await is_connected(discord, discord_server)
    assert discord_server.gateway.identified == 1


async def test_asked_to_reconnect_it_resumes_and_hears_what_was_said_meanwhile(
    discord: DiscordTransport, discord_server: DiscordServer, figure: Gauge
) -> None:
    await is_connected(discord, discord_server)
    with figure.timing(Measure.BACK_AFTER):
        await discord_server.gateway.ask_to_reconnect()
        await discord_server.wait_for(lambda: discord_server.gateway.goodbyes)
        channel = discord_server.direct(ANN)
        await discord_server.gateway.dispatch(
            "MESSAGE_CREATE", discord_server.api.shapes.written(5, channel, ANN, "/health", bot=False)
        )
        command = await heard_command(discord)
    figure(Measure.LOST, command.text != "/health")
    assert (discord_server.gateway.identified, discord_server.gateway.resumed) == (1, 1)
    await is_connected(discord, discord_server)


async def test_an_invalid_session_that_can_be_resumed_is_resumed(
    discord: DiscordTransport, discord_server: DiscordServer, figure: Gauge
) -> None:
    await is_connected(discord, discord_server)
    with figure.timing(Measure.BACK_AFTER):
        await discord_server.gateway.invalidate(resumable=True)
        await discord_server.wait_for(lambda: discord_server.gateway.resumed)
    assert discord_server.gateway.identified == 1


async def test_an_invalid_session_is_replaced_after_the_wait_discord_asks_for(
    discord: DiscordTransport, discord_server: DiscordServer, time: Time, figure: Gauge
) -> None:
    await is_connected(discord, discord_server)
    with figure.timing(Measure.BACK_AFTER):
        await discord_server.gateway.invalidate(resumable=False)
        await discord_server.wait_for(lambda: discord_server.gateway.identified == 2)
        await is_connected(discord, discord_server)
    assert any(1 <= slept <= 5 for slept in time.slept_s)
    await discord_server.slash(ANN, "health")
    figure(Measure.LOST, (await heard_command(discord)).text != "/health")


async def test_a_session_the_server_forgot_is_replaced(
    discord: DiscordTransport, discord_server: DiscordServer
) -> None:
    await is_connected(discord, discord_server)
    discord_server.gateway.forget()
    discord_server.gateway.cut()
    await discord_server.wait_for(lambda: discord_server.gateway.identified == 2)
    await is_connected(discord, discord_server)


@pytest.mark.parametrize("code", [1000, 1001, 4000, 4009])
async def test_a_connection_closed_on_the_other_side_is_resumed(
    discord: DiscordTransport, discord_server: DiscordServer, code: int
) -> None:
    await is_connected(discord, discord_server)
    await discord_server.gateway.close(code)
    await discord_server.wait_for(lambda: discord_server.gateway.resumed)
    await is_connected(discord, discord_server)


async def test_an_outage_is_told_with_its_beginning_and_ends_by_itself(
    discord: DiscordTransport, discord_server: DiscordServer, time: Time
) -> None:
    await is_connected(discord, discord_server)
    time.pass_by(100)
    await discord_server.stop()
    await is_lost(discord)
    began = discord.health().since
    assert began == time.now()
    time.pass_by(30)
    await until(lambda: len(time.slept_s) >= 4)
    assert discord.health().since == began
    assert "cannot be reached" in discord.health().detail
    await discord_server.start()
    await is_connected(discord, discord_server)
    assert discord.health().since == time.now()


def test_reasons_may_change_while_it_is_down_but_not_since_when(time: Time) -> None:
    record = HealthRecord(time.now)
    record.worked()
    time.pass_by(10)
    record.lost("resuming")
    began = time.now()
    time.pass_by(10)
    record.lost("cannot be reached")
    assert (record.current.detail, record.current.since) == ("cannot be reached", began)
    record.worked()
    assert record.current.since == time.now()


async def test_waits_grow_but_never_beyond_half_a_minute_while_a_session_can_be_resumed(
    discord: DiscordTransport, discord_server: DiscordServer, time: Time
) -> None:
    await is_connected(discord, discord_server)
    await discord_server.stop()
    await until(lambda: len(time.slept_s) >= 12)
    assert time.slept_s[0] == 0.0
    assert 15 <= max(time.slept_s) <= 30


async def test_the_very_first_connection_may_fail(
    discord_idle: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    discord_server.gateway.silent_at_first = True
    async with discord_idle:
        await discord_server.wait_for(lambda: discord_server.gateway.open_sockets)
        discord_server.gateway.cut()
        discord_server.gateway.silent_at_first = False
        await is_connected(discord_idle, discord_server)


@pytest.mark.parametrize(
    ("code", "words"),
    [(4004, "check DISCORD_TOKEN"), (4014, "in its portal"), (4013, "update Keel"), (4011, "code 4011")],
)
async def test_a_refusal_is_told_in_words_and_does_not_end_it(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address, code: int, words: str
) -> None:
    await is_connected(discord, discord_server)
    discord_server.gateway.silent_at_first = True
    await discord_server.gateway.close(code)
    await is_lost(discord)
    assert words in discord.health().detail
    await discord.send(direct, PLAIN)
    discord_server.gateway.silent_at_first = False
    discord_server.gateway.cut()
    await is_connected(discord, discord_server)
    assert discord_server.gateway.identified == 2


async def test_a_wrong_token_is_told_in_words(discord_server: DiscordServer, time: Time) -> None:
    async with discord_of(discord_server, time, token="MTQ.wrong.token") as discord:
        await until(lambda: "DISCORD_TOKEN" in discord.health().detail)
        assert not discord.health().connected
    assert discord_server.gateway.identified == 0


@pytest.mark.parametrize(
    "event",
    [
        {"op": 0, "t": "INTERACTION_CREATE", "s": 90, "d": {"id": "x"}},
        {"op": 0, "t": "INTERACTION_CREATE", "s": 90, "d": {}},
        {"op": 0, "t": "MESSAGE_CREATE", "s": 90, "d": {"channel_id": "5"}},
        {"op": 0, "t": "GUILD_CREATE", "s": 90, "d": {"id": None}},
        {"op": 0, "t": "NOBODY_KNOWS", "s": 90, "d": None},
        {"op": 77, "d": None},
        ["not an object"],
    ],
    ids=lambda event: str(event)[:40],
)
async def test_an_event_nobody_can_read_does_not_deafen_it(
    discord: DiscordTransport, discord_server: DiscordServer, event: dict[str, object]
) -> None:
    await is_connected(discord, discord_server)
    await discord_server.gateway.say_raw(event)
    await discord_server.slash(ANN, "health")
    assert (await heard_command(discord)).text == "/health"
    assert discord_server.gateway.identified == 1


async def test_reconnecting_registers_no_commands_again(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await is_connected(discord, discord_server)
    await discord.announce((CommandHint(name="health", summary="h"),))
    await discord_server.wait_for(lambda: len(discord_server.api.commands) == 2)
    asked = sum("/commands" in call.path for call in discord_server.calls)
    for identified in range(2, 5):
        await discord_server.gateway.invalidate(resumable=False)
        await discord_server.wait_for(partial(has_identified, discord_server, identified))
        await is_connected(discord, discord_server)
    assert sum("/commands" in call.path for call in discord_server.calls) == asked


@pytest.mark.parametrize("hanging", [False, True])
async def test_leaving_says_goodbye_and_takes_little_time(
    discord_idle: DiscordTransport, discord_server: DiscordServer, hanging: bool
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async with discord_idle:
            await is_connected(discord_idle, discord_server)
            discord_server.gateway.mute = hanging
        await discord_server.wait_for(lambda: discord_server.gateway.goodbyes)
    assert not discord_idle.health().connected
    assert discord_idle.health().detail == "stopped"
    assert [thread.name for thread in threading.enumerate() if "keep-alive" in thread.name] == []


async def test_leaving_before_anything_was_reached_takes_little_time(time: Time) -> None:
    async with DiscordServer() as server:
        server.inject(Fault(delay_s=3_600, times=None))
        async with asyncio.timeout(PATIENCE_S), discord_of(server, time, answer_s=3_600.0):
            await until(lambda: server.struck)


async def test_what_people_did_while_it_was_away_is_heard_acknowledged_and_answered(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await is_connected(discord, discord_server)
    await discord.send(at(desk), CARD)
    live = discord_server.gateway.live
    assert live is not None
    discord_server.gateway.cut()
    # The session is remembered though nobody listens in it: whoever resumes hears it all.
    shapes = discord_server.api.shapes
    slash, press = discord_server.interaction(2, ANN, desk), discord_server.interaction(3, ANN, desk)
    press.original = discord_server.messages(desk)[0].message_id
    data = {"id": "1", "name": "health", "type": 1, "options": []}
    await discord_server.gateway.dispatch("INTERACTION_CREATE", shapes.interaction(slash, data, None))
    key = discord_server.messages(desk)[0].keys[0]
    pressed = {"custom_id": key.custom_id, "component_type": 2}
    shape = shapes.interaction(press, pressed, discord_server.messages(desk)[0])
    await discord_server.gateway.dispatch("INTERACTION_CREATE", shape)
    first, second = await heard(discord, 2)
    assert isinstance(first, Command)
    assert isinstance(second, Press)
    assert (first.text, second.data) == ("/health", "ack:1")
    await discord.send(first.address, PLAIN)
    assert len(discord_server.messages(desk, seen_by=ANN)) == 2
    assert (discord_server.gateway.identified, discord_server.gateway.resumed) == (1, 1)


async def test_requests_that_fail_while_it_listens_do_not_deafen_it(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    await is_connected(discord, discord_server)
    discord_server.inject(Fault(path="", times=None, status=503))
    with monkeypatch.context() as patch:
        patch.setattr(
            "bot.transports.discord.wire._ACKNOWLEDGE_S", 0.5
        )  # it is given up here, however long it may take
        await discord_server.slash(ANN, "health")
        command = await heard_command(discord)
        with pytest.raises(DeliveryError):
            await discord.send(command.address, PLAIN)
    discord_server.heal()
    await discord_server.slash(ANN, "health")
    await discord.send((await heard_command(discord)).address, PLAIN)
    assert len(discord_server.messages()) == 1
    assert discord.health().connected


async def test_where_another_process_listens_it_only_sends(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    async with discord_of(discord_server, time, listens=False) as discord:
        await discord.announce((CommandHint(name="health", summary="h"),))
        await until(lambda: discord.health().connected)
        assert discord.health().detail == "sends to Discord; another process listens there"
        await discord.send(at(desk), PLAIN)
        discord_server.inject(Fault(path="/users/@me", times=3, status=503))
        await is_lost(discord)
        assert "Discord has trouble" in discord.health().detail
        await until(lambda: discord.health().connected)
    assert discord_server.gateway.identified == 0
    assert discord_server.api.commands == {}
    assert [message.text for message in discord_server.messages()] == ["Resolved"]
