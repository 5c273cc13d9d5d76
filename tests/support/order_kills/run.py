"""Kills bots in turn at every moment there is, and says what that came to."""

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

from tests.support.drift_trading import key_file
from tests.support.order_kills.moments import DATABASE, DELAY, KEY_FILE, SCENES, STATEMENT, Life
from tests.support.order_kills.node import Truth
from tests.support.order_kills.verdict import Verdict, verdict

ROOT = Path(__file__).resolve().parents[3]
_MOST_STATEMENTS, _LONGEST_MS = 400, 900
_LINE_BYTES = 2**28  # the truth is one line
_SHARE_AT_RANDOM = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """What the kills came to.

    Attributes:
        at: How often a bot died at each moment.
        survived: Lives whose moment did not come.
    """

    at: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    verdicts: tuple[Verdict, ...] = ()

    @property
    def kills(self) -> int:
        return self.at.total()

    @property
    def duplicates(self) -> tuple[str, ...]:
        return tuple(one for verdict in self.verdicts for one in verdict.duplicates)

    @property
    def unapproved(self) -> tuple[str, ...]:
        return tuple(one for verdict in self.verdicts for one in verdict.unapproved)

    @property
    def lost(self) -> tuple[str, ...]:
        return tuple(one for verdict in self.verdicts for one in verdict.lost)

    @property
    def wrong(self) -> tuple[str, ...]:
        return tuple(one for verdict in self.verdicts for one in verdict.wrong)

    def __add__(self, other: "Toll") -> "Toll":
        return Toll(
            at=self.at + other.at, survived=self.survived + other.survived, verdicts=self.verdicts + other.verdicts
        )


def lives(number: int, seed: int) -> Iterator[Life]:
    """Every named moment in turn, beginning somewhere else on each desk; in between, any moment at all."""
    dice = random.Random(f"{seed} {number}")  # the same in every run
    names = list(SCENES)
    at = number * len(names) // 2
    for life in count():
        own = seed * 1_000_000 + number * 100_000 + life
        if dice.random() >= _SHARE_AT_RANDOM:
            yield Life(seed=own, moment=names[at % len(names)])
            at += 1
        elif dice.random() < 0.5:
            yield Life(seed=own, moment=STATEMENT, after=dice.randrange(1, _MOST_STATEMENTS))
        else:
            yield Life(seed=own, moment=DELAY, after=dice.randrange(_LONGEST_MS))


async def toll(kills: int, *, at_once: int = 2, seed: int = 1) -> Toll:
    """Kill so often, several bots side by side, each with a node and a database of its own."""
    shares = [kills // at_once + (number < kills % at_once) for number in range(at_once)]
    found = await asyncio.gather(*(_one_bot(number, share, seed) for number, share in enumerate(shares)))
    return sum(found, Toll())


async def _one_bot(number: int, kills: int, seed: int) -> Toll:
    async with harvest(number, kills, seed) as found:
        return Toll(
            at=found.at, survived=found.survived, verdicts=(await verdict(found.database, found.truth),)
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What is left when a bot has been killed often enough, and everything was brought to its end."""

    at: Counter[str]
    survived: Counter[str]
    database: Path
    truth: Truth


@asynccontextmanager
async def harvest(number: int, kills: int, seed: int) -> AsyncIterator[Harvest]:
    """Kill one bot so often; its database is there until the with block ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key_file(folder).rename(folder / KEY_FILE)
        async with _Process("node", f"{seed} {number}") as node:
            url = await node.answer()
            async with _Process("worker", str(folder), url) as worker:
                assert await worker.answer() == "ready"
                at, survived = await _killed(node, worker, kills, lives(number, seed))
                assert await _lived(node, worker, Life(seed=0)) == 0, "what was left could not be brought to an end"
            truth = Truth.from_json(await node.ask("truth"))
        yield Harvest(at=at, survived=survived, database=folder / DATABASE, truth=truth)


async def _killed(
    node: "_Process", worker: "_Process", kills: int, coming: Iterator[Life]
) -> tuple[Counter[str], Counter[str]]:
    at, survived = Counter[str](), Counter[str]()
    while at.total() < kills:
        life = next(coming)
        status = await _lived(node, worker, life)
        assert os.WIFSIGNALED(status) or status == 0, f"a bot ended on its own at {life}"
        (at if os.WIFSIGNALED(status) else survived)[life.moment] += 1
        assert survived.total() <= kills, f"moments do not come: {survived}"
    return at, survived


async def _lived(node: "_Process", worker: "_Process", life: Life) -> int:
    """Exit status of a life."""
    await node.ask(" ".join(["next", *(outcome.name for outcome in life.scene.outcomes)]))
    pid = int(await worker.ask(json.dumps(asdict(life))))
    if life.moment == DELAY:
        await asyncio.sleep(life.after / 1_000)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return int(await worker.answer())


class _Process:
    """A module of this package that answers lines."""

    def __init__(self, name: str, *given: str) -> None:
        self._name, self._given = name, given
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"tests.support.order_kills.{self._name}", *self._given,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT, limit=_LINE_BYTES,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def ask(self, line: str) -> str:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        return await self.answer()

    async def answer(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()
