"""What happens on chain is told once, in words, whether the bot runs, is killed, or the node lags."""

import asyncio
import struct
import time
from dataclasses import replace
from decimal import Decimal

from tests.scenarios.conftest import Start
from tests.support import drift_events as written
from tests.support.drift_layout import USER
from tests.support.keel_process import KeelProcess
from tests.support.phone import Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc
from tests.support.world import ChainAccount
from tests.support.world_builder import WorldBuilder

LONG_S = 60.0  # for a busy machine; all of it takes a second or two
SOME_LOOKS_S = 1.5
BEING_LIQUIDATED = 1
LIQUIDATOR = WorldBuilder().add_user("liquidator")


def account(
    scene: OnePosition, rpc: SolanaRpc, *, size: Decimal, usdc: str = "1000", withdrawn_usd: int = 0, status: int = 0
) -> ChainAccount:
    """The account as it stands after something was done to it in this slot."""
    builder = WorldBuilder()
    perps = [builder.position(scene.market, size)] if size else []
    user = builder.add_user(scene.authority_name, spots=[builder.deposit("USDC", usdc)], perps=perps, status=status)
    found = builder.build().accounts[user]
    data = bytearray(found.data)
    struct.pack_into("<Q", data, USER.fields["total_withdraws"].offset, withdrawn_usd * 10**6)
    struct.pack_into("<Q", data, USER.fields["last_active_slot"].offset, rpc.slot)
    return replace(found, data=bytes(data))


def happens(rpc: SolanaRpc, scene: OnePosition, after: ChainAccount, *events: bytes | str) -> None:
    """One transaction: what it wrote into its log, and what it left behind."""
    rpc.post(accounts=[scene.user], logs=written.log_of(*events), effects={scene.user: after})


def withdrawal(scene: OnePosition, usd: int) -> bytes:
    return written.flow(scene.user, usd * 10**6, withdraw=True, ts=int(time.time()))


def sale(scene: OnePosition, base: Decimal, price_usd: str) -> str:
    base_1e9 = int(base * 10**9)
    return written.log_line(
        written.fill(
            scene.user, base_1e9=base_1e9, quote_1e6=int(base * Decimal(price_usd) * 10**6), taker_buys=False,
            taker_order=(7, base_1e9, base_1e9), taker_fee_1e6=1_200_000, ts=int(time.time()),
        )
    )  # fmt: skip


async def followed(bot: KeelProcess) -> None:
    """What happens from now on is news, be it in the very slot of the first reading."""
    await bot.until(lambda: bot.logged("events.following"), "a first reading that is kept", LONG_S)


def told(phone: Phone, words: str) -> list[str]:
    """Alerts with these words. What was said of the time in which nobody watched sums them up."""
    return [one.text for one in phone.messages if words in one.text and one not in phone.absences]


async def heard(phone: Phone, words: str) -> str:
    await phone.until(lambda: told(phone, words), words, LONG_S)
    return told(phone, words)[0]


async def test_a_withdrawal_nobody_announced_rings_and_one_that_was_announced_does_not(
    bot: KeelProcess, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    await followed(bot)
    happens(
        rpc, scene, account(scene, rpc, size=scene.size_base, usdc="900", withdrawn_usd=100), withdrawal(scene, 100)
    )

    text = await heard(phone, "withdrawal of")
    assert "CRITICAL main: withdrawal of 100 USDC (100.00 USD), which nobody announced" in text

    assert "is expected until" in await phone.ask("/expect withdrawal 50 1h")
    happens(rpc, scene, account(scene, rpc, size=scene.size_base, usdc="850", withdrawn_usd=150), withdrawal(scene, 50))

    text = await heard(phone, "withdrawal of 50 USDC")
    assert "WATCH main: withdrawal of 50 USDC (50.00 USD), announced" in text
    await asyncio.sleep(SOME_LOOKS_S)
    assert len(told(phone, "withdrawal of 100 USDC")) == 1
    assert len(told(phone, "withdrawal of 50 USDC")) == 1


async def test_a_fill_while_the_bot_is_dead_is_told_once_with_price_and_fee(
    start: Start, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    bot = await start()
    await phone.link(await bot.link_code())
    await followed(bot)
    await bot.kill()
    happens(rpc, scene, account(scene, rpc, size=Decimal(0)), sale(scene, scene.size_base, "151.2"))
    assert told(phone, "closed") == []

    await start()
    text = await heard(phone, "closed")
    size = f"{scene.size_base.normalize():f}"
    assert f"SOL-PERP long {size} -> 0: closed, fill at 151.20 USD, fee 1.20 USD" in text
    await phone.ask("/health")
    await asyncio.sleep(SOME_LOOKS_S)
    assert len(told(phone, "151.20 USD")) == 1


async def test_a_fill_is_told_once_although_the_node_lists_it_late(
    bot: KeelProcess, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    await followed(bot)
    sent = rpc.post(
        accounts=[scene.user], logs=written.log_of(sale(scene, Decimal(1), "151.2")),
        effects={scene.user: account(scene, rpc, size=scene.size_base - 1)}, listed=False,
    )  # fmt: skip
    await asyncio.sleep(1.0)
    assert told(phone, "reduced") == []  # the readings know of it, and wait for the price
    sent.listed = True

    assert "fill at 151.20 USD" in await heard(phone, "reduced")
    await asyncio.sleep(SOME_LOOKS_S)
    assert len(told(phone, "reduced")) == 1


async def test_a_liquidation_says_what_it_took_and_what_remains(
    bot: KeelProcess, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    await followed(bot)
    left = scene.size_base / 2
    taken_1e9 = int(left * 10**9)
    liquidation = written.liquidation(
        "LiquidatePerp", scene.user, LIQUIDATOR, liquidate_perp__base_asset_amount=-taken_1e9,
        liquidate_perp__quote_asset_amount=int(left * 140 * 10**6), liquidate_perp__user_order_id=0,
        liquidate_perp__liquidator_fee=1_450_000, liquidate_perp__if_fee=300_000,
    )  # fmt: skip
    rpc.post(
        accounts=[scene.user], logs=written.log_of(liquidation),
        effects={scene.user: account(scene, rpc, size=left, usdc="500", status=BEING_LIQUIDATED)},
    )  # fmt: skip

    await phone.alert("LIQUIDATING", timeout_s=LONG_S)
    text = await heard(phone, "liquidation took")
    assert f"liquidation took {left.normalize():f} of SOL-PERP at 140.00 USD, fee 1.75 USD" in text
    assert f"; long {left.normalize():f} remains" in text
    rpc.post(accounts=[scene.user], logs=written.log_of(), effects={scene.user: account(scene, rpc, size=left)})

    await heard(phone, "liquidation has ended")
    assert len(told(phone, "liquidation took")) == 1
    assert told(phone, "liquidation has begun") == []  # the health of the account said so
