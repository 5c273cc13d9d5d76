"""What closes a position never turns it round, is a multiple of the step, and what remains is named."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.closing import Closing, NothingToClose, Remains, Why, close, closing_raw_1e9, flatten
from risk.errors import BadParameter
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.model.account import AccountSnapshot, MarketKind, Side
from risk.model.market import MarketStatus
from risk.model.trading import BASE_UNITS
from tests.risk.builders import make_account, make_balance, make_position
from tests.risk.depths import make_depth, make_order

SIZES = st.integers(-(10**15), 10**15)
STEPS = st.sampled_from([1, 100_000, 10_000_000, 100_000_000, 10**9, 777])
SHARES = st.floats(1e-6, 1.0, exclude_min=True)


def book(account: AccountSnapshot) -> FleetBook:
    return book_of([account])


def closed(account: AccountSnapshot, market: str = "SOL-PERP", share: float = 1.0, **depth: Any) -> Closing:
    return close(book(account), "main", market, share, make_depth(market, **depth))


def sizes(closing: Closing) -> list[tuple[str, Side, float]]:
    return [(one.market, one.side, one.size_base) for one in closing.trades]


def left(closing: Closing, why: Why) -> list[Remains]:
    return [one for one in closing.remains if one.why is why]


@given(SIZES, SHARES, STEPS)
def test_closing_never_turns_a_position_round(held: int, share: float, step: int) -> None:
    assert 0 <= closing_raw_1e9(held, share, step) <= abs(held)


@given(SIZES, SHARES, STEPS)
def test_a_size_is_a_multiple_of_the_step_and_the_nearest_that_closes_enough(
    held: int, share: float, step: int
) -> None:
    size = closing_raw_1e9(held, share, step)
    assert size % step == 0
    assert size < abs(held) * share + step + 1
    assert size >= min(abs(held) * share * (1 - 1e-12) - 1, abs(held) // step * step)


@given(SIZES, STEPS)
def test_all_of_a_position_leaves_less_than_a_step(held: int, step: int) -> None:
    assert abs(held) - closing_raw_1e9(held, 1.0, step) < step


@given(SIZES.filter(bool), STEPS, st.lists(SHARES, min_size=2, max_size=2).map(sorted))
def test_a_larger_share_closes_no_less(held: int, step: int, shares: Sequence[float]) -> None:
    assert closing_raw_1e9(held, shares[0], step) <= closing_raw_1e9(held, shares[1], step)


@pytest.mark.parametrize(("share", "steps"), [(0.1, 10), (0.3, 30), (0.7, 70), (1.0, 100)])
def test_a_share_is_meant_as_it_is_written(share: float, steps: int) -> None:
    assert closing_raw_1e9(100 * 777, share, 777) == steps * 777


@given(
    st.integers(-(10**6), 10**6).filter(bool), st.integers(-(10**4), 10**4), SHARES,
    st.sampled_from([1, 10_000_000, 30_000_000]),
)  # fmt: skip
def test_every_order_only_reduces_what_is_held(sol: int, btc: int, share: float, step: int) -> None:
    account = make_account(
        make_position(sol / 1e3), make_position(btc / 1e3, entry_usd=50_000.0, market_index=1), usdc=100.0
    )
    held = {"SOL-PERP": sol / 1e3, "BTC-PERP": btc / 1e3}
    depths = {one: make_depth(one, step_raw_1e9=step, minimum_raw_1e9=step) for one in held}
    found = [flatten(book(account), "main", depths)]
    if abs(sol) * 1_000_000 >= step:
        found.append(close(book(account), "main", "SOL-PERP", share, depths["SOL-PERP"]))
    for trade in (trade for one in found for trade in one.trades):
        assert trade.reduce_only
        assert 0 < trade.size_base <= abs(held[trade.market])
        assert (trade.side is Side.SELL) is (held[trade.market] > 0)
        assert round(trade.size_base * BASE_UNITS) % step == 0


def test_a_whole_position_goes_with_all_its_orders_and_no_others() -> None:
    orders = (make_order(3), make_order(4, reduce_only=True), make_order(5, market_index=1))
    closing = closed(make_account(make_position(-2.5), usdc=500.0, open_orders=orders))

    assert sizes(closing) == [("SOL-PERP", Side.BUY, 2.5)]
    assert closing.cancels == (3, 4)
    assert closing.remains == ()


def test_a_share_keeps_the_orders_that_still_protect_the_rest() -> None:
    stop = make_order(4, reduce_only=True)
    closing = closed(make_account(make_position(2.0), usdc=500.0, open_orders=(make_order(3), stop)), share=0.5)

    assert sizes(closing) == [("SOL-PERP", Side.SELL, 1.0)]
    assert closing.cancels == (3,)
    assert closing.kept == (stop,)
    assert [(one.market, one.size) for one in left(closing, Why.NOT_ASKED)] == [("SOL-PERP", 1.0)]


def test_what_would_be_left_too_small_to_close_later_says_so() -> None:
    (rest,) = closed(make_account(make_position(0.25), usdc=50.0), share=0.8).remains

    assert rest.size == pytest.approx(0.05)
    assert rest.reason == "less than the smallest order, 0.1"


def test_less_than_a_step_that_stays_is_named() -> None:
    closing = closed(make_account(make_position(1.005), usdc=50.0))

    assert sizes(closing) == [("SOL-PERP", Side.SELL, 1.0)]
    assert [one.size for one in left(closing, Why.DUST)] == [pytest.approx(0.005)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": MarketStatus.DELISTED}, "SOL-PERP is delisted"),
        ({"status": MarketStatus.SETTLEMENT}, "SOL-PERP is being settled"),
        ({"status": MarketStatus.FILL_PAUSED}, "SOL-PERP is paused"),
        ({"problem": "its oracle is 40 s old"}, "SOL-PERP cannot be traded on now: its oracle is 40 s old"),
        ({"bids": ()}, "SOL-PERP has nothing on offer to sell now"),
        ({"oracle_usd": 0.0}, "the oracle of SOL-PERP shows no positive price"),
        ({"minimum_raw_1e9": 9_000_000_000}, "2 SOL-PERP is less than the market's smallest order"),
    ],
)
def test_a_market_that_takes_no_order_is_refused_with_its_reason_and_left_open_by_flatten(
    changes: dict[str, Any], reason: str
) -> None:
    account = make_account(make_position(2.0), make_position(-0.5, entry_usd=50_000.0, market_index=1), usdc=5_000.0)
    with pytest.raises(NothingToClose) as refused:
        closed(account, **changes)
    assert refused.value.refusal.reason.startswith(reason)

    closing = flatten(book(account), "main", {"SOL-PERP": make_depth(**changes), "BTC-PERP": make_depth("BTC-PERP")})
    assert sizes(closing) == [("BTC-PERP", Side.BUY, 0.5)]
    (open_still,) = left(closing, Why.CANNOT)
    assert (open_still.market, open_still.size) == ("SOL-PERP", 2.0)
    assert open_still.reason.startswith(reason)


def test_a_market_that_only_reduces_can_be_closed() -> None:
    assert sizes(closed(make_account(make_position(2.0), usdc=50.0), status=MarketStatus.REDUCE_ONLY))


def test_no_position_names_those_there_are() -> None:
    with pytest.raises(NothingToClose, match="there is no position in BTC-PERP") as refused:
        closed(make_account(make_position(2.0), usdc=50.0), "BTC-PERP")
    assert refused.value.refusal.nearest == "close one of SOL-PERP"


def test_less_than_a_step_cannot_be_closed() -> None:
    with pytest.raises(NothingToClose, match=r"smaller than the market's step, 0\.01"):
        closed(make_account(make_position(0.005), usdc=50.0))


@pytest.mark.parametrize("share", [0.0, -0.5, 1.01, math.nan, math.inf])
def test_no_other_share_is_a_share(share: float) -> None:
    with pytest.raises(BadParameter, match="a share to close"):
        closed(make_account(make_position(2.0), usdc=50.0), share=share)


def test_flatten_closes_the_largest_first_cancels_everything_and_names_what_stays() -> None:
    spot_order = make_order(9, market_kind=MarketKind.SPOT, market_index=1)
    account = make_account(
        make_position(2.0), make_position(-0.5, entry_usd=50_000.0, market_index=1, isolated=True,
                                          isolated_collateral_tokens=3_000.0),
        usdc=700.0, balances=[make_balance(-4.0)], open_orders=(make_order(3), spot_order),
    )  # fmt: skip
    depths = {one: make_depth(one) for one in ("SOL-PERP", "BTC-PERP")}
    closing = flatten(book(account), "main", depths)

    assert sizes(closing) == [("BTC-PERP", Side.BUY, 0.5), ("SOL-PERP", Side.SELL, 2.0)]
    assert [one.priority for one in closing.trades] == [1, 2]
    assert closing.cancels == (3, 9)
    assert [(one.market, one.size, one.why) for one in closing.remains] == [
        ("BTC-PERP", 3_000.0, Why.ISOLATED), ("USDC", 700.0, Why.SPOT), ("SOL", -4.0, Why.SPOT)
    ]  # fmt: skip


def test_orders_that_were_not_read_are_not_taken_for_none() -> None:
    without = replace(book(make_account(make_position(2.0), usdc=50.0)), orders=None)

    assert not close(without, "main", "SOL-PERP", 1.0, make_depth()).orders_known
    assert not flatten(without, "main", {}).orders_known


def test_without_a_market_at_hand_a_size_is_as_exact_as_the_position() -> None:
    account = make_account(make_position(1.234567891), usdc=50.0)

    assert sizes(close(book(account), "main", "SOL-PERP", 1.0, None)) == [("SOL-PERP", Side.SELL, 1.234567891)]
