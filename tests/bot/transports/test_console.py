"""The terminal: in a pipe, in a script, and on a real pseudo-terminal."""

import asyncio
import io
import os
import pty
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.messages import (
    Address,
    Button,
    Command,
    File,
    Incoming,
    Line,
    Message,
    MessageRef,
    Person,
    Picture,
    Press,
    Table,
    Tone,
    Unreachable,
    lines,
)
from bot.transports.console import CONSOLE_CHAT, ConsoleTransport
from bot.transports.console.buttons import Numbering
from bot.transports.console.lines import lines_of
from bot.transports.console.render import painted, rows_of
from tests.support.png import tiny_png

HERE = Address(transport="console", chat=CONSOLE_CHAT)
ACK, SNOOZE = Button("Ack", "ack:1"), Button("Snooze 1 h", "snooze:1")
CARD = Message(blocks=lines("HIGH main: 4.1% to liq", "Deposit $820."), buttons=((ACK, SNOOZE),))


def now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


async def script(*steps: str) -> AsyncIterator[str]:
    for step in steps:
        yield step


async def everything(transport: ConsoleTransport) -> list[Incoming]:
    async with asyncio.timeout(30):
        return [incoming async for incoming in transport.incoming()]


def said(incoming: list[Incoming]) -> list[str]:
    return [
        one.text if isinstance(one, Command) else f"pressed {one.data}"
        for one in incoming
        if isinstance(one, Command | Press)
    ]


async def test_a_card_looks_like_this() -> None:
    out = io.StringIO()
    table = Table(rows=(("BTC-PERP", "0.25"), ("SOL", "-120")), header=("Market", "Size"))
    async with ConsoleTransport(now=now, lines=script(), stdout=out) as console:
        await console.send(HERE, Message(blocks=(*CARD.blocks, table), buttons=CARD.buttons))
    assert out.getvalue().split("\n") == [
        "HIGH main: 4.1% to liq",
        "Deposit $820.",
        "  Market   Size",
        "  BTC-PERP 0.25",
        "  SOL      -120",
        "[1] Ack  [2] Snooze 1 h",
        "",
        "",
    ]


async def test_an_edit_shows_only_what_is_new() -> None:
    out = io.StringIO()
    async with ConsoleTransport(now=now, lines=script(), stdout=out) as console:
        ref = await console.send(HERE, CARD)
        out.truncate(0)
        out.seek(0)
        await console.edit(
            ref, Message(blocks=lines("HIGH main, acknowledged by you", "Deposit $820."), buttons=((SNOOZE,),))
        )
    assert out.getvalue().split("\n") == ["updated: HIGH main, acknowledged by you", "[2] Snooze 1 h", "", ""]


async def test_a_number_presses_and_everything_else_is_written() -> None:
    typed: asyncio.Queue[str] = asyncio.Queue()

    async def keyboard() -> AsyncIterator[str]:
        while text := await typed.get():
            yield text

    out = io.StringIO()
    async with ConsoleTransport(now=now, lines=keyboard(), stdout=out) as console:
        ref = await console.send(HERE, CARD)
        for text in ("2", "/health", "  ", "stress 20", "4821", "0", "-1", "1", ""):
            typed.put_nowait(text)
        heard = await everything(console)
    assert said(heard) == ["pressed snooze:1", "/health", "stress 20", "4821", "0", "-1", "pressed ack:1"]
    assert [one.message for one in heard if isinstance(one, Press)] == [ref, ref]


async def test_a_button_taken_away_is_said_to_be_gone() -> None:
    out = io.StringIO()
    async with ConsoleTransport(now=now, lines=script("1", "/health"), stdout=out) as console:
        ref = await console.send(HERE, CARD)
        await console.edit(ref, Message(blocks=lines("Resolved")))
        assert said(await everything(console)) == ["/health"]
    assert "(button 1 is no longer there)" in out.getvalue()


def test_numbers_are_never_given_twice() -> None:
    numbering = Numbering()
    given: list[int] = []
    for number in range(300):
        ref = f"message {number}"
        given += numbering.give(_ref(ref), CARD).values()
    assert given == list(range(1, 601))
    assert numbering.pressed("600") is not None
    assert numbering.pressed("1") is None
    assert numbering.is_gone("1")
    assert not numbering.is_gone("601")


