"""A chat platform in memory: remembers what it was asked to do, and fails on demand."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bot.messages import (
    UNLIMITED,
    Address,
    CommandHint,
    DeliveryError,
    Incoming,
    Limits,
    Message,
    MessageRef,
    Press,
    TransportHealth,
    text_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message the platform has taken."""

    ref: MessageRef
    message: Message
    key: str = ""

    @property
    def chat(self) -> str:
        return self.ref.address.chat

    @property
    def text(self) -> str:
        return text_of(self.message)

    @property
    def first(self) -> str:
        """The first line, which is all a lock screen has."""
        return self.text.split("\n")[0]

    def data(self, label: str) -> str:
        """What the button with this label sends back."""
        return next(button.data for row in self.message.buttons for button in row if button.label == label)


class RecordingTransport:
    """Implements bot.messages.Transport.

    Attributes:
        sent: Messages taken, oldest first.
        edits: Replaced messages: which, and by what.
        answers: What presses were answered with.
        pins: Messages that are kept in sight.
        pace: The limits it asks its callers to keep.
    """

    def __init__(self, *, now: Callable[[], datetime], name: str = "chat") -> None:
        self._now, self._name = now, name
        self.sent: list[Sent] = []
        self.edits: list[tuple[MessageRef, Message]] = []
        self.answers: list[tuple[Press, str]] = []
        self.hints: tuple[CommandHint, ...] = ()
        self.connected = True
        self.pace = UNLIMITED
        self.edit_error: DeliveryError | None = None
        self.pins: list[MessageRef] = []
        self.pin_error: DeliveryError | None = None
        self._failures: dict[str, deque[tuple[Exception, bool]]] = defaultdict(deque)
        self._refused_texts: dict[str, Exception] = {}
        self.waiting = 0  # messages that met a chat that takes for ever
        self._held: dict[str, asyncio.Event] = {}
        self._queue: asyncio.Queue[Incoming | None] = asyncio.Queue()

    def shown(self, ref: MessageRef) -> Message:
        """A message as it stands now, edits and all."""
        edited = [message for edited_ref, message in self.edits if edited_ref == ref]
        return edited[-1] if edited else next(one.message for one in self.sent if one.ref == ref)

    # What happens on the other side.

    def fail(self, chat: str, *errors: Exception, taken: bool = False) -> None:
        """The next messages to this chat fail in this way; ``taken`` delivers them all the same, as a lost answer."""
        self._failures[chat].extend((error, taken) for error in errors)

    def heal(self, chat: str) -> None:
        """Failures still to come do not."""
        self._failures[chat].clear()

    def refuse_text(self, text: str, error: Exception) -> None:
        """Whatever says this is refused."""
        self._refused_texts[text] = error

    @contextlib.contextmanager
    def held(self, chat: str) -> Iterator[None]:
        """A chat that takes for ever, until the end of the block."""
        self._held[chat] = asyncio.Event()
        try:
            yield
        finally:
            self._held.pop(chat).set()

    def hear(self, *incoming: Incoming) -> None:
        """People write and press."""
        for one in incoming:
            self._queue.put_nowait(one)

    def end(self) -> None:
        """Nobody says anything more."""
        self._queue.put_nowait(None)

    # The transport.

    @property
    def name(self) -> str:
        return self._name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.end()

    async def incoming(self) -> AsyncIterator[Incoming]:
        while (one := await self._queue.get()) is not None:
            yield one

    @property
    def limits(self) -> Limits:
        return self.pace

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        if address.chat in self._held:
            self.waiting += 1
            await self._held[address.chat].wait()
        for text, error in self._refused_texts.items():
            if text in text_of(message):
                raise error
        failure = self._failures[address.chat].popleft() if self._failures[address.chat] else None
        if failure is not None and not failure[1]:
            raise failure[0]
        ref = MessageRef(address=address, message_id=f"m{len(self.sent) + 1}")
        self.sent.append(Sent(ref=ref, message=message, key=key))
        if failure is not None:
            raise failure[0]
        return ref

    async def edit(self, ref: MessageRef, message: Message) -> None:
        if self.edit_error is not None:
            raise self.edit_error
        self.edits.append((ref, message))

    async def pin(self, ref: MessageRef) -> None:
        if self.pin_error is not None:
            raise self.pin_error
        self.pins.append(ref)

    async def answer(self, press: Press, text: str = "") -> None:
        self.answers.append((press, text))

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        self.hints = hints

    def health(self) -> TransportHealth:
        detail = "polling" if self.connected else "cannot be reached"
        return TransportHealth(connected=self.connected, detail=detail, since=self._now())
