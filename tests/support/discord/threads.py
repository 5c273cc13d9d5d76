"""Channels, their threads and their pins, as requests see them."""

from typing import TYPE_CHECKING

from tests.support.discord.errors import ApiError, bad_form, unknown_channel, unknown_message
from tests.support.discord.model import Channel
from tests.support.discord.shapes import Json

if TYPE_CHECKING:
    from tests.support.discord.api import Api, Request

_TITLE = 100
_AUTO_ARCHIVE = (60, 1440, 4320, 10080)


class Threads:
    """The part of the API about channels rather than what is said in them. Every method raises ApiError."""

    def __init__(self, api: "Api") -> None:
        self._api = api

    def channel(self, request: "Request") -> Json:
        return self._api.shapes.channel(self._visible(request.number("channel")))

    def start(self, request: "Request") -> Json:
        """A thread from a message: it has the message's id."""
        channel = self._visible(request.number("channel"))
        message = self._api.find(request.number("message"))
        if message is None or message.channel != channel.channel_id:
            raise unknown_message()
        if channel.kind not in (0, 5):
            raise ApiError(400, 50024, "Cannot execute action on this channel type")
        if not channel.may_thread:
            raise ApiError(403, 50013, "Missing Permissions")
        if message.message_id in self._api.channels:
            raise ApiError(400, 160004, "A thread has already been created for this message")
        name = _title(request.body)
        if request.body.get("auto_archive_duration", 1440) not in _AUTO_ARCHIVE:
            raise bad_form("auto_archive_duration: BASE_TYPE_CHOICES")
        thread = Channel(
            channel_id=message.message_id, name=name, guild=channel.guild, parent=channel.channel_id,
            may_embed=channel.may_embed, own=True,
        )  # fmt: skip
        self._api.channels[thread.channel_id] = thread
        shape = self._api.shapes.channel(thread)
        self._api.events.append(("THREAD_CREATE", shape | {"newly_created": True}))
        return shape

    def change(self, request: "Request") -> Json:
        """A thread's name and whether it is archived."""
        thread = self._visible(request.number("channel"))
        if thread.parent is None or not thread.own:
            raise ApiError(403, 50013, "Missing Permissions")
        if "name" in request.body:
            name = _title(request.body)
            if name != thread.name and thread.names_left is not None:
                if thread.names_left == 0:
                    raise ApiError(429, 0, "You are being rate limited.", retry_after=540.0)
                thread.names_left -= 1
            if thread.archived and request.body.get("archived", True):
                raise ApiError(400, 50083, "Thread is archived")
            thread.name = name
        thread.archived = bool(request.body.get("archived", thread.archived))
        shape = self._api.shapes.channel(thread)
        self._api.events.append(("THREAD_UPDATE", shape))
        return shape

    def pin(self, request: "Request") -> Json:
        channel = self._visible(request.number("channel"))
        message = self._api.find(request.number("message"))
        if message is None or message.channel != channel.channel_id:
            raise unknown_message()
        if not channel.may_pin:
            raise ApiError(403, 50013, "Missing Permissions")
        if message.message_id not in channel.pinned:
            channel.pinned.append(message.message_id)
        return {}

    def _visible(self, channel_id: int) -> Channel:
        channel = self._api.channels.get(channel_id)
        if channel is None:
            raise unknown_channel()
        if channel.forbidden and channel.guild is not None:
            raise ApiError(403, 50001, "Missing Access")
        return channel


def _title(body: Json) -> str:
    name = str(body.get("name", ""))
    if not 1 <= len(name) <= _TITLE:
        raise bad_form("name: Must be between 1 and 100 in length.")
    return name
