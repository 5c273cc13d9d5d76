"""What two readings show and what the program records, told once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from risk.decisions.event_merge import late, merge, with_remains
from risk.decisions.events import diff
from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, Side
from risk.model.events import (
    AccountEvent,
    EventKind,
    FlowEvent,
    GapEvent,
    GapReason,
    LiquidationEvent,
    LiquidationForm,
    LiquidityEvent,
    OrderEvent,
    PositionEvent,
    SettlementEvent,
)
from tests.risk.builders import NOW, SLOT, make_account, make_balance, make_position

K = EventKind
BUY, SELL = Side.BUY, Side.SELL


def resting(order_id: int, size: float = 5.0, side: Side = BUY, price: float = 90.0) -> OpenOrder:
    return OpenOrder(
        order_id=order_id, market_kind=MarketKind.PERP, market_index=0, side=side, kind=OrderKind.LIMIT,
        size_base=size, price_usd=price, reduce_only=False,
    )  # fmt: skip


def before(size: float = 0.0, *orders: OpenOrder, **changes: Any) -> AccountSnapshot:
    positions = (make_position(size),) if size else ()
    return make_account(*positions, **{"usdc": 500.0, "open_orders": orders, **changes})


def after(size: float = 0.0, *orders: OpenOrder, **changes: Any) -> AccountSnapshot:
    account = before(size, *orders, **changes)
    return replace(account, slot=SLOT + 12, observed_at=NOW + timedelta(seconds=5))


def record(kind: EventKind, order_id: int, size: float, side: Side = BUY, *, rest: float = 0.0) -> OrderEvent:
    return OrderEvent(
        kind=kind, account_id="main", slot=SLOT + 6, observed_at=NOW, market="SOL-PERP", market_kind=MarketKind.PERP,
        order_id=order_id, side=side, order_kind=None, size_base=size, rest_base=rest, price_usd=None,
        source=f"tx/{order_id}/{kind}",
    )  # fmt: skip


def flow(amount: float, kind: EventKind = K.DEPOSIT) -> FlowEvent:
    return FlowEvent(
        kind=kind,
        account_id="main",
        slot=SLOT + 6,
        observed_at=NOW,
        amount_usd=amount,
        token="USDC",
        source=f"f/{amount}",
    )


def taken(size: float, market: str = "SOL-PERP", kind: MarketKind = MarketKind.PERP, **more: Any) -> LiquidationEvent:
    return LiquidationEvent(
        kind=K.LIQUIDATION_TAKEN, account_id="main", slot=SLOT + 6, observed_at=NOW, market=market, market_kind=kind,
        taken_base=size, remaining_base=None, price_usd=95.0, fee_usd=1.0, source=f"l/{size}/{market}", **more,
    )  # fmt: skip


def left(
    one: AccountSnapshot, other: AccountSnapshot, *records: AccountEvent
) -> tuple[list[tuple[EventKind, float]], bool]:
    """(what readings still say: kind and how much of it no record says; whether both agree)."""
    merged = merge(one, other, diff(one, other), records)
    found = []
    for event in merged.events:
        match event:
            case PositionEvent():
                found.append((event.kind, round(event.change_base - event.recorded_base, 9)))
            case OrderEvent():
                found.append((event.kind, event.size_base))
            case FlowEvent():
                found.append((event.kind, round(event.amount_usd, 6)))
            case LiquidationEvent():
                found.append((event.kind, event.taken_base))
            case _:
                found.append((event.kind, 0.0))
    return found, merged.agrees


FILLED, PART, PLACED, CANCELLED = K.ORDER_FILLED, K.ORDER_PARTIALLY_FILLED, K.ORDER_PLACED, K.ORDER_CANCELLED
OPENED, CHANGED, CLOSED, ENDED = K.POSITION_OPENED, K.POSITION_CHANGED, K.POSITION_CLOSED, K.ORDER_ENDED


@pytest.mark.parametrize(
    ("one", "other", "records", "expected", "agrees", "why"),
    [
        (before(), after(), (), [], True, "nothing happened"),
        (before(0, resting(1)), after(5), (record(FILLED, 1, 5),), [(OPENED, 0.0)], True, "the record has the fill"),
        (
            before(0, resting(1)), after(2, resting(1, 3)), (record(PART, 1, 2, rest=3),), [(OPENED, 0.0)], True,
            "a part of an order",
        ),
        (
            before(0, resting(1)), after(3, resting(1, 2)), (record(PART, 1, 2, rest=3),), [(OPENED, 1.0), (PART, 1.0)],
            False, "one more fill is not recorded yet",
        ),
        (before(0, resting(1)), after(), (record(CANCELLED, 1, 5),), [], True, "why it ended is recorded"),
        (before(0, resting(1)), after(), (), [(ENDED, 5.0)], False, "nobody says why it ended"),
        (before(), after(0, resting(1)), (record(PLACED, 1, 5),), [], True, "placed"),
        (before(), after(0, resting(1)), (), [(PLACED, 5.0)], False, "not recorded yet"),
        (
            before(), after(4), (record(PLACED, 7, 4), record(FILLED, 7, 4)), [(OPENED, 0.0)], True,
            "an order no reading ever saw",
        ),
        (
            before(), after(), (record(PLACED, 7, 4), record(FILLED, 7, 4), record(FILLED, 8, 4, SELL)), [], True,
            "fills that cancel out: the readings have nothing to add",
        ),
        (
            before(0, resting(1), resting(2)), after(5), (record(FILLED, 2, 5), record(CANCELLED, 1, 5)),
            [(OPENED, 0.0)], True, "the readings would have guessed that the other order was filled",
        ),
        (
            before(0, resting(1)), after(5), (record(PLACED, 9, 5), record(FILLED, 9, 5)),
            [(OPENED, 0.0), (ENDED, 5.0)], False, "another order explains the move, so this one was not filled",
        ),
        (
            before(0, resting(1), resting(2, 5, price=95.0)), after(10), (record(PLACED, 9, 5), record(FILLED, 9, 5)),
            [(OPENED, 5.0), (FILLED, 5.0), (ENDED, 5.0)], False, "only one of both can have been filled",
        ),
        (before(5), after(2), (), [(CHANGED, -3.0)], False, "a trade without a record"),
        (before(5), after(), (taken(5),), [(CLOSED, 0.0)], True, "a liquidation"),
        (before(-5), after(-2), (taken(3),), [(CHANGED, 0.0)], True, "of a short"),
        (before(5), after(2), (taken(2),), [(CHANGED, -1.0)], False, "a part of one"),
        (
            before(5), after(), (record(FILLED, 3, 5, SELL), record(FILLED, 4, 2)), [(CLOSED, -2.0)], False,
            "one sale is missing",
        ),
        (before(), after(), (record(FILLED, 3, 5),), [], False, "the reading has not come to the record"),
        (before(0, resting(1)), after(0, resting(1)), (record(CANCELLED, 1, 5),), [], False, "likewise for an order"),
        (before(), after(net_deposits_usd=250.0), (flow(250.0),), [], True, "a deposit"),
        (before(), after(net_deposits_usd=250.0), (), [(K.DEPOSIT, 250.0)], False, "not recorded yet"),
        (
            before(), after(net_deposits_usd=-100.0), (flow(400.0), flow(500.0, K.WITHDRAWAL)), [], True,
            "both sides of a sum",
        ),
        (before(), after(net_deposits_usd=-100.0), (flow(400.0),), [(K.WITHDRAWAL, 500.0)], False, "one side of a sum"),
        (before(), after(net_deposits_usd=-80.0), (flow(80.000001, K.TRANSFER_OUT),), [], True, "rounded"),
        (before(), after(), (flow(80.0, K.WITHDRAWAL),), [], False, "the reading has not come to it"),
        (before(), after(), (flow(80.0, K.WITHDRAWAL), flow(80.0)), [], True, "there and back"),
        (
            before(1), after(1.5), (LiquidityEvent(kind=K.LIQUIDITY_CHANGED, account_id="main", slot=SLOT + 6,
                                                   observed_at=NOW, market="SOL-PERP", position_base=0.5, pnl_usd=0.0,
                                                   source="x"),),
            [(CHANGED, 0.0)], True, "shares of a market's own book",
        ),
        (
            before(1), after(), (SettlementEvent(kind=K.PNL_SETTLED, account_id="main", slot=SLOT + 6, observed_at=NOW,
                                                 market="SOL-PERP", amount_usd=1.0, price_usd=1.0, expired=True,
                                                 source="x"),),
            [(CLOSED, 0.0)], True, "a position that expired with its market",
        ),
        (before(delegate=""), after(delegate="thief"), (), [(K.DELEGATE_CHANGED, 0.0)], True, "no record says so"),
    ],
)  # fmt: skip
def test_records_win_and_the_readings_fill_in_what_no_record_says(
    one: AccountSnapshot, other: AccountSnapshot, records: tuple[AccountEvent, ...],
    expected: list[tuple[EventKind, float]], agrees: bool, why: str,
) -> None:  # fmt: skip
    assert left(one, other, *records) == (expected, agrees), why


def flagged(account: AccountSnapshot) -> AccountSnapshot:
    return replace(account, being_liquidated=True)


def test_what_a_liquidation_took_is_told_by_its_record_alone() -> None:
    one, other = flagged(before(5)), flagged(after(2))
    assert left(one, other) == ([(K.LIQUIDATION_TAKEN, 3.0), (CHANGED, -3.0)], False)
    assert left(one, other, taken(3)) == ([(CHANGED, 0.0)], True)
    assert left(one, other, taken(1)) == ([(K.LIQUIDATION_TAKEN, 2.0), (CHANGED, -2.0)], False)


def test_tokens_that_were_taken_are_told_by_their_record_alone() -> None:
    one = make_account(usdc=1.0, balances=[make_balance(10.0)], being_liquidated=True)
    other = replace(make_account(usdc=1.0, balances=[make_balance(4.0)], being_liquidated=True), slot=SLOT + 12)
    assert left(one, other)[0] == [(K.LIQUIDATION_TAKEN, 6.0)]
    assert left(one, other, taken(6, "SOL", MarketKind.SPOT))[0] == []


def test_bankruptcy_is_told_once() -> None:
    one, other = before(), replace(after(), bankrupt=True)
    bankrupt = AccountEvent(kind=K.BANKRUPT, account_id="main", slot=SLOT + 6, observed_at=NOW, source="b")
    assert left(one, other) == ([(K.BANKRUPT, 0.0)], True)
    assert left(one, other, bankrupt) == ([], True)


def test_where_something_of_the_records_is_missing_nothing_is_worth_waiting_for() -> None:
    gap = GapEvent(
        kind=K.HISTORY_GAP, account_id="main", slot=SLOT + 6, observed_at=NOW, reason=GapReason.NO_LOG, source="g"
    )
    assert left(before(), after(5), gap) == ([(OPENED, 5.0)], True)


def test_a_record_says_what_a_liquidation_left() -> None:
    one, other = before(5), replace(after(1, balances=[make_balance(4.0)]))
    found = with_remains(one, other, (taken(1), record(FILLED, 3, 1, SELL), taken(2), taken(6, "SOL", MarketKind.SPOT)))
    assert [event.remaining_base for event in found if isinstance(event, LiquidationEvent)] == [4.0, 1.0, 4.0]
    (profit,) = with_remains(one, other, (taken(9, form=LiquidationForm.PNL_FOR_BORROW),))
    assert isinstance(profit, LiquidationEvent)
    assert profit.remaining_base is None
    known = (taken(1), taken(2))
    (second,) = with_remains(one, other, known, known=1)
    assert isinstance(second, LiquidationEvent)
    assert second.remaining_base == 2.0


@pytest.mark.parametrize(
    ("told", "belated", "news", "why"),
    [
        (diff(before(), after(5)), record(FILLED, 1, 3), False, "a part of what was told"),
        (diff(before(), after(5)), record(FILLED, 1, 3, SELL), True, "the other way"),
        (diff(before(), after(5)), replace(record(FILLED, 1, 3), market="BTC-PERP"), True, "another market"),
        (diff(before(), after(5)), replace(record(FILLED, 1, 3), slot=SLOT), True, "before what was told"),
        (diff(before(), after(5)), replace(record(FILLED, 1, 3), slot=SLOT + 12), False, "in its last slot"),
        (diff(before(), after(5)), replace(record(FILLED, 1, 3), slot=SLOT + 13), True, "behind what was told"),
        (diff(before(), after(5)), taken(3), True, "a liquidation was not told"),
        (diff(flagged(before(5)), flagged(after(1))), taken(3), False, "a liquidation was told"),
        (diff(before(0, resting(1)), after()), record(CANCELLED, 1, 5), False, "its end was told"),
        (diff(before(0, resting(1)), after()), record(FILLED, 1, 5), True, "a fill is not an end"),
        (diff(before(0, resting(1)), after()), record(CANCELLED, 2, 5), True, "another order"),
        (diff(before(), after(net_deposits_usd=-5.0)), flow(5.0, K.TRANSFER_OUT), False, "money out"),
        (diff(before(), after(net_deposits_usd=5.0)), flow(5.0, K.WITHDRAWAL), True, "money the other way"),
        ((record(FILLED, 1, 5),), record(FILLED, 1, 5), True, "records cover nothing but themselves"),
    ],
)
def test_a_late_record_is_news_unless_the_readings_said_the_same(
    told: tuple[AccountEvent, ...], belated: AccountEvent, news: bool, why: str
) -> None:
    assert bool(late([belated], told)) is news, why
