"""The transport against a simulation of Discord that its authors hold to the real one: a second opinion on ours.

The simulation drives the library below its connection, so the gateway and what becomes of errors are not in here.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import discord
import simcord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle

from bot.messages import (
    Accent,
    Address,
    ArgumentHint,
    Button,
    CommandHint,
    Line,
    Message,
    MessageRef,
    Person,
    Picture,
    Suggestion,
    Table,
    Typing,
    lines,
)
from bot.transports.discord import DiscordTransport
from bot.transports.discord.client import Client
from bot.transports.discord.urls import DiscordUrls
from bot.transports.discord.wire import Wire
from tests.bot.transports.conftest import heard_command, heard_press
from tests.support.png import tiny_png

ACCOUNT, MOVE = (ArgumentHint(name=name, summary=name) for name in ("account", "move"))
HINTS = (CommandHint(name="health", summary="How far from liquidation", arguments=(ACCOUNT, MOVE)),)
CARD = Message(
    blocks=(*lines("HIGH *main*: 4.1%"), Table(rows=(("SOL", "-120"),))), buttons=((Button("Ack", "ack:17"),),)
)
DONE = Message(blocks=lines("Acknowledged by Ann"))


class SimulatedTransport(DiscordTransport):
    """A transport whose client somebody else connects."""

    def __init__(self, **more: Any) -> None:
        super().__init__("simcord.fake.token", now=lambda: datetime.now(UTC), **more)
        self.client = Client(self._hearing)

    def _load(self) -> Wire:
        return Wire(
            "simcord.fake.token",
            urls=DiscordUrls(),
            events=self._hearing,
            answer_s=5.0,
            silence_s=60.0,
            make_client=lambda: self.client,
        )

    async def _run(self) -> None:
        """The simulation says what happens."""


@dataclass(slots=True)
class Desk:
    """A guild with somebody in it."""

    env: simcord.Env
    transport: DiscordTransport
    channel: ChannelHandle
    ann: MemberActor

    @property
    def address(self) -> Address:
        return Address(transport="discord", chat=str(self.channel.id))

    def said(self) -> discord.Message:
        message = self.channel.last_message
        assert message is not None
        return message


async def suggest(person: Person, typing: Typing) -> list[Suggestion]:
    assert typing.argument == "account"
    return [Suggestion(text=one, label=one) for one in ("main", "maker", "hedge") if one.startswith(typing.typed)]


@contextlib.asynccontextmanager
async def a_desk() -> AsyncIterator[Desk]:
    """No fixture: the simulation has to begin and end in the task of the test."""
    transport = SimulatedTransport(suggest=suggest)
    async with transport, simcord.run(transport.client) as env:
        guild = env.create_guild()
        channel = guild.create_text_channel("alerts")
        ann = guild.add_member(env.create_user("ann"), roles=[guild.create_role("Trader")])
        await transport.announce(HINTS)
        await env.settle()
        yield Desk(env, transport, channel, ann)


async def test_an_alert_is_a_message_with_buttons_and_nobody_is_rung() -> None:
    async with a_desk() as desk:
        await desk.transport.send(desk.address, CARD)
        message = desk.said()
        assert message.content == "**HIGH \\*main\\*: 4.1%**\n```\nSOL -120\n```"
        (row,) = message.components
        assert isinstance(row, discord.ActionRow)
        assert [(one.label, one.custom_id) for one in row.children if isinstance(one, discord.Button)] == [
            ("Ack", "keel:ack:17")
        ]


async def test_an_alert_has_the_colour_of_how_bad_it_is() -> None:
    async with a_desk() as desk:
        await desk.transport.send(desk.address, replace(CARD, accent=Accent.DANGER))
        message = desk.said()
        assert message.content == "**HIGH \\*main\\*: 4.1%**"
        (embed,) = message.embeds
        assert (embed.description, embed.colour) == ("```\nSOL -120\n```", discord.Colour(0xE2572B))
        assert not message.flags.suppress_embeds


async def test_a_picture_is_a_file() -> None:
    async with a_desk() as desk:
        await desk.transport.send(desk.address, Message(blocks=(Line("Equity"), Picture(tiny_png(), alt="It rose."))))
        (attachment,) = desk.said().attachments
        assert (attachment.filename, await attachment.read()) == ("chart.png", tiny_png())


async def test_a_slash_command_is_deferred_and_answered_to_whoever_asked() -> None:
    async with a_desk() as desk:
        result = await desk.ann.slash(desk.channel, "health", move="2", account="main")
        assert (result.acknowledged, result.deferred, result.ephemeral) == (True, True, True)
        command = await heard_command(desk.transport)
        assert (command.text, command.private, command.address) == ("/health main 2", False, desk.address)
        assert len(command.sender.roles) == 1
        await desk.transport.send(command.address, CARD)
        await desk.transport.send(command.address, DONE)
        assert result.response is not None
        assert result.response.content.startswith("**HIGH")
        assert result.response.ephemeral
        assert [message.content for message in result.followups] == ["**Acknowledged by Ann**"]
        assert result.followups[0].ephemeral


async def test_a_press_edits_the_card_and_its_notice_is_for_whoever_pressed() -> None:
    async with a_desk() as desk:
        ref = await desk.transport.send(desk.address, CARD)
        result = await desk.ann.click(desk.said(), label="Ack")
        press = await heard_press(desk.transport)
        assert (press.message, press.data) == (ref, "ack:17")
        await desk.transport.answer(press, "Acknowledged")
        await desk.transport.edit(press.message, DONE)
        assert desk.said().content == "**Acknowledged by Ann**"
        assert desk.said().components == []
        assert [(message.content, message.ephemeral) for message in result.followups] == [("Acknowledged", True)]


async def test_a_hidden_card_is_edited_by_its_own_button() -> None:
    async with a_desk() as desk:
        result = await desk.ann.slash(desk.channel, "health")
        await desk.transport.send((await heard_command(desk.transport)).address, CARD)
        assert result.response is not None
        await desk.ann.click(result.response, label="Ack")
        await desk.transport.edit((await heard_press(desk.transport)).message, DONE)
        assert result.response.content == "**Acknowledged by Ann**"


async def test_what_can_be_typed_is_suggested() -> None:
    async with a_desk() as desk:
        choices = await desk.ann.autocomplete(desk.channel, "health", "account", "ma")
        assert [choice["value"] for choice in choices] == ["main", "maker"]


async def test_in_private_commands_texts_and_buttons_work_too() -> None:
    async with a_desk() as desk:
        await desk.ann.send_dm("/start ABCD-1234")
        command = await heard_command(desk.transport)
        assert (command.text, command.private) == ("/start ABCD-1234", True)
        ref = await desk.transport.send(command.address, CARD)
        await desk.transport.edit(ref, DONE)


async def test_buttons_work_after_a_restart() -> None:
    async with a_desk() as desk:
        ref = await desk.transport.send(desk.address, CARD)
        card = desk.said()
        after = SimulatedTransport()
        async with after:
            await desk.env.restart_bot(after.client)
            await desk.ann.click(card, label="Ack")
            press = await heard_press(after)
            assert press.data == "ack:17"
            await after.edit(MessageRef(address=desk.address, message_id=ref.message_id), DONE)
        assert desk.said().content == "**Acknowledged by Ann**"
