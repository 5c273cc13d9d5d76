"""From a price to a message: a node's websocket, the whole bot as a process, and a Telegram server 50 ms away."""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure
from benchmarks.live_node import LiveNode, live_node
from benchmarks.runner import Effort
from benchmarks.watched_fleet import CRASHED_USD, Probe, WatchedFleet, watched_fleet
from tests.support.keel_process import keel
from tests.support.phone import Phone
from tests.support.telegram import TelegramServer

ACCOUNTS = 1_000
SLOTS_PER_S = 2.5  # mainnet's pace; every feed is posted again in every slot
LATENCY_S = 0.05
_MEDIAN_TARGET_S, _P99_TARGET_S = 0.150, 1.0
_START_S = 120.0
_SETTLE_S = 10.0
_ENOUGH_S = 30.0
_APART_S = 1.2  # a chat of the platform takes one message a second
_PROBES_PER_ROUND = 5


def figures(effort: Effort) -> Iterator[Figure]:
    """Each sample is one account of a thousand that one price takes from OK to the brink."""
    fleet = watched_fleet(ACCOUNTS, effort.slow_rounds * _PROBES_PER_ROUND)
    samples = asyncio.run(_samples(fleet))
    for name, share, target_s in (("median", 0.5, _MEDIAN_TARGET_S), ("99 %", 0.99, _P99_TARGET_S)):
        yield Figure(
            job=f"a price at the RPC's socket to a message Telegram took, {ACCOUNTS:,d} accounts, {name}",
            value=float(np.quantile(samples, share)), best=min(samples), rounds=len(samples), target=target_s,
        )  # fmt: skip


async def _samples(fleet: WatchedFleet) -> list[float]:
    """Seconds from a price to the platform's acceptance, for every probe; the platform's latency included."""
    with tempfile.TemporaryDirectory() as folder, live_node(fleet.world, slots_per_s=SLOTS_PER_S) as node:
        database = Path(folder) / "keel.sqlite3"
        await fleet.without_limits(database)
        async with TelegramServer() as telegram:
            env = {
                "DATA_URL": "off",
                "VENUE": "drift", "RPC_URLS": node.url, "ACCOUNTS": fleet.setting, "DATABASE_PATH": str(database),
                "TELEGRAM_TOKEN": telegram.token, "TELEGRAM_BASE_URL": telegram.url,
                "ALLOW_LOOPBACK_PLATFORMS": "true",
            }  # fmt: skip
            async with keel("run", env=env, folder=Path(folder)) as bot:
                await bot.until(lambda: bot.logged("stream.up"), "stream.up", _START_S)
                phone = Phone(telegram)
                await phone.link(await bot.link_code())
                telegram.latency_s = LATENCY_S
                await asyncio.sleep(_SETTLE_S)
                return [await _sample(node, phone, probe) for probe in fleet.probes]


async def _sample(node: LiveNode, phone: Phone, probe: Probe) -> float:
    # At any moment between two slots and between two checks.
    await asyncio.sleep(_APART_S + random.uniform(0.0, 1.0))  # noqa: S311  # spreads samples, guards nothing
    before = len(phone.messages)
    sent_s = await asyncio.to_thread(node.move, probe.feed, CRASHED_USD)
    await phone.until(
        lambda: any(probe.nickname in message.text for message in phone.messages[before:]),
        f"message about {probe.nickname}", _ENOUGH_S,
    )  # fmt: skip
    return time.monotonic() - sent_s
