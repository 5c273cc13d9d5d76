"""What helps, where something is unknown, missing, isolated or short; and a deposit where there was no balance."""

from dataclasses import replace

import numpy as np
import pytest

from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.remedy import remedy, with_deposit
from risk.model.account import AccountSnapshot
from tests.risk.builders import (
    make_account,
    make_balance,
    make_btc_market,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
)

TARGET = 150.0


def isolated(size: float, collateral: float, **rest: object) -> AccountSnapshot:
    """SOL-PERP with collateral of its own, beside a cross account that is well."""
    position = make_position(size, isolated=True, isolated_collateral_tokens=collateral)
    return make_account(position, usdc=1_000.0, **rest)  # type: ignore[arg-type]  # facts of an account


@pytest.mark.parametrize("feed", ["sol", "btc"])
def test_where_one_price_is_missing_no_remedy_is_named(feed: str) -> None:
    account = make_account(
        make_position(10.0), make_position(0.1, market_index=1, isolated=True, isolated_collateral_tokens=300.0),
        usdc=60.0,
    )  # fmt: skip
    book = book_of([account])
    prices = np.where([name == feed for name in book.oracles.ids], np.nan, book.oracles.price_1e6)
    found = remedy(replace(book, oracles=replace(book.oracles, price_1e6=prices)), TARGET)
    assert (found.scope, found.deposit_usd, found.cut, found.cut_all_frac) == ("", None, None, None)


def test_only_the_position_that_is_worst_is_cut() -> None:
    account = make_account(
        make_position(1.0, isolated=True, isolated_collateral_tokens=6.0),
        make_position(0.01, entry_usd=50_000.0, market_index=1, isolated=True, isolated_collateral_tokens=400.0),
        usdc=10.0,
    )  # fmt: skip
    found = remedy(book_of([account]), TARGET)
    assert found.scope == "SOL-PERP"
    assert found.cut is not None
    assert found.cut.market == "SOL-PERP"
    # 6 of collateral carry 4 of requirement at 150 %: 80 of 100 USD.
    assert found.cut.fraction == pytest.approx(0.2, abs=1e-5)
    assert found.deposit_usd == pytest.approx(1.5, abs=1e-4)


def test_a_short_is_cut_by_a_size_and_a_notional_that_are_positive() -> None:
    found = remedy(book_of([make_account(make_position(-10.0), usdc=60.0)]), TARGET)
    assert found.cut is not None
    assert found.cut.size_base == pytest.approx(2.0, abs=1e-4)
    assert found.cut.notional_usd == pytest.approx(200.0, abs=1e-2)


@pytest.mark.parametrize("price", [0.98, 1.01])
def test_a_deposit_for_an_isolated_position_is_in_dollars_too(price: float) -> None:
    account = isolated(1.0, 6.0, prices={"usdc": price})
    found = remedy(book_of([account]), TARGET)
    assert found.scope == "SOL-PERP"
    # Collateral and requirement are both worth what the quote token is.
    assert found.deposit_usd == pytest.approx((7.5 - 6.0) * price, abs=1e-3)
    helped = with_deposit(book_of([account]), found.deposit_usd or 0.0, "SOL-PERP")
    assert helped is not None
    totals = evaluate(helped).maintenance
    assert totals.isolated_collateral_usd[0] / totals.isolated_requirement_usd[0] == pytest.approx(1.5, abs=1e-3)


def test_where_no_quote_token_counts_no_deposit_is_named() -> None:
    pool = make_account(make_position(10.0), usdc=60.0, pool_id=1, balances=[make_balance(0.5)])
    assert remedy(book_of([pool]), 1_000.0).deposit_usd is None
    assert with_deposit(book_of([pool]), 5.0) is None

    other = make_spot_market(name="JUP", market_index=2, oracle_id="btc")
    no_quote = make_account(
        balances=[make_balance(10.0), make_balance(-0.01, market_index=2)], perp_markets=[],
        spot_markets=[make_spot_market(), other],
    )  # fmt: skip
    assert remedy(book_of([no_quote]), 1_000.0).deposit_usd is None
    assert with_deposit(book_of([no_quote]), 5.0) is None


def test_a_deposit_makes_a_balance_where_there_was_none_and_grows_the_one_there_is() -> None:
    bare = book_of([make_account(make_position(1.0), balances=[make_balance(1.0)])])
    grown = with_deposit(bare, 25.0)
    assert grown is not None
    assert (grown.spots.account.tolist(), grown.spots.tokens_raw.tolist()) == ([0, 0], [1e9, 25e6])
    for name in ("shares_1e9", "open_bids_raw", "open_asks_raw", "open_orders"):
        assert getattr(grown.spots, name).tolist()[1] == 0.0, name
    before, after = (evaluate(one).maintenance.collateral_usd[0] for one in (bare, grown))
    assert after - before == pytest.approx(25.0, abs=1e-6)

    again = with_deposit(grown, 5.0)
    assert again is not None
    assert again.spots.tokens_raw.tolist() == [1e9, 30e6]


def test_markets_without_positions_change_nothing() -> None:
    alone = remedy(book_of([make_account(make_position(10.0), usdc=60.0)]), TARGET)
    beside = make_account(
        make_position(10.0), usdc=60.0, perp_markets=[make_perp_market(), make_btc_market()],
        spot_markets=[make_usdc_market(), make_spot_market()],
    )  # fmt: skip
    assert remedy(book_of([beside]), TARGET) == alone


def test_a_deposit_for_one_isolated_position_goes_to_no_other() -> None:
    account = make_account(
        make_position(0.01, entry_usd=50_000.0, market_index=1, isolated=True, isolated_collateral_tokens=400.0),
        make_position(1.0, isolated=True, isolated_collateral_tokens=6.0),
        usdc=10.0,
    )
    helped = with_deposit(book_of([account]), 2.0, "SOL-PERP")
    assert helped is not None
    assert helped.perps.isolated_tokens_raw.tolist() == [400e6, 8e6]


def test_a_deposit_is_rounded_up_to_the_tokens_unit() -> None:
    book = book_of([make_account(make_position(1.0), usdc=10.0, prices={"usdc": 0.98})])
    helped = with_deposit(book, 1.0)
    assert helped is not None
    assert helped.spots.tokens_raw.tolist() == [10e6 + 1_020_409]
