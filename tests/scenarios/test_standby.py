"""A second machine that watches in silence, and pages when the first one is dead or cut off."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import SLOTS_PER_S, Stage, Start, fall_to, recover
from tests.support.cut_proxy import CutProxy, free_port
from tests.support.keel_process import KeelProcess, keel
from tests.support.phone import Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc, running_rpc
from tests.support.telegram import TelegramServer
from tests.support.world_builder import WorldBuilder

SECRET = "canary-secret-of-the-beats"
SILENT_AFTER_S = 8.0
BEAT_S = 0.5
START_S = 60.0
SAID_BY = "Said by the standby"

StartStandby = Callable[..., Awaitable[KeelProcess]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two machines: what the first one is told of the second, and the second one's own node."""

    beat_url: str
    rpc: SolanaRpc
    start: StartStandby
    proxy: CutProxy


@pytest.fixture
def second_rpc(scene: OnePosition) -> Iterator[SolanaRpc]:
    with running_rpc(scene.world, slots_per_s=SLOTS_PER_S) as rpc:
        yield rpc


@pytest.fixture
async def pair(stage: Stage, second_rpc: SolanaRpc, tmp_path: Path) -> AsyncIterator[Pair]:
    """The standby has a folder of its own, another RPC, and no chat that was ever linked to it."""
    folder, port = tmp_path / "second", free_port()
    folder.mkdir()
    async with CutProxy(port) as proxy, contextlib.AsyncExitStack() as processes:

        async def start(**changes: str) -> KeelProcess:
            env = {
                **stage.env, "RPC_URLS": second_rpc.url, "DATABASE_PATH": str(folder / "keel.sqlite3"),
                "HEARTBEAT_SECRET": SECRET, "STANDBY_LISTEN": f"127.0.0.1:{port}",
                "STANDBY_AFTER_S": f"{SILENT_AFTER_S}", **changes,
            }  # fmt: skip
            standby = await processes.enter_async_context(keel("standby", env=env, folder=folder))
            await standby.until(lambda: standby.logged("standby.listening"), "listening", START_S)
            return standby

        yield Pair(beat_url=f"http://127.0.0.1:{proxy.port}/keel/beat", rpc=second_rpc, start=start, proxy=proxy)


@pytest.fixture
async def primary(start: Start, pair: Pair) -> Callable[[], Awaitable[KeelProcess]]:
    async def run() -> KeelProcess:
        return await start(HEARTBEAT_URLS=pair.beat_url, HEARTBEAT_SECRET=SECRET, HEARTBEAT_EVERY_S=f"{BEAT_S}")

    return run


async def linked(bot: KeelProcess, phone: Phone) -> None:
    """Until the owner has heard how the account stands, which is not well from the start."""
    await phone.link(await bot.link_code())
    await phone.until(lambda: said(phone, "main: ", standby=False), "the first alert", START_S)


async def heard(standby: KeelProcess) -> None:
    """Until beats come that know the chat."""
    await standby.until(lambda: standby.logged("primary.heard"), "a beat", START_S)
    await asyncio.sleep(3 * BEAT_S)


def said(phone: Phone, words: str, *, standby: bool) -> list[str]:
    """What one of the two has said of something, oldest first. Alerts of one moment may be one message."""
    texts = [message.text for message in phone.messages if "alert #" in message.text]
    return [text for text in texts if words in text and (SAID_BY in text) is standby]


async def test_the_primary_killed_in_the_crash_is_paged_and_replaced_until_it_is_back(
    primary: Callable[[], Awaitable[KeelProcess]], pair: Pair, phone: Phone, scene: OnePosition, rpc: SolanaRpc,
    figure: Gauge,
) -> None:  # fmt: skip
    standby = await pair.start()
    bot = await primary()
    await linked(bot, phone)
    await heard(standby)
    assert said(phone, "", standby=True) == []

    await bot.kill()
    with figure.timing(Measure.PAGED_AFTER):
        await phone.until(lambda: said(phone, "primary silent since", standby=True), "page", SILENT_AFTER_S + START_S)
    await phone.until(lambda: said(phone, " main: ", standby=True), "how the account stands", START_S)
    fall_to("LIQUIDATING", scene, rpc, pair.rpc)
    with figure.timing(Measure.TOLD_AFTER):
        await phone.until(lambda: said(phone, "LIQUIDATING main", standby=True), "the fall", START_S)
    assert not [one.text for one in phone.messages if SAID_BY in one.text and one.keys]

    bot = await primary()
    await phone.until(lambda: said(phone, "the primary is back", standby=True), "word of its return", START_S)
    await phone.until(lambda: said(phone, "LIQUIDATING main", standby=False), "the primary's own word", START_S)
    recover(scene, rpc)
    recover(scene, pair.rpc)
    await phone.until(lambda: said(phone, "RESOLVED main: health", standby=False), "the recovery", START_S)
    before = len(said(phone, "", standby=True))
    fall_to("LIQUIDATING", scene, rpc, pair.rpc)
    await phone.until(lambda: len(said(phone, "LIQUIDATING main", standby=False)) > 1, "the second fall", START_S)
    await asyncio.sleep(1.0)
    assert len(said(phone, "", standby=True)) == before
    assert "another process reads" not in bot.output + standby.output
    assert SECRET not in bot.output + standby.output
    assert await standby.stop() == 0
    assert await bot.stop() == 0


