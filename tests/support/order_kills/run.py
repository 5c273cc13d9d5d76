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
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

from tests.support.drift_trading import BTC, DELEGATE, OWNER
from tests.support.order_kills.moments import DATABASE, DELAY, SCENES, SIGNED_UNSTORED, STATEMENT, Life
from tests.support.order_kills.node import Truth
from tests.support.order_kills.verdict import Verdict, verdict
from tests.support.signer_process import (
    SIGNS_AGAIN_AT_ONCE,
    SOL_LINES,
    AccountLines,
    MarketLines,
    SignerProcess,
    signer_process,
)

ROOT = Path(__file__).resolve().parents[3]
_MOST_STATEMENTS, _LONGEST_MS = 400, 900
_LINE_BYTES = 2**28  # the truth is one line
_SHARE_AT_RANDOM = 0.3
_SIGNER_DIES_OF, _SIGNER_LIVES_MS = 12, 600  # in one of so many lives of the bot, within so long
_BTC_LINES = MarketLines(index=BTC, name="BTC-PERP", price_from_usd="10000", price_to_usd="1000000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """What the kills came to.

    Attributes:
        at: How often a bot died at each moment.
        survived: Lives whose moment did not come.
        signer_kills: How often the signer itself was killed while a bot lived.
    """

    at: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    signer_kills: int = 0
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
            at=self.at + other.at, survived=self.survived + other.survived, verdicts=self.verdicts + other.verdicts,
            signer_kills=self.signer_kills + other.signer_kills,
        )  # fmt: skip


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
            at=found.at, survived=found.survived, verdicts=(await verdict(found.database, found.truth),),
            signer_kills=found.signer_kills,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What is left when a bot has been killed often enough, and everything was brought to its end."""

    at: Counter[str]
    survived: Counter[str]
    signer_kills: int
    database: Path
    truth: Truth


@asynccontextmanager
async def harvest(number: int, kills: int, seed: int) -> AsyncIterator[Harvest]:
    """Kill one bot so often; its database is there until the with block ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _signer(folder) as signer:
            async with _Process("node", f"{seed} {number}") as node:
                url = await node.answer()
                async with _Process("worker", str(folder), url, str(signer.socket)) as worker:
                    assert await worker.answer() == "ready"
                    desk = _Desk(node, worker, signer, random.Random(f"{seed} {number} signer"))
                    await desk.kill(kills, lives(number, seed))
                    await node.ask("lapse")
                    assert await desk.lived(Life(seed=0)) == 0, "what was left could not be brought to an end"
                truth = Truth.from_json(await node.ask("truth"))
        yield Harvest(
            at=desk.at, survived=desk.survived, signer_kills=desk.signer_kills, database=folder / DATABASE, truth=truth
        )


def _signer(folder: Path) -> AbstractContextManager[SignerProcess]:
    """One that lives through everything that happens to the bot."""
    (folder / "signer").mkdir()
    return signer_process(
        folder / "signer", venue="drift", accounts=[AccountLines.of(OWNER)], markets=[SOL_LINES, _BTC_LINES],
        key=DELEGATE, reduce_only=False, resign_after_s=0, arguments=SIGNS_AGAIN_AT_ONCE,
    )  # fmt: skip


@dataclass(slots=True)
class _Desk:
    """A bot that is killed over and over, with what outlives it."""

    node: "_Process"
    worker: "_Process"
    signer: SignerProcess
    dice: random.Random
    at: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    signer_kills: int = 0

    async def kill(self, kills: int, coming: Iterator[Life]) -> None:
        while self.at.total() < kills:
            life = next(coming)
            signer_dies = self.dice.randrange(_SIGNER_DIES_OF) == 0
            dying = asyncio.create_task(self._kill_signer()) if signer_dies else None
            status = await self.lived(life)
            if dying is not None:
                await dying
            assert os.WIFSIGNALED(status) or status == 0, f"a bot ended on its own at {life}"
            (self.at if os.WIFSIGNALED(status) else self.survived)[life.moment] += 1
            assert self.survived.total() <= kills, f"moments do not come: {self.survived}"
            if not os.WIFSIGNALED(status) or (life.moment in SIGNED_UNSTORED and self.dice.random() < 0.7):
                # What was signed and not written down holds up its order until it cannot land any more.
                await self.node.ask("lapse")

    async def lived(self, life: Life) -> int:
        """Exit status of a life."""
        await self.node.ask(" ".join(["next", *(outcome.name for outcome in life.scene.outcomes)]))
        pid = int(await self.worker.ask(json.dumps(asdict(life))))
        if life.moment == DELAY:
            await asyncio.sleep(life.after / 1_000)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return int(await self.worker.answer())

    async def _kill_signer(self) -> None:
        """At any moment, in the middle of a signature as well; whoever waits for it goes on waiting."""
        await asyncio.sleep(self.dice.randrange(_SIGNER_LIVES_MS) / 1_000)
        await asyncio.to_thread(self.signer.kill)
        await asyncio.to_thread(self.signer.restart)
        self.signer_kills += 1


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
