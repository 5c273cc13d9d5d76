"""Seconds, not intervals: a bot that checks once a minute rings at once, and what its stream misses is bridged."""

import asyncio
import time
from decimal import Decimal

import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import Stage, Start, rpc_url
from tests.support.keel_process import KeelProcess
from tests.support.phone import Phone
from tests.support.scenarios import OnePosition, sol_long
from tests.support.solana_rpc import UPGRADE, HttpError, SolanaRpc, Withheld, running_rpc

READ = "getMultipleAccounts"
INTERVAL_S = 60
SECONDS_S = 29.0  # far below the interval, for a machine that is busy


@pytest.fixture
def scene() -> OnePosition:
    """Far from liquidation: 1,000 USDC and a SOL-PERP long of twice as much."""
    return sol_long(leverage=2)


@pytest.fixture
def stage(stage: Stage) -> Stage:
    env = {**stage.env, "CHECK_INTERVAL_S": f"{INTERVAL_S}", "SLOT_STALL_S": "30"}
    return Stage(env=env, folder=stage.folder)


@pytest.fixture
async def bot(start: Start, phone: Phone) -> KeelProcess:
    process = await start()
    await phone.link(await process.link_code())
    await process.until(lambda: process.logged("stream.up"), "stream.up")
    return process


def crash(scene: OnePosition, *nodes: SolanaRpc) -> None:
    for node in nodes:
        node.set_oracle(scene.oracle, round(scene.price_at_ratio(Decimal(90)), 4))


async def rings(phone: Phone, *, within_s: float = SECONDS_S) -> float:
    """Seconds until somebody hears that the account can be liquidated."""
    started = time.monotonic()
    await phone.alert("LIQUIDATING", timeout_s=within_s)
    return time.monotonic() - started


async def is_back(bot: KeelProcess) -> float:
    """Seconds until its stream is up for the second time."""
    started = time.monotonic()
    await bot.until(lambda: len(bot.logged("stream.up")) >= 2, "stream.up", SECONDS_S)
    return time.monotonic() - started


async def test_a_price_rings_in_seconds_although_checks_are_a_minute_apart(
    bot: KeelProcess, phone: Phone, rpc: SolanaRpc, scene: OnePosition
) -> None:
    rpc.calls.clear()
    crash(scene, rpc)
    await rings(phone)
    # A machine that stands still longer than a stream may be silent begins another, and reads for it.
    assert rpc.count(READ) == 0 or bot.logged("stream.down"), "nobody asked"
    assert "Stream: live, last update" in await phone.ask("/status")


async def test_a_fall_while_the_stream_is_cut_is_heard_and_the_stream_is_back_within_ten_seconds(
    bot: KeelProcess, phone: Phone, rpc: SolanaRpc, scene: OnePosition, figure: Gauge
) -> None:
    rpc.drop_websockets()
    crash(scene, rpc)
    rang_s, gap_s = await asyncio.gather(rings(phone), is_back(bot))
    figure.took(Measure.TOLD_AFTER, rang_s)
    figure.took(Measure.GAP, gap_s)
    assert bot.logged("stream.down")


async def test_a_stream_that_falls_silent_is_left_and_nothing_is_missed(
    bot: KeelProcess, phone: Phone, rpc: SolanaRpc, scene: OnePosition, figure: Gauge
) -> None:
    rpc.silence_websockets(3_600)
    crash(scene, rpc)
    figure.took(Measure.TOLD_AFTER, await rings(phone, within_s=2 * SECONDS_S))
    rpc.silence_websockets(0)
    await bot.until(lambda: len(bot.logged("stream.up")) >= 2, "stream.up", 2 * SECONDS_S)


async def test_polling_carries_on_where_websockets_are_refused(
    bot: KeelProcess, phone: Phone, rpc: SolanaRpc, scene: OnePosition, figure: Gauge
) -> None:
    rpc.inject(HttpError(status=503), methods=[UPGRADE])
    rpc.drop_websockets()
    await bot.until(lambda: bot.logged("stream.down"), "stream.down")
    assert "Stream: down for" in await phone.ask("/status")
    crash(scene, rpc)
    figure.took(Measure.TOLD_AFTER, await rings(phone, within_s=2 * SECONDS_S))


async def test_the_second_endpoint_carries_the_stream_when_the_first_is_gone(
    start: Start, phone: Phone, rpc: SolanaRpc, scene: OnePosition, figure: Gauge
) -> None:
    with running_rpc(scene.world, slots_per_s=10) as second:
        bot = await start(RPC_URLS=f"{rpc_url(rpc)},{rpc_url(second)}")
        await phone.link(await bot.link_code())
        await bot.until(lambda: bot.logged("stream.up"), "stream.up")
        rpc.inject(HttpError(status=503))
        rpc.drop_websockets()
        with figure.timing(Measure.GAP):
            await is_back(bot)
        assert second.subscriptions.count
        crash(scene, second)
        figure.took(Measure.TOLD_AFTER, await rings(phone))


async def test_a_change_the_stream_keeps_back_is_found_by_the_checks(
    start: Start, phone: Phone, rpc: SolanaRpc, scene: OnePosition, figure: Gauge
) -> None:
    bot = await start(CHECK_INTERVAL_S="1")
    await phone.link(await bot.link_code())
    await bot.until(lambda: bot.logged("stream.up"), "stream.up")
    rpc.inject(Withheld())
    crash(scene, rpc)
    figure.took(Measure.TOLD_AFTER, await rings(phone))


async def test_without_the_stream_the_checks_alone_watch(
    start: Start, phone: Phone, rpc: SolanaRpc, scene: OnePosition
) -> None:
    bot = await start(STREAM="false", CHECK_INTERVAL_S="1")
    await phone.link(await bot.link_code())
    crash(scene, rpc)
    await rings(phone)
    assert not bot.logged("stream.up")
    assert "Stream:" not in await phone.ask("/status")
    assert rpc.count("accountSubscribe") == 0
