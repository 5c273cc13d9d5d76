"""What Discord reports, as what people wrote and pressed."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.messages import Address, Command, MessageRef, Person, Press
from bot.transports.discord.render import data_of
from bot.transports.layout import one_line

if TYPE_CHECKING:
    import discord

TRANSPORT = "discord"
ARGUMENTS = "args"  # the one option of every slash command: whatever would be typed behind it


def command_of(interaction: "discord.Interaction", *, now: datetime) -> Command | None:
    """A slash command as the text it would be elsewhere; none where nobody could be answered.

    Args:
        interaction: Of a command.
        now: Discord does not hold interactions back: what arrives was just done.
    """
    address = _address(interaction, reply_to=str(interaction.id))
    if address is None:
        return None
    return Command(
        sender=person_of(interaction.user),
        address=address,
        text=f"/{command_name(interaction)} {typed_arguments(interaction)}".rstrip(),
        sent_at=now,
        private=interaction.guild_id is None,
    )


def press_of(interaction: "discord.Interaction", *, now: datetime) -> Press | None:
    """A press; none where it is on no message. In a guild, answers to it go to the person alone."""
    message = interaction.message
    address = _address(interaction, reply_to="" if interaction.guild_id is None else str(interaction.id))
    if message is None or address is None:
        return None
    return Press(
        sender=person_of(interaction.user),
        message=MessageRef(address=address, message_id=str(message.id)),
        data=data_of(interaction.custom_id or ""),
        pressed_at=now,
        press_id=str(interaction.id),
    )


def written_of(message: "discord.Message", *, now: datetime) -> Command | None:
    """What somebody wrote in private; none for what bots write, and for what has no text."""
    if message.guild is not None or message.author.bot or not message.content:
        return None
    address = Address(transport=TRANSPORT, chat=str(message.channel.id))
    return Command(sender=person_of(message.author), address=address, text=message.content, sent_at=now)


def person_of(user: "discord.User | discord.Member") -> Person:
    """Who it is, and the roles Discord vouches for now, where there are roles."""
    # The property `roles` asks a cache that may lag behind; these came with the interaction itself.
    roles = getattr(user, "_roles", ())
    return Person(
        transport=TRANSPORT,
        user_id=str(user.id),
        display_name=one_line(user.display_name).strip(),
        roles=frozenset(str(role) for role in roles),
    )


def command_name(interaction: "discord.Interaction") -> str:
    return str(_data(interaction).get("name", ""))


def typed_arguments(interaction: "discord.Interaction") -> str:
    """What stands in the one option, whole or as far as it was typed."""
    options = _data(interaction).get("options") or ()
    return next((str(option.get("value", "")) for option in options if option.get("name") == ARGUMENTS), "").strip()


def _data(interaction: "discord.Interaction") -> Any:
    return interaction.data or {}


def _address(interaction: "discord.Interaction", *, reply_to: str) -> Address | None:
    """A thread is a channel of its own, which only its parent tells apart."""
    channel = interaction.channel or (interaction.message.channel if interaction.message else None)
    if channel is None:
        return None
    parent = getattr(channel, "parent_id", None)
    chat, thread = (str(parent), str(channel.id)) if parent else (str(channel.id), "")
    return Address(transport=TRANSPORT, chat=chat, thread=thread, reply_to=reply_to)
