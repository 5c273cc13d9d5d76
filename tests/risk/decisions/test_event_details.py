"""What readings tell of orders' ends and triggers, of whose orders they were, of interest and dear borrows."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.event_following import acted
from risk.decisions.events import EventThresholds, diff
from risk.decisions.money_events import annual_frac, costs_eased
from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, Side
from risk.model.events import (
    BorrowRateEvent,
    EndReason,
    EventKind,
    InterestEvent,
    LiquidationEvent,
    OrderEvent,
    PositionEvent,
)
from tests.risk.builders import NOW, SLOT, make_account, make_balance, make_perp_market, make_position, make_spot_market

K = EventKind
IN_AN_HOUR = NOW + timedelta(hours=1)


def order(order_id: int = 1, size: float = 5.0, **rest: Any) -> OpenOrder:
    return OpenOrder(
        **{
            "order_id": order_id, "market_kind": MarketKind.PERP, "market_index": 0, "side": Side.BUY,
            "kind": OrderKind.LIMIT, "size_base": size, "price_usd": 90.0, "reduce_only": False, **rest,
        }
    )  # fmt: skip


def stop(**rest: Any) -> OpenOrder:
    return order(
        kind=OrderKind.TRIGGER_MARKET, side=Side.SELL, price_usd=None, trigger_price_usd=80.0, triggers_above=False,
        **rest,
    )  # fmt: skip


def account(size: float, *orders: OpenOrder, **changes: Any) -> AccountSnapshot:
    positions = (make_position(size),) if size else ()
    return make_account(*positions, **{"usdc": 5_000.0, "open_orders": orders, **changes})


def an_hour_later(snapshot: AccountSnapshot) -> AccountSnapshot:
    return replace(snapshot, slot=SLOT + 9_000, observed_at=IN_AN_HOUR)


def orders_told(before: AccountSnapshot, after: AccountSnapshot, **how: Any) -> list[OrderEvent]:
    return [one for one in diff(before, an_hour_later(after), **how) if isinstance(one, OrderEvent)]


@pytest.mark.parametrize(
    ("expires_s", "kind", "reason"),
    [
        (None, K.ORDER_ENDED, EndReason.UNKNOWN),
        (3_601, K.ORDER_ENDED, EndReason.UNKNOWN),
        (3_600, K.ORDER_EXPIRED, EndReason.EXPIRED),
        (60, K.ORDER_EXPIRED, EndReason.EXPIRED),
    ],
)
def test_an_order_whose_time_was_up_has_expired(expires_s: int | None, kind: EventKind, reason: EndReason) -> None:
    expires_at = None if expires_s is None else NOW + timedelta(seconds=expires_s)
    (event,) = orders_told(account(0, order(expires_at=expires_at)), account(0))

    assert (event.kind, event.reason) == (kind, reason)


def test_an_order_that_was_filled_in_time_has_not_expired() -> None:
    (event,) = orders_told(account(0, order(expires_at=NOW + timedelta(seconds=60))), account(5))
    assert event.kind is K.ORDER_FILLED


def test_during_a_liquidation_an_order_was_cancelled_by_it_whatever_its_time() -> None:
    before = account(9, order(expires_at=NOW + timedelta(seconds=60)))
    (event,) = orders_told(before, account(4, being_liquidated=True))
    assert (event.kind, event.reason) == (K.ORDER_ENDED, EndReason.LIQUIDATION)


def test_a_trigger_order_says_itself_that_it_has_triggered_and_once() -> None:
    waiting, triggered = stop(triggered=False), stop(triggered=True)

    assert [e.kind for e in orders_told(account(9, waiting), account(9, triggered))] == [K.ORDER_TRIGGERED]
    assert orders_told(account(9, triggered), account(9, triggered)) == []
    half = replace(triggered, size_base=2.0)
    assert [e.kind for e in orders_told(account(9, triggered), account(6, half))] == [K.ORDER_PARTIALLY_FILLED]


def test_where_orders_do_not_say_so_one_that_was_filled_must_have_triggered() -> None:
    before, after = account(9, stop()), account(6, replace(stop(), size_base=2.0))
    assert [e.kind for e in orders_told(before, after)] == [K.ORDER_TRIGGERED, K.ORDER_PARTIALLY_FILLED]


@pytest.mark.parametrize(
    ("above", "price_usd", "filled"),
    [(True, 120.0, 1), (True, 80.0, 2), (False, 80.0, 1), (False, 120.0, 2)],
)
def test_of_two_that_are_gone_the_one_whose_trigger_was_passed_explains_the_move(
    above: bool, price_usd: float, filled: int
) -> None:
    trigger = order(1, kind=OrderKind.TRIGGER_MARKET, price_usd=None, trigger_price_usd=100.0, triggers_above=above,
                    triggered=False)  # fmt: skip
    limit = order(2, price_usd=price_usd - 1.0)
    prices = {"sol": price_usd}
    told = orders_told(account(0, trigger, limit, prices=prices), account(5, prices=prices))

    assert [one.order_id for one in told if one.kind is K.ORDER_FILLED] == [filled]


@pytest.mark.parametrize(
    ("ours", "expected"), [(None, (None, None)), ({1}, (True, False)), ({1, 2}, (True, True)), (set(), (False, False))]
)
def test_orders_are_keels_or_somebody_elses_where_anybody_knows(
    ours: set[int] | None, expected: tuple[bool | None, bool | None]
) -> None:
    told = orders_told(account(0, order(1), order(2)), account(0), ours=ours)
    assert tuple(one.by_keel for one in told) == expected


@pytest.mark.parametrize(
    ("ours", "size", "by_keel"), [({1}, 5, True), ({1}, 7, False), (set(), 5, False), (None, 5, None)]
)
def test_a_move_is_keels_where_its_orders_explain_all_of_it(
    ours: set[int] | None, size: float, by_keel: bool | None
) -> None:
    (event,) = [
        one
        for one in diff(account(0, order(1)), an_hour_later(account(size)), ours=ours)
        if isinstance(one, PositionEvent)
    ]
    assert event.by_keel is by_keel


def saved(tokens: float, shares: float | None, **market: Any) -> AccountSnapshot:
    """A balance of SOL."""
    return make_account(
        balances=[make_balance(tokens, shares=shares)],
        spot_markets=[make_spot_market(market_index=1, **market)],
        perp_markets=[],
    )


def interest(before: AccountSnapshot, after: AccountSnapshot) -> list[InterestEvent]:
    return [one for one in diff(before, an_hour_later(after)) if isinstance(one, InterestEvent)]


@pytest.mark.parametrize(
    ("tokens", "shares", "tokens_after", "shares_after", "earned"),
    [
        (100.0, 90.0, 100.5, 90.0, 0.5),
        (-100.0, -90.0, -100.5, -90.0, -0.5),
        (100.0, 100.0, 151.5, 150.0, 1.0),  # half as much was paid in, and each share is worth 1 % more
        (100.0, 100.0, 50.5, 50.0, 1.0),
        (100.0, 90.0, 100.0, 90.0, None),
        (100.0, 90.0, 100.0 + 1e-9, 90.0, None),  # a rounding
        (100.0, None, 101.0, None, None),  # a venue that keeps no shares
        (100.0, 90.0, -5.0, -4.0, None),  # what was a deposit is a borrow
    ],
)
def test_interest_is_what_a_balance_grew_by_while_its_shares_did_not(
    tokens: float, shares: float | None, tokens_after: float, shares_after: float | None, earned: float | None
) -> None:
    found = interest(saved(tokens, shares), saved(tokens_after, shares_after))

    assert [one.amount_tokens for one in found] == ([] if earned is None else [pytest.approx(earned)])
    for one in found:
        assert one.amount_usd == pytest.approx(one.amount_tokens * 100.0)
        assert one.balance_tokens == tokens
        assert one.since == NOW


@given(st.floats(1, 1e9), st.floats(1.0, 1.5), st.floats(1.0, 1.01), st.floats(0.1, 10.0), st.sampled_from([1.0, -1.0]))
def test_interest_is_the_growth_of_a_share_times_what_was_held(
    shares: float, index: float, growth: float, factor: float, sign: float
) -> None:
    before = saved(sign * shares * index, sign * shares)
    after = saved(sign * shares * factor * index * growth, sign * shares * factor)
    expected = sign * shares * index * (growth - 1.0)

    found = sum(one.amount_tokens for one in interest(before, after))

    assert found == pytest.approx(expected, rel=1e-5, abs=2e-9 + 1e-11 * shares)


def test_interest_says_what_it_would_be_in_a_year() -> None:
    (event,) = interest(saved(100.0, 90.0), saved(100.001, 90.0))
    assert annual_frac(event, IN_AN_HOUR) == pytest.approx(0.00001 * 24 * 365)
    assert annual_frac(event, event.since) is None


def owes(rate: float | None, tokens: float = -10.0) -> AccountSnapshot:
    return saved(tokens, tokens, borrow_rate_annual_frac=rate)


@pytest.mark.parametrize(
    ("before", "after", "told", "was"),
    [
        (owes(0.08), owes(0.45), True, 0.08),
        (owes(0.08), owes(0.29), False, None),
        (owes(0.40), owes(0.45), False, None),  # it was dear already
        (owes(0.45), owes(0.08), False, None),
        (owes(0.30, 10.0), owes(0.45), True, None),  # it is new to who begins to borrow
        (owes(0.08, 10.0), owes(0.45, 10.0), False, None),  # whoever lends does not mind
        (owes(None), owes(0.45), False, None),  # nobody knows whether that is new
        (owes(0.08), owes(None), False, None),
    ],
)
def test_a_borrow_that_becomes_dear_is_told(
    before: AccountSnapshot, after: AccountSnapshot, told: bool, was: float | None
) -> None:
    found = [one for one in diff(before, an_hour_later(after)) if isinstance(one, BorrowRateEvent)]

    assert len(found) == told
    for one in found:
        assert (one.before_annual_frac, one.after_annual_frac, one.borrowed_tokens) == (was, 0.45, 10.0)


def paying(hourly_usd: float) -> AccountSnapshot:
    return make_account(make_position(), perp_markets=[make_perp_market(funding_long_usd=hourly_usd)])


@pytest.mark.parametrize(
    ("before", "after", "eased"),
    [
        (paying(0.05), paying(0.001), True),
        (paying(0.001), paying(0.05), False),
        (paying(0.001), paying(0.002), False),
        (owes(0.45), owes(0.08), True),
        (owes(0.08), owes(0.45), False),
    ],
)
def test_what_has_become_cheap_again_is_noticed_though_it_is_no_news(
    before: AccountSnapshot, after: AccountSnapshot, eased: bool
) -> None:
    assert costs_eased(before, an_hour_later(after), EventThresholds()) is eased


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, False),
        ({"observed_at": IN_AN_HOUR, "slot": SLOT + 9}, False),
        ({"last_active_slot": 7}, True),
        ({"net_deposits_usd": 1.0}, True),
        ({"settled_pnl_usd": 1.0}, True),
        ({"delegate": "somebody"}, True),
        ({"being_liquidated": True}, True),
        ({"bankrupt": True}, True),
        ({"open_orders": (order(),)}, True),
        ({"perp_positions": (make_position(2.0),)}, True),
        ({"perp_positions": (make_position(1.0, funding_usd=-3.0),)}, False),
        ({"perp_positions": (make_position(1.0, quote_usd=-101.0),)}, True),  # a fee
        ({"spot_balances": (make_balance(10.5, shares=9.0),)}, False),  # interest
        ({"spot_balances": (make_balance(10.0, shares=8.0),)}, True),
        ({"spot_balances": ()}, True),
    ],
)
def test_what_time_does_by_itself_is_not_done_to_an_account(change: dict[str, Any], counts: bool) -> None:
    before = make_account(make_position(1.0), balances=[make_balance(10.0, shares=9.0)])
    assert acted(before, replace(before, **change)) is counts


def test_a_taking_from_readings_says_what_remains_and_no_price() -> None:
    before, after = account(10, being_liquidated=True), account(6, being_liquidated=True)
    (event,) = [one for one in diff(before, an_hour_later(after)) if isinstance(one, LiquidationEvent)]

    assert (event.taken_base, event.remaining_base) == (4.0, 6.0)
    assert event.price_usd is None
    assert event.fee_usd is None
    assert not math.isnan(event.taken_base)
