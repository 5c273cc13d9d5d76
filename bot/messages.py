"""What the bot says and hears, without knowing where. Transports know this module and nothing else of ours.

A message is a list of blocks. A transport renders blocks within the limits of its platform, escapes text at exactly one
boundary, and splits on blocks before the wire: a long message becomes several, never none.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Tone(StrEnum):
    """How much a message wants to be noticed. QUIET arrives without a sound, URGENT also where people were named."""

    QUIET = "quiet"
    NORMAL = "normal"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Line:
    """Plain text, one paragraph. ``strong`` for the answer itself."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of short texts, shown in a fixed-width font.

    The first column is left-aligned, the others right. Together with a space between columns it fits 34 characters;
    a row that does not is the author's mistake and is cut with an ellipsis.
    """

    rows: tuple[tuple[str, ...], ...]
    header: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG. ``alt`` says in one sentence what it shows."""

    png: bytes
    alt: str
    name: str = "chart.png"


@dataclass(frozen=True, slots=True)
class File:
    """A document to keep, such as a table for a spreadsheet. ``alt`` says in one sentence what is in it.

    ``content`` is not empty and at most a few megabytes, which every platform takes. ``name`` ends as its kind does.
    """

    name: str
    content: bytes
    alt: str


Attachment = Picture | File
Block = Line | Table | Attachment


class Accent(StrEnum):
    """How bad what a message tells is, for platforms that can colour one. NONE is no alert."""

    NONE = "none"
    GOOD = "good"
    NOTICE = "notice"
    CAUTION = "caution"
    DANGER = "danger"
    EMERGENCY = "emergency"
    UNKNOWN = "unknown"


class Stage(StrEnum):
    """What a message is to its topic: NEWS rings where everybody reads it, FOLLOW_UP adds to what is known, END is the
    last word."""

    NEWS = "news"
    FOLLOW_UP = "follow-up"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What a message is about, for platforms that can keep messages about one matter together.

    Attributes:
        key: Names the matter; the same in all of its messages.
        title: A heading, as the matter stands now.
        weighty: Whether it deserves a place of its own.
    """

    key: str
    title: str
    stage: Stage
    weighty: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press. ``data`` is at most 64 bytes of ASCII and comes back in Press."""

    label: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is said, once.

    Attributes:
        blocks: The first block's first line is the answer; its first 40 characters stand alone on a lock screen.
        buttons: Rows of buttons, at most 5 a row.
        tone: See Tone.
        accent: See Accent.
        topics: What it is about; several where it sums up.
        card: Names the card of a proposal that this is, whose reference is to be kept once it is accepted; empty for
            anything else. Transports do not look at it.
    """

    blocks: tuple[Block, ...]
    buttons: tuple[tuple[Button, ...], ...] = ()
    tone: Tone = Tone.NORMAL
    accent: Accent = Accent.NONE
    topics: tuple[Topic, ...] = ()
    card: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a message goes: a chat of a transport, and a thread inside it where the platform has threads.

    Attributes:
        reply_to: Says which question an answer belongs to, where the platform shows it to whoever asked and nobody
            else. It is good for minutes, is no part of the place, and is not stored.
        shared: Everybody there may see what comes of it all the same.
    """

    transport: str
    chat: str
    thread: str = ""
    reply_to: str = field(default="", compare=False)
    shared: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """A message that was accepted by its platform, so that it can be edited. Plain text, safe to store."""

    address: Address
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who wrote or pressed, as the platform vouches for them. ``user_id`` is the identity, the name is decoration.

    Attributes:
        roles: Ids of the roles the platform gives them where they are, at that moment; none where it has no roles.
    """

    transport: str
    user_id: str
    display_name: str = ""
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Text somebody wrote. ``text`` is whole, slash included where one was written."""

    sender: Person
    address: Address
    text: str
    sent_at: datetime
    private: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button somebody pressed. ``message`` is the card it was on; ``private`` as of Command."""

    sender: Person
    message: MessageRef
    data: str
    pressed_at: datetime
    press_id: str = ""
    private: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The bot was let into a group, or is not in it any more.

    Attributes:
        group: The group as a whole; what leave() takes.
        by: Who did it, where the platform says so.
        chats: Chats inside, where the group is made of several; none where it is one itself.
    """

    group: Address
    joined: bool
    by: Person | None = None
    chats: frozenset[str] = frozenset()


Incoming = Command | Press | Membership


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportHealth:
    """Whether a transport can deliver now. ``detail`` is a sentence for /status, free of secrets."""

    connected: bool
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most so many within any stretch of so many seconds."""

    most: int
    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How fast a platform takes messages and edits, as it documents it; None where it says nothing.

    Attributes:
        in_all: To all chats together.
        per_chat: To any one chat.
        per_group: To one group, besides ``per_chat``.
        group_prefix: How the address of a group begins; every chat is a group where it is empty.
        threads_apart: Whether each thread counts as a chat of its own.
    """

    in_all: Rate | None = None
    per_chat: Rate | None = None
    per_group: Rate | None = None
    group_prefix: str = ""
    threads_apart: bool = False


