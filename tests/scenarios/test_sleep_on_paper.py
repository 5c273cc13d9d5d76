"""/sleep proved: its orders rest at the paper venue, nothing of ours lives, and a crash comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.after_trade import Prospect
from risk.decisions.order_terms import exact
from risk.margin.linear import held_assets
from risk.margin.plan import MarginPlan
from risk.model.account import Side
from risk.model.candles import Candles, Interval
from risk.model.protection import SleepPlan
from risk.model.trading import BASE_UNITS
from risk.protection.sleep import plan_sleep
from risk.stats.ewma import ewma_covariance
from risk.stats.fits import FitCache
from risk.stats.history import book_history
from tests.risk.protection.books import quiet_hours
from tests.venues.paper.builders import account, make_exchange, open_funded
from tests.venues.paper.order_builders import SOL, Desk
from venues.paper.ledger import FillReason
from venues.paper.markets import SOL_ORACLE
from venues.replay.bars import read_file

HOURS = 8
END_S = HOURS * 3_600
Script = list[tuple[float, float]]
# In which the worst hour on record fell by a fifth.
CALM = quiet_hours(worst=-0.22)


@dataclass(frozen=True)
class Night:
    """What came of one."""

    plan: SleepPlan
    liquidated: bool
    left_base: float


async def sleep_through(
    script: Script, hourly: Candles, *, leverage: float, asleep: bool, long: float = 100.0, keepers_s: int = 60
) -> Night:
    """A position of so many SOL at the first price of a script; with the plan's orders resting where ``asleep``. Nobody
    looks again before the morning."""
    exchange = make_exchange({SOL_ORACLE: script})
    ann = open_funded(exchange, usdc=abs(long) * script[0][1] / leverage)
    exchange.market_order(ann, SOL, Side.BUY if long > 0 else Side.SELL, abs(long))
    desk = Desk.at(exchange)
    desk.venue.faults.late_keepers(keepers_s)
    book = await desk.venue.read([ann])
    depth = await desk.gateway.depth(ann, [SOL])
    history = book_history(
        MarginPlan.of(book), {"SOL": hourly.daily()}, now=book.observed_at, days=1_000, assets=held_assets(book)
    )
    prospect = Prospect(history, ewma_covariance(history.returns.log_returns), FitCache(), 0)
    plan = plan_sleep(book, prospect, {"SOL": hourly}, depth, hours=HOURS, budget_frac=0.02)
    if asleep and plan.trades:
        held = account(exchange, ann).base_1e9(0)
        terms = [
            exact(one, depth[SOL], account_id=ann, held_raw_1e9=held, slippage_frac=0.0, expires_at_s=0).terms
            for one in plan.trades
        ]
        await desk.place(*terms)
    exchange.advance(END_S)
    liquidated = any(fill.reason is FillReason.LIQUIDATION for fill in exchange.fills)
    liquidated |= account(exchange, ann).being_liquidated
    return Night(plan=plan, liquidated=liquidated, left_base=account(exchange, ann).base_1e9(0) / BASE_UNITS)


def crash_of_october(material: Path) -> tuple[Script, Candles]:
    """The eight hours from 18:00, each bar through its low to its high, and every bar before them."""
    crash = read_file(material / "data" / "prices" / "hourly_crash_2025_10" / "SOL.csv.gz", "SOL")
    begin = int(np.datetime64("2025-10-10T18:00", "s").astype(np.int64))
    script: Script = []
    first = int(np.searchsorted(crash.opened_s, begin))
    for hour in range(HOURS):
        opened, high, low, close = (float(price) for price in crash.prices_usd[first + hour])
        at = hour * 3_600.0
        script += [(at, opened), (at + 1_200, low), (at + 2_400, high), (at + 3_599, close)]
    past = read_file(material / "data" / "prices" / "hourly_binance_perp" / "SOL.csv.gz", "SOL")
    before = past.opened_s < begin
    opened_at, prices = past.opened_s[before].view("datetime64[s]"), past.prices_usd[before]
    candles = Candles(
        asset="SOL", interval=Interval.HOUR, at=opened_at, open_usd=prices[:, 0], high_usd=prices[:, 1],
        low_usd=prices[:, 2], close_usd=prices[:, 3], volume=np.full(opened_at.size, np.nan), sources=("recorded",),
    )  # fmt: skip
    return script, candles


@pytest.mark.parametrize("leverage", [3.5, 4.0, 5.0, 6.0, 8.0])
async def test_2025_10_10_liquidates_without_the_orders_and_not_with_them_or_the_card_said_so(
    material: Path, leverage: float
) -> None:
    script, before = crash_of_october(material)
    awake = await sleep_through(script, before, leverage=leverage, asleep=False)
    assert awake.liquidated
    protected = await sleep_through(script, before, leverage=leverage, asleep=True)
    if protected.plan.promised:
        assert not protected.liquidated
        assert 0 <= protected.left_base < 100.0
    else:
        assert "cannot be promised" in protected.plan.why


async def test_at_five_times_it_is_promised_and_kept_with_slow_keepers(material: Path) -> None:
    script, before = crash_of_october(material)
    found = await sleep_through(script, before, leverage=5.0, asleep=True, keepers_s=90)
    assert found.plan.promised
    assert found.plan.survives_worst
    assert not found.liquidated


def falls(depths: Sequence[float], minutes: Sequence[float]) -> Script:
    """From 100 to each share of it in turn, a straight line of so many minutes each, and calm between."""
    script: Script = [(0.0, 100.0)]
    at, price = 600.0, 100.0
    for depth, length in zip(depths, minutes, strict=True):
        script.append((at, price))
        at, price = at + length * 60.0, 100.0 * (1.0 - depth)
        script.append((at, price))
        at += 300.0
    return script


@settings(max_examples=20)
@given(
    data=st.data(), leverage=st.floats(2.0, 9.0), keepers_s=st.integers(0, 60), is_long=st.booleans(),
)  # fmt: skip
async def test_what_is_promised_is_kept_in_every_crash_that_is_not_worse_than_the_worst_on_record(
    data: st.DataObject, leverage: float, keepers_s: int, is_long: bool
) -> None:
    # The record holds a fall of a fifth within an hour, and 2025-10-10 stands for a third in six minutes, up a sixth.
    deepest = 0.2 if is_long else 0.16
    count = data.draw(st.integers(1, 4))
    depths = data.draw(st.lists(st.floats(-0.1, deepest), min_size=count, max_size=count))
    minutes = data.draw(st.lists(st.floats(8.0, 60.0), min_size=count, max_size=count))
    signed = depths if is_long else [-depth for depth in depths]
    found = await sleep_through(
        falls(signed, minutes), CALM, leverage=leverage, asleep=True, long=100.0 if is_long else -100.0,
        keepers_s=keepers_s,
    )  # fmt: skip
    if found.plan.promised:
        assert not found.liquidated
    assert abs(found.left_base) <= 100.0


async def test_a_gap_over_the_trigger_is_survived_where_it_was_on_record() -> None:
    """The price opens far below where it closed, as it did once before."""
    hourly = CALM
    gap: Script = [(0.0, 100.0), (7_200.0, 100.0), (7_201.0, 95.0), (END_S, 95.0)]
    found = await sleep_through(gap, hourly, leverage=4.0, asleep=True)
    assert found.plan.promised
    assert not found.liquidated


async def test_an_account_without_room_is_promised_nothing() -> None:
    found = await sleep_through([(0.0, 100.0)], CALM, leverage=16.0, asleep=True)
    assert not found.plan.promised
    assert found.plan.deposit_usd > 0
    assert not found.liquidated
