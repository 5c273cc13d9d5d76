"""What a trade costs: against a walk done one small slice at a time, and by hand."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.errors import BadParameter
from risk.hedging.walk import cost_frac, funding_usd, takes_base, walk
from risk.model.account import Side
from risk.model.trading import DepthLevel
from tests.risk.hedging.books import make_depth

LEVELS = st.lists(st.tuples(st.floats(0.0, 5.0), st.integers(1, 20)), min_size=1, max_size=8)


@given(levels=LEVELS, size=st.floats(0.1, 60.0), side=st.sampled_from(Side))
def test_a_walk_is_what_taking_slice_by_slice_gives(levels: list[tuple[float, int]], size: float, side: Side) -> None:
    sign = 1.0 if side is Side.BUY else -1.0
    steps, price = [], 100.0
    for further, base in levels:
        price += sign * further
        steps.append(DepthLevel(price_usd=price, size_base=float(base)))
    found = walk(make_depth(bids=tuple(steps), asks=tuple(steps)), side, size)
    # Slice by slice, a thousand of them, each from the first level that has something left.
    left, paid, filled, worst = [level.size_base for level in steps], 0.0, 0.0, math.nan
    slice_base = size / 1_000
    for _ in range(1_000):
        want = slice_base
        for at, level in enumerate(steps):
            taken = min(want, left[at])
            if taken > 0:
                left[at], paid, filled, worst = left[at] - taken, paid + taken * level.price_usd, filled + taken, price
                want -= taken
    assert found.filled_base == pytest.approx(filled, rel=1e-9)
    assert found.average_usd == pytest.approx(paid / filled, rel=1e-9)
    assert found.fee_usd == pytest.approx(paid * 0.0005, rel=1e-9)
    assert found.slippage_usd == pytest.approx(sign * (paid - filled * 100.0), rel=1e-6, abs=1e-6)
    assert found.impact_frac == pytest.approx(max(0.0, sign * (paid / filled / steps[0].price_usd - 1)), abs=1e-12)
    assert found.complete == (sum(level.size_base for level in steps) >= size * (1 - 1e-9))
    assert not math.isnan(worst)


def test_funding_is_a_cost_for_who_pays_it_and_saved_by_who_stops() -> None:
    depth = make_depth(funding_hourly_frac=1e-4)
    assert funding_usd(depth, Side.BUY, 1_000.0, 24.0) == pytest.approx(2.4)
    assert funding_usd(depth, Side.SELL, 1_000.0, 24.0) == pytest.approx(-2.4)


def test_funding_that_would_be_received_makes_no_trade_cheaper() -> None:
    generous, none = make_depth(funding_hourly_frac=1e-2), make_depth(funding_hourly_frac=0.0)
    assert cost_frac(generous, Side.SELL, 1.0, 24.0) == cost_frac(none, Side.SELL, 1.0, 24.0) > 0
    assert cost_frac(generous, Side.BUY, 1.0, 24.0) == pytest.approx(0.24 + cost_frac(none, Side.BUY, 1.0, 24.0))
    better = make_depth(bids=(DepthLevel(price_usd=105.0, size_base=9.0),))
    assert cost_frac(better, Side.SELL, 1.0, 24.0) == 0.0
    assert cost_frac(replace(generous, bids=()), Side.SELL, 1.0, 24.0) == math.inf


def test_depth_is_counted_as_far_as_its_price_is_near() -> None:
    depth = make_depth(
        asks=(
            DepthLevel(price_usd=100.0, size_base=1.0),
            DepthLevel(price_usd=100.9, size_base=2.0),
            DepthLevel(price_usd=105.0, size_base=4.0),
        )
    )
    assert takes_base(depth, Side.BUY, 0.01) == 3.0
    assert takes_base(depth, Side.BUY) == 7.0


@pytest.mark.parametrize("size", [0.0, -1.0, math.nan, math.inf])
def test_a_size_that_is_none_is_refused(size: float) -> None:
    with pytest.raises(BadParameter, match="positive number"):
        walk(make_depth(), Side.BUY, size)
