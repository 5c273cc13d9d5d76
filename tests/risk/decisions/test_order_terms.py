"""Trades become orders in whole numbers, rounded toward less risk, or are refused with what would work."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.depth import walk
from risk.decisions.order_terms import Untradeable, exact
from risk.model.account import Side
from risk.model.market import MarketStatus
from risk.model.proposal import PlannedTrade
from risk.model.trading import DepthLevel, MarketDepth, OrderStyle

_AT = datetime(2026, 1, 5, tzinfo=UTC)
_LONG = 50 * 10**9


def make_depth(**given_: Any) -> MarketDepth:
    known: dict[str, Any] = {
        "market": "SOL-PERP", "market_index": 0, "oracle_usd": 150.0,
        "bids": (DepthLevel(price_usd=149.9, size_base=10.0), DepthLevel(price_usd=149.5, size_base=90.0)),
        "asks": (DepthLevel(price_usd=150.1, size_base=10.0), DepthLevel(price_usd=150.5, size_base=90.0)),
        "taker_fee_frac": 0.001, "maker_fee_frac": 0.0, "funding_hourly_frac": 0.0, "step_raw_1e9": 10_000_000,
        "tick_raw_1e6": 100, "minimum_raw_1e9": 10_000_000, "status": MarketStatus.ACTIVE, "source": "order book",
        "slot": 1, "observed_at": _AT,
    }  # fmt: skip
    return MarketDepth(**(known | given_))


def make_trade(**given_: Any) -> PlannedTrade:
    known: dict[str, Any] = {"market": "SOL-PERP", "side": Side.SELL, "size_base": 12.0, "reduce_only": True}
    return PlannedTrade(**(known | given_))


def order(trade: PlannedTrade, depth: MarketDepth, *, held: int = _LONG) -> Any:
    return exact(
        trade, depth, account_id="a", held_raw_1e9=held, slippage_frac=0.005, expires_at_s=1_767_600_000
    )  # fmt: skip


def refusal(trade: PlannedTrade, depth: MarketDepth, *, held: int = _LONG) -> str:
    with pytest.raises(Untradeable) as caught:
        order(trade, depth, held=held)
    return f"{caught.value.refusal.reason} -> {caught.value.refusal.nearest}"


def test_an_order_has_the_worst_quoted_price_and_the_slippage_as_its_limit() -> None:
    found = order(make_trade(), make_depth())
    assert found.terms.limit_usd == pytest.approx(149.5 * 0.995, abs=1e-4)
    assert found.terms.size_raw_1e9 == 12 * 10**9
    assert found.quote.average_usd == pytest.approx((10 * 149.9 + 2 * 149.5) / 12)


def test_a_reduce_only_order_is_never_larger_than_what_is_held() -> None:
    assert order(make_trade(size_base=80.0), make_depth()).terms.size_raw_1e9 == _LONG


@pytest.mark.parametrize(
    ("trade", "depth", "held", "says"),
    [
        (make_trade(), make_depth(status=MarketStatus.FILL_PAUSED), _LONG, "is paused"),
        (make_trade(), make_depth(status=MarketStatus.DELISTED), _LONG, "is delisted"),
        (make_trade(reduce_only=False), make_depth(status=MarketStatus.REDUCE_ONLY), _LONG, "close what is held"),
        (make_trade(), make_depth(bids=()), _LONG, "nothing on offer"),
        (make_trade(), make_depth(problem="the oracle is stale"), _LONG, "the oracle is stale"),
        (make_trade(), make_depth(oracle_usd=0.0), _LONG, "no positive price"),
        (make_trade(size_base=0.001), make_depth(), _LONG, "0.01 is the smallest, about $1.50"),
        (make_trade(size_base=0.0), make_depth(), _LONG, "name one above zero"),
        (make_trade(size_base=float("nan")), make_depth(), _LONG, "name one above zero"),
        (make_trade(), make_depth(), -_LONG, "no SOL-PERP is held"),
        (make_trade(), make_depth(), 0, "no SOL-PERP is held"),
        (make_trade(reduce_only=False, size_base=500.0), make_depth(), 0, "sell 100 SOL-PERP or less"),
        (make_trade(limit_usd=0.0), make_depth(), _LONG, "name one above zero"),
        (make_trade(style=OrderStyle.LIMIT), make_depth(), _LONG, "name its limit"),
        (make_trade(style=OrderStyle.TRIGGER_MARKET), make_depth(), _LONG, "price above zero to wait for"),
    ],
)
def test_what_cannot_be_traded_is_refused_with_what_would(
    trade: PlannedTrade, depth: MarketDepth, held: int, says: str
) -> None:
    assert says in refusal(trade, depth, held=held)


def test_getting_out_goes_as_far_as_the_book_and_says_so() -> None:
    thin = make_depth(bids=(DepthLevel(price_usd=149.9, size_base=5.0),))
    found = order(make_trade(), thin)
    assert found.terms.size_raw_1e9 == 12 * 10**9
    assert "only 5 SOL-PERP of 12" in found.notes[0]


def test_a_market_that_only_reduces_takes_what_reduces() -> None:
    assert order(make_trade(), make_depth(status=MarketStatus.REDUCE_ONLY)).terms.reduce_only


@pytest.mark.parametrize(
    ("side", "above", "wanted", "raw"),
    [
        (Side.SELL, False, 140.00005, 140_000_100),
        (Side.BUY, True, 160.00005, 160_000_000),
        (Side.SELL, True, 160.00005, 160_000_100),
        (Side.BUY, False, 140.00005, 140_000_000),
    ],
)
def test_a_stop_fires_no_later_and_a_profit_is_no_smaller_than_was_said(
    side: Side, above: bool, wanted: float, raw: int
) -> None:
    trade = make_trade(side=side, style=OrderStyle.TRIGGER_MARKET, trigger_usd=wanted, triggers_above=above)
    held = _LONG if side is Side.SELL else -_LONG
    terms = order(trade, make_depth(), held=held).terms
    assert terms.trigger_raw_1e6 == raw
    assert terms.reduce_only
    assert terms.expires_at_s == 0


@given(
    size=st.floats(0.02, 100.0),
    side=st.sampled_from(Side),
    step=st.sampled_from([1_000_000, 10_000_000]),
    tick=st.sampled_from([1, 100, 10_000]),
)
def test_rounding_never_adds_risk(size: float, side: Side, step: int, tick: int) -> None:
    depth = make_depth(step_raw_1e9=step, tick_raw_1e6=tick)
    terms = order(make_trade(size_base=size, side=side, reduce_only=False), depth, held=0).terms
    assert terms.size_base <= size + 1e-12
    assert size - terms.size_base < step / 1e9 + 1e-9
    assert terms.size_raw_1e9 % step == 0
    assert terms.limit_raw_1e6 % tick == 0
    worst = walk(depth, side, terms.size_base).worst_usd
    if side is Side.BUY:
        assert terms.limit_usd <= worst * 1.005 + 1e-9
    else:
        assert terms.limit_usd >= worst * 0.995 - 1e-9


@given(size=st.floats(0.1, 150.0), side=st.sampled_from(Side))
def test_a_larger_trade_is_never_cheaper(size: float, side: Side) -> None:
    depth = make_depth()
    smaller, larger = walk(depth, side, size / 2), walk(depth, side, size)
    assert larger.filled_base <= min(size, 100.0) + 1e-9
    assert larger.impact_frac >= smaller.impact_frac - 1e-12
    assert larger.cost_usd >= smaller.cost_usd - 1e-9


def test_nothing_is_taken_beyond_a_limit() -> None:
    assert walk(make_depth(), Side.BUY, 50.0, limit_usd=150.2).filled_base == pytest.approx(10.0)
