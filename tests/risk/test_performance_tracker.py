"""The record of an account: returns that deposits do not touch, round trips net of everything, parts that sum."""

import asyncio
import math
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.errors import BadParameter, BadSeries, NotEnoughData
from risk.model.account import Side
from risk.model.performance import EquityCurve, Fill, Period
from risk.performance_tracker import PerformanceTracker, attribution_of, metrics_of
from risk.stats.round_trips import round_trips
from tests.risk.builders import NOW
from tests.support.clock import FakeClock


def curve(units: list[float], *, flows: list[float] | None = None, hours: float = 24.0) -> EquityCurve:
    """Samples at a fixed step, the last one at NOW."""
    n = len(units)
    end = np.datetime64(NOW.replace(tzinfo=None), "us")
    at = end - (np.arange(n - 1, -1, -1) * np.timedelta64(int(hours * 3_600e6), "us"))
    flow = np.array(flows or [0.0] * n)
    unit = np.array(units)
    return EquityCurve(
        at=at, equity_usd=1_000 * unit + flow, unit_value_usd=unit, net_flow_usd=flow,
        funding_usd=np.linspace(0, -10, n), fees_usd=np.linspace(0, 5, n),
    )  # fmt: skip


class Known:
    """Curves and fills of one account."""

    def __init__(self, equity: EquityCurve, fills: tuple[Fill, ...] = ()) -> None:
        self._equity, self._fills = equity, fills

    async def curve(self, account_id: str) -> EquityCurve:
        return self._equity

    async def fills(self, account_id: str) -> tuple[Fill, ...]:
        return self._fills


def trade(hours_ago: float, side: Side, size: float, price: float, *, fee: float = 0.0, funding: float = 0.0) -> Fill:
    return Fill(
        at=NOW - timedelta(hours=hours_ago), market="SOL-PERP", side=side, size_base=size, price_usd=price, fee_usd=fee,
        funding_usd=funding,
    )  # fmt: skip


def tracker(equity: EquityCurve, *fills: Fill) -> PerformanceTracker:
    known = Known(equity, fills)
    return PerformanceTracker("main", known, FakeClock(NOW), fills=known)


async def test_a_deposit_is_no_gain_and_a_withdrawal_no_loss() -> None:
    found = await tracker(curve([1.0, 1.1, 1.1, 1.21], flows=[0, 0, 5_000, -2_000])).metrics()
    assert found.total_return == pytest.approx(0.21)
    assert found.max_drawdown == 0.0


async def test_drawdown_counts_from_the_starting_value() -> None:
    assert (await tracker(curve([1.0, 0.9, 0.8, 0.95])).metrics()).max_drawdown == pytest.approx(0.2)


async def test_calmar_is_withheld_for_a_short_record_and_stated_for_a_long_one() -> None:
    random = np.random.default_rng(1)
    values = np.cumprod(1 + 0.01 * random.standard_normal(120)).tolist()
    assert not math.isnan((await tracker(curve(values)).metrics()).calmar_ratio)
    short = await tracker(curve(values)).metrics(Period.MONTH)
    assert math.isnan(short.calmar_ratio)
    assert "Calmar is withheld: 30 of 90 days" in short.warnings


async def test_no_history_is_nan_and_a_sentence_never_zero() -> None:
    found = await tracker(curve([])).metrics()
    assert math.isnan(found.sharpe_ratio)
    assert found.warnings[0] == "equity history: 0 of 2 days; ratios come with time"
    assert (found.total_trades, found.start) == (0, None)


async def test_only_losses_and_only_gains_have_their_infinities() -> None:
    rising = await tracker(
        curve([1.0, 1.01, 1.02, 1.03]), trade(3, Side.BUY, 1, 100), trade(2, Side.SELL, 1, 110)
    ).metrics()
    assert rising.sortino_ratio == math.inf
    assert (rising.profit_factor, rising.win_rate) == (math.inf, 1.0)


async def test_round_trips_are_net_of_fees_and_funding() -> None:
    found = await tracker(
        curve([1.0, 1.0]),
        trade(9, Side.BUY, 2, 100, fee=1.0), trade(8, Side.BUY, 2, 110, fee=1.0),
        trade(7, Side.SELL, 4, 120, fee=2.0, funding=-3.0),
    ).round_trips()  # fmt: skip
    assert [trip.pnl_usd for trip in found] == [pytest.approx(4 * 120 - 2 * 100 - 2 * 110 - 4 - 3)]
    assert found[0].size_base == 4


async def test_a_trade_through_flat_closes_one_trip_and_opens_the_next() -> None:
    found = await tracker(
        curve([1.0, 1.0]),
        trade(9, Side.BUY, 1, 100), trade(8, Side.SELL, 3, 110, fee=3.0), trade(7, Side.BUY, 2, 105, fee=2.0),
    ).round_trips()  # fmt: skip
    assert [trip.pnl_usd for trip in found] == [pytest.approx(10 - 1), pytest.approx(10 - 2 - 2)]
    assert [trip.size_base for trip in found] == [1, -2]


async def test_break_evens_are_trades_but_neither_won_nor_lost() -> None:
    found = await tracker(
        curve([1.0, 1.0]),
        trade(9, Side.BUY, 1, 100), trade(8, Side.SELL, 1, 100),
        trade(7, Side.BUY, 1, 100), trade(6, Side.SELL, 1, 90),
    ).metrics()  # fmt: skip
    assert (found.total_trades, found.winning_trades, found.losing_trades) == (2, 0, 1)
    assert (found.win_rate, found.average_loss, found.largest_loss) == (0.0, -10.0, -10.0)


