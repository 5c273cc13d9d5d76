"""What the bot says and hears, without knowing where. Transports know this module and nothing else of ours.

A message is a list of blocks. A transport renders blocks within the limits of its platform, escapes text at exactly one
boundary, and splits on blocks before the wire: a long message becomes several, never none.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


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


Block = Line | Table | Picture


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
    """

    blocks: tuple[Block, ...]
    buttons: tuple[tuple[Button, ...], ...] = ()
    tone: Tone = Tone.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a message goes: a chat of a transport, and a thread inside it where the platform has threads.

    Attributes:
        reply_to: Says which question an answer belongs to, where the platform shows it to whoever asked and nobody
            else. It is good for minutes, is no part of the place, and is not stored.
    """

    transport: str
    chat: str
    thread: str = ""
    reply_to: str = field(default="", compare=False)


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
    """A button somebody pressed. ``message`` is the card it was on."""

    sender: Person
    message: MessageRef
    data: str
    pressed_at: datetime
    press_id: str = ""


Incoming = Command | Press


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportHealth:
    """Whether a transport can deliver now. ``detail`` is a sentence for /status, free of secrets."""

    connected: bool
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHint:
    """What a platform shows in its command menu."""

    name: str
    summary: str


class DeliveryError(Exception):
    """A message did not get through. The subclasses say what the caller can do."""


class RetryAfter(DeliveryError):
    """The platform asked to wait before the next message to this chat."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
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

    async def send(self, address: Address, message: Message) -> MessageRef:
        """Deliver; the reference is that of the part that carries the buttons. Raises: DeliveryError."""
        ...

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replace a message. An identical one is fine. Never rings. Raises: DeliveryError."""
        ...

    async def answer(self, press: Press, text: str = "") -> None:
        """Acknowledge a press at once, with a short notice (at most 200 characters). Never raises for a late answer."""
        ...

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        """Fill the platform's command menu. Decoration: failures are logged, not raised."""
        ...

    def health(self) -> TransportHealth: ...


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
    return "\n".join(parts)


def lines(*texts: str, first_strong: bool = True) -> tuple[Block, ...]:
    """Blocks of plain lines, the first one strong."""
    return tuple(Line(text, strong=first_strong and number == 0) for number, text in enumerate(texts))
