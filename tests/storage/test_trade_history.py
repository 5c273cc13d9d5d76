"""What counts against a day's cap: orders that went out, each at the highest price that is known of it."""

from dataclasses import replace

import pytest

from risk.decisions.proposals import LegEvent
from risk.model.account import Side
from risk.model.proposal import Leg, LegQuote
from risk.model.trading import OrderTerms
from storage import Store, TradeHistory
from tests.storage.builders import NOW, after
from tests.storage.trading_builders import Desk, make_draft, make_legs, make_stop, make_terms


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk.over(store)


def quoted(oracle_usd: float, average_usd: float) -> LegQuote:
    quote = make_legs()[0].quote
    assert quote is not None
    return replace(quote, oracle_usd=oracle_usd, average_usd=average_usd)


@pytest.mark.parametrize(
    ("terms", "quote", "notional_usd"),
    [
        (replace(make_terms(), limit_raw_1e6=1), quoted(150.5, 150.2), 301.0),
        (replace(make_terms(), side=Side.BUY, limit_raw_1e6=151_000_000), quoted(150.5, 150.2), 302.0),
        (make_terms(), quoted(140.0, 150.1), 300.2),
        (make_terms(), None, 300.0),
        (make_stop(), None, 240.0),
        (replace(make_stop(), limit_raw_1e6=121_000_000), None, 242.0),
        (make_terms(size=1), None, 1e-6),
        (make_terms(), quoted(float("inf"), float("nan")), 300.0),
        (None, None, 0.0),
    ],
)
def test_an_order_counts_at_the_highest_price_known_of_it_rounded_up(
    terms: OrderTerms | None, quote: LegQuote | None, notional_usd: float
) -> None:
    leg = Leg(number=1, terms=terms, quote=quote, cancels=() if terms is not None else (4,))
    assert leg.notional_usd == notional_usd
    assert make_draft(legs=(leg, leg)).notional_usd == 2 * notional_usd


async def test_what_adds_counts_and_what_reduces_only_where_it_is_asked_for(desk: Desk) -> None:
    adding = replace(make_terms(reduce_only=False), limit_raw_1e6=1)
    legs = (*make_legs(adding, make_terms(), cancels=(4,)), Leg(number=3, terms=None, cancels=(5,)))
    proposal = await desk.executing(make_draft(legs=legs))
    for number in (1, 2, 3):
        await desk.leg(proposal, LegEvent.SIGNED, number=number, signature=f"sig-{number}")
    history = TradeHistory(desk.store)

    assert await history.sent_usd("main", NOW) == 301.0
    assert await history.sent_usd("main", NOW, adding_only=False) == 602.0
    assert await history.sent_usd("main", after(1), adding_only=False) == 0.0
    assert await history.sent_usd("hedge", NOW, adding_only=False) == 0.0


async def test_an_order_that_was_signed_twice_counts_once_and_one_that_failed_does_not(desk: Desk) -> None:
    draft = make_draft(legs=make_legs(make_terms(reduce_only=False), make_terms(reduce_only=False)))
    proposal = await desk.executing(draft)
    await desk.leg(proposal, LegEvent.SIGNED, LegEvent.SENT, LegEvent.GONE)
    history = TradeHistory(desk.store)
    assert await history.sent_usd("main", NOW) == 0.0
    await desk.leg(proposal, LegEvent.SIGNED, signature="sig-2")
    await desk.leg(proposal, LegEvent.SIGNED, LegEvent.FAILED, number=2, signature="sig-3")
    assert await history.sent_usd("main", NOW) == 301.0
