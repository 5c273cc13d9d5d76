"""The venue fails in every way it can. Nobody is told that an account is well when nobody can know."""

import asyncio
import math
import re
import time
from collections.abc import Callable

import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import SLOTS_PER_S, Stage, Start, fall_to, recover, rpc_url
from tests.support import addresses
from tests.support.keel_process import KeelProcess
from tests.support.phone import WAIT_S, Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import (
    Delay,
    Garbage,
    HttpError,
    RateLimit,
    Reset,
    SolanaRpc,
    StaleSlot,
    Truncate,
    WrongOwner,
    running_rpc,
)
from tests.support.world_builder import WorldBuilder

STALL_S = 1.0
LONGER_STALL_S = 6.0  # where a busy machine must not pass for a stall
INTERVAL_S = 0.1
READ = "getMultipleAccounts"
WELL = "main: health 85%, OK"

Break = Callable[[SolanaRpc, OnePosition], object]


@pytest.fixture
def stage(stage: Stage) -> Stage:
    return Stage(
        env={**stage.env, "SLOT_STALL_S": f"{STALL_S}", "CHECK_INTERVAL_S": f"{INTERVAL_S}"}, folder=stage.folder
    )


def go_back(rpc: SolanaRpc) -> None:
    rpc.set_tick(0)
    rpc.set_slot(rpc.slot - 5)


def cut_off(rpc: SolanaRpc, fault: HttpError | RateLimit | Reset | Delay | Garbage) -> None:
    """Whatever is asked fails in this way, and nothing is told any more."""
    rpc.inject(fault)
    rpc.drop_websockets()


def grow_stale(rpc: SolanaRpc, scene: OnePosition) -> None:
    rpc.set_oracle(scene.oracle, scene.price_usd, hold=True)
    rpc.advance(5_000)


FAULTS: dict[str, tuple[Break, str, str]] = {
    "frozen slot": (lambda rpc, _: rpc.set_tick(0), "all accounts", r"slot 300000\d+ has not moved for \d+ s"),
    "slot that went back": (lambda rpc, _: go_back(rpc), "all accounts", r"slot 300000\d+ has not moved for \d+ s"),
    "node far behind": (lambda rpc, _: rpc.inject(StaleSlot(slots=50_000)), "all accounts", r"\d+ slots behind"),
    "connections cut": (lambda rpc, _: cut_off(rpc, Reset()), "all accounts", r"no usable answer .* for [1-9]\d* s"),
    "HTTP 503": (lambda rpc, _: cut_off(rpc, HttpError(status=503)), "all accounts", "HTTP status 503"),
    "HTTP 429": (lambda rpc, _: cut_off(rpc, RateLimit(retry_after_s=1)), "all accounts", "no usable answer"),
    "truncated data": (
        lambda rpc, scene: rpc.inject(Truncate(length=4_000), pubkeys=[scene.user]), "all accounts", "4000 bytes",
    ),
    "wrong owner": (
        lambda rpc, scene: rpc.inject(WrongOwner(), pubkeys=[scene.user]), "all accounts", "is owned by 1111",
    ),
    "stale oracle": (grow_stale, "main", "the oracle of SOL-PERP has not been updated"),
    "oracle without a price": (
        lambda rpc, scene: rpc.set_oracle(scene.oracle, "0"), "main", "the oracle of SOL-PERP shows no positive price",
    ),
}  # fmt: skip


def repair(rpc: SolanaRpc, scene: OnePosition) -> None:
    rpc.heal()
    rpc.set_tick(SLOTS_PER_S)
    recover(scene, rpc)


async def all_is_well(phone: Phone) -> int:
    """Until it is; how many alerts have come before, of a machine that stood still longer than a slot may."""
    while not (await phone.ask("/health")).startswith(WELL) or phone.heads[-1:] == ["UNKNOWN"]:  # noqa: ASYNC110 - asked for
        await asyncio.sleep(0.1)
    return len(phone.alerts)


async def told_at(phone: Phone, before: int) -> float:
    """When somebody was told that nobody can know, by the monotonic clock."""
    await phone.alert("UNKNOWN", after=before)
    return time.monotonic()


