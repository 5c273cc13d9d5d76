"""The product as people run it: a process with an environment, a standard input, logs, and an end."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

START_S = 20.0  # a cold start on a busy machine
WAIT_S = 10.0
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

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._changed = asyncio.Condition()
        self.stdout = ""
        self.stderr = ""
        self._readers = (
            asyncio.create_task(self._read("stdout", process.stdout)),
            asyncio.create_task(self._read("stderr", process.stderr)),
        )

    @property
    def output(self) -> str:
        """Everything it wrote, wherever to."""
        return self.stdout + self.stderr

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Log lines of one event. Lines that are no log lines have none."""
        return [line for line in map(_log_line, self.stderr.splitlines()) if line.get("event") == event]

    async def link_code(self) -> str:
        """The one-time code, as it appears on standard output."""
        await self.until(lambda: _LINK_CODE.search(self.stdout), "a link code", START_S)
        return _LINK_CODE.findall(self.stdout)[0]

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
        if self._process.stdin is None:
            raise ValueError("this process was started without a pipe for its input")
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    def end_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def stop(self, timeout_s: float = 5.0) -> int:
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
        if stream is None:  # goes elsewhere, such as to a pseudo-terminal
            return
        while chunk := await stream.readline():
            async with self._changed:
                setattr(self, name, getattr(self, name) + chunk.decode())
                self._changed.notify_all()
        await self._process.wait()
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def keel(
    *arguments: str,
    env: Mapping[str, str],
    folder: Path,
    stdin: int | IO[bytes] = asyncio.subprocess.DEVNULL,
    stdout: int | IO[bytes] = asyncio.subprocess.PIPE,
    stderr: int | IO[bytes] = asyncio.subprocess.PIPE,
) -> AsyncIterator[KeelProcess]:
    """``keel ARGUMENTS`` with exactly this environment and ``folder`` as working directory; ended on the way out."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, cwd=folder, env=bare(env, folder), stdin=stdin, stdout=stdout,
        stderr=stderr, limit=2**24,
    )  # fmt: skip
    running = KeelProcess(process)
    try:
        yield running
    finally:
        await running.kill()
        running.end_input()


async def run_keel(
    *arguments: str, env: Mapping[str, str] | None = None, folder: Path, timeout_s: float = 40.0
) -> Finished:
    """A command that ends by itself."""
    async with keel(*arguments, env=env or {}, folder=folder) as process:
        code = await process.ended(timeout_s)
        return Finished(code=code, stdout=process.stdout, stderr=process.stderr)


def bare(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The given variables and what any program needs; nothing of the settings of whoever runs the tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": _ROOT, **env}


_ROOT = str(Path(__file__).resolve().parents[2])


def _log_line(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}
