"""What a thousand accounts cost in memory, and whether ticks leave anything behind.

``python -m benchmarks.memory --ticks 1000000`` for the long run; ``make bench ARGS=memory`` makes a short one.
"""

import argparse
import asyncio
import contextlib
import gc
import os
import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from solders.pubkey import Pubkey

from benchmarks.figures import Figure, Unit
from benchmarks.live_node import live_node
from benchmarks.runner import Effort
from benchmarks.watched import resident_mib
from benchmarks.watched_fleet import CALM_USD, WatchedFleet, watched_fleet
from bot.app import App, assemble
from bot.clock import ScriptClock
from bot.replaying.transport import NAME, CountingTransport
from bot.roster import Roster, Watched
from risk.decisions.tiers import TierThresholds
from risk.margin.book import FleetBook
from storage import Receiver, Store
from tests.support.addresses import key_bytes
from tests.support.drift_oracles import repriced
from tests.support.keel_process import keel
from tests.support.tuned_reader import TunedReader
from venues.solana import profiles
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.live_book import LiveBook

_MORE_TARGET_MIB = 60.0
_SLOPE_TARGET_MIB = 1.0  # for 100,000 ticks
_PER_TICKS = 100_000
_TICK_S = 0.4
_CHECK_EVERY, _LIMITS_EVERY, _EQUITY_EVERY = 13, 50, 150  # ticks, as far apart as in production
_START_S = 120.0
_WARM_FRAC = 0.3  # SQLite fills its cache first
_SAMPLES = 60
_QUICK_TICKS, _THOROUGH_TICKS = 5_000, 100_000


def figures(effort: Effort) -> Iterator[Figure]:
    """The process with one account and with a thousand, then the slope over simulated ticks."""
    alone = asyncio.run(_held_mib(watched_fleet(1, 1), effort.watch_s))
    crowd = asyncio.run(_held_mib(watched_fleet(1_000, 1), 2 * effort.watch_s))
    yield Figure(
        job="memory of keel run, streaming, one account", value=alone, best=alone, rounds=1, unit=Unit.MEBIBYTES
    )
    yield Figure(
        job="what 999 more accounts cost it", value=crowd - alone, best=crowd - alone, rounds=1, unit=Unit.MEBIBYTES,
        target=_MORE_TARGET_MIB,
    )  # fmt: skip
    ticks = _THOROUGH_TICKS if effort.slow_rounds > 5 else _QUICK_TICKS
    slope = asyncio.run(_slope_mib(ticks))
    yield Figure(
        job=f"growth for {_PER_TICKS:,d} ticks, over {ticks:,d} of them", value=slope, best=slope, rounds=1,
        unit=Unit.MEBIBYTES, target=_SLOPE_TARGET_MIB,
    )  # fmt: skip


async def _held_mib(fleet: WatchedFleet, watch_s: float) -> float:
    """What the bot holds after it has watched for a while, with its checks, limits and equity beside the stream."""
    with tempfile.TemporaryDirectory() as folder, live_node(fleet.world, slots_per_s=2.5) as node:
        database = Path(folder) / "keel.sqlite3"
        await fleet.without_limits(database)
        env = {
            "DATA_URL": "off",
            "VENUE": "drift", "RPC_URLS": node.url, "ACCOUNTS": fleet.setting, "DATABASE_PATH": str(database),
        }  # fmt: skip
        async with keel("run", env=env, folder=Path(folder)) as bot:
            await bot.until(lambda: bot.logged("stream.up"), "stream.up", _START_S)
            await asyncio.sleep(watch_s)
            return resident_mib(bot.pid)


async def _slope_mib(ticks: int, *, accounts: int = 20, seed: int = 1) -> float:
    """MiB gained for every 100,000 ticks: prices walk, tiers change, notices are stored and sent, nothing is kept."""
    structlog.configure(processors=[_nothing])
    fleet = watched_fleet(accounts, accounts)
    walk = _Walk(fleet, seed)
    at, held = [], []
    async with _app(fleet) as (app, clock):
        await app.prepare()
        for tick in range(ticks):
            await clock.sleep(_TICK_S)
            app.services.fleet.accept(walk.book(clock.now()))
            await app.watch.assess(thorough=tick % _CHECK_EVERY == 0)
            if tick % _LIMITS_EVERY == 0:
                await app.limits.check()
            if tick % _EQUITY_EVERY == 0:
                await app.equity.record()
            await app.deliveries[NAME].drain_if_woken()
            if tick >= ticks * _WARM_FRAC and tick % max(1, ticks // _SAMPLES) == 0:
                gc.collect()
                at.append(tick)
                held.append(resident_mib(os.getpid()))
    return float(np.polyfit(at, held, 1)[0]) * _PER_TICKS


def _nothing(logger: object, name: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Nobody reads the log of a benchmark."""
    raise structlog.DropEvent


class _Walk:
    """Feeds that wander and come back, told to a LiveBook as a node would."""

    def __init__(self, fleet: WatchedFleet, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # simulated prices
        self._accounts = {
            Pubkey.from_string(key): RawAccount(key_bytes(account.owner), account.data)
            for key, account in fleet.world.accounts.items()
        }
        self._slot = fleet.world.slot
        self._feeds = [Pubkey.from_string(probe.feed) for probe in fleet.probes]
        self._prices = [float(CALM_USD)] * len(self._feeds)
        self._live = LiveBook(profiles.load("drift"), [Pubkey.from_string(one) for one in fleet.accounts])
        while missing := self._live.digest():
            found = {key: self._accounts[key] for key in missing if key in self._accounts}
            self._live.take_all(Fetched(asked=missing, accounts=found, slot=self._slot))

    def book(self, now: datetime) -> FleetBook:
        self._slot += 1
        for number, key in enumerate(self._feeds):
            pull = 0.02 * (float(CALM_USD) * 0.75 - self._prices[number])
            self._prices[number] = max(20.0, self._prices[number] + pull + self._random.gauss(0.0, 2.0))
            old = self._accounts[key]
            data = repriced(
                old.data, price=Decimal(f"{self._prices[number]:.4f}"), confidence=None, slot=self._slot,
                publish_time_s=int(now.timestamp()),
            )  # fmt: skip
            self._live.take(key, RawAccount(old.owner, data), self._slot)
        self._live.saw_slot(self._slot)
        assert not self._live.digest(), "everything is here"
        return self._live.book(now)


@contextlib.asynccontextmanager
async def _app(fleet: WatchedFleet) -> AsyncIterator[tuple[App, ScriptClock]]:
    clock = ScriptClock(datetime(2026, 1, 1, tzinfo=UTC))
    roster = Roster(
        Watched(account_id=one, nickname=f"a{number}", thresholds=TierThresholds())
        for number, one in enumerate(fleet.accounts)
    )
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(max_workers=1) as executor:
        await fleet.without_limits(Path(folder) / "keel.sqlite3")
        async with await Store.open(Path(folder) / "keel.sqlite3") as store:
            yield assemble(
                store=store, reader=TunedReader(clock), roster=roster, transports=[CountingTransport(now=clock.now)],
                clock=clock, venue="drift", executor=executor,
                console=Receiver(transport=NAME, chat="a person", route=NAME),
            ), clock  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description="Do ticks leave memory behind?")
    parser.add_argument("--ticks", type=int, default=_QUICK_TICKS, help="a million take an hour or so")
    ticks = parser.parse_args().ticks
    print(f"{asyncio.run(_slope_mib(ticks)):+.2f} MiB for {_PER_TICKS:,d} ticks, over {ticks:,d} of them")


if __name__ == "__main__":
    main()