UNLIMITED = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentHint:
    """One word that can be typed behind a command, in its place.

    Attributes:
        name: In lower case, unique in its command.
        before: What is typed before it, to say what it is; nothing where its place says that.
        takes: Kinds of things it may name: account, market, number and so on.
        choices: Words that fit, or examples of them; others may fit too.
    """

    name: str
    summary: str
    required: bool = False
    before: str = ""
    takes: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHint:
    """What a platform shows in its command menu. ``arguments`` are in the order in which they are typed."""

    name: str
    summary: str
    arguments: tuple[ArgumentHint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """What somebody is typing behind a command.

    Attributes:
        argument: Name of the argument the cursor is in; empty where the platform has one for all.
        typed: Its beginning.
        others: What stands in the other arguments so far, by name.
    """

    command: str
    argument: str
    typed: str
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A way to go on typing: the word itself, and what is shown of it."""

    text: str
    label: str


class DeliveryError(Exception):
    """A message did not get through. The subclasses say what the caller can do."""


class RetryAfter(DeliveryError):
    """The platform asked to wait before the next message to this chat; ``everywhere``, before the next to any."""

    def __init__(self, seconds: float, *, everywhere: bool = False) -> None:
        self.seconds, self.everywhere = seconds, everywhere
        super().__init__(f"asked to wait {seconds:g} s")


class TryAgain(DeliveryError):
    """Nothing was delivered, or it is unknown whether it was: sending again is right."""

    def __init__(self, reason: str, *, unknown: bool = False) -> None:
        self.unknown = unknown
        super().__init__(reason)


class Unreachable(DeliveryError):
    """This chat cannot be reached by trying again: blocked, removed, gone. ``moved_to`` names its new address."""

    def __init__(self, reason: str, *, moved_to: Address | None = None) -> None:
        self.moved_to = moved_to
        super().__init__(reason)


class Refused(DeliveryError):
    """The platform will never take this very message, and the chat is fine: the message to edit is gone, or it breaks a
    rule of the platform in its plainest form too. Trying again is pointless; to replace a lost card, send a new one."""


class Transport(Protocol):
    """A chat platform. Used as ``async with transport:``; entering connects in the background and never raises for a
    platform that is down, leaving ends every task it started."""

    @property
    def name(self) -> str: ...

    async def __aenter__(self) -> "Transport": ...

    async def __aexit__(self, *exc: object) -> None: ...

    def incoming(self) -> AsyncIterator[Incoming]:
        """Everything people write and press, in order of arrival, until the transport is left. One consumer."""
        ...

    @property
    def limits(self) -> Limits:
        """How fast it may be used. Whoever calls send and edit keeps to it; a transport does not wait by itself."""
        ...

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        """Deliver; the reference is that of the part that carries the buttons. Raises: DeliveryError.

        Args:
            key: Names what is said: where the platform can tell that it has taken a message of this key lately, it
                takes no second one and refers to the first. At most 25 characters of ASCII; empty for none.
        """
        ...

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replace a message. An identical one is fine. Never rings. Raises: DeliveryError."""
        ...

    async def pin(self, ref: MessageRef) -> None:
        """Keep a message in sight of its chat, without a sound where the platform can. Raises: DeliveryError, Refused
        where the bot may not; nothing where there is nothing to pin."""
        ...

    async def answer(self, press: Press, text: str = "") -> None:
        """Acknowledge a press at once, with a short notice (at most 200 characters). Never raises for a late answer."""
        ...

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        """Fill the platform's command menu. Decoration: failures are logged, not raised."""
        ...

    def health(self) -> TransportHealth: ...


@runtime_checkable
class InParts(Protocol):
    """A transport that sends a long message as several, and knows beforehand as how many."""

    def parts(self, message: Message) -> int:
        """As how many messages of the platform it goes out."""
        ...


@runtime_checkable
class Guest(Protocol):
    """A transport that groups can invite, and that can leave them."""

    async def leave(self, group: Address) -> None:
        """Leave a group for good. One it is not in any more is fine. Raises: DeliveryError."""
        ...


def text_of(message: Message) -> str:
    """The message as plain text, for logs, tests and lock screens."""
    parts: list[str] = []
    for block in message.blocks:
        match block:
            case Line(text=text):
                parts.append(text)
            case Table(rows=rows, header=header):
                parts.extend("  ".join(row) for row in ((header, *rows) if header else rows))
            case Picture(alt=alt):
                parts.append(f"[{alt}]")
            case File(name=name, alt=alt):
                parts.append(f"[{name}: {alt}]")
    return "\n".join(parts)


def lines(*texts: str, first_strong: bool = True) -> tuple[Block, ...]:
    """Blocks of plain lines, the first one strong."""
    return tuple(Line(text, strong=first_strong and number == 0) for number, text in enumerate(texts))
