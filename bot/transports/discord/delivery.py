"""Sending, editing and answering so that no form of refusal means silence."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot.messages import Address, Message, MessageRef, Press, Refused, RetryAfter, Tone
from bot.transports.discord.channels import Channels, Right
from bot.transports.discord.errors import MessageGone, NoAccess, NotAllowed, ThreadGone, TooLate
from bot.transports.discord.pings import Pings
from bot.transports.discord.places import (
    ChannelPlace,
    Place,
    ReplyPlace,
    Standing,
    channel_of,
    located,
    reference,
    without_reply,
)
from bot.transports.discord.render import Content, Layout, layouts, notice, ways, wholes
from bot.transports.discord.replies import Replies
from bot.transports.discord.topics import Topics

if TYPE_CHECKING:
    from bot.transports.discord.wire import Accepted, Wire

_PATIENCE_S = 30.0  # for the rest of a message whose beginning has arrived: sending all of it again would be worse
_NO_EMBEDS = "embeds do not show here: give the bot the permission Embed Links"
_BEYOND_HELP = (MessageGone, ThreadGone, TooLate, NoAccess)  # asking for less would be refused as well

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class _Saying:
    """One message on its way. ``place`` changes where the first choice turns out to be closed."""

    wire: "Wire"
    address: Address
    place: Place
    silent: bool
    key: str


class Sender:
    """Everything the bot says.

    Args:
        pings: Whom urgent messages ring.
    """

    def __init__(
        self,
        wire: "Callable[[], Awaitable[Wire]]",
        *,
        replies: Replies,
        channels: Channels,
        topics: Topics,
        pings: Pings,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._wire = wire
        self._replies = replies
        self._channels = channels
        self._topics = topics
        self._pings = pings
        self._sleep = sleep

    async def send(self, address: Address, message: Message, key: str = "") -> MessageRef:
        """Sends all parts, in order, buttons and pictures on the last. Raises: DeliveryError.

        Args:
            key: Of several sendings with one key within some minutes, Discord takes one. Answers have none.
        """
        wire = await self._wire()
        silent = message.tone is Tone.QUIET
        if address.reply_to:
            reply_place = await self._reply_place(wire, address)
            said = _Saying(wire=wire, address=address, place=reply_place, silent=silent, key="")
            return MessageRef(address=said.place.address, message_id=await self._say(said, message, ()))
        roles = await self._roles(address, message)
        where = await self._topics.where(address, message, rings=bool(roles))
        place = ChannelPlace(wire, where, asked=address)
        said = _Saying(wire=wire, address=address, place=place, silent=silent, key=key)
        message_id = await self._say(said, message, roles)
        at = said.place.address
        if at.thread != where.thread:
            await self._topics.lost(address, message)
        self._topics.said(address, message, at, message_id)
        return reference(address, at, message_id)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replaces a message, cut where it exceeds one. Never rings. Raises: DeliveryError."""
        standing = Standing(await self._wire(), await self._replies.open(ref.address.reply_to), ref)
        channel_id, _ = located(ref)
        *pleasing, plain = wholes(message)
        for content in pleasing if self._channels.may(Right.EMBEDS, channel_id) else ():
            try:
                accepted = await _somehow(standing.become, content, doing="edit")
            except _BEYOND_HELP:
                raise
            except (Refused, NotAllowed):
                continue
            if not accepted.bare:
                return
            self._channels.refused(Right.EMBEDS, channel_id, _NO_EMBEDS)
        await _somehow(standing.become, plain, doing="edit")

    async def answer(self, press: Press, text: str) -> None:
        """The small text that only whoever pressed sees; without one, the acknowledgement is all."""
        reply = await self._replies.open(press.press_id)
        if reply is not None and text.strip():
            await (await self._wire()).follow(reply.token, Content(text=notice(text)), hidden=True)

    async def _reply_place(self, wire: "Wire", address: Address) -> Place:
        reply = await self._replies.open(address.reply_to)
        return ReplyPlace(wire, address, reply) if reply else without_reply(wire, self._replies, address)

    async def _roles(self, address: Address, message: Message) -> tuple[str, ...]:
        """Whom it rings: never everybody, which is the role that has the guild's own id."""
        if message.tone is not Tone.URGENT or not self._pings.places:
            return ()
        channel_id, around = channel_of(address), channel_of(replace(address, thread=""))
        guild_id = None
        if not self._pings.places <= {channel_id, around}:
            facts = await self._channels.of(around)
            guild_id = facts.guild_id if facts is not None else None
        return tuple(role for role in self._pings.at(channel_id, around, guild_id) if role != str(guild_id))

    async def _say(self, said: _Saying, message: Message, roles: tuple[str, ...]) -> str:
        """Returns the id of the last part."""
        *pleasing, plain = layouts(message, roles=roles)
        for layout in pleasing if self._channels.may(Right.EMBEDS, channel_of(said.place.address)) else ():
            try:
                first = await self._part(said, layout, 0)
            except _BEYOND_HELP:
                raise
            except (Refused, NotAllowed):
                continue
            if not first.bare:
                return await self._rest(said, layout, first.message_id)
            # It arrived without its embed: the message that is there becomes the first part of the plain text.
            self._channels.refused(Right.EMBEDS, channel_of(said.place.address), _NO_EMBEDS)
            ref = MessageRef(address=said.place.address, message_id=first.message_id)
            await self._edit_plainly(said, ref, plain[0])
            return await self._rest(said, plain, first.message_id)
        return await self._rest(said, plain, (await self._part(said, plain, 0)).message_id)

    async def _rest(self, said: _Saying, layout: Layout, message_id: str) -> str:
        for number in range(1, len(layout)):
            message_id = (await self._part(said, layout, number)).message_id
        return message_id

    async def _part(self, said: _Saying, layout: Layout, number: int) -> "Accepted":
        nonce = _nonce(said.key, number)
        while True:
            post = partial(said.place.post, silent=said.silent, nonce=nonce)
            try:
                return await _somehow(post, layout[number], doing="send")
            except TooLate:
                said.place = without_reply(said.wire, self._replies, said.address)
            except RetryAfter as wait:
                if number == 0 or wait.seconds > _PATIENCE_S:
                    raise
                await self._sleep(wait.seconds)

    async def _edit_plainly(self, said: _Saying, ref: MessageRef, content: Content) -> None:
        standing = Standing(said.wire, await self._replies.open(said.address.reply_to), ref)
        await _somehow(standing.become, content, doing="edit")


async def _somehow(do: "Callable[[Content], Awaitable[Accepted]]", content: Content, *, doing: str) -> "Accepted":
    """Files and buttons have permissions and limits of their own: what is refused with them is tried without."""
    *better, last = ways(content)
    for way in better:
        try:
            return await do(way)
        except _BEYOND_HELP:
            raise
        except (Refused, NotAllowed) as error:
            log.warning("discord.degraded", doing=doing, reason=str(error))
    return await do(last)


def _nonce(key: str, number: int) -> str:
    """A name of its own for each part, in the 25 characters Discord compares; empty without a key."""
    return hashlib.blake2s(f"{number}:{key}".encode(), digest_size=12).hexdigest() if key else ""
