"""The way in when the bot itself is shut out."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.messages import (
    Button,
    DeliveryError,
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
from bot.transports.discord import checked_webhook
from bot.transports.discord.webhook import ChannelWebhook
from tests.support.discord_server import Channel, DiscordServer, Drop, Fault
from tests.support.png import tiny_png

CARD = Message(blocks=lines("CRITICAL main", "Deposit $820."), buttons=((Button("Ack", "ack:1"),),))
CHART = Message(blocks=(Line("Equity"), Picture(tiny_png(), alt="Equity rose.")))


@pytest.fixture
async def webhook(discord_server: DiscordServer, desk: Channel) -> AsyncIterator[ChannelWebhook]:
    url = checked_webhook(discord_server.add_webhook(desk), allow_loopback=True)
    async with ChannelWebhook(url, answer_s=0.5) as opened:
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
        (Fault(delay_s=30), TryAgain, True),
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
    with pytest.raises(expected) as caught:
        await webhook.send(CARD)
    assert getattr(caught.value, "unknown", False) is unknown
    assert caught.value.__context__ is None


async def test_a_server_that_is_down_has_delivered_nothing(
    webhook: ChannelWebhook, discord_server: DiscordServer
) -> None:
    await discord_server.stop()
    with pytest.raises(TryAgain) as caught:
        await webhook.send(CARD)
    assert not caught.value.unknown