async def test_a_pipe_that_ends_ends_what_is_heard_but_not_what_is_said() -> None:
    reading, writing = os.pipe()
    os.write(writing, "/health\r\n/liq main ü\nlast without newline".encode())
    os.close(writing)
    out = io.StringIO()
    with os.fdopen(reading) as stdin:
        async with ConsoleTransport(now=now, stdin=stdin, stdout=out) as console:
            assert said(await everything(console)) == ["/health", "/liq main ü", "last without newline"]
            await console.send(HERE, CARD)
            assert console.health().connected
            assert "input has ended" in console.health().detail
    assert "HIGH main" in out.getvalue()


@pytest.mark.parametrize("content", ["", "/a\n/b\n", "/a\n/b"])
async def test_files_are_read_too(tmp_path: Path, content: str) -> None:
    path = tmp_path / "input"
    path.write_text(content)
    with path.open() as stream:
        assert [line async for line in lines_of(stream)] == content.split()


async def test_lines_may_arrive_in_pieces() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stream:
        lines_read = lines_of(stream)
        waiting = asyncio.ensure_future(anext(lines_read))
        for piece in (b"/hea", b"lth \xc3", b"\xbc\n/x"):
            os.write(writing, piece)
            await asyncio.sleep(0)
        assert await waiting == "/health ü"
        os.close(writing)
        assert [line async for line in lines_read] == ["/x"]


async def test_a_script_that_fails_says_so() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "/health"
        raise LookupError("no such step")

    with pytest.raises(LookupError, match="no such step"):
        async with ConsoleTransport(now=now, lines=broken(), stdout=io.StringIO()) as console:
            assert said(await everything(console)) == ["/health"]


async def test_a_closed_terminal_is_unreachable() -> None:
    out = io.StringIO()
    async with ConsoleTransport(now=now, lines=script(), stdout=out) as console:
        out.close()
        with pytest.raises(Unreachable):
            await console.send(HERE, CARD)
        assert not console.health().connected
        await console.answer(Press(sender=_person(), message=_ref("1"), data="a", pressed_at=now()), "late")


async def test_a_terminal_without_these_letters_still_shows_the_rest() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    async with ConsoleTransport(now=now, lines=script(), stdout=out) as console:
        await console.send(HERE, Message(blocks=lines("4 × σ to liq")))
        assert raw.getvalue() == b"4 ? ? to liq\n\n"


async def test_a_picture_is_saved_under_a_harmless_name(tmp_path: Path) -> None:
    out = io.StringIO()
    folder = tmp_path / "new" / "pictures"
    picture = Picture(tiny_png(), alt="Equity rose.", name="../../etc/equity 7d;.png")
    async with ConsoleTransport(now=now, lines=script(), stdout=out, pictures_dir=folder) as console:
        await console.send(HERE, Message(blocks=(picture,)))
    (saved,) = folder.iterdir()
    assert (saved.name, saved.read_bytes()) == ("1-equity-7d-.png", tiny_png())
    assert f"[picture: Equity rose.] saved: {saved}" in out.getvalue()


