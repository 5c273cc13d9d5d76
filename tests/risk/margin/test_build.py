"""Snapshots into a book and out of it again: nothing is lost, and what contradicts itself is refused."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given

from risk.errors import BadBook, UnknownAccount
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.select import only, variants
from risk.margin.snapshot import open_orders_of, snapshot_of
from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, PerpPosition, Side, SpotBalance
from tests.risk.builders import NOW, SLOT, make_account, make_balance, make_perp_market, make_position
from tests.risk.generated import accounts, fleets


@given(account=accounts())
def test_an_account_comes_out_of_a_book_as_it_went_in(account: AccountSnapshot) -> None:
    assert snapshot_of(book_of([account]), account.account_id) == account


@given(fleet=fleets())
def test_every_account_comes_out_of_a_shared_book_as_it_went_in(fleet: list[AccountSnapshot]) -> None:
    book = book_of(fleet)
    assert [snapshot_of(book, account.account_id) for account in fleet] == fleet


@given(fleet=fleets())
def test_a_book_made_of_its_own_snapshots_is_the_same_book(fleet: list[AccountSnapshot]) -> None:
    book = book_of(fleet)
    again = book_of([snapshot_of(book, account.account_id) for account in fleet])
    for table in ("accounts", "perp_markets", "spot_markets", "oracles", "perps", "spots", "orders"):
        ours, theirs = getattr(book, table), getattr(again, table)
        for field in fields(ours):
            one, other = getattr(ours, field.name), getattr(theirs, field.name)
            # What a venue does not state is NaN, and stays so.
            nan_counts = isinstance(one, np.ndarray) and one.dtype == np.float64
            assert np.array_equal(one, other, equal_nan=nan_counts), f"{table}.{field.name}"


@given(fleet=fleets())
def test_one_account_cut_from_a_book_is_evaluated_as_before(fleet: list[AccountSnapshot]) -> None:
    book = book_of(fleet)
    whole = evaluate(book).maintenance
    for at, account in enumerate(fleet):
        own = evaluate(only(book, account.account_id)).maintenance
        assert own.collateral_usd[0] == whole.collateral_usd[at]
        assert own.requirement_usd[0] == whole.requirement_usd[at]


@given(account=accounts())
def test_variants_of_an_account_are_the_account_many_times(account: AccountSnapshot) -> None:
    book = book_of([account])
    one, many = evaluate(book).maintenance, evaluate(variants(book, 3)).maintenance
    assert many.collateral_usd.tolist() == one.collateral_usd.tolist() * 3
    assert many.requirement_usd.tolist() == one.requirement_usd.tolist() * 3
    assert many.isolated_collateral_usd.tolist() == one.isolated_collateral_usd.tolist() * 3


def test_variants_are_made_of_one_account() -> None:
    two = book_of([make_account(account_id="a"), make_account(account_id="b")])
    with pytest.raises(ValueError, match="one account"):
        variants(two, 2)


def test_problems_of_an_account_go_with_it() -> None:
    book = book_of([make_account(account_id="a"), make_account(account_id="b", usdc=5.0)])
    bad = replace(book, accounts=replace(book.accounts, problems={1: ("its data is damaged",)}))
    assert only(bad, "a").accounts.problems == {}
    assert only(bad, "b").accounts.problems == {0: ("its data is damaged",)}


def test_an_account_that_was_not_read_is_said_so() -> None:
    book = book_of([make_account()])
    asks: list[Callable[[FleetBook, str], object]] = [only, snapshot_of, FleetBook.position_of]
    for ask in asks:
        with pytest.raises(UnknownAccount, match="account other was not part of this reading"):
            ask(book, "other")


def test_orders_that_were_not_read_are_none() -> None:
    book = replace(book_of([make_account(make_position())]), orders=None)
    assert open_orders_of(only(book, "main")) == ()


def test_amounts_become_the_venues_whole_units() -> None:
    account = make_account(
        PerpPosition(
            market_index=0, size_base=-1.5, quote_usd=150.25, funding_usd=0.000_001, open_bids_base=2.0,
            open_asks_base=-3.0, open_orders=2, isolated=True, isolated_collateral_tokens=20.5, max_margin_ratio=0.25,
        ),
        balances=[SpotBalance(market_index=1, amount_tokens=0.1 + 0.2)],
    )  # fmt: skip
    book = book_of([account])
    perps = book.perps
    assert perps.base_1e9.tolist() == [-1_500_000_000.0]
    assert perps.quote_1e6.tolist() == [150_250_000.0]
    assert perps.funding_1e6.tolist() == [1.0]
    assert (perps.open_bids_1e9.tolist(), perps.open_asks_1e9.tolist()) == ([2e9], [-3e9])
    assert perps.isolated_tokens_raw.tolist() == [20_500_000.0]
    assert perps.max_ratio_1e4.tolist() == [2_500.0]
    assert book.spots.tokens_raw.tolist() == [300_000_000.0]
    assert book.perp_markets.initial_1e4.tolist() == [1_000.0, 1_000.0]


def test_rows_are_sorted_by_account_and_point_at_their_markets() -> None:
    book = book_of([
        make_account(make_position(market_index=1), account_id="a"),
        make_account(account_id="b", balances=[make_balance()]),
        make_account(make_position(), make_position(market_index=1), account_id="c"),
    ])  # fmt: skip
    assert book.perps.account.tolist() == [0, 2, 2]
    assert [book.perp_markets.names[row] for row in book.perps.market] == ["BTC-PERP", "SOL-PERP", "BTC-PERP"]
    assert (book.spots.account.tolist(), [book.spot_markets.names[row] for row in book.spots.market]) == ([1], ["SOL"])
    assert (book.slot, book.observed_at) == (SLOT, NOW)
    assert book.position_of("c") == 2


def test_a_book_is_as_young_as_its_youngest_account() -> None:
    later = NOW + timedelta(seconds=3)
    assert book_of([make_account(account_id="a", observed_at=later), make_account(account_id="b")]).observed_at == later


def order_on(kind: MarketKind, index: int) -> OpenOrder:
    return OpenOrder(
        order_id=1, market_kind=kind, market_index=index, side=Side.BUY, kind=OrderKind.LIMIT, size_base=1.0,
        price_usd=1.0, reduce_only=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("account", "complaint"),
    [
        (make_account(make_position(market_index=9)), "perp market 9"),
        (make_account(balances=[make_balance(market_index=9)]), "spot market 9"),
        (make_account(perp_markets=[make_perp_market(quote_market_index=9)]), "quote market 9"),
        (make_account(oracles={}), "oracle"),
        (make_account(open_orders=(order_on(MarketKind.PERP, 9),)), "perp market 9"),
        (make_account(open_orders=(order_on(MarketKind.SPOT, 9),)), "spot market 9"),
    ],
)
def test_what_a_position_names_must_be_brought_along(account: AccountSnapshot, complaint: str) -> None:
    with pytest.raises(BadBook, match=complaint):
        book_of([account])


def test_a_book_needs_accounts_of_one_slot() -> None:
    with pytest.raises(BadBook, match="at least one account"):
        book_of([])
    with pytest.raises(BadBook, match="one slot"):
        book_of([make_account(), make_account(account_id="b", slot=SLOT + 1)])


@pytest.mark.parametrize(
    ("rows", "columns", "complaint"),
    [
        ("perps", {"account": [1, 0]}, "perps: rows are not sorted"),
        ("perps", {"account": [0, 2]}, "perps: a row points outside its table of 2"),
        ("perps", {"market": [0, 2]}, "perps: a row points outside its table of 2"),
        ("spots", {"market": [0, -1]}, "spots: a row points outside its table of 2"),
        ("spots", {"account": [1, 0]}, "spots: rows are not sorted"),
    ],
)
def test_columns_that_contradict_each_other_are_refused(
    rows: str, columns: dict[str, list[int]], complaint: str
) -> None:
    two = [make_account(make_position(), balances=[make_balance()], account_id=name) for name in ("a", "b")]
    book = book_of(two)
    changed = {name: np.array(values) for name, values in columns.items()}
    with pytest.raises(BadBook, match=complaint):
        replace(book, **{rows: replace(getattr(book, rows), **changed)}).checked()
