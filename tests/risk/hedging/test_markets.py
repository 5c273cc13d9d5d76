"""Which market takes a trade, in which parts and sizes, and why one does not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.hedging.exposures import exposures
from risk.hedging.markets import Wanted, parts_of, spread_over_perps, why_not
from risk.hedging.rounding import least_base, steps_base, steps_raw, too_small
from risk.margin.build import book_of
from risk.margin.plan import MarginPlan
from risk.model.account import Side
from risk.model.market import MarketStatus
from tests.risk.builders import make_account, make_balance, make_btc_market, make_perp_market, make_position, repriced
from tests.risk.hedging.books import make_depth


def wanted(change_usd: float, market: str = "SOL-PERP") -> Wanted:
    return Wanted(market=market, asset="SOL", change_usd=change_usd, ratio=1.0, help=1.0, why="a test")


@pytest.mark.parametrize(
    ("held", "change", "parts"),
    [
        (10.0, -400.0, [(Side.SELL, 4.0, True)]),  # within the position
        (10.0, -1_000.0, [(Side.SELL, 10.0, True)]),  # exactly the position
        (10.0, -1_500.0, [(Side.SELL, 10.0, True), (Side.SELL, 5.0, False)]),  # and beyond it
        (-10.0, 1_500.0, [(Side.BUY, 10.0, True), (Side.BUY, 5.0, False)]),
        (10.0, 500.0, [(Side.BUY, 5.0, False)]),  # the same way
        (0.0, -500.0, [(Side.SELL, 5.0, False)]),  # nothing held
    ],
)
def test_what_shrinks_a_position_goes_apart_from_what_lies_beyond(
    held: float, change: float, parts: list[tuple[Side, float, bool]]
) -> None:
    account = make_account(make_position(held), usdc=5_000.0) if held else make_account(usdc=5_000.0)
    found = parts_of(book_of([account]), wanted(change))
    assert [(part.side, part.size_base, part.reducing) for part in found] == parts


def test_held_perps_of_an_asset_shrink_before_its_main_one_is_traded() -> None:
    markets = [make_perp_market(), make_btc_market(), make_perp_market(name="1MSOL-PERP", market_index=7)]
    account = make_account(make_position(5.0, market_index=7), usdc=5_000.0, perp_markets=markets)
    found = spread_over_perps(book_of([account]), "SOL", -800.0)
    assert dict(found) == {"1MSOL-PERP": -500.0, "SOL-PERP": -300.0}
    assert spread_over_perps(book_of([account]), "DOGE", -800.0) == ()


@pytest.mark.parametrize(
    ("changes", "reducing", "words"),
    [
        ({}, False, ""),
        ({"status": MarketStatus.FUNDING_PAUSED}, False, ""),
        ({"status": MarketStatus.FILL_PAUSED}, True, "is paused"),
        ({"status": MarketStatus.DELISTED}, True, "is delisted"),
        ({"status": MarketStatus.SETTLEMENT}, True, "is in settlement"),
        ({"status": MarketStatus.INITIALIZED}, True, "is not open"),
        ({"status": MarketStatus.REDUCE_ONLY}, True, ""),
        ({"status": MarketStatus.REDUCE_ONLY}, False, "is reduce-only"),
        ({"bids": ()}, True, "has no book: there is nothing to sell against"),
        ({"oracle_usd": 0.0}, True, "has no positive price"),
        ({"problem": "its oracle is stale"}, True, "cannot be traded on now: its oracle is stale"),
    ],
)
def test_a_market_that_cannot_take_an_order_says_why(changes: dict[str, Any], reducing: bool, words: str) -> None:
    said = why_not({"SOL-PERP": make_depth(**changes)}, "SOL-PERP", Side.SELL, reducing=reducing)
    assert said.startswith(words)
    assert bool(said) == bool(words)


def test_a_market_nobody_knows_the_book_of_is_left_alone() -> None:
    assert why_not({}, "SOL-PERP", Side.SELL, reducing=True) == "is not known to the venue's book"


def test_a_price_of_zero_makes_no_order() -> None:
    assert parts_of(book_of([repriced(make_account(make_position(1.0), usdc=1.0), sol=0.0)]), wanted(-100.0)) == ()


@given(size=st.floats(0.0, 1e6), step=st.integers(1, 10**10))
def test_sizes_are_whole_steps_and_never_larger(size: float, step: int) -> None:
    depth = make_depth(step_raw_1e9=step, minimum_raw_1e9=step)
    raw = steps_raw(depth, size)
    assert raw % step == 0
    assert raw <= size * 1e9 * (1 + 1e-12) + 1e-5
    assert size * 1e9 - raw < step * (1 + 1e-9) + 1e-3
    assert too_small(depth, steps_base(depth, size)) == (raw < step)


def test_what_floats_leave_of_a_whole_step_is_not_rounded_away() -> None:
    depth = make_depth(step_raw_1e9=100_000_000)
    assert steps_base(depth, 0.1 + 0.2) == 0.3
    assert steps_base(depth, 29.999999999999996) == 30.0
    assert least_base(make_depth(step_raw_1e9=3, minimum_raw_1e9=10)) == 12e-9


def test_collateral_that_moves_is_exposure_and_dollars_are_none() -> None:
    account = make_account(
        make_position(10.0), make_position(-0.01, entry_usd=50_000.0, market_index=1), usdc=1_000.0,
        balances=[make_balance(-4.0)],
    )  # fmt: skip
    found = exposures(MarginPlan.of(book_of([account])), ("BTC",))
    assert dict(zip(found.assets, found.delta_usd, strict=True)) == pytest.approx({"BTC": -500.0, "SOL": 600.0})
    assert (found.net_usd, found.gross_usd, found.equity_usd) == pytest.approx((100.0, 1_100.0, 600.0))
    assert found.held() == ("BTC", "SOL")
    assert found.of("DOGE") == 0.0
    assert found.weighted({"SOL": 2.0}) == pytest.approx(1_200.0)


def test_a_bump_of_every_price_is_what_the_deltas_say() -> None:
    account = make_account(make_position(7.0), usdc=3_000.0, balances=[make_balance(5.0)])
    found = exposures(MarginPlan.of(book_of([account])))
    moved = exposures(MarginPlan.of(book_of([repriced(account, sol=101.0)])))
    assert moved.equity_usd - found.equity_usd == pytest.approx(float(found.delta_usd[0]) * 0.01, abs=0.02)
    assert np.isfinite(replace(found, equity_usd=1.0).delta_usd).all()
