"""Hearing over the wire: nothing lost, nothing twice, and the state of it all in health()."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import pytest
import structlog

from bot.messages import Address, Button, Command, Incoming, Membership, Message, Press, lines
from bot.transports.telegram import TelegramTransport
from tests.bot.transports.conftest import ANN, Time
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.telegram_server import Drop, Fault, TelegramServer
from tests.support.waiting import given_up

CARD = Message(blocks=lines("HIGH main"), buttons=((Button("Ack", "ack:1"),),))


def text_of(incoming: Incoming) -> str:
    assert not isinstance(incoming, Membership)
    return incoming.text if isinstance(incoming, Command) else incoming.data


async def hear(incoming: AsyncIterator[Incoming], count: int) -> list[str]:
    async with asyncio.timeout(30):
        return [text_of(await anext(incoming)) for _ in range(count)]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what health() says has no event
            await asyncio.sleep(0.005)


async def becomes(transport: TelegramTransport, *, connected: bool, saying: str = "") -> None:
    await until(lambda: transport.health().connected is connected and saying in transport.health().detail)


def polls(server: TelegramServer) -> int:
    return sum(call.method == "getUpdates" for call in server.calls)


async def test_what_was_written_while_the_bot_was_off_is_heard_when_it_is_on(
    idle: TelegramTransport, server: TelegramServer
) -> None:
    for number in range(3):
        await server.say(ANN, f"/ack {number}")
    async with idle:
        assert await hear(idle.incoming(), 3) == ["/ack 0", "/ack 1", "/ack 2"]


async def test_what_was_taken_is_confirmed_when_the_bot_leaves_and_what_was_not_is_kept(
    idle: TelegramTransport, server: TelegramServer, time: Time, ann: Address
) -> None:
    for number in range(3):
        await server.say(ANN, f"/ack {number}")
    async with idle:
        assert await hear(idle.incoming(), 2) == ["/ack 0", "/ack 1"]
        await idle.send(ann, CARD)  # time enough for a poll that asked for more
        assert len(server.unconfirmed) == 3
    assert len(server.unconfirmed) == 1
    async with TelegramTransport(server.token, now=time.now, base_url=server.url) as again:
        assert await hear(again.incoming(), 1) == ["/ack 2"]
    assert server.unconfirmed == []


async def test_nothing_is_lost_or_heard_twice_when_polls_break(
    transport: TelegramTransport, server: TelegramServer, figure: Gauge
) -> None:
    faults = [
        Fault(method="getUpdates", drop=Drop.AFTER),
        Fault(method="getUpdates", status=502),
        Fault(method="getUpdates", drop=Drop.BEFORE),
        Fault(method="getUpdates", status=502, page=True),
        Fault(method="getUpdates", status=429, retry_after=2),
    ]
    incoming, said, texts = transport.incoming(), list[str](), list[str]()
    for number, fault in enumerate(faults):
        server.inject(fault)
        await server.say(ANN, f"/a {number}")
        await server.say(ANN, f"/b {number}")
        said += [f"/a {number}", f"/b {number}"]
        texts += await hear(incoming, 2)
    await server.say(ANN, "/end")
    assert await hear(incoming, 1) == ["/end"]
    figure(Measure.LOST, len(set(said) - set(texts)))
    figure(Measure.REPEATS, len(texts) - len(set(texts)))
    assert texts == said
    await server.wait_for(lambda: not server.unconfirmed)


async def test_an_outage_is_over_when_telegram_is_back(
    transport: TelegramTransport, server: TelegramServer, time: Time
) -> None:
    await becomes(transport, connected=True)
    time.pass_by(60)
    await server.stop()
    await becomes(transport, connected=False, saying="cannot be reached")
    assert transport.health().since == time.now()
    began = time.now()
    time.pass_by(60)
    await server.say(ANN, "/health")
    await asyncio.sleep(0.05)
    assert transport.health().since == began
    await server.start()
    assert await hear(transport.incoming(), 1) == ["/health"]
    await becomes(transport, connected=True)
    assert transport.health().since == time.now()


async def test_waits_grow_to_half_a_minute(idle: TelegramTransport, server: TelegramServer, time: Time) -> None:
    await server.stop()
    async with idle:
        await until(lambda: len(time.slept_s) >= 8)
    assert 0.5 <= time.slept_s[0] <= 1
    assert 15 <= max(time.slept_s) <= 30
    assert all(later <= 4 * earlier for earlier, later in zip(time.slept_s, time.slept_s[1:], strict=False))


async def test_a_second_poller_is_reported_once_while_alerts_go_out(
    transport: TelegramTransport, server: TelegramServer, time: Time, ann: Address
) -> None:
    await server.wait_for(lambda: server.is_polled)
    begun = polls(server)
    with structlog.testing.capture_logs() as logs:
        server.inject(Fault(method="getUpdates", times=3, status=409))
        await server.say(ANN, "/a")
        assert await hear(transport.incoming(), 1) == ["/a"]
        await server.wait_for(lambda: polls(server) >= begun + 4 and server.is_polled)
        assert "same token: stop it" in transport.health().detail
        assert transport.health().connected
        await transport.send(ann, CARD)
        await server.say(ANN, "/now")
        assert await hear(transport.incoming(), 1) == ["/now"]
        await server.wait_for(lambda: polls(server) >= begun + 5 and server.is_polled)
        assert "same token: stop it" in transport.health().detail
        time.pass_by(61)
        await server.say(ANN, "/b")
        assert await hear(transport.incoming(), 1) == ["/b"]
        await becomes(transport, connected=True, saying="connected to Telegram")
    said = [log["detail"][:16] for log in logs if log["event"] == "telegram.health"]
    assert said == ["another process ", "connected to Tel"]


async def test_two_bots_with_one_token_both_say_so(
    transport: TelegramTransport, server: TelegramServer, time: Time
) -> None:
    await becomes(transport, connected=True)
    async with TelegramTransport(server.token, now=time.now, base_url=server.url, sleep=time.sleep) as other:
        await becomes(transport, connected=True, saying="same token")
        await becomes(other, connected=True)


async def test_a_wrong_token_is_said_in_health_and_the_bot_goes_on_trying(server: TelegramServer, time: Time) -> None:
    wrong = TelegramTransport("7:AAwrong", now=time.now, base_url=server.url, sleep=time.sleep)
    async with wrong:
        await becomes(wrong, connected=False, saying="Telegram refused the token: check TELEGRAM_TOKEN")
        server.token = "7:AAwrong"
        await becomes(wrong, connected=True)


async def test_a_token_withdrawn_later_is_said_too(transport: TelegramTransport, server: TelegramServer) -> None:
    await server.wait_for(lambda: server.is_polled)
    server.token = "7:AAother"
    await server.say(ANN, "/a")
    assert await hear(transport.incoming(), 1) == ["/a"]
    await becomes(transport, connected=False, saying="refused the token")


async def test_a_press_is_answered_over_the_pressed_button(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    ref = await transport.send(ann, CARD)
    query = await server.press(ANN, server.messages()[0], "Ack", inaccessible=True)
    async with asyncio.timeout(30):
        press = await anext(transport.incoming())
    assert isinstance(press, Press)
    assert (press.message, press.press_id) == (ref, query)
    await transport.answer(press, "Acknowledged " * 30)
    assert server.answers[query].startswith("Acknowledged")
    assert len(server.answers[query]) == 200
    await transport.answer(press, "again")


async def test_commands_for_another_bot_and_what_no_person_wrote_are_passed_over(
    transport: TelegramTransport, server: TelegramServer
) -> None:
    server.add_group(-5)
    await server.say(ANN, "/health@some_other_bot", chat=-5)
    await server.say(9, "/health", chat=-5, bot=True)
    member: dict[str, object] = {"user": {"id": 1, "is_bot": True, "first_name": "Keel"}, "status": "member"}
    change: dict[str, object] = {
        "chat": {"id": -5, "type": "group", "title": "Desk"},
        "from": {"id": 2, "is_bot": False, "first_name": "B"},
    }
    change |= {"date": 1_760_000_000, "old_chat_member": member | {"status": "left"}, "new_chat_member": member}
    await server.report("my_chat_member", change | {"old_chat_member": member})
    await server.report("poll", {"id": "1"})
    await server.say(ANN, f"/health@{server.api.username.upper()} main", chat=-5)
    async with asyncio.timeout(30):
        command = await anext(transport.incoming())
    assert isinstance(command, Command)
    assert (command.text, command.private, command.address.chat) == ("/health main", False, "-5")


async def test_a_group_is_left_and_leaving_one_that_is_gone_is_no_error(
    transport: TelegramTransport, server: TelegramServer
) -> None:
    server.add_group(-5)
    for _ in range(2):
        await transport.leave(Address(transport="telegram", chat="-5"))

    assert server.api.left == [-5]


async def test_an_update_nobody_can_read_does_not_deafen_the_bot(
    transport: TelegramTransport, server: TelegramServer
) -> None:
    await server.say(ANN, "/before")
    await server.report("message", {"message_id": "?", "date": "yesterday", "chat": []})
    await server.say(ANN, "/after")
    assert await hear(transport.incoming(), 2) == ["/before", "/after"]
    await server.wait_for(lambda: not server.unconfirmed)


async def test_a_webhook_left_behind_is_taken_away_before_the_first_poll(
    transport: TelegramTransport, server: TelegramServer
) -> None:
    await server.wait_for(lambda: server.is_polled)
    assert [call.method for call in server.calls][:3] == ["getMe", "deleteWebhook", "getUpdates"]


async def test_leaving_does_not_wait_for_a_telegram_that_is_gone(
    idle: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    await idle.__aenter__()
    await server.say(ANN, "/a")
    assert await hear(idle.incoming(), 1) == ["/a"]
    server.inject(Fault(times=None, delay_s=3_600))
    await given_up(idle.__aexit__(), heard=lambda: server.struck, after_s=3.1)
    assert idle.health().detail == "stopped"
    with pytest.raises(Exception, match="not running"):
        await idle.send(ann, CARD)


def test_the_library_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, bot.transports.telegram; sys.exit('telegram' in sys.modules or 'httpx' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
