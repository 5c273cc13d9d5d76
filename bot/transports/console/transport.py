"""The console transport."""

import asyncio
import contextlib
import io
import os
import re
import sys
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Self, TextIO

import structlog

from bot.messages import (
    UNLIMITED,
    Address,
    Attachment,
    Command,
    CommandHint,
    File,
    Incoming,
    Limits,
    Message,
    MessageRef,
    Person,
    Picture,
    Press,
    Tone,
    TransportHealth,
    Unreachable,
)
from bot.transports.console.buttons import Numbering
from bot.transports.console.lines import lines_of
from bot.transports.console.render import Row, changes, painted, rows_of
from bot.transports.layout import one_line

TRANSPORT = "console"
CONSOLE_CHAT = "console"
CONSOLE_USER = "local"
_REMEMBERED_MESSAGES = 500

log = structlog.get_logger()


class ConsoleTransport:
    """Talks to whoever sits at the terminal; see bot.messages.Transport.

    On a terminal there is a line editor with history; in a pipe, lines are read as they come and the end of input ends
    incoming(), while output goes on. A number that is on the screen presses that button, every other line is a command.

    Args:
        now: Aware time, for what is typed.
        stdin: Where lines come from.
        stdout: Where messages go.
        lines: Lines to read instead of ``stdin``, such as a script's.
        pictures_dir: Where pictures and files are saved. If None, pictures are only described, and files go
            to a new folder for temporary ones: somebody asked for them to have them.
        history_path: Where typed lines are kept between runs.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        lines: AsyncIterable[str] | None = None,
        pictures_dir: Path | None = None,
        history_path: Path | None = None,
    ) -> None:
        self._now = now
        self._stdin = stdin or sys.stdin or io.StringIO()  # a service manager may have closed the standard input
        self._out = sys.stdout if stdout is None else stdout
        self._lines = lines
        self._pictures_dir = pictures_dir
        self._history_path = history_path
        self._colours = self._out.isatty() and not os.environ.get("NO_COLOR")
        self._numbering = Numbering()
        self._shown: OrderedDict[str, tuple[Row, ...]] = OrderedDict()
        self._last_id = 0
        self._words: tuple[str, ...] = ()
        self._queue: asyncio.Queue[Incoming | None] = asyncio.Queue()
        self._reader: asyncio.Task[None] | None = None
        self._health = TransportHealth(connected=True, detail="the terminal is open", since=now())
        self._resources = contextlib.AsyncExitStack()

    @property
    def name(self) -> str:
        return TRANSPORT

    async def __aenter__(self) -> Self:
        if self._lines is None and self._stdin.isatty() and self._out.isatty():
            prompt = await asyncio.to_thread(_load_prompt)
            self._out = self._resources.enter_context(prompt.output_above_prompt())
            self._lines = prompt.prompted_lines(self._history_path, lambda: self._words)
        self._reader = asyncio.create_task(self._read(self._lines or lines_of(self._stdin)), name="console.read")
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait((self._reader,))
        self._queue.put_nowait(None)  # a reader cancelled before its first step has not said that it ended
        await self._resources.aclose()
        if self._reader is not None and not self._reader.cancelled():
            self._reader.result()  # a script that failed says so

    async def incoming(self) -> AsyncIterator[Incoming]:
        while (incoming := await self._queue.get()) is not None:
            yield incoming
        self._queue.put_nowait(None)  # asked again, it has ended again

    @property
    def limits(self) -> Limits:
        return UNLIMITED

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        self._last_id += 1
        ref = MessageRef(address=address, message_id=str(self._last_id))
        rows = await self._rows(ref, message)
        self._write(painted(rows, tone=message.tone, colours=self._colours))
        self._remember(ref, rows)
        return ref

    async def edit(self, ref: MessageRef, message: Message) -> None:
        rows = await self._rows(ref, message)
        changed = changes(self._shown.get(ref.message_id, ()), rows)
        if changed:
            self._write(painted(changed, tone=message.tone, colours=self._colours))
        self._remember(ref, rows)

    async def pin(self, ref: MessageRef) -> None:
        """A terminal has no place for it."""

    async def answer(self, press: Press, text: str = "") -> None:
        if text:
            self._notice(text)

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        self._words = tuple(f"/{hint.name.removeprefix('/')}" for hint in hints)

    def health(self) -> TransportHealth:
        return self._health

    async def _read(self, lines: AsyncIterable[str]) -> None:
        try:
            async for line in lines:
                text = line.strip()
                if self._numbering.is_gone(text):
                    self._notice(f"button {text} is no longer there")
                elif text:
                    self._queue.put_nowait(self.heard(text))
        except OSError as error:  # the terminal went away
            log.warning("console.input_failed", error=type(error).__name__)
        finally:
            if self._health.connected:
                self._health = replace(self._health, detail="input has ended, output goes on", since=self._now())
            self._queue.put_nowait(None)

    def number_of(self, label: str) -> str:
        """What somebody types who presses the newest button of a label, for scripts. Raises: LookupError."""
        number = self._numbering.last_called(label)
        if number is None:
            raise LookupError(f"no button {label} is on the screen")
        return str(number)

    def heard(self, text: str) -> Command | Press:
        """What a line means: the number of a button on the screen presses it, all else is a command."""
        sender = Person(transport=TRANSPORT, user_id=CONSOLE_USER, display_name="you")
        pressed = self._numbering.pressed(text)
        if pressed is not None:
            return Press(sender=sender, message=pressed.ref, data=pressed.button.data, pressed_at=self._now())
        address = Address(transport=TRANSPORT, chat=CONSOLE_CHAT)
        return Command(sender=sender, address=address, text=text, sent_at=self._now())

    async def _rows(self, ref: MessageRef, message: Message) -> tuple[Row, ...]:
        saved = {}
        for position, block in enumerate(message.blocks):
            if isinstance(block, File) or (isinstance(block, Picture) and self._pictures_dir is not None):
                saved[position] = await asyncio.to_thread(_saved, block, self._pictures_dir, ref.message_id)
        return rows_of(message, saved=saved, numbers=self._numbering.give(ref, message))

    def _remember(self, ref: MessageRef, rows: tuple[Row, ...]) -> None:
        self._shown[ref.message_id] = rows
        while len(self._shown) > _REMEMBERED_MESSAGES:
            self._shown.popitem(last=False)

    def _notice(self, text: str) -> None:
        with contextlib.suppress(Unreachable):  # logged and in health(), and nobody waits for a notice
            self._write(painted((Row(f"({one_line(text)})"),), tone=Tone.NORMAL, colours=self._colours))

    def _write(self, text: str) -> None:
        """Raises: Unreachable, once nobody is left to read."""
        encoding = getattr(self._out, "encoding", None) or "utf-8"
        try:
            self._out.write(text.encode(encoding, "replace").decode(encoding))
            self._out.flush()
        except (OSError, ValueError) as error:
            if self._health.connected:
                self._health = TransportHealth(connected=False, detail="the terminal was closed", since=self._now())
                log.warning("console.closed", error=type(error).__name__)
            raise Unreachable("the terminal was closed") from error


def _load_prompt() -> ModuleType:
    from bot.transports.console import prompt

    return prompt


def _saved(attached: Attachment, wanted: Path | None, message_id: str) -> str:
    """Where the picture or the file lies now, in words; or why it does not."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", Path(attached.name).name)
    try:
        folder = wanted or Path(tempfile.mkdtemp(prefix="keel-"))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{message_id}-{name}"
        path.write_bytes(attached.png if isinstance(attached, Picture) else attached.content)
    except OSError as error:
        return f"could not be saved: {error.strerror}"
    return f"saved: {path}"
