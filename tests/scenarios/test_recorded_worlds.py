"""Recorded accounts of the real venue, served over RPC: what people read and what programs read is what the Drift
program said of them."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from risk.fleet import FleetView
from tests.scenarios.conftest import Start, rpc_url
from tests.support.drift_oracles import repriced
from tests.support.keel_process import run_keel
from tests.support.phone import LADDER, Phone
from tests.support.printed import feed_of, misses, worst_ratio
from tests.support.reading import book_of
from tests.support.recorded import RecordedWorld, recorded_world
from tests.support.solana_rpc import SolanaRpc, running_rpc

LIQUIDATION_USD = 101_533.0
PACE = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The recorded high-leverage account, its node, and the feed of its BTC position."""

    recorded: RecordedWorld
    user: str
    btc_feed: str
    rpc: SolanaRpc

    def ratio_percent(self, btc_usd: Decimal) -> float:
        """Its health ratio were BTC at this price."""
        world = self.recorded.world
        feed = world.accounts[self.btc_feed]
        raw = repriced(feed.data, price=btc_usd, slot=world.slot, publish_time_s=0)
        moved = world.with_accounts({self.btc_feed: type(feed).rent_exempt(feed.owner, raw)})
        return float(FleetView.of(book_of(moved, [self.user])).worst_ratio_percent[0])

    def btc_at_ratio(self, ratio_percent: float) -> Decimal:
        """The BTC price at which the health ratio is this; it rises with the price."""
        low, high = Decimal(90_000), Decimal(250_000)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self.ratio_percent(middle) < ratio_percent else (low, middle)
        return round(low, 2)


@pytest.fixture
def world(material: Path) -> Iterator[Recorded]:
    recorded = recorded_world(material, "hlm_btc_jup")
    (user,) = recorded.expected
    feed = feed_of(recorded.world, "BTC-PERP")
    with running_rpc(recorded.world, slots_per_s=PACE) as rpc:
        yield Recorded(recorded=recorded, user=user, btc_feed=feed, rpc=rpc)


async def test_health_is_41_and_btc_liquidates_near_101533(start: Start, phone: Phone, world: Recorded) -> None:
    bot = await start(RPC_URLS=rpc_url(world.rpc), ACCOUNTS=f"{world.user}=main")
    await phone.link(await bot.link_code())
    health, liq = await phone.ask("/health"), await phone.ask("/liq")
    assert health.startswith("main: health 41%, WARNING")
    found = re.search(r"^BTC-PERP +([\d,.]+) ", liq, re.MULTILINE)
    assert found is not None, liq
    assert float(found[1].replace(",", "")) == pytest.approx(LIQUIDATION_USD, rel=1e-3)
    assert (await phone.alert("WARNING")).text.startswith("WARNING main: ")


async def test_btc_moved_up_and_then_down_announces_every_tier_once_in_order(
    start: Start, phone: Phone, world: Recorded
) -> None:
    world.rpc.set_oracle(world.btc_feed, world.btc_at_ratio(300))
    bot = await start(RPC_URLS=rpc_url(world.rpc), ACCOUNTS=f"{world.user}=main")
    await phone.link(await bot.link_code())
    assert (await phone.ask("/health")).splitlines()[0].endswith(", OK")
    for tier, ratio in zip(LADDER, (240, 190, 140, 110, 99), strict=True):
        world.rpc.set_oracle(world.btc_feed, world.btc_at_ratio(ratio))
        await phone.alert(tier)
        await asyncio.sleep(0.3)
    assert phone.heads == list(LADDER)
    world.rpc.set_oracle(world.btc_feed, world.btc_at_ratio(300))
    await phone.alert("RESOLVED")
    assert phone.heads == [*LADDER, "RESOLVED"]


async def test_inspect_prints_every_figure_of_the_account(world: Recorded, tmp_path: Path) -> None:
    ended = await run_keel("inspect", world.user, "--rpc", world.rpc.url, "--json", folder=tmp_path)
    assert (ended.code, ended.stderr) == (0, "")
    (line,) = ended.stdout.splitlines()
    body = json.loads(line)
    assert set(body) >= {
        "account", "authority", "sub_account", "total_collateral_usd", "maintenance_requirement_usd",
        "initial_collateral_usd", "initial_requirement_usd", "health_percent", "health_ratio_percent", "isolated",
        "slot", "observed_at", "free_collateral_usd", "leverage", "positions", "balances", "open_orders",
        "liquidation_prices", "problems",
    }  # fmt: skip
    assert misses([body], world.recorded) == []
    assert body["account"] == world.user
    assert body["slot"] >= world.recorded.world.slot
    assert round(body["health_percent"]) == 41
    assert body["health_ratio_percent"] == pytest.approx(100 / (1 - body["health_percent"] / 100))
    assert body["problems"] == body["isolated"] == []
    assert {position["market"] for position in body["positions"]} == {"BTC-PERP", "JUP-PERP"}
    for position in body["positions"]:
        assert set(position) == {
            "market", "market_index", "isolated", "size_base", "entry_price_usd", "oracle_price_usd", "notional_usd",
            "unrealized_pnl_usd", "funding_usd",
        }  # fmt: skip
        assert position["notional_usd"] == pytest.approx(abs(position["size_base"]) * position["oracle_price_usd"])
    assert all(set(balance) == {"market", "market_index", "amount", "value_usd"} for balance in body["balances"])
    amounts = {balance["market"]: balance["amount"] for balance in body["balances"]}
    assert (amounts["USDC"] < 0, amounts["wBTC"] > 0) == (True, True)
    assert body["liquidation_prices"]["BTC-PERP"]["price_usd"] == pytest.approx(LIQUIDATION_USD, rel=1e-3)
    assert body["liquidation_prices"]["BTC-PERP"]["status"] == "at"
    person = await run_keel("inspect", world.user, "--rpc", world.rpc.url, folder=tmp_path)
    assert person.code == 0
    assert "health 41% (ratio " in person.stdout


@pytest.mark.parametrize("name", ["fuzz_shared", "features_shared", "settlement_prediction", "hlm_btc_jup"])
async def test_sweep_agrees_with_the_program_on_every_number_of_every_account(
    name: str, material: Path, tmp_path: Path
) -> None:
    recorded = recorded_world(material, name)
    with running_rpc(recorded.world) as rpc:
        ended = await run_keel("sweep", "--rpc", rpc.url, "--json", folder=tmp_path)
    assert (ended.code, ended.stderr) == (0, "")
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert sorted(row["account"] for row in rows) == sorted(recorded.expected)
    found = misses(rows, recorded)
    print(f"{name}: {len(rows)} accounts, {len(found)} misses")  # noqa: T201  # the count is what one looks for
    assert found == []
    worst = [worst_ratio(row) for row in rows]
    assert worst == sorted(worst)
