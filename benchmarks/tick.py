"""A check over JSON-RPC on loopback: read, decode, evaluate, what the tiers look at; the node's own time included."""

import asyncio
from collections.abc import Iterator

from benchmarks import driftpy_peer
from benchmarks.driftpy_peer import CLIENT
from benchmarks.figures import Figure, Peer, timed
from benchmarks.node import serving
from benchmarks.runner import Effort, Timing, time_awaited
from benchmarks.sample import Sample, hundred, trader
from bot.clock import SystemClock
from risk.fleet import Fleet
from venues.solana import SolanaSettings
from venues.solana.adapter import connect

_SLOTS_PER_S = 25.0  # ten times mainnet's pace
_NEW_SLOT_S = 1.5 / _SLOTS_PER_S  # so that every check finds one, as checks five seconds apart do


def figures(effort: Effort) -> Iterator[Figure]:
    """One account, then a hundred."""
    for sample, what in ((trader(), "one account"), (hundred(), "100 accounts")):
        with serving(sample.world, slots_per_s=_SLOTS_PER_S) as url:
            ours = asyncio.run(_checks(sample, url, effort.slow_rounds))
            peers: tuple[Peer, ...] = ()
            if driftpy_peer.installed():
                theirs = asyncio.run(_driftpy(sample, url, max(3, effort.slow_rounds // 3)))
                peers = (Peer(name=f"{CLIENT}, cached mode", value=theirs.median_s),)
        yield timed(f"a check of {what} over loopback RPC", ours, peers=peers)


async def _checks(sample: Sample, url: str, rounds: int) -> Timing:
    clock = SystemClock()
    reader = connect(SolanaSettings(rpc_urls=(url,)), clock=clock)
    fleet = Fleet(reader, sample.users, clock)

    async def check() -> None:
        await fleet.refresh()
        for user in sample.users:
            assert not fleet.reading(user).unknown_because, "an account that cannot be assessed costs less"

    try:
        return await time_awaited(check, rounds, pause_s=_NEW_SLOT_S)
    finally:
        await reader.close()


async def _driftpy(sample: Sample, url: str, rounds: int) -> Timing:
    async with driftpy_peer.Client(sample, url) as client:

        async def check() -> None:
            await client.refresh()
            for user in client.users:
                user.get_health()

        return await time_awaited(check, rounds, pause_s=_NEW_SLOT_S)
