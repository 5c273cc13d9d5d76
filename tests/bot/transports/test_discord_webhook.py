"""The way in when the bot itself is shut out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.messages import (
    Accent,
    Address,
    Button,
    DeliveryError,
    Incoming,
    Line,
    Message,
    MessageRef,
    Picture,
    Refused,
    RetryAfter,
    Tone,
    TryAgain,
    Unreachable,
    lines,
)
from bot.transports.discord import checked_webhook, parse_pings
from bot.transports.discord.webhook import ChannelWebhook
from bot.transports.discord.webhook_transport import WebhookTransport
from tests.bot.transports.conftest import Time
from tests.support.discord_server import Channel, DiscordServer, Drop, Fault
from tests.support.png import tiny_png
from tests.support.waiting import PATIENCE_S, given_up

CARD = Message(blocks=lines("CRITICAL main", "Deposit $820."), buttons=((Button("Ack", "ack:1"),),))
CHART = Message(blocks=(Line("Equity"), Picture(tiny_png(), alt="Equity rose.")))
NEVER_S = 3_600.0


@pytest.fixture
async def webhook(discord_server: DiscordServer, desk: Channel) -> AsyncIterator[ChannelWebhook]:
    url = checked_webhook(discord_server.add_webhook(desk), allow_loopback=True)
    async with ChannelWebhook(url, answer_s=PATIENCE_S) as opened:
        yield opened


async def test_it_needs_neither_login_nor_gateway(
    webhook: ChannelWebhook, discord_server: DiscordServer, desk: Channel
) -> None:
    ref = await webhook.send(CARD)
    (message,) = discord_server.messages(desk)
    assert message.text == "CRITICAL main\nDeposit $820."
    assert message.labels == ()  # a webhook a person made cannot carry buttons
    assert ref == MessageRef(address=webhook.address, message_id=str(message.message_id))
    assert ref.address.transport == "discord-webhook"
    assert [call.path for call in discord_server.calls if not call.path.startswith("/webhooks/")] == []


async def test_an_alert_has_its_colour_and_rings_whom_it_should(discord_server: DiscordServer, desk: Channel) -> None:
    url = checked_webhook(discord_server.add_webhook(desk), allow_loopback=True)
    urgent = replace(CARD, accent=Accent.EMERGENCY, tone=Tone.URGENT)
    async with ChannelWebhook(url, pings=parse_pings(f"{url.webhook_id}=77"), answer_s=PATIENCE_S) as webhook:
        await webhook.send(urgent)
        await webhook.send(replace(urgent, tone=Tone.NORMAL))
        discord_server.inject(Fault(status=400, code=50035))
        await webhook.send(urgent)
    messages = discord_server.messages(desk)
    assert [message.pings for message in messages] == [("<@&77>",), (), ("<@&77>",)]
    assert [len(message.embeds) for message in messages] == [1, 1, 0]
    assert messages[-1].text.startswith("CRITICAL main\nDeposit $820.")


async def test_a_message_that_was_deleted_cannot_be_edited_and_the_webhook_lives(
    webhook: ChannelWebhook, discord_server: DiscordServer, desk: Channel
) -> None:
    ref = await webhook.send(CARD)
    discord_server.delete(discord_server.messages(desk)[0])
    with pytest.raises(Refused, match="edited any more"):
        await webhook.edit(ref, CARD)
    with pytest.raises(Refused):
        await webhook.edit(replace(ref, message_id="../x"), CARD)


async def test_what_it_said_it_can_replace(
    webhook: ChannelWebhook, discord_server: DiscordServer, desk: Channel
) -> None:
    ref = await webhook.send(CHART)
    await webhook.edit(ref, Message(blocks=lines("Resolved")))
    (message,) = discord_server.messages(desk)
    assert (message.text, message.files) == ("Resolved", ())


async def test_pictures_long_texts_and_quiet_ones_arrive(
    webhook: ChannelWebhook, discord_server: DiscordServer, desk: Channel
) -> None:
    await webhook.send(CHART)
    await webhook.send(Message(blocks=tuple(Line("x" * 1900) for _ in range(2)), tone=Tone.QUIET))
    first, *rest = discord_server.messages(desk)
    assert (first.text, first.files, first.silent) == ("Equity", (tiny_png(),), False)
    assert [message.silent for message in rest] == [True, True]


async def test_nobody_is_rung_by_what_a_text_says(
    webhook: ChannelWebhook, discord_server: DiscordServer, desk: Channel
) -> None:
    await webhook.send(Message(blocks=lines("@everyone <@1001>")))
    assert discord_server.messages(desk)[0].pings == ()


async def test_a_refused_picture_becomes_words(
    webhook: ChannelWebhook, discord_server: DiscordServer, desk: Channel
) -> None:
    discord_server.inject(Fault(status=400, code=50035))
    await webhook.send(CHART)
    assert discord_server.messages(desk)[0].text == "Equity\nEquity rose."


@pytest.mark.parametrize(
    ("fault", "expected", "unknown"),
    [
        (Fault(status=500), TryAgain, False),
        (Fault(status=502, page=True), TryAgain, False),
        (Fault(status=200, page=True), TryAgain, True),
        (Fault(status=302, page=True), TryAgain, True),
        (Fault(drop=Drop.BEFORE), TryAgain, True),
        (Fault(delay_s=NEVER_S), TryAgain, True),
        (Fault(status=429, retry_after=3), RetryAfter, False),
        (Fault(status=429, page=True), RetryAfter, False),
        (Fault(status=404, code=10015), Unreachable, False),
        (Fault(status=401, code=50027), Unreachable, False),
        (Fault(status=400, code=50035), Refused, False),
    ],
    ids=lambda value: f"{value.status}{value.code}{value.drop}{value.page}" if isinstance(value, Fault) else "",
)
async def test_each_failure_says_what_can_be_done(
    webhook: ChannelWebhook, discord_server: DiscordServer, fault: Fault, expected: type[DeliveryError], unknown: bool
) -> None:
    discord_server.inject(replace(fault, times=None))
    sending = webhook.send(CARD)
    with pytest.raises(expected) as caught:
        await (given_up(sending, heard=lambda: discord_server.struck) if fault.delay_s else sending)
    assert getattr(caught.value, "unknown", False) is unknown
    assert caught.value.__context__ is None


async def test_a_server_that_is_down_has_delivered_nothing(
    webhook: ChannelWebhook, discord_server: DiscordServer
) -> None:
    await discord_server.stop()
    with pytest.raises(TryAgain) as caught:
        await webhook.send(CARD)
    assert not caught.value.unknown


CHAT = Address(transport="discord-webhook", chat="channel", thread="")


@pytest.fixture
async def transport(discord_server: DiscordServer, desk: Channel, time: Time) -> AsyncIterator[WebhookTransport]:
    url = checked_webhook(discord_server.add_webhook(desk), allow_loopback=True)
    async with WebhookTransport(url, now=time.now, answer_s=PATIENCE_S) as opened:
        yield opened


async def test_as_a_transport_it_sends_and_edits_whatever_its_one_chat_is_called(
    transport: WebhookTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    ref = await transport.send(CHAT, CARD, key="a")
    assert ref.address == CHAT
    await transport.edit(ref, Message(blocks=lines("Resolved")))
    assert [message.text for message in discord_server.messages(desk)] == ["Resolved"]
    assert transport.name == "discord-webhook"
    await transport.pin(ref)  # a webhook may not, and nobody misses it


async def test_its_health_follows_what_became_of_the_last_message(
    transport: WebhookTransport, discord_server: DiscordServer, time: Time
) -> None:
    assert transport.health().connected
    for fault, connected in (
        (Fault(status=429, retry_after=3), True),
        (Fault(status=404, code=10015), False),
        (Fault(status=500), False),
    ):
        time.pass_by(1)
        discord_server.inject(fault)
        with pytest.raises(DeliveryError):
            await transport.send(CHAT, CARD)
        assert transport.health().connected is connected
    since = transport.health().since
    time.pass_by(1)
    await transport.send(CHAT, CARD)
    assert (transport.health().connected, transport.health().since > since) == (True, True)


async def test_it_hears_nothing_and_ends_when_it_is_left(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    url = checked_webhook(discord_server.add_webhook(desk), allow_loopback=True)
    async with WebhookTransport(url, now=time.now) as transport:
        hearing = asyncio.create_task(_everything(transport))
        await transport.announce(())
        assert url.token not in repr(transport)
    async with asyncio.timeout(30):
        assert await hearing == []


async def _everything(transport: WebhookTransport) -> list[Incoming]:
    return [incoming async for incoming in transport.incoming()]
