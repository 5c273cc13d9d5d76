"""Whether orders that rest still protect."""

from datetime import timedelta

import pytest

from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.model.account import OpenOrder, Side
from risk.model.proposal import Purpose
from risk.model.protection import StopFault
from risk.model.trading import OrderStyle, OrderTerms
from risk.protection.stop_check import ExpectedStop, check_stops, is_crossed
from tests.risk.builders import NOW, make_account, make_position
from tests.risk.depths import make_order
from tests.risk.protection.books import make_trigger


def terms(trigger_usd: float = 92.0, *, size: float = 10.0, side: Side = Side.SELL, above: bool = False) -> OrderTerms:
    return OrderTerms(
        account_id="main", market="SOL-PERP", market_index=0, side=side, style=OrderStyle.TRIGGER_MARKET,
        size_raw_1e9=round(size * 1e9), limit_raw_1e6=0, reduce_only=True, expires_at_s=0,
        trigger_raw_1e6=round(trigger_usd * 1e6), triggers_above=above,
    )  # fmt: skip


def expected(order_id: int | None = 7, **changes: object) -> ExpectedStop:
    values: dict[str, object] = {
        "order_id": order_id, "terms": terms(), "purpose": Purpose.STOP, "placed_at": NOW - timedelta(hours=1),
        **changes,
    }  # fmt: skip
    return ExpectedStop(**values)  # type: ignore[arg-type]


def book(*orders: OpenOrder, size: float = 10.0, sol: float = 100.0) -> FleetBook:
    positions = [make_position(size)] if size else []
    return book_of([make_account(*positions, usdc=200.0, open_orders=orders, prices={"sol": sol})])


def faults(
    *stops: ExpectedStop, on: FleetBook, liquidation: float | None = 84.2, after_s: float = 0.0
) -> list[StopFault]:
    prices = {} if liquidation is None else {"SOL-PERP": liquidation}
    return [one.fault for one in check_stops(stops, on, prices, NOW + timedelta(seconds=after_s))]


def test_a_stop_that_rests_as_it_should_is_no_finding() -> None:
    assert faults(expected(), on=book(make_trigger(7, 92.0))) == []


def test_one_that_is_gone_while_its_position_is_open_is_missing() -> None:
    assert faults(expected(), on=book(make_trigger(8, 92.0))) == [StopFault.MISSING]
    (found,) = check_stops([expected()], book(), {}, NOW)
    assert all(part in found.says for part in ("order 7", "$92", "place it again"))


def test_one_that_the_venue_cancelled_says_so() -> None:
    assert faults(expected(cancelled=True), on=book()) == [StopFault.CANCELLED]


@pytest.mark.parametrize("size", [0.0, -10.0])
def test_one_that_is_gone_with_its_position_has_done_its_work(size: float) -> None:
    assert faults(expected(), on=book(size=size)) == []


def test_one_that_is_no_trigger_any_more_is_missing() -> None:
    assert faults(expected(), on=book(make_order(7, reduce_only=False))) == [StopFault.MISSING]


def test_one_without_a_number_is_known_by_its_price() -> None:
    assert faults(expected(None), on=book(make_trigger(9, 92.0))) == []
    assert faults(expected(None), on=book(make_trigger(9, 91.0))) == [StopFault.MISSING]


def test_one_larger_than_its_position_is_oversized() -> None:
    assert faults(expected(), on=book(make_trigger(7, 92.0), size=4.0)) == [StopFault.OVERSIZED]
    assert faults(expected(), on=book(make_trigger(7, 92.0), size=10.0)) == []


def test_of_several_stops_the_last_to_fire_is_too_much() -> None:
    near, far = expected(7, terms=terms(95.0, size=6.0)), expected(8, terms=terms(90.0, size=6.0))
    on = book(make_trigger(7, 95.0, size_base=6.0), make_trigger(8, 90.0, size_base=6.0))
    (found,) = check_stops([far, near], on, {}, NOW)
    assert (found.fault, found.order_id) == (StopFault.OVERSIZED, 8)


def test_when_one_side_of_a_bracket_was_filled_the_other_is_to_be_cancelled() -> None:
    profit = expected(8, terms=terms(120.0, above=True), purpose=Purpose.BRACKET)
    (found,) = check_stops([profit], book(make_trigger(8, 120.0, above=True), size=0.0), {}, NOW)
    assert found.fault is StopFault.OVERSIZED
    assert found.nothing_left
    assert found.says.endswith("would close your next position; send /cancel 8")


def test_both_sides_of_a_bracket_are_each_as_large_as_the_position() -> None:
    profit = expected(8, terms=terms(120.0, above=True))
    assert faults(expected(), profit, on=book(make_trigger(7, 92.0), make_trigger(8, 120.0, above=True))) == []


@pytest.mark.parametrize(
    ("sol", "since_s", "triggered", "found"),
    [
        (91.0, 121.0, False, [StopFault.NOT_TRIGGERED]),
        (91.0, 60.0, False, []),
        (91.0, 121.0, True, []),
        (91.9, 121.0, False, []),
        (93.0, 121.0, False, []),
    ],
    ids=["long enough", "a keeper may come yet", "it has fired", "within the band", "the price is back"],
)
def test_one_whose_price_was_crossed_has_to_fire_within_a_keepers_time(
    sol: float, since_s: float, triggered: bool, found: list[StopFault]
) -> None:
    on = book(make_trigger(7, 92.0, triggered=triggered), sol=sol)
    assert faults(expected(crossed_since=NOW), on=on, after_s=since_s) == found


def test_one_beyond_the_liquidation_price_comes_too_late() -> None:
    on = book(make_trigger(7, 92.0))
    assert faults(expected(), on=on, liquidation=93.0) == [StopFault.BEYOND_LIQUIDATION]
    assert faults(expected(), on=on, liquidation=None) == []
    assert faults(expected(), on=on, liquidation=150.0) == []


def test_a_take_profit_is_never_beyond_liquidation() -> None:
    profit = expected(8, terms=terms(120.0, above=True))
    assert faults(profit, on=book(make_trigger(8, 120.0, above=True)), liquidation=93.0) == []


def test_a_crossing_counts_beyond_the_band_of_the_venues_price() -> None:
    assert is_crossed(terms(), book(sol=91.0))
    assert not is_crossed(terms(), book(sol=91.9))
    assert is_crossed(terms(108.0, side=Side.BUY, above=True), book(sol=109.0))
    assert not is_crossed(terms(108.0, side=Side.BUY, above=True), book(sol=108.1))
