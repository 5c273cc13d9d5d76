"""Keeping a message in sight, and a bot that only sends because another process listens on its token."""

import pytest

from bot.messages import Address, Message, MessageRef, Refused, TryAgain, Unreachable, lines
from bot.transports.discord import DiscordTransport
from bot.transports.telegram import TelegramTransport
from tests.bot.transports.conftest import ANN, Time
from tests.support.discord_server import Channel, DiscordServer
from tests.support.telegram import Fault
from tests.support.telegram_server import TelegramServer
from tests.support.waiting import until

SAID = Message(blocks=lines("Pulse: watching 1 account, OK"))
GROUP = -1007


async def test_a_message_is_pinned_without_a_sound(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    ref = await transport.send(ann, SAID)
    await transport.pin(ref)
    await transport.pin(ref)

    (message,) = server.messages(ANN)
    assert message.pinned
    assert server.api.chats[ANN].loud_pins == 0


async def test_where_the_bot_may_not_pin_the_chat_is_not_lost(
    transport: TelegramTransport, server: TelegramServer
) -> None:
    server.add_group(GROUP)
    server.api.chats[GROUP].may_pin = False
    group = Address(transport="telegram", chat=str(GROUP))
    ref = await transport.send(group, SAID)
    with pytest.raises(Refused, match=r"(?i)not enough rights"):
        await transport.pin(ref)
    await transport.send(group, SAID)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(method="pinChatMessage", status=403, description="Forbidden: bot was kicked"), Unreachable),
        (Fault(method="pinChatMessage", status=502), TryAgain),
        (Fault(method="pinChatMessage", status=400, description="Bad Request: need administrator rights"), Refused),
    ],
)
async def test_what_goes_wrong_with_a_pin_says_what_can_be_done(
    fault: Fault, error: type[Exception], transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    ref = await transport.send(ann, SAID)
    server.inject(fault)
    with pytest.raises(error):
        await transport.pin(ref)


async def test_a_pin_of_what_is_gone_is_refused(transport: TelegramTransport, ann: Address) -> None:
    with pytest.raises(Refused, match=r"(?i)message to pin not found"):
        await transport.pin(MessageRef(address=ann, message_id="99"))


async def test_discord_pins_and_says_where_it_may_not(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    address = Address(transport="discord", chat=str(desk.channel_id))
    ref = await discord.send(address, SAID)
    await discord.pin(ref)
    assert desk.pinned == [int(ref.message_id)]
    desk.may_pin = False
    with pytest.raises(Refused, match="Pin Messages"):
        await discord.pin(ref)
    desk.forbidden = True
    with pytest.raises(Unreachable):
        await discord.pin(ref)


async def test_a_bot_whose_token_another_process_listens_on_only_sends(
    server: TelegramServer, time: Time, ann: Address
) -> None:
    quiet = TelegramTransport(
        server.token, now=time.now, base_url=server.url, sleep=time.sleep, answer_s=30.0, listens=False
    )
    async with quiet:
        await until(lambda: quiet.health().connected)
        await server.say(ANN, "/health")
        await quiet.send(ann, SAID)
        await server.wait_for(lambda: sum(call.method == "getMe" for call in server.calls) >= 3)
        assert len(server.messages(ANN)) == 1
        assert {call.method.lower() for call in server.calls} == {"getme", "sendmessage"}
        assert server.unconfirmed  # what was said is there for whoever listens
    assert "getUpdates" not in {call.method for call in server.calls}


async def test_a_bot_that_only_sends_knows_when_telegram_is_away_and_back(server: TelegramServer, time: Time) -> None:
    quiet = TelegramTransport(
        server.token, now=time.now, base_url=server.url, sleep=time.sleep, answer_s=30.0, listens=False
    )
    async with quiet:
        await until(lambda: quiet.health().connected)
        await server.stop()
        await until(lambda: not quiet.health().connected)
        await server.start()
        await until(lambda: quiet.health().connected)
