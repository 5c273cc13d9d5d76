"""Which accounts of a fleet may have news."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.book_changes import changed_rows
from risk.decisions.events import EventThresholds, diff
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, Side
from risk.model.events import InterestEvent, MarketEvent
from tests.risk.builders import (
    NOW,
    SLOT,
    make_account,
    make_balance,
    make_btc_market,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
    repriced,
)
from tests.risk.generated import Universe, universes

ORDER = OpenOrder(
    order_id=1, market_kind=MarketKind.PERP, market_index=0, side=Side.BUY, kind=OrderKind.LIMIT, size_base=1.0,
    price_usd=90.0, reduce_only=False,
)  # fmt: skip
SHARED = make_balance(10.0, shares=9.0)
PLAIN = make_account(make_position(2.0), usdc=500.0, balances=[SHARED], open_orders=(ORDER,))
OTHER = make_account(make_position(-1.0), usdc=50.0)


def book(*accounts: AccountSnapshot) -> FleetBook:
    return book_of([replace(account, account_id=f"a{at}") for at, account in enumerate(accounts)])


def changed(before: FleetBook, after: FleetBook) -> list[int]:
    return [int(row) for row in changed_rows(before, after, dear_borrow_annual_frac=0.30)]


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (replace(PLAIN, perp_positions=(make_position(2.5),)), "a size"),
        (replace(PLAIN, perp_positions=()), "a position that is gone"),
        (replace(PLAIN, perp_positions=(make_position(2.0, market_index=1),)), "another market"),
        (replace(PLAIN, perp_positions=(replace(make_position(2.0), quote_usd=-201.0),)), "what was realised"),
        (replace(PLAIN, perp_positions=(replace(make_position(2.0), being_liquidated=True),)), "a flag of a position"),
        (replace(PLAIN, spot_balances=(PLAIN.spot_balances[0], make_balance(10.5, shares=9.5))), "shares"),
        (replace(PLAIN, spot_balances=(replace(PLAIN.spot_balances[0], amount_tokens=499.0), SHARED)), "bare tokens"),
        (replace(PLAIN, open_orders=()), "an order that is gone"),
        (replace(PLAIN, open_orders=(replace(ORDER, order_id=2),)), "another order"),
        (replace(PLAIN, open_orders=(replace(ORDER, size_base=0.5),)), "a rest that shrank"),
        (replace(PLAIN, open_orders=(replace(ORDER, triggered=True),)), "an order that has triggered"),
        (replace(PLAIN, net_deposits_usd=-5.0), "money"),
        (replace(PLAIN, delegate="bot"), "a delegate"),
        (replace(PLAIN, being_liquidated=True), "a flag"),
        (replace(PLAIN, bankrupt=True), "another flag"),
        (replace(PLAIN, last_active_slot=SLOT + 5), "it took part in something that left nothing else to see"),
    ],
)
def test_what_is_its_own_is_news(after: AccountSnapshot, why: str) -> None:
    assert changed(book(OTHER, PLAIN), book(OTHER, after)) == [1], why


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (repriced(PLAIN, sol=50.0), "a price"),
        (replace(PLAIN, slot=SLOT + 1, observed_at=NOW), "a slot"),
        (replace(PLAIN, spot_balances=(PLAIN.spot_balances[0], make_balance(10.1, shares=9.0))), "interest"),
        (replace(PLAIN, perp_positions=(replace(make_position(2.0), funding_usd=-3.0),)), "funding that is due"),
    ],
)
def test_what_time_and_prices_do_is_none(after: AccountSnapshot, why: str) -> None:
    assert changed(book(OTHER, PLAIN), book(replace(OTHER, slot=after.slot), after)) == [], why


def test_funding_is_news_to_those_in_the_market() -> None:
    def with_rate(rate: float) -> FleetBook:
        markets = [make_perp_market(funding_long_usd=rate), make_btc_market()]
        return book(
            make_account(make_position(1.0), usdc=9.0, perp_markets=markets),
            make_account(make_position(1.0, market_index=1), usdc=9.0, perp_markets=markets),
        )

    assert changed(with_rate(0.001), with_rate(0.002)) == [0]


def test_a_borrow_rate_is_news_to_borrowers_when_it_passes_the_threshold() -> None:
    def at_rate(rate: float) -> FleetBook:
        spots = [make_usdc_market(), make_spot_market(borrow_rate_annual_frac=rate)]
        return book(
            make_account(usdc=9.0, balances=[make_balance(5.0, shares=5.0)], spot_markets=spots),
            make_account(usdc=9.0, balances=[make_balance(-5.0, shares=-5.0)], spot_markets=spots),
        )

    assert changed(at_rate(0.10), at_rate(0.29)) == []
    assert changed(at_rate(0.29), at_rate(0.30)) == [1]
    assert changed(at_rate(0.40), at_rate(0.20)) == [1]


def test_other_accounts_are_all_news() -> None:
    assert changed(book(PLAIN), book(PLAIN, OTHER)) == [0, 1]
    one = book(PLAIN, OTHER)
    assert changed(one, replace(one, accounts=replace(one.accounts, ids=["x", "y"]))) == [0, 1]


def test_an_account_that_can_no_longer_be_read_is_news() -> None:
    one = book(PLAIN, OTHER)
    assert changed(one, replace(one, accounts=replace(one.accounts, problems={1: ("it is damaged",)}))) == [1]


@given(universes(), st.randoms(use_true_random=False))
def test_no_event_is_missed(universe: Universe, random: Random) -> None:
    """Whatever the slow comparison finds, the fast one has pointed at; except for what is told to all at once."""
    before = [universe.account() for _ in range(4)]
    after = [account if random.random() < 0.5 else universe.account() for account in before]
    one, other = (book_of([replace(a, account_id=f"a{at}") for at, a in enumerate(fleet)]) for fleet in (before, after))
    found = set(changed_rows(one, other, dear_borrow_annual_frac=EventThresholds().dear_borrow_annual_frac).tolist())
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        told = diff(old, replace(new, account_id=old.account_id))
        if any(not isinstance(event, MarketEvent | InterestEvent) for event in told):
            assert at in found
    assert not np.setdiff1d(list(found), range(4)).size
