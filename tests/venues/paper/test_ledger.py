"""A slot's accounting, case by case."""

import pytest

from venues.paper.ledger import PerpSlot
from venues.paper.units import QUOTE_PER_BASE_PRICE

BASE, USD = 10**9, 10**6


def traded(*trades: tuple[float, float]) -> PerpSlot:
    """A slot after trades of (signed size, price)."""
    slot = PerpSlot()
    for size, price in trades:
        base = int(size * BASE)
        slot.trade(base, -base * int(price * USD) // QUOTE_PER_BASE_PRICE)
    return slot


@pytest.mark.parametrize(
    ("trades", "base", "quote", "entry"),
    [
        pytest.param([(2, 100)], 2, -200, -200, id="open long"),
        pytest.param([(-2, 100)], -2, 200, 200, id="open short"),
        pytest.param([(2, 100), (2, 110)], 4, -420, -420, id="increase"),
        pytest.param([(2, 100), (-1, 110)], 1, -90, -100, id="reduce: the gain of 10 stays in quote"),
        pytest.param([(-2, 100), (1, 110)], -1, 90, 100, id="reduce a short at a loss of 10"),
        pytest.param([(2, 100), (-2, 110)], 0, 20, 0, id="close: quote is the gain"),
        pytest.param([(2, 100), (-5, 110)], -3, 350, 330, id="flip: entry is of the new part alone"),
        pytest.param([(-1, 100), (3, 90)], 2, -170, -180, id="flip a short"),
    ],
)
def test_trades_are_booked_as_the_venue_books_them(
    trades: list[tuple[float, float]], base: float, quote: float, entry: float
) -> None:
    slot = traded(*trades)
    assert (slot.base_1e9, slot.quote_1e6, slot.quote_entry_1e6) == (base * BASE, quote * USD, entry * USD)


@pytest.mark.parametrize(
    ("size", "index_usd", "expected_usd"),
    [(2, 0.5, -1.0), (-2, 0.5, 1.0), (2, -0.5, 1.0), (-2, -0.5, -1.0), (0, 0.5, 0.0)],
)
def test_longs_pay_when_the_index_rises(size: int, index_usd: float, expected_usd: float) -> None:
    slot = PerpSlot(base_1e9=size * BASE)
    index_1e9 = int(index_usd * 10**9)
    assert slot.funding_due_1e6(index_1e9) == expected_usd * USD
    assert slot.book_funding(index_1e9) == expected_usd * USD
    assert slot.quote_1e6 == expected_usd * USD
    assert slot.book_funding(index_1e9) == 0
