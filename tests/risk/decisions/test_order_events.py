"""What became of resting orders, as far as two readings tell."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.events import diff
from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, Side
from risk.model.events import EventKind, OrderEvent, PositionEvent
from tests.risk.builders import make_account, make_balance, make_position, repriced

K = EventKind


def order(
    order_id: int, size: float = 5.0, price: float | None = 90.0, side: Side = Side.BUY, **rest: Any
) -> OpenOrder:
    return OpenOrder(
        **{
            "order_id": order_id, "market_kind": MarketKind.PERP, "market_index": 0, "side": side,
            "kind": OrderKind.LIMIT, "size_base": size, "price_usd": price, "reduce_only": False, **rest,
        }
    )  # fmt: skip


def account(size: float, *orders: OpenOrder, sol_usd: float = 100.0, **changes: Any) -> AccountSnapshot:
    positions = (make_position(size),) if size else ()
    return repriced(make_account(*positions, usdc=5_000.0, open_orders=orders, **changes), sol=sol_usd)


def told(before: AccountSnapshot, after: AccountSnapshot) -> list[tuple[EventKind, int, float, float]]:
    """(what, order, how much, what rests)."""
    events = [event for event in diff(before, after) if isinstance(event, OrderEvent)]
    return [(event.kind, event.order_id, event.size_base, event.rest_base) for event in events]


SELL = Side.SELL
STOP = order(9, 2.0, None, SELL, kind=OrderKind.TRIGGER_MARKET, trigger_price_usd=80.0)
PROFIT = order(8, 2.0, 120.0, SELL)


@pytest.mark.parametrize(
    ("before", "after", "expected", "why"),
    [
        (account(0), account(0, order(1)), [(K.ORDER_PLACED, 1, 5, 5)], "it is new"),
        (account(0, order(1)), account(0), [(K.ORDER_ENDED, 1, 5, 0)], "gone, and the position did not move"),
        (account(0, order(1)), account(5), [(K.ORDER_FILLED, 1, 5, 0)], "gone, and the position has all of it"),
        (
            account(0, order(1)), account(2, order(1, 3)), [(K.ORDER_PARTIALLY_FILLED, 1, 2, 3)],
            "a rest that shrank is a fill",
        ),
        (
            account(0, order(1)), account(2), [(K.ORDER_PARTIALLY_FILLED, 1, 2, 3), (K.ORDER_ENDED, 1, 3, 0)],
            "filled in part, and the rest is gone",
        ),
        (account(5, order(1)), account(3), [(K.ORDER_ENDED, 1, 5, 0)], "a buy does not explain a sale"),
        (account(0, order(1)), account(9), [(K.ORDER_FILLED, 1, 5, 0)], "4 more were bought without an order"),
        (
            account(0, order(1), order(2, 5, 95.0)), account(5), [(K.ORDER_ENDED, 1, 5, 0), (K.ORDER_FILLED, 2, 5, 0)],
            "the better price is filled first",
        ),
        (
            account(0, order(1), order(2, 5, 95.0)), account(7),
            [(K.ORDER_PARTIALLY_FILLED, 1, 2, 3), (K.ORDER_ENDED, 1, 3, 0), (K.ORDER_FILLED, 2, 5, 0)],
            "and then the next",
        ),
        (
            account(0, order(1), order(2, 4)), account(6, order(1, 3)),
            [(K.ORDER_PARTIALLY_FILLED, 1, 2, 3), (K.ORDER_FILLED, 2, 4, 0)],
            "a rest explains its part of the move, a gone order the other",
        ),
        (
            account(0, order(1), order(2, 4)),
            account(2, order(1, 3)),
            [(K.ORDER_PARTIALLY_FILLED, 1, 2, 3), (K.ORDER_ENDED, 2, 4, 0)],
            "nothing of the move is left for the gone one to explain",
        ),
        (
            account(0, order(1), order(2, 5, 110.0, SELL)), account(0),
            [(K.ORDER_ENDED, 1, 5, 0), (K.ORDER_ENDED, 2, 5, 0)],
            "fills that cancel out cannot be seen",
        ),
        (
            account(2, STOP, PROFIT), account(0, sol_usd=79.0),
            [(K.ORDER_ENDED, 8, 2, 0), (K.ORDER_TRIGGERED, 9, 2, 2), (K.ORDER_FILLED, 9, 2, 0)],
            "the price is at the stop",
        ),
        (
            account(2, STOP, PROFIT), account(0, sol_usd=121.0),
            [(K.ORDER_FILLED, 8, 2, 0), (K.ORDER_ENDED, 9, 2, 0)],
            "the price is past the profit",
        ),
        (account(2, STOP), account(2), [(K.ORDER_ENDED, 9, 2, 0)], "a stop that was taken back"),
        (
            account(2, STOP), account(1, replace(STOP, size_base=1.0)),
            [(K.ORDER_TRIGGERED, 9, 2, 2), (K.ORDER_PARTIALLY_FILLED, 9, 1, 1)],
            "what fills has triggered",
        ),
        (
            account(2, replace(STOP, kind=OrderKind.TRIGGER_LIMIT)), account(2, replace(STOP, kind=OrderKind.LIMIT)),
            [(K.ORDER_TRIGGERED, 9, 2, 2)],
            "a venue that says so by the kind",
        ),
        (
            account(0, order(1)), account(0, order(1, 8, 91.0)), [(K.ORDER_CHANGED, 1, 8, 8)],
            "a venue that changes orders in place",
        ),
        (account(0, order(1)), account(0, order(1)), [], "nothing happened"),
        (
            account(2, order(1, 5, 110.0, SELL)), account(0, being_liquidated=True), [(K.ORDER_ENDED, 1, 5, 0)],
            "a liquidation cancels orders and takes the position",
        ),
        (
            account(0, order(1), order(2, 5, None, kind=OrderKind.MARKET)), account(5),
            [(K.ORDER_ENDED, 1, 5, 0), (K.ORDER_FILLED, 2, 5, 0)],
            "an order without a price fills before one with",
        ),
    ],
)  # fmt: skip
def test_orders_are_told_as_far_as_two_readings_can_tell(
    before: AccountSnapshot, after: AccountSnapshot, expected: list[tuple[EventKind, int, float, float]], why: str
) -> None:
    assert told(before, after) == expected, why


def test_a_position_says_how_much_of_its_change_orders_explain() -> None:
    change = next(event for event in diff(account(0, order(1)), account(9)) if isinstance(event, PositionEvent))
    assert (change.change_base, change.by_orders_base) == (9.0, 5.0)


@pytest.mark.parametrize(
    ("tokens", "flow_usd", "expected", "why"),
    [
        (5.0, 0.0, K.ORDER_FILLED, "the balance has all of it"),
        (4.999, 0.0, K.ORDER_FILLED, "interest of the same gap may hide a little"),
        (2.0, 0.0, K.ORDER_ENDED, "a part cannot be told from interest"),
        (0.0, 0.0, K.ORDER_ENDED, "nothing came"),
        (5.0, 500.0, K.ORDER_ENDED, "a deposit moves the balance as well"),
    ],
)
def test_a_gone_spot_order_counts_as_filled_only_when_the_balance_says_so(
    tokens: float, flow_usd: float, expected: EventKind, why: str
) -> None:
    bid = order(1, market_kind=MarketKind.SPOT, market_index=1)
    before = make_account(usdc=900.0, balances=[make_balance(10.0)], open_orders=(bid,))
    after = make_account(usdc=900.0, balances=[make_balance(10.0 + tokens)], net_deposits_usd=flow_usd)
    assert [what for what, *_ in told(before, after)] == [expected], why


def test_an_order_event_carries_the_terms_of_its_order() -> None:
    (event,) = diff(account(0), account(0, replace(STOP, reduce_only=True)))
    assert isinstance(event, OrderEvent)
    assert (event.market, event.market_kind, event.side) == ("SOL-PERP", MarketKind.PERP, Side.SELL)
    assert (event.order_kind, event.price_usd, event.trigger_price_usd) == (OrderKind.TRIGGER_MARKET, None, 80.0)
    assert event.reduce_only


@given(
    start=st.integers(-(10**12), 10**12),
    sizes=st.lists(st.tuples(st.integers(1, 10**11), st.floats(0, 1), st.booleans()), min_size=1, max_size=6),
    side=st.sampled_from(Side),
)
def test_fills_on_one_side_are_told_to_the_unit(start: int, sizes: list[tuple[int, float, bool]], side: Side) -> None:
    """Whatever is gone was filled whole, whatever stayed in part: nothing is ambiguous, and nothing may be lost."""
    resting, left, bought = [], [], 0
    for order_id, (size, share, whole) in enumerate(sizes):
        filled = size if whole else min(size - 1, int(size * share))
        bought += filled
        resting.append(order(order_id, size / 1e9, 90.0 + order_id, side))
        if filled < size:
            left.append(order(order_id, (size - filled) / 1e9, 90.0 + order_id, side))
    end = start + (bought if side is Side.BUY else -bought)

    found = diff(account(start / 1e9, *resting), account(end / 1e9, *left))

    fills = {
        e.order_id: e
        for e in found
        if e.kind in (K.ORDER_FILLED, K.ORDER_PARTIALLY_FILLED) and isinstance(e, OrderEvent)
    }
    assert not [event for event in found if event.kind is K.ORDER_ENDED]
    assert sum(round(event.size_base * 1e9) for event in fills.values()) == bought
    gone = {o.order_id for o in resting} - {o.order_id for o in left}
    assert {i for i, event in fills.items() if event.kind is K.ORDER_FILLED} == gone
    for event in found:
        if isinstance(event, PositionEvent):
            assert event.by_orders_base == pytest.approx(event.change_base, abs=1e-8)
