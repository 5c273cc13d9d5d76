"""python -m benchmarks.kills [--kills N] [--at-once N] [--life SHORTEST LONGEST] [--seed N]

Real processes that fire alerts at a loopback Telegram are killed with SIGKILL at random, and started again on the same
database. Afterwards everything that was promised, which is what their databases hold, is looked for on the platform.

An alert can be sent twice only where the kill falls between its leaving and the note that it arrived. That takes some
milliseconds, so the share of repeats is those milliseconds over the time between two kills.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.node import ROOT
from storage import Copies, Incidents, Outbox, Store
from tests.support.telegram import SentMessage, TelegramServer

CHATS = 100
ALERTS_PER_S = 8.0
LATENCY_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """What the kills cost.

    Attributes:
        promised: Alerts that were stored.
        lost: Of those, how many are nowhere on the platform, or wait or were given up.
        repeats: Messages that say once more what had arrived.
        unmarked: Of those, how many do not say that they may be repeats.
        edited: Answers that are shown where they were given.
    """

    kills: int
    promised: int
    lost: int
    repeats: int
    unmarked: int
    edited: int

    @property
    def repeated_frac(self) -> float:
        return self.repeats / self.promised if self.promised else 0.0

    def __add__(self, other: "Toll") -> "Toll":
        return Toll(
            kills=self.kills + other.kills, promised=self.promised + other.promised, lost=self.lost + other.lost,
            repeats=self.repeats + other.repeats, unmarked=self.unmarked + other.unmarked,
            edited=self.edited + other.edited,
        )  # fmt: skip


NOTHING = Toll(kills=0, promised=0, lost=0, repeats=0, unmarked=0, edited=0)


async def toll(kills: int, *, at_once: int = 4, life_s: tuple[float, float] = (0.2, 6.0), seed: int = 1) -> Toll:
    """Kill so often, several bots side by side, each with its own database and chats."""
    async with TelegramServer() as telegram:
        telegram.latency_s = LATENCY_S
        shares = [kills // at_once + (number < kills % at_once) for number in range(at_once)]
        found = await asyncio.gather(
            *(_one_bot(telegram, number, share, life_s, seed) for number, share in enumerate(shares))
        )
    return sum(found, NOTHING)


async def _one_bot(telegram: TelegramServer, number: int, kills: int, life_s: tuple[float, float], seed: int) -> Toll:
    dice = random.Random(f"{seed} {number}")  # noqa: S311  # the same in every run
    first_chat = 1 + number * CHATS
    for chat in range(first_chat, first_chat + CHATS):
        telegram.add_user(chat, f"Person {chat}")
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "keel.db"
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.kill_worker", str(database), telegram.url, telegram.token,
            str(first_chat), str(CHATS), str(ALERTS_PER_S),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        for life in range(kills):
            pid = await _ask(worker, f"live {life}")
            await asyncio.sleep(dice.uniform(*life_s))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            status = await _answer(worker)
            assert os.WIFSIGNALED(status), "a bot ended on its own"
        await _ask(worker, "drain 0")
        assert await _answer(worker) == 0, "what was left could not be delivered"
        assert worker.stdin is not None
        worker.stdin.close()
        await worker.wait()
        own = [message for message in telegram.messages() if first_chat <= message.chat < first_chat + CHATS]
        return await _counted(database, kills, own)


async def _ask(worker: asyncio.subprocess.Process, line: str) -> int:
    assert worker.stdin is not None
    worker.stdin.write(f"{line}\n".encode())
    return await _answer(worker)


async def _answer(worker: asyncio.subprocess.Process) -> int:
    assert worker.stdout is not None
    return int(await worker.stdout.readline())


async def _counted(database: Path, kills: int, messages: Sequence[SentMessage]) -> Toll:
    on_platform = {(str(message.chat), str(message.message_id)): message for message in messages}
    promised = lost = edited = 0
    async with await Store.open(database) as store:
        copies, incidents = Copies(store), Incidents(store)
        counts = await Outbox(store).counts()
        last = await incidents.next_id()
        for number in range(1, last):
            incident = await incidents.find(number)
            assert incident is not None
            promised += 1
            told = await copies.of_incident(number)
            seen = [on_platform.get((copy.receiver.chat, copy.message_id)) for copy in told]
            lost += not any(message is not None and f"#{number}" in message.text for message in seen)
            edited += any(message is not None and message.edits for message in seen)
    said = Counter(number for message in messages for number in _numbers(message))
    return Toll(
        kills=kills, promised=promised, lost=lost + counts.pending + counts.leased + counts.dead,
        repeats=sum(count - 1 for count in said.values()), edited=edited,
        unmarked=_unmarked(messages),
    )  # fmt: skip


def _numbers(message: SentMessage) -> list[str]:
    return [part.split()[0] for part in message.text.split("alert #")[1:]]


def _unmarked(messages: Sequence[SentMessage]) -> int:
    """Messages that say something again and do not admit it."""
    known: set[str] = set()
    found = 0
    for message in messages:
        numbers = set(_numbers(message))
        rang = message.edits[0].text if message.edits else message.text  # an answer on it replaces what it said
        found += bool(numbers & known) and "may be a repeat" not in rang
        known |= numbers
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description="What kill -9 costs.")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--at-once", type=int, default=4, help="bots side by side")
    parser.add_argument("--life", type=float, nargs=2, default=(0.2, 6.0), metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began_s = time.monotonic()
    found = asyncio.run(
        toll(given.kills, at_once=given.at_once, life_s=(given.life[0], given.life[1]), seed=given.seed)
    )
    print(
        f"{found.kills:,d} kills in {time.monotonic() - began_s:,.0f} s: {found.promised:,d} alerts promised,"
        f" {found.lost} lost, {found.repeats} repeated ({found.repeated_frac:.2%}),"
        f" {found.unmarked} of them unmarked; {found.edited:,d} answers shown"
    )
    sys.exit(1 if found.lost or found.unmarked or found.repeated_frac >= 0.01 else 0)


if __name__ == "__main__":
    main()
