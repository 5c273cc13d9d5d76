"""What is made of an account before and after and of the program's log; nothing is smoothed over."""

from collections.abc import Mapping, Sequence

from solders.pubkey import Pubkey

from risk.model.account import OrderKind, Side
from risk.model.trading import OrderStyle, OrderTerms, PlacedOrder
from tests.support import addresses
from tests.support.drift_events import PERP, SHORT, action, data_line, event_bytes, fill, log_of
from tests.support.order_terms import make_terms
from tests.venues.solana.reading import DRIFT
from venues.solana.account_state import AccountState, RestingOrder
from venues.solana.mark import Mark
from venues.solana.order_stories import Stories, stories_of
from venues.solana.program_records import Transaction
from venues.solana.standing import Evidence, standing_of

ANN = addresses.user_address(addresses.address("ann"))
UNIT = 10**9
SELL = make_terms(ANN)
LIMIT = make_terms(ANN, style=OrderStyle.LIMIT, limit=180_000_000)
NO_LOG = Stories(whole=False)


def resting(order_id: int, terms: OrderTerms = LIMIT, filled: int = 0) -> RestingOrder:
    return RestingOrder(
        order_id=order_id, market_index=terms.market_index, side=terms.side, kind=OrderKind.LIMIT,
        size_raw_1e9=terms.size_raw_1e9, filled_raw_1e9=filled, quote_raw_1e6=filled * 180 // 1_000,
        limit_raw_1e6=terms.limit_raw_1e6, trigger_raw_1e6=0, expires_at_s=terms.expires_at_s, reduce_only=True,
    )  # fmt: skip


def told(
    *terms: OrderTerms,
    after: int = 10 * UNIT,
    next_id: int | None = None,
    orders: Sequence[RestingOrder] = (),
    stories: Stories = NO_LOG,
    bases: Mapping[int, int] | None = None,
) -> tuple[PlacedOrder, ...]:
    """Before: 10 SOL-PERP and the next order is number 5."""
    mark = Mark(slot=1, next_order_id=5, bases_raw_1e9={0: 10 * UNIT}, resting=())
    now = AccountState(
        slot=2, authority=Pubkey.default(), delegate=Pubkey.default(), sub_account=0,
        next_order_id=5 + len(terms) if next_id is None else next_id, bases_raw_1e9=bases or {0: after},
        orders={one.order_id: one for one in orders},
    )  # fmt: skip
    return standing_of(terms, Evidence(mark=mark, now=now, stories=stories))


def placing(order_id: int, market_index: int = 0) -> bytes:
    record = {"user": ANN, "order.order_id": order_id, "order.market_index": market_index, "order.market_type": PERP,
              "order.direction": SHORT, "order.base_asset_amount": 2 * UNIT}  # fmt: skip
    return event_bytes("OrderRecord", record)


def filling(order_id: int, base: int, so_far: int) -> bytes:
    return fill(
        ANN, base_1e9=base, quote_1e6=base * 150 // 1_000, taker_buys=False, taker_order=(order_id, 2 * UNIT, so_far),
        taker_fee_1e6=base // 10_000,
    )  # fmt: skip


def logged(*parts: bytes) -> Stories:
    lines = log_of(*[data_line(part) for part in parts])
    return stories_of(DRIFT, addresses.key_bytes(ANN), [Transaction(signature="s", slot=2, at=None, logs=tuple(lines))])


def test_the_log_tells_size_price_and_fee() -> None:
    stories = logged(placing(5), filling(5, UNIT, UNIT), filling(5, UNIT, 2 * UNIT))
    (one,) = told(SELL, after=8 * UNIT, stories=stories)
    assert (one.order_id, one.filled_raw_1e9, one.open, one.reason) == (5, 2 * UNIT, False, "")
    assert (one.quote_raw_1e6, one.fee_raw_1e6, one.average_usd) == (300_000_000, 200_000, 150.0)


def test_a_partial_fill_says_why_there_is_no_more() -> None:
    stories = logged(placing(5), filling(5, UNIT, UNIT), action("Cancel", ANN, order=(5, 2 * UNIT, UNIT), buys=False))
    (one,) = told(SELL, after=9 * UNIT, stories=stories)
    assert (one.filled_raw_1e9, one.open) == (UNIT, False)
    assert one.reason == "no more was to be had within its limit"


def test_the_log_names_the_order_where_others_were_placed_meanwhile() -> None:
    stories = logged(placing(9), filling(9, 2 * UNIT, 2 * UNIT))
    (one,) = told(SELL, after=8 * UNIT, next_id=10, stories=stories)
    assert one.order_id == 9


