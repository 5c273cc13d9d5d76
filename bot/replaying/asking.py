"""Replays on behalf of people: one at a time, in a process of its own, for so long and no longer."""

import asyncio
import os
import pickle
import sys
from pathlib import Path

import structlog

from bot.replaying.question import Answer, Question, Refusal

log = structlog.get_logger()

LIMIT_S = 90.0
_WORKER = "bot.replaying.worker"
_INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME")  # no token, no URL: the worker needs none


class Replays:
    """Asks the worker.

    Args:
        folder: Bars as keel replay takes them, where there are some; see HISTORY_DIR.
        limit_s: After so long the worker is ended.
    """

    def __init__(self, folder: Path | None = None, *, limit_s: float = LIMIT_S, worker: str = _WORKER) -> None:
        self.folder, self._limit_s, self._worker = folder, limit_s, worker
        self._turn = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether somebody else's is being played."""
        return self._turn.locked()

    async def ask(self, question: Question) -> Answer | Refusal:
        """What the worker says, or why it said nothing."""
        if self.busy:
            return Refusal(text="another replay is being played; ask again in a minute")
        async with self._turn:
            try:
                return await self._asked(question)
            except TimeoutError:
                return Refusal(text=f"it took longer than {self._limit_s:.0f} s and was ended; ask for fewer days")

    async def _asked(self, question: Question) -> Answer | Refusal:
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._worker, env=environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._limit_s):
                said, complaint = await process.communicate(pickle.dumps(question))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode or not said:
            lines = complaint.decode(errors="replace").strip().splitlines()
            log.error("replay.failed", code=process.returncode, error=lines[-1] if lines else "")
            return Refusal(text="the replay failed; Keel's log says why")
        found: Answer | Refusal = pickle.loads(said)  # noqa: S301  # from the process started above
        return found
