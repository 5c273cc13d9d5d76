"""What Discord reports, as what people wrote and pressed.

The library takes every type for the right one, so what is relied on is looked at here: whatever is not as Discord's
documentation has it ends in one of UNREADABLE.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.messages import Address, ArgumentHint, Command, MessageRef, Person, Press, Typing
from bot.transports.discord.render import data_of
from bot.transports.layout import one_line

if TYPE_CHECKING:
    import discord

TRANSPORT = "discord"
_DIRECT = 1  # a type of channels
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError)
ARGUMENTS = "args"  # the one option of commands that earlier versions registered: all that would be typed behind it


def command_of(
    interaction: "discord.Interaction", *, now: datetime, arguments: Sequence[ArgumentHint] = ()
) -> Command | None:
    """A slash command as the text it would be elsewhere; none where nobody could be answered.

    Args:
        interaction: Of a command.
        now: Discord does not hold interactions back: what arrives was just done.
        arguments: Its options as they would be typed; Discord sends them in the order they were filled in.
    """
    address = _address(interaction, reply_to=str(interaction.id))
    if address is None:
        return None
    return Command(
        sender=asker_of(interaction),
        address=address,
        text=" ".join((f"/{command_name(interaction)}", *_words(interaction, arguments))),
        sent_at=now,
        private=interaction.guild_id is None,
    )


def press_of(interaction: "discord.Interaction", *, now: datetime) -> Press | None:
    """A press; none where it is on no message. In a guild, answers to it go to the person alone, and everybody sees
    what becomes of the card, unless that was for one person too."""
    message = interaction.message
    in_guild = interaction.guild_id is not None
    address = _address(interaction, reply_to=str(interaction.id) if in_guild else "")
    if message is None or address is None:
        return None
    address = replace(address, shared=in_guild and not message.flags.ephemeral)
    return Press(
        sender=asker_of(interaction),
        message=MessageRef(address=address, message_id=str(message.id)),
        data=data_of(_text(interaction.custom_id or "")),
        pressed_at=now,
        press_id=str(interaction.id),
        private=interaction.guild_id is None,
    )


def written_of(message: "discord.Message", *, now: datetime) -> Command | None:
    """What somebody wrote in private; none for what bots write, and for what has no text."""
    # A guild the library does not know is none to it; that a channel is a direct one says the channel.
    direct = message.guild is None and getattr(message.channel.type, "value", None) == _DIRECT
    if not direct or message.author.bot or not message.content:
        return None
    address = Address(transport=TRANSPORT, chat=str(message.channel.id))
    return Command(sender=_person_of(message.author), address=address, text=_text(message.content), sent_at=now)


def asker_of(interaction: "discord.Interaction") -> Person:
    """Who it is, and the roles Discord vouches for now, where there are roles. Raises: one of UNREADABLE, also for bots
    and for a member of a guild outside of one: what is private must not depend on a field that is missing."""
    user = interaction.user
    if user.bot:
        raise ValueError("bots ask for nothing here")
    if hasattr(user, "_roles") is not (interaction.guild_id is not None):
        raise ValueError("members are in guilds, and in guilds there are members")
    return _person_of(user)


def _person_of(user: "discord.User | discord.Member") -> Person:
    # The property `roles` asks a cache that may lag behind; these came with the interaction itself.
    roles = getattr(user, "_roles", ())
    return Person(
        transport=TRANSPORT,
        user_id=_snowflake(user.id),
        display_name=one_line(_text(user.display_name)).strip(),
        roles=frozenset(_snowflake(role) for role in roles),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("this is no text")
    return value


def _snowflake(value: int) -> str:
    if not 0 < int(value) < 2**64:
        raise ValueError("this is no id of Discord's")
    return str(int(value))


def command_name(interaction: "discord.Interaction") -> str:
    return str(_data(interaction).get("name", ""))


def typing_of(interaction: "discord.Interaction") -> Typing:
    """What somebody is typing: the option the cursor is in, as far as it goes, and the others."""
    options = _options(interaction)
    focused = next((option for option in options if option.get("focused")), {})
    name = str(focused.get("name", ""))
    return Typing(
        command=command_name(interaction),
        argument="" if name == ARGUMENTS else name,
        typed=str(focused.get("value", "")).strip(),
        others={str(one.get("name")): str(one.get("value", "")).strip() for one in options if one is not focused},
    )


def _words(interaction: "discord.Interaction", arguments: Sequence[ArgumentHint]) -> list[str]:
    places = {argument.name: place for place, argument in enumerate(arguments)}
    before = {argument.name: argument.before for argument in arguments}
    words = []
    for option in sorted(_options(interaction), key=lambda option: places.get(str(option.get("name")), len(places))):
        name, said = str(option.get("name")), str(option.get("value", "")).split()
        if said and (introduction := before.get(name)) and said[0].lower() != introduction:
            words.append(introduction)
        words += said
    return words


def _options(interaction: "discord.Interaction") -> list[dict[str, Any]]:
    return [option for option in _data(interaction).get("options") or () if isinstance(option, dict)]


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