def test_without_a_log_the_position_tells_and_price_and_fee_are_not_made_up() -> None:
    (one,) = told(SELL, after=8 * UNIT)
    assert (one.order_id, one.filled_raw_1e9, one.quote_raw_1e6, one.fee_raw_1e6) == (5, 2 * UNIT, None, None)
    assert "told by how the position moved" in one.reason
    assert "other orders" not in one.reason
    (part,) = told(SELL, after=9 * UNIT)
    assert part.filled_raw_1e9 == UNIT
    assert "told by how the position moved" in part.reason


def test_a_fill_told_by_the_position_is_never_certain_where_other_orders_were_placed_meanwhile() -> None:
    for next_id in (5, 7):  # none at all, and one of somebody else's
        (one,) = told(SELL, after=8 * UNIT, next_id=next_id)
        assert (one.quote_raw_1e6, one.fee_raw_1e6) == (None, None)
        assert "other orders were placed meanwhile" in one.reason


def test_a_position_that_moved_otherwise_is_said() -> None:
    (more,) = told(SELL, after=5 * UNIT)
    assert more.filled_raw_1e9 == 2 * UNIT
    assert "moved by -3, which these orders do not explain" in more.reason
    (other,) = told(SELL, after=11 * UNIT)
    assert other.filled_raw_1e9 == 0
    assert "moved by +1" in other.reason
    (logs_say,) = told(SELL, after=7 * UNIT, stories=logged(placing(5), filling(5, 2 * UNIT, 2 * UNIT)))
    assert logs_say.filled_raw_1e9 == 2 * UNIT
    assert "moved by -1" in logs_say.reason


def test_an_order_that_rests_is_told_by_its_own_slot() -> None:
    (one,) = told(LIMIT, orders=[resting(5)])
    assert (one.order_id, one.open, one.filled_raw_1e9, one.fee_raw_1e6, one.reason) == (5, True, 0, 0, "")
    (part,) = told(LIMIT, orders=[resting(5, filled=UNIT)], after=9 * UNIT)
    assert (part.open, part.filled_raw_1e9, part.fee_raw_1e6) == (True, UNIT, None)
    assert part.quote_raw_1e6 == 180_000_000


def test_an_order_is_told_by_its_terms_where_its_number_is_not_sure_and_never_guessed() -> None:
    (one,) = told(LIMIT, next_id=9, orders=[resting(7), resting(3)])
    assert one.order_id == 7
    (two,) = told(LIMIT, next_id=9, orders=[resting(7), resting(8)])
    assert two.order_id is None
    assert not two.open


def test_a_slot_of_another_order_under_the_expected_number_is_not_believed() -> None:
    other = make_terms(ANN, style=OrderStyle.LIMIT, limit=181_000_000)
    (one,) = told(LIMIT, orders=[resting(5, other)])
    assert not one.open


def test_an_order_that_is_gone_says_how_it_ended() -> None:
    cancelled = action("Cancel", ANN, order=(5, 2 * UNIT, 0), buys=False)
    (one,) = told(LIMIT, stories=logged(placing(5), cancelled))
    assert (one.open, one.filled_raw_1e9, one.reason) == (False, 0, "it was cancelled")
    expired = action("Expire", ANN, order=(5, 2 * UNIT, 0), explanation="OrderExpired", buys=False)
    (two,) = told(LIMIT, stories=logged(placing(5), expired))
    assert two.reason == "its time was over"


def test_several_orders_of_one_market_without_a_log_share_what_the_position_moved() -> None:
    first, second = told(SELL, SELL, after=7 * UNIT)
    assert (first.filled_raw_1e9, second.filled_raw_1e9) == (2 * UNIT, UNIT)
    assert second.reason
    sold, bought = told(SELL, make_terms(ANN, side=Side.BUY), after=10 * UNIT)
    assert (sold.filled_raw_1e9, bought.filled_raw_1e9) == (0, 0)


def test_each_market_is_told_by_its_own_position() -> None:
    other = make_terms(ANN, market="BTC-PERP", market_index=1)
    first, second = told(SELL, other, bases={0: 8 * UNIT, 1: -2 * UNIT})
    assert (first.filled_raw_1e9, second.filled_raw_1e9) == (2 * UNIT, 2 * UNIT)


def test_a_mark_reads_back_as_it_was_written() -> None:
    mark = Mark(slot=7, next_order_id=2**32 - 1, bases_raw_1e9={0: -5, 3: 2**62}, resting=(1, 9))
    assert Mark.of(mark.text()) == mark
