"""Malformed commands: how long each takes, through the whole bot over a database, and what a flood of them leaves.

One person types ten thousand things that are no command, half of one or all of one with nonsense behind it; who it is,
what is meant, what may be seen and the answer are in the time. Beside that, everybody else's wait while one of them
sends as fast as they can.
"""

import asyncio
import random
import time
from collections.abc import Iterator

import numpy as np
import structlog

from benchmarks.figures import Figure
from benchmarks.runner import QUICK, Effort
from bot.door import USUAL
from storage import Role
from tests.attack.typing import malformed
from tests.support.bot_world import OWNER, bot_world

THOROUGH_COUNT, QUICK_COUNT = 10_000, 500
P99_TARGET_S = 0.050
_FLOOD = 10_000
_WENT_WRONG = "inside Keel"


def figures(effort: Effort) -> Iterator[Figure]:
    """Each sample is one command."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    count = QUICK_COUNT if effort == QUICK else THOROUGH_COUNT
    samples, unhandled = asyncio.run(answered(count))
    if unhandled:
        raise AssertionError(f"{unhandled} of {count} commands were not handled")
    for part, share, target_s in (("median", 0.5, None), ("99 %", 0.99, P99_TARGET_S)):
        yield Figure(
            job=f"a malformed command to its answer, {part}", value=float(np.quantile(samples, share)),
            best=min(samples), rounds=len(samples), target=target_s,
        )  # fmt: skip
    waits = asyncio.run(waited(_FLOOD))
    yield Figure(
        job=f"somebody else's /health in a flood of {_FLOOD:,}, 99 %", value=float(np.quantile(waits, 0.99)),
        best=min(waits), rounds=len(waits), target=P99_TARGET_S,
    )  # fmt: skip


async def answered(count: int, *, seed: int = 6) -> tuple[list[float], int]:
    """Seconds each of so many malformed commands took, and how many of them nobody had thought of."""
    dice, samples, unhandled = random.Random(seed), list[float](), 0  # noqa: S311 - made-up cases, nothing secret
    async with bot_world("main", "second", linked=False) as world:
        await world.link(OWNER, Role.ADMIN)
        await world.check(140)
        for _ in range(count):
            written = world.written(malformed(dice), private=dice.random() < 0.8)
            before = len(world.transport.sent)
            began_s = time.perf_counter()
            try:
                await world.app.dispatcher.obey(world.transport, written)
            except Exception:  # noqa: BLE001 - what is counted
                unhandled += 1
            samples.append(time.perf_counter() - began_s)
            unhandled += any(_WENT_WRONG in one.text for one in world.transport.sent[before:])
            del world.transport.sent[:]
    return samples, unhandled


async def waited(flood: int) -> list[float]:
    """Seconds somebody waits for an answer while somebody else sends so many commands."""
    waits: list[float] = []
    async with bot_world(allowance=USUAL) as world:
        await world.link("other", Role.VIEWER)
        await world.check(140)
        serving = asyncio.create_task(world.app.dispatcher.serve(world.transport))
        for round_ in range(50):
            world.clock.pass_s(1.0)
            world.transport.hear(*(world.written(f"/health {number}") for number in range(flood // 50)))
            before = len(world.transport.sent)
            began_s = time.perf_counter()
            world.transport.hear(world.written("/health", user="other", chat=f"other {round_}"))
            while not any(one.chat == f"other {round_}" for one in world.transport.sent[before:]):  # noqa: ASYNC110
                await asyncio.sleep(0)  # a chat in memory has no event for what it was sent
            waits.append(time.perf_counter() - began_s)
        world.transport.end()
        await serving
    return waits