@pytest.mark.parametrize(("break_it", "whom", "why"), FAULTS.values(), ids=FAULTS)
async def test_unknown_rings_in_time_and_no_old_figure_passes_for_health(
    break_it: Break, whom: str, why: str, bot: KeelProcess, phone: Phone, rpc: SolanaRpc, scene: OnePosition,
    figure: Gauge,
) -> None:  # fmt: skip
    before = await all_is_well(phone)
    break_it(rpc, scene)
    broken = time.monotonic()
    last_healthy, first_unknown = broken, math.inf
    told = asyncio.create_task(told_at(phone, before))
    while len(phone.alerts) == before:
        asked = time.monotonic()
        answer = await phone.ask("/health")
        if "UNKNOWN" in answer:
            first_unknown = min(first_unknown, asked)
        else:
            last_healthy = asked
        await asyncio.sleep(0.05)
        assert time.monotonic() - broken < WAIT_S, "nobody was told"
    figure.took(Measure.TOLD_AFTER, await told - broken)
    unknown = phone.alerts[before]
    assert unknown.text.startswith(f"UNKNOWN {whom}: ")
    assert re.search(why, unknown.text, re.IGNORECASE), unknown.text
    first_unknown = min(first_unknown, time.monotonic())
    answer = await phone.ask("/health")
    assert answer.startswith("main: UNKNOWN, last health "), answer
    figure.took(Measure.ADMITTED_AFTER, max(first_unknown, last_healthy) - broken)
    assert re.search(r"^main · (STALE )?\d+ s old · slot 300,0\d\d,\d\d\d$", answer, re.MULTILINE), answer
    assert (await phone.ask("/liq")).startswith("main: UNKNOWN, last ")
    assert re.match("Keel: (UNKNOWN|cannot assess)", await phone.ask("/status"))
    repair(rpc, scene)
    resolved = await phone.alert("RESOLVED", after=before)
    assert resolved.number == unknown.number
    assert (await phone.ask("/health")).startswith("main: health 85%, OK")
    assert phone.heads[before:] == ["UNKNOWN", "RESOLVED"]
    assert await bot.stop() == 0


async def test_damage_to_one_account_makes_it_unknown_and_leaves_the_other_watched(
    start: Start, stage: Stage, phone: Phone, rpc: SolanaRpc, scene: OnePosition, figure: Gauge
) -> None:
    builder = WorldBuilder()
    other = builder.add_user("bob", spots=[builder.deposit("USDC", "50")])
    rpc.put_account(other, data=builder.build().users[other], owner=builder.build().program_id)
    bot = await start(ACCOUNTS=f"{scene.user}=main,{other}=second")
    await phone.link(await bot.link_code())
    rpc.inject(Truncate(length=100), pubkeys=[other])
    unknown = await phone.alert("UNKNOWN")
    assert unknown.text.startswith("UNKNOWN second: ")
    assert "health" in await phone.ask("/health main")
    fall_to("HIGH", scene, rpc)
    with figure.timing(Measure.TOLD_AFTER):
        assert (await phone.alert("HIGH")).text.startswith("HIGH main: ")
    rpc.heal()
    assert "data is back" in (await phone.alert("RESOLVED")).text
    assert phone.heads == ["UNKNOWN", "HIGH", "RESOLVED"]


async def test_a_second_endpoint_keeps_tiers_assessable_while_the_first_is_down(
    start: Start, stage: Stage, phone: Phone, rpc: SolanaRpc, scene: OnePosition, figure: Gauge
) -> None:
    with running_rpc(scene.world, slots_per_s=SLOTS_PER_S) as second:
        bot = await start(RPC_URLS=f"{rpc_url(rpc)},{rpc_url(second)}", SLOT_STALL_S="15")
        await phone.link(await bot.link_code())
        assert (await phone.ask("/health")).startswith("main: health 85%, OK")
        assert second.count(READ) == 0
        for fault in (HttpError(status=503), Reset(), RateLimit(retry_after_s=30)):
            rpc.inject(fault)
        fall_to("HIGH", scene, rpc, second)
        with figure.timing(Measure.TOLD_AFTER):
            await phone.alert("HIGH")
        assert second.count(READ) > 0
        figure(Measure.FALSE_ALARMS, len(phone.heads) - 1)
        assert phone.heads == ["HIGH"]
        assert (await phone.ask("/status")).startswith("Keel: watching 1 account")