def only(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


async def test_a_file_lies_in_a_new_folder_where_none_was_named_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    out = io.StringIO()
    async with ConsoleTransport(now=now, lines=script(), stdout=out) as console:
        await console.send(HERE, Message(blocks=(File("../audit.csv", b"seq", alt="The audit."),)))
    folder = only(tmp_path)
    saved = only(folder)
    assert out.getvalue().strip() == f"[file: The audit.] saved: {saved}"
    assert (saved.name, saved.read_bytes(), stat.S_IMODE(folder.stat().st_mode)) == ("1-audit.csv", b"seq", 0o700)


async def test_a_picture_that_cannot_be_saved_takes_nothing_else_away(tmp_path: Path) -> None:
    out = io.StringIO()
    (tmp_path / "file").write_text("in the way")
    message = Message(blocks=(Line("Equity"), Picture(tiny_png(), alt="It rose.")))
    async with ConsoleTransport(now=now, lines=script(), stdout=out, pictures_dir=tmp_path / "file") as console:
        await console.send(HERE, message)
    assert out.getvalue().startswith("Equity\n[picture: It rose.] could not be saved: ")


def test_colours_are_added_only_around_clean_text() -> None:
    rows = rows_of(Message(blocks=lines("\x1b[31mHIGH", "b")), saved={}, numbers={})
    assert painted(rows, tone=Tone.URGENT, colours=True) == "\x1b[1;31m[31mHIGH\x1b[0m\nb\n\n"
    assert painted(rows, tone=Tone.QUIET, colours=True) == "\x1b[1m[31mHIGH\x1b[0m\n\x1b[2mb\x1b[0m\n\n"
    assert painted(rows, tone=Tone.URGENT, colours=False) == "[31mHIGH\nb\n\n"


def test_a_pipe_never_waits_for_the_line_editor() -> None:
    code = "import sys, bot.transports.console; sys.exit('prompt_toolkit' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


_ON_A_TERMINAL = """
import asyncio, signal, sys
from datetime import UTC, datetime
from bot.messages import *
from bot.transports.console import ConsoleTransport

async def main():
    if "--own-handler" in sys.argv:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, asyncio.current_task().cancel)
    async with ConsoleTransport(now=lambda: datetime.now(UTC)) as console:
        here = Address(transport="console", chat="console")
        await console.announce((CommandHint(name="health", summary="h"),))
        await console.send(here, Message(blocks=lines("HIGH main"), buttons=((Button("Ack", "ack:1"),),)))
        async for heard in console.incoming():
            text = heard.text if isinstance(heard, Command) else "pressed " + heard.data
            await console.send(here, Message(blocks=(Line("heard <" + text + ">"),)))
    print("left quietly", flush=True)

try:
    asyncio.run(main())
except (KeyboardInterrupt, asyncio.CancelledError):
    print("interrupted", flush=True)
"""


_EDITOR_IS_READY = "\x1b[?2004h"


class Terminal:
    """The person's end of a pseudo-terminal with the console on the other."""

    def __init__(self, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        environment = os.environ | {"PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _ON_A_TERMINAL, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            close_fds=True,
        )
        os.close(slave)
        self.screen = ""

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_for(self, text: str) -> None:
        while text not in self.screen:
            self.screen += os.read(self._master, 65_536).decode(errors="replace")
        self.screen = self.screen[self.screen.index(text) :]

    def wait_for_prompt_below(self, text: str) -> None:
        """While output is written the terminal is in its own mode, where keys mean something else."""
        self.wait_for(text)
        self.wait_for(_EDITOR_IS_READY)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with closing(Terminal()) as terminal:
        terminal.wait_for_prompt_below("\x1b[1mHIGH main")
        yield terminal


@pytest.mark.timeout(120)
def test_on_a_terminal_one_types_presses_completes_and_recalls(terminal: Terminal) -> None:
    terminal.type("1\r")
    terminal.wait_for_prompt_below("heard <pressed ack:1>")
    terminal.type("/he\t")
    terminal.wait_for("alth")
    terminal.type(" main\r")
    terminal.wait_for_prompt_below("heard </health main>")
    terminal.type("\x1b[A\r")
    terminal.wait_for_prompt_below("heard </health main>")
    terminal.type("\x04")
    terminal.wait_for("left quietly")
    assert terminal.process.wait(timeout=30) == 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("arguments", [(), ("--own-handler",)], ids=["default", "the application's own handler"])
def test_on_a_terminal_ctrl_c_interrupts_the_process(arguments: tuple[str, ...]) -> None:
    with closing(Terminal(*arguments)) as terminal:
        terminal.wait_for_prompt_below("\x1b[1mHIGH main")
        terminal.type("/health\r")
        terminal.wait_for_prompt_below("heard </health>")
        terminal.type("half a li\x03")
        terminal.wait_for("interrupted")
        assert terminal.process.wait(timeout=30) == 0


def _ref(message_id: str) -> MessageRef:
    return MessageRef(address=HERE, message_id=message_id)


def _person() -> Person:
    return Person(transport="console", user_id="local")
