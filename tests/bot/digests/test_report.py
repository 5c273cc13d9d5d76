"""What a day was: profit without the money that was moved, split as far as the venue states the parts."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.digests.report import Profit, curve_of, profit_of, together
from storage import EquitySeries

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
NAN = math.nan


def series(
    equity: list[float], *, flow: list[float] | None = None, funding: list[float] | None = None,
    fees: list[float] | None = None, every: timedelta = timedelta(hours=1),
) -> EquitySeries:  # fmt: skip
    count = len(equity)
    times = [np.datetime64((START + every * at).replace(tzinfo=None), "us") for at in range(count)]

    def column(values: list[float] | None, default: float) -> "np.typing.NDArray[np.float64]":
        return np.array(values if values is not None else [default] * count, dtype=np.float64)

    return EquitySeries(
        account_id="main", sampled_at=np.array(times, dtype="datetime64[us]"), equity_usd=column(equity, 0),
        net_flow_usd=column(flow, 0.0), unit_value_usd=column(None, 1.0), shares=column(None, 1.0),
        health_ratio_percent=column(None, NAN), funding_usd=column(funding, NAN), fees_usd=column(fees, NAN),
    )  # fmt: skip


def profit(*args: object, since: datetime = START, **given: object) -> Profit:
    found = profit_of(series(*args, **given), since)  # type: ignore[arg-type]  # as series() takes them
    assert found is not None
    return found


def test_money_paid_in_is_no_profit() -> None:
    found = profit([1_000, 1_600], flow=[1_000, 1_500])
    assert (found.total_usd, found.moved_usd) == (100, 500)


def test_the_parts_add_up_to_the_whole() -> None:
    found = profit([1_000, 1_090], funding=[50, 38], fees=[7, 10])
    assert (found.total_usd, found.funding_usd, found.fees_usd, found.price_usd) == (90, -12, 3, 105)


def test_what_is_not_stated_is_unknown_and_stays_in_the_price() -> None:
    found = profit([1_000, 1_090], funding=[50, 38])
    assert found.fees_usd is None
    assert found.price_usd == 102


@pytest.mark.parametrize(
    ("fees", "known", "why"),
    [
        ([7.0, NAN, 10.0], 3.0, "stated at both ends"),
        ([NAN, 7.0, 10.0], None, "an hour after the beginning is not the beginning"),
        ([7.0, 10.0, NAN], None, "an hour before the end is not the end"),
        ([NAN, NAN, NAN], None, "never stated"),
    ],
)
def test_a_total_counts_where_it_is_stated_near_both_ends(fees: list[float], known: float | None, why: str) -> None:
    assert profit([1, 1, 1], fees=fees).fees_usd == known, why


def test_a_total_that_is_stated_every_few_minutes_counts() -> None:
    fees = [NAN, 5.0, NAN, NAN, NAN, NAN, 8.0, NAN]
    assert profit([1.0] * 8, fees=fees, every=timedelta(minutes=1)).fees_usd == 3.0


@pytest.mark.parametrize("equity", [[], [1.0]])
def test_without_two_samples_there_is_no_profit(equity: list[float]) -> None:
    assert profit_of(series(equity), START) is None


def test_the_time_begins_with_the_last_sample_before_it() -> None:
    found = profit([10, 20, 30, 40], since=START + timedelta(minutes=90))
    assert (found.since, found.equity_before_usd, found.total_usd) == (START + timedelta(hours=1), 20, 20)


def test_where_all_samples_lie_before_the_time_there_is_none() -> None:
    assert profit_of(series([10, 20]), START + timedelta(days=1)) is None


def test_accounts_together_know_what_each_of_them_knows() -> None:
    one, other = profit([100, 110], funding=[0, 1], fees=[0, 2]), profit([50, 40], funding=[0, -4])
    both = together([one, other])
    assert both is not None
    assert (both.equity_usd, both.total_usd, both.funding_usd, both.fees_usd) == (150, 0, -3, None)
    assert together([one, None]) is None
    assert together([]) is None


amounts = st.floats(-1e9, 1e9)


@given(equity=st.lists(amounts, min_size=2, max_size=5), funding=amounts, fees=amounts, flow=amounts)
def test_whatever_the_parts_they_add_up(equity: list[float], funding: float, fees: float, flow: float) -> None:
    ends = [0.0] + [NAN] * (len(equity) - 2)
    found = profit(
        equity, funding=[*ends, funding], fees=[*ends, fees], flow=[0.0] * (len(equity) - 1) + [flow],
        every=timedelta(minutes=1),
    )  # fmt: skip
    assert found.price_usd + (found.funding_usd or 0) - (found.fees_usd or 0) == pytest.approx(
        found.total_usd, abs=1e-3
    )


def test_a_curve_of_several_accounts_is_their_sum_where_all_are_known() -> None:
    every = timedelta(minutes=1)
    one, other = series([1.0, 2.0, 3.0, 4.0], every=every), series([10.0], every=every)
    curve = curve_of([one, other], START)
    assert list(curve.equity_usd) == [11.0, 12.0, 13.0, 14.0]

    late = curve_of([one, series([10.0])], START)
    assert list(late.equity_usd) == [11.0, 12.0, 13.0, 14.0]
    unknown = curve_of([series([1.0] * 3), series([10.0], every=every)], START)
    assert unknown.equity_usd[0] == 11.0
    assert np.isnan(unknown.equity_usd[1:]).all()