async def test_answers_that_lie_behind_change_nothing_while_the_stream_does_not(
    start: Start, phone: Phone, rpc: SolanaRpc, scene: OnePosition
) -> None:
    bot = await start(SLOT_STALL_S=f"{LONGER_STALL_S}")
    await phone.link(await bot.link_code())
    assert (await phone.ask("/health")).startswith("main: health 85%, OK")
    await bot.until(lambda: bot.logged("stream.up"), "a stream")
    rpc.inject(StaleSlot(slots=50_000), methods=[READ])
    await asyncio.sleep(1.5 * LONGER_STALL_S)
    assert bot.logged("check.venue_failed")
    assert phone.heads == []
    assert (await phone.ask("/health")).startswith("main: health 85%, OK")
    fall_to("HIGH", scene, rpc)
    assert (await phone.alert("HIGH")).text.startswith("HIGH main: ")
    assert phone.heads == ["HIGH"]


async def test_a_bot_that_starts_while_the_venue_is_silent_says_so_in_chat_and_goes_on_when_it_speaks(
    start: Start, phone: Phone, rpc: SolanaRpc, scene: OnePosition
) -> None:
    fault = rpc.inject(Reset())
    bot = await start(ACCOUNTS=f"{addresses.address(scene.authority_name)}:0=main")
    await phone.link(await bot.link_code())
    assert (await phone.alert("UNKNOWN")).text.startswith("UNKNOWN all accounts: ")
    answer = await phone.ask("/health")
    assert "OK" not in answer
    assert "health" not in answer.splitlines()[0]
    assert (await phone.ask("/status")).startswith("Keel: UNKNOWN")
    fault.cancel()
    await phone.alert("RESOLVED")
    assert (await phone.ask("/health")).startswith("main: health 85%, OK")


async def test_sigterm_ends_a_bot_whose_venue_hangs(bot: KeelProcess, phone: Phone, rpc: SolanaRpc) -> None:
    rpc.inject(Delay(seconds=3_600))
    await asyncio.sleep(3 * INTERVAL_S)
    assert (await phone.ask("/health")).startswith("main: ")
    assert await bot.stop() == 0


@pytest.mark.usefixtures("bot")
async def test_a_slow_venue_is_unknown_as_soon_as_its_time_is_up(phone: Phone, rpc: SolanaRpc, figure: Gauge) -> None:
    cut_off(rpc, Delay(seconds=3_600))
    with figure.timing(Measure.TOLD_AFTER):
        unknown = await phone.alert("UNKNOWN")
    assert "did not answer within 4 s" in unknown.text


AT_ONCE: dict[str, tuple[Break, str]] = {
    "connections refused": (lambda rpc, _: rpc.refuse_connections(), "UNKNOWN all accounts: no fresh data"),
    "garbage": (lambda rpc, _: cut_off(rpc, Garbage()), "UNKNOWN all accounts: no fresh data"),
    "wide oracle": (
        lambda rpc, scene: rpc.set_oracle(scene.oracle, scene.price_usd, confidence=scene.price_usd),
        "UNKNOWN main: data cannot be trusted\nThe oracle of SOL-PERP is too uncertain",
    ),
}


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(("break_it", "words"), AT_ONCE.values(), ids=AT_ONCE)
async def test_what_nobody_can_know_is_said_as_soon_as_that_is_known(
    break_it: Break, words: str, phone: Phone, rpc: SolanaRpc, scene: OnePosition, figure: Gauge
) -> None:
    break_it(rpc, scene)
    with figure.timing(Measure.TOLD_AFTER):
        unknown = await phone.alert("UNKNOWN")
    assert unknown.text.startswith(words)
    assert phone.heads == ["UNKNOWN"]
