"""Bars, executions and daily figures come back as they were stored, each once."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from risk.model.account import Side
from risk.model.candles import Candles, Interval
from risk.model.changes import RiskSnapshot
from risk.model.performance import Fill
from storage import Store
from storage.candles import CandleLog
from storage.fills import FillLog
from storage.risk_snapshots import RiskSnapshotLog

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def bars(first: int, closes: list[float], *, asset: str = "SOL") -> Candles:
    """Daily bars from 2026-01-<first> on."""
    at = np.arange(np.datetime64(f"2026-01-{first:02d}"), np.datetime64(f"2026-01-{first:02d}") + len(closes))
    column = np.array(closes)
    return Candles(
        asset=asset, interval=Interval.DAY, at=at.astype("datetime64[s]"), open_usd=column, high_usd=column + 1,
        low_usd=column - 1, close_usd=column, volume=np.full(len(closes), math.nan),
    )  # fmt: skip


def fill(minute: int, size: float = 1.0, *, order_id: str = "") -> Fill:
    return Fill(
        at=NOW + timedelta(minutes=minute), market="SOL-PERP", side=Side.BUY, size_base=size, price_usd=100.0,
        fee_usd=0.1, order_id=order_id,
    )  # fmt: skip


async def test_bars_come_back_sorted_with_their_source(store: Store) -> None:
    log = CandleLog(store)
    await log.save(bars(3, [12.0, 13.0]), "import", NOW)
    await log.save(bars(1, [10.0, 11.0]), "data service", NOW)
    found = await log.candles("SOL", Interval.DAY)
    assert found.close_usd.tolist() == [10.0, 11.0, 12.0, 13.0]
    assert found.sources == ("import", "data service")
    assert found.missing == 0
    assert math.isnan(found.volume[0])
    assert await log.last_open("SOL", Interval.DAY) == datetime(2026, 1, 4, tzinfo=UTC)
    assert await log.assets(Interval.DAY) == ("SOL",)


async def test_a_later_bar_of_the_same_time_replaces_the_earlier_one(store: Store) -> None:
    log = CandleLog(store)
    await log.save(bars(1, [10.0, 11.0]), "one", NOW)
    await log.save(bars(2, [20.0]), "two", NOW)
    assert (await log.candles("SOL", Interval.DAY)).close_usd.tolist() == [10.0, 20.0]


async def test_what_was_never_stored_is_empty_and_not_an_error(store: Store) -> None:
    log = CandleLog(store)
    assert len(await log.candles("DOGE", Interval.HOUR)) == 0
    assert await log.last_open("DOGE", Interval.HOUR) is None


async def test_a_price_that_is_no_number_is_refused_and_nothing_of_the_batch_is_stored(store: Store) -> None:
    log = CandleLog(store)
    with pytest.raises(ValueError, match="cannot be stored"):
        await log.save(bars(1, [10.0, math.inf]), "import", NOW)
    assert len(await log.candles("SOL", Interval.DAY)) == 0


async def test_the_same_file_of_fills_imported_twice_counts_once(store: Store) -> None:
    log = FillLog(store)
    fills = [fill(0), fill(0), fill(1, 2.0, order_id="7")]  # an order can fill twice in a moment at one price
    assert await log.save("main", fills, "trades.csv") == 3
    assert await log.save("main", fills, "again.csv") == 0
    assert list(await log.fills("main")) == fills
    assert await log.fills("other") == ()
    assert list(await log.fills("main", since=NOW + timedelta(seconds=1))) == fills[2:]


async def test_figures_are_compared_with_those_of_the_day_before(store: Store) -> None:
    log = RiskSnapshotLog(store)

    def figures(hours_ago: float, var: float) -> RiskSnapshot:
        return RiskSnapshot(
            at=NOW - timedelta(hours=hours_ago), var_1d_frac=var, volatility=math.nan, correlation=0.5, beta_sol=1.0,
            leverage=2.0, funding_daily_frac=0.0,
        )  # fmt: skip

    for hours, var in ((48, 0.1), (24, 0.2), (1, 0.3)):
        await log.save("main", figures(hours, var))
    yesterday = await log.before("main", NOW)
    assert yesterday is not None
    assert yesterday.var_1d_frac == 0.2
    assert math.isnan(yesterday.volatility)
    assert await log.before("other", NOW) is None