async def test_the_primary_cut_off_from_the_net_is_the_same_case(
    primary: Callable[[], Awaitable[KeelProcess]], pair: Pair, phone: Phone, scene: OnePosition, rpc: SolanaRpc,
    figure: Gauge,
) -> None:  # fmt: skip
    standby = await pair.start()
    bot = await primary()
    await linked(bot, phone)
    await heard(standby)

    pair.proxy.cut()
    with figure.timing(Measure.PAGED_AFTER):
        await phone.until(lambda: said(phone, "primary silent since", standby=True), "page", SILENT_AFTER_S + START_S)
    fall_to("LIQUIDATING", scene, rpc, pair.rpc)
    for standby_speaks in (True, False):
        await phone.until(
            lambda standby_speaks=standby_speaks: said(phone, "LIQUIDATING main", standby=standby_speaks),  # type: ignore[misc]  # the default binds it
            "the fall", START_S,
        )  # fmt: skip
    pair.proxy.mend()
    await phone.until(lambda: said(phone, "the primary is back", standby=True), "word of its return", START_S)
    assert await bot.stop() == 0


async def test_a_primary_that_never_comes_is_paged_through_the_standbys_own_bot_which_can_be_linked_and_asked(
    pair: Pair, scene: OnePosition
) -> None:
    async with TelegramServer() as second:
        phone = Phone(second)
        standby = await pair.start(STANDBY_TELEGRAM_TOKEN=second.token, TELEGRAM_BASE_URL=second.url, TELEGRAM_TOKEN="")
        await phone.link(await standby.link_code())
        await phone.until(lambda: said(phone, "primary never heard", standby=True), "page", START_S)
        assert "Primary: never heard." in await phone.ask("/status")
        fall_to("LIQUIDATING", scene, pair.rpc)
        alert = await phone.alert("LIQUIDATING", timeout_s=START_S)
        assert alert.text.endswith("Said by the standby.")
        await phone.press(alert, "Ack")


async def test_its_own_faults_are_told_while_the_primary_lives(
    primary: Callable[[], Awaitable[KeelProcess]], pair: Pair, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    standby = await pair.start(SLOT_STALL_S="3")
    bot = await primary()
    await linked(bot, phone)
    await heard(standby)
    pair.rpc.set_tick(0)
    await phone.until(lambda: said(phone, "UNKNOWN all accounts", standby=True), "its own fault", START_S)
    pair.rpc.set_tick(SLOTS_PER_S)
    recover(scene, pair.rpc)
    await phone.until(lambda: said(phone, "RESOLVED all accounts", standby=True), "its end", START_S)
    assert said(phone, "all accounts", standby=False) == []
    assert said(phone, " main: ", standby=True) == []


async def test_what_the_primary_watches_the_standby_watches_too_whatever_its_own_settings_name(
    start: Start, pair: Pair, scene: OnePosition, rpc: SolanaRpc
) -> None:
    builder = WorldBuilder()
    other = builder.add_user("bob", spots=[builder.deposit("USDC", "50")])
    world = builder.build()
    for node in (rpc, pair.rpc):
        node.put_account(other, data=world.users[other], owner=world.program_id)
    standby = await pair.start(ACCOUNTS=f"{scene.user}=main")
    await start(
        HEARTBEAT_URLS=pair.beat_url, HEARTBEAT_SECRET=SECRET, HEARTBEAT_EVERY_S=f"{BEAT_S}",
        ACCOUNTS=f"{scene.user}=main,{other}=second",
    )  # fmt: skip
    await standby.until(lambda: standby.logged("standby.follows"), "an account of the primary's", START_S)
    (follows,) = standby.logged("standby.follows")
    assert (follows["account_id"], follows["outcome"]) == (other, "done")
