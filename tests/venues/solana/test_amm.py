"""The venue's curve: against driftpy's own arithmetic, and what must hold of any ladder."""

import importlib.util
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from risk.model.account import Side
from tests.support.drift_market_layout import PERP_MARKET
from tests.support.drift_markets import make_perp_market
from venues.solana.amm import Curve, ladder

SOL_1E6 = 150_000_000
MARKET = make_perp_market(market_index=0, name="SOL-PERP", oracle="1" * 32, price_1e6=SOL_1E6)


def curve(**changes: Any) -> Curve:
    reserve = 10**15
    step = reserve // 4_000
    values: dict[str, Any] = {
        "base": reserve, "quote": reserve, "sqrt_k": reserve, "peg": SOL_1E6, "min_base": reserve * 7 // 10,
        "max_base": reserve * 14 // 10, "ask": (reserve**2 // (reserve + step), reserve + step),
        "bid": (reserve**2 // (reserve - step), reserve - step), "fill_fraction": 100, "step": 10**6,
        "follows_oracle": False,
    }  # fmt: skip
    return Curve(**{**values, **changes})


def sdk_amm(own: Curve) -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(
        base_asset_reserve=own.base, quote_asset_reserve=own.quote, sqrt_k=own.sqrt_k, peg_multiplier=own.peg,
        base_spread=500, curve_update_intensity=0, max_spread=10_000, last_update_slot=0, reference_price_offset=0,
        base_asset_amount_with_amm=0, min_base_asset_reserve=own.min_base, max_base_asset_reserve=own.max_base,
    )  # fmt: skip


@pytest.mark.skipif(importlib.util.find_spec("driftpy") is None, reason="the publisher's package is not installed")
@given(st.integers(1, 10**13), st.sampled_from(Side))
def test_the_publishers_own_curve_says_the_same(size: int, side: Side) -> None:
    from driftpy.math import amm as sdk
    from driftpy.types import AssetType, PositionDirection

    own = curve(
        ask=(
            PERP_MARKET.read(MARKET, "amm.ask_base_asset_reserve"),
            PERP_MARKET.read(MARKET, "amm.ask_quote_asset_reserve"),
        ),
        bid=(
            PERP_MARKET.read(MARKET, "amm.bid_base_asset_reserve"),
            PERP_MARKET.read(MARKET, "amm.bid_quote_asset_reserve"),
        ),
    )
    theirs = sdk_amm(own)
    nothing: Any = None  # the oracle is not looked at by a curve that does not follow it
    reserves: Any = sdk.calculate_spread_reserves(theirs, nothing)
    bids, asks = reserves
    assert (asks, bids) == (own.ask, own.bid)
    theirs.base_asset_reserve, theirs.quote_asset_reserve = own.ask if side is Side.BUY else own.bid
    direction = PositionDirection.Long() if side is Side.BUY else PositionDirection.Short()
    swap = sdk.get_swap_direction(AssetType.BASE(), direction)
    after, _ = sdk.calculate_amm_reserves_after_swap(theirs, AssetType.BASE(), size, swap)
    before = theirs.quote_asset_reserve
    difference = after - before if side is Side.BUY else before - after
    expected = sdk.calculate_quote_asset_amount_swapped(difference, own.peg, swap)
    paid = own.quote_raw_1e6(side, size)
    assert abs(paid - expected) <= 1  # theirs divides floats
    open_bids, open_asks = sdk.calculate_market_open_bid_ask(own.base, own.min_base, own.max_base)
    assert own.fillable_raw_1e9(Side.BUY) <= -open_asks // 2
    assert own.fillable_raw_1e9(Side.SELL) <= open_bids // 2


@example(10**10, 2_628_248_066, 1, 401, 0, Side.BUY, False, 1)
@given(
    st.integers(10**10, 10**18), st.integers(1, 10**12), st.integers(1, 10**9), st.integers(1, 1_000),
    st.integers(0, 10_000), st.sampled_from(Side), st.booleans(), st.integers(1, 10**12),
)  # fmt: skip
def test_a_ladder_only_gets_worse_and_never_promises_more_than_is_there(
    reserve: int, peg: int, step: int, fraction: int, spread: int, side: Side, follows: bool, oracle: int
) -> None:
    shift = reserve * spread // 10**6
    own = curve(
        base=reserve, quote=reserve, sqrt_k=reserve, peg=peg, min_base=reserve // 2, max_base=reserve * 3 // 2,
        ask=(reserve**2 // (reserve + shift), reserve + shift), bid=(reserve**2 // (reserve - shift), reserve - shift),
        fill_fraction=fraction, step=step, follows_oracle=follows,
    )  # fmt: skip
    levels = ladder(own, side, oracle)
    sizes = [one.size_base for one in levels]
    assert all(size > 0 for size in sizes)
    assert sum(sizes) <= own.fillable_raw_1e9(side) / 1e9 * (1 + 1e-9)
    middle = own.price_1e6 / 1e6
    # A total is rounded by one unit of the quote reserve, which the peg makes larger, and by one of the quote itself.
    unit = (1 + peg / 1e9) * 1e-6
    slack = 2 * unit / min(sizes, default=1) * max(1.0, oracle / max(1, own.price_1e6)) + middle * 1e-9
    for level in levels:
        if side is Side.BUY:
            assert level.price_usd >= middle - slack
        else:
            assert level.price_usd <= middle + slack
    for near, far in pairwise(levels):
        better = near.price_usd - far.price_usd
        assert (better if side is Side.BUY else -better) <= slack


@pytest.mark.parametrize("change", [
    {"fill_fraction": 0}, {"base": 0}, {"step": 0}, {"min_base": 10**15, "max_base": 10**15},
    {"ask": (0, 0), "bid": (0, 0)},
])  # fmt: skip
def test_a_curve_without_reserves_has_no_levels(change: dict[str, Any]) -> None:
    assert ladder(curve(**change), Side.BUY, SOL_1E6) == ()
    assert ladder(curve(**change), Side.SELL, SOL_1E6) == ()


@pytest.mark.parametrize(("side", "room"), [(Side.BUY, 3 * 10**14), (Side.SELL, 4 * 10**14)])
def test_one_fill_takes_half_of_what_its_side_has_left_at_most(side: Side, room: int) -> None:
    assert curve(fill_fraction=1).fillable_raw_1e9(side) == room // 2
    assert curve().fillable_raw_1e9(side) == 10**13


def test_where_the_curve_follows_the_oracle_a_price_is_the_worse_of_both() -> None:
    still, moving = curve(), curve(follows_oracle=True)
    above, below = SOL_1E6 * 102 // 100, SOL_1E6 * 98 // 100
    assert ladder(moving, Side.BUY, above)[0].price_usd == pytest.approx(
        ladder(still, Side.BUY, above)[0].price_usd * 1.02
    )
    assert ladder(moving, Side.BUY, below) == ladder(still, Side.BUY, below)
    assert ladder(moving, Side.SELL, below)[0].price_usd == pytest.approx(
        ladder(still, Side.SELL, below)[0].price_usd * 0.98
    )
    assert ladder(moving, Side.SELL, above) == ladder(still, Side.SELL, above)
