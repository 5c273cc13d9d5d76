"""The product as people run it: a process with an environment, a standard input, logs, and an end."""

import asyncio
import codecs
import json
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any


class Input(Enum):
    """What its standard input is."""

    NOTHING = auto()
    PIPE = auto()
    KEYBOARD = auto()  # a pseudo-terminal


START_S = 90.0  # a cold start on a busy machine
WAIT_S = 60.0  # of a machine that stands still for seconds
_CHUNK_BYTES = 2**16
_PIPES = {Input.NOTHING: asyncio.subprocess.DEVNULL, Input.PIPE: asyncio.subprocess.PIPE, Input.KEYBOARD: 0}
_LINK_CODE = re.compile(r"^link code: ([0-9A-Z]{4}-[0-9A-Z]{4})$", re.MULTILINE)


class Unexpected(AssertionError):
    """The process did not do what was waited for; the text holds all it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str


class KeelProcess:
    """One running process. Made by ``keel``, which ends it however the test ends."""

    def __init__(self, process: asyncio.subprocess.Process, keyboard: int | None) -> None:
        self._process, self._keyboard = process, keyboard
        self._changed = asyncio.Condition()
        self.stdout = ""
        self.stderr = ""
        self._heard = 0, 0
        self._readers = (
            asyncio.create_task(self._read("stdout", process.stdout)),
            asyncio.create_task(self._read("stderr", process.stderr)),
        )

    @property
    def output(self) -> str:
        """Everything it wrote, wherever to."""
        return self.stdout + self.stderr

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Log lines of one event. Lines that are no log lines have none."""
        return [line for line in map(_log_line, self.stderr.splitlines()) if line.get("event") == event]

    async def link_code(self) -> str:
        """The one-time code, as it appears on standard output."""
        await self.until(lambda: _LINK_CODE.search(self.stdout), "a link code", START_S)
        return str(_LINK_CODE.findall(self.stdout)[-1])

    async def started(self) -> None:
        await self.until(lambda: self.logged("app.started"), "app.started", START_S)

    async def until(self, holds: Callable[[], object], what: str, timeout_s: float = WAIT_S) -> None:
        """Until something holds of what was written. Raises: Unexpected."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: holds() or not self.running)
        except TimeoutError:
            raise Unexpected(f"no {what} within {timeout_s:g} s\n{self.output}") from None
        if not holds():
            raise Unexpected(f"ended with {self._process.returncode} before {what}\n{self.output}")

    async def type(self, line: str) -> None:
        """A line on standard input."""
        self._heard = len(self.stdout), len(self.stderr)
        text = f"{line}\n".encode()
        if self._keyboard is not None:
            os.write(self._keyboard, text)
        elif self._process.stdin is not None:
            self._process.stdin.write(text)
            await self._process.stdin.drain()
        else:
            raise ValueError("this process was started without an input")

    async def reply(self, question: str, answer: str) -> None:
        """Type an answer once a question stands at the end of what was written since the last line typed."""
        await self.until(lambda: self._asks(question), f"question {question!r}", START_S)
        await self.type(answer)

    def _asks(self, question: str) -> bool:
        # Hidden answers are asked for on stderr.
        news = (self.stdout[self._heard[0] :], self.stderr[self._heard[1] :])
        return any(text.rstrip().endswith(question) for text in news)

    def echoed(self) -> str:
        """What the terminal has shown of what was typed since it was last asked."""
        assert self._keyboard is not None
        os.set_blocking(self._keyboard, False)
        try:
            return os.read(self._keyboard, _CHUNK_BYTES).decode()
        except OSError:  # nothing is there, or its other end was closed
            return ""

    async def end_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.stdin.wait_closed()

    async def stop(self, timeout_s: float = WAIT_S) -> int:
        """Ask it to stop, as a service manager does; returns its exit code. Raises: Unexpected when it lingers."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        return await self.ended(timeout_s)

    async def kill(self) -> None:
        """kill -9: no warning, no last words."""
        if self.running:
            self._process.kill()
        await self.ended()

    async def ended(self, timeout_s: float = WAIT_S) -> int:
        """Its exit code, once it has one and all it wrote was read."""
        try:
            async with asyncio.timeout(timeout_s):
                code = await self._process.wait()
                await asyncio.gather(*self._readers)
        except TimeoutError:
            raise Unexpected(f"still running after {timeout_s:g} s\n{self.output}") from None
        return code

    async def _read(self, name: str, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        decoder = codecs.getincrementaldecoder("utf-8")()
        while chunk := await stream.read(_CHUNK_BYTES):
            async with self._changed:
                setattr(self, name, getattr(self, name) + decoder.decode(chunk))
                self._changed.notify_all()
        await self._process.wait()
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def keel(
    *arguments: str, env: Mapping[str, str], folder: Path, stdin: Input = Input.NOTHING
) -> AsyncIterator[KeelProcess]:
    """``keel ARGUMENTS`` with exactly this environment and ``folder`` as working directory; ended on the way out."""
    with ExitStack() as open_files:
        keyboard, its_end = None, _PIPES[stdin]
        if stdin is Input.KEYBOARD:
            keyboard, its_end = pty.openpty()
            open_files.callback(os.close, keyboard)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", *arguments, cwd=folder, env=bare(env, folder), stdin=its_end,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # the terminal of whoever runs the tests is none of its business
            )  # fmt: skip
        finally:
            if stdin is Input.KEYBOARD:
                os.close(its_end)
        running = KeelProcess(process, keyboard)
        try:
            yield running
        finally:
            await running.kill()
            if process.stdin is not None:
                process.stdin.close()


async def run_keel(
    *arguments: str, env: Mapping[str, str] | None = None, folder: Path, timeout_s: float = START_S
) -> Finished:
    """A command that ends by itself."""
    async with keel(*arguments, env=env or {}, folder=folder) as process:
        code = await process.ended(timeout_s)
        return Finished(code=code, stdout=process.stdout, stderr=process.stderr)


def bare(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The given variables and what any program needs; nothing of the settings of whoever runs the tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **env}


def _log_line(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}