def test_the_parts_of_a_change_sum_to_it() -> None:
    found = attribution_of(curve([1.0, 1.1, 1.05], flows=[0, 100, 100]))
    assert (found.flows_usd, found.funding_usd, found.fees_usd) == (100, -10, -5)
    assert found.price_usd + found.funding_usd + found.fees_usd + found.flows_usd == pytest.approx(found.change_usd)


def test_a_part_nobody_knows_is_said_and_lies_in_the_price() -> None:
    known = curve([1.0, 1.1])
    partly = EquityCurve(
        at=known.at, equity_usd=known.equity_usd, unit_value_usd=known.unit_value_usd, net_flow_usd=known.net_flow_usd,
        funding_usd=np.array([math.nan, math.nan]), fees_usd=known.fees_usd,
    )  # fmt: skip
    found = attribution_of(partly)
    assert math.isnan(found.funding_usd)
    assert found.warnings == ("funding is not known for the whole period; it is part of price",)
    assert found.price_usd - 5 == pytest.approx(found.change_usd)
    with pytest.raises(NotEnoughData):
        attribution_of(curve([1.0]))


def test_the_export_is_whole_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "equity.csv"
    assert asyncio.run(tracker(curve([1.0, 1.1, 1.2])).export_csv(path)) == 3
    lines = path.read_text().splitlines()
    assert lines[0] == "ts,equity_usd,unit_value_usd,net_flow_usd,funding_usd,fees_usd"
    assert lines[-1].startswith("2026-01-05T12:00:00Z,1200.0,1.2,")
    assert not list(tmp_path.glob("*.partial"))


@given(
    st.lists(
        st.tuples(st.booleans(), st.floats(0.1, 100), st.floats(1, 1_000), st.floats(0, 5)), min_size=1, max_size=30
    )
)
def test_closed_trips_and_what_is_open_add_up_to_all_that_was_paid(raw: list[tuple[bool, float, float, float]]) -> None:
    fills = [
        trade(100 - at, Side.BUY if buy else Side.SELL, size, price, fee=fee)
        for at, (buy, size, price, fee) in enumerate(raw)
    ]
    position = sum(f.size_base if f.side is Side.BUY else -f.size_base for f in fills)
    # Close what is left, so that everything is in a trip.
    if abs(position) > 1e-9:
        fills.append(trade(0, Side.SELL if position > 0 else Side.BUY, abs(position), 50.0))
    cash = sum((-1 if f.side is Side.BUY else 1) * f.size_base * f.price_usd - f.fee_usd for f in fills)
    assert sum(trip.pnl_usd for trip in round_trips(fills)) == pytest.approx(cash, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    ("fills", "words"),
    [
        ((trade(1, Side.BUY, 1, 100), trade(2, Side.SELL, 1, 100)), "in order of time"),
        ((trade(1, Side.BUY, 0, 100),), "no positive size and price"),
        ((trade(1, Side.BUY, 1, -100),), "no positive size and price"),
    ],
)
def test_fills_that_cannot_be_are_refused(fills: tuple[Fill, ...], words: str) -> None:
    with pytest.raises(BadSeries, match=words):
        round_trips(fills)


def test_metrics_of_one_market_are_those_of_its_trips_alone() -> None:
    found = metrics_of(curve([1.0, 1.1, 1.2]), (), Period.ALL, "SOL-PERP")
    assert math.isnan(found.sharpe_ratio)
    assert "ratios are of the whole account" in found.warnings[0]


def test_a_curve_since_a_moment_starts_with_the_sample_before_it() -> None:
    whole = curve([1.0, 1.1, 1.2, 1.3])
    moment: datetime = NOW - timedelta(hours=30)
    assert whole.since(moment).unit_value_usd.tolist() == [1.1, 1.2, 1.3]


async def test_a_period_can_be_named_and_one_there_is_none_of_is_refused(tmp_path: Path) -> None:
    desk = tracker(curve(np.cumprod(np.full(60, 1.001)).tolist()))
    assert len(await desk.equity_curve("7d")) == len(await desk.equity_curve(Period.WEEK)) == 8
    assert (await desk.metrics("30d")).period is Period.MONTH
    assert await desk.export_csv(str(tmp_path / "equity.csv"), "7d") == 8
    for ask in (desk.equity_curve, desk.metrics, desk.attribution, desk.round_trips):
        with pytest.raises(BadParameter, match="no period '12d'; choose of 7d, 30d, 90d, all"):
            await ask("12d")


async def test_trades_have_a_window_of_their_own_and_need_no_equity() -> None:
    fills = [trade(24 * 22, Side.BUY, 1.0, 100.0), trade(24 * 18, Side.SELL, 1.0, 110.0)]
    found = await tracker(curve([]), *fills).metrics(Period.MONTH)
    assert (found.trades_start, found.trades_end) == (NOW - timedelta(days=22), NOW - timedelta(days=18))
    assert (found.start, found.end, found.n) == (None, None, 0)
    assert found.average_win == pytest.approx(10.0)
    assert math.isnan(found.sharpe_ratio)


async def test_fills_that_closed_nothing_in_the_period_are_spoken_of() -> None:
    fills = [trade(24 * 22, Side.BUY, 1.0, 100.0), trade(24 * 18, Side.SELL, 1.0, 110.0)]
    week = await tracker(curve([]), *fills).metrics(Period.WEEK)
    assert (week.total_trades, week.fills_on_record, week.trades_start) == (0, 2, None)
    assert "2 fills are on record, and none closed a position in 7d; ask for all" in week.warnings
    still_open = await tracker(curve([]), fills[0]).metrics(Period.ALL)
    assert "1 fill is on record, and none closed a position" in still_open.warnings
