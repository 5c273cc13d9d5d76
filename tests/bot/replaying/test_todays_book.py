"""The book an account holds now, for a replay: what is kept, what is netted, and what is said of the rest."""

import pytest

from bot.replaying.todays_book import todays_book, without
from risk.margin.build import book_of
from risk.margin.evaluate import Evaluation, evaluate
from risk.model.account import AccountSnapshot
from tests.risk.builders import (
    make_account,
    make_balance,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
)
from venues.replay import PositionSide


def evaluated(account: AccountSnapshot) -> Evaluation:
    return evaluate(book_of([account]))


def test_positions_are_kept_at_their_leverage_and_their_requirement() -> None:
    account = make_account(make_position(30.0), make_position(-0.04, market_index=1, entry_usd=50_000.0), usdc=1_000.0)
    today = todays_book(evaluated(account))
    assert today.left_out == ()
    assert today.book is not None
    assert today.book.collateral_usd == pytest.approx(1_000.0)
    sol, btc = today.book.positions
    assert (sol.market, sol.side) == ("SOL-PERP", PositionSide.LONG)
    assert (btc.market, btc.side) == ("BTC-PERP", PositionSide.SHORT)
    assert [sol.leverage, btc.leverage] == pytest.approx([3.0, 2.0])
    assert [sol.maintenance_ratio, sol.initial_ratio] == pytest.approx([0.05, 0.10])


def test_what_size_adds_to_the_requirement_is_kept() -> None:
    account = make_account(
        make_position(30.0), usdc=1_000.0, perp_markets=[make_perp_market(maintenance_ratio=0.2, initial_ratio=0.25)]
    )
    today = todays_book(evaluated(account))
    assert today.book is not None
    (only,) = today.book.positions
    assert [only.maintenance_ratio, only.initial_ratio] == pytest.approx([0.2, 0.2])


def test_profit_counts_as_collateral_and_not_as_leverage() -> None:
    """30 SOL bought at 80 are worth 3,000 now, on 1,000 and a profit of 600."""
    today = todays_book(evaluated(make_account(make_position(30.0, entry_usd=80.0), usdc=1_000.0)))
    assert today.book is not None
    assert today.book.collateral_usd == pytest.approx(1_600.0)
    assert today.book.positions[0].leverage == pytest.approx(3_000 / 1_600)


def test_two_markets_of_one_asset_are_netted() -> None:
    dated = make_perp_market(name="1MSOL-PERP", market_index=7)
    account = make_account(
        make_position(30.0), make_position(-10.0, market_index=7), usdc=1_000.0,
        perp_markets=[make_perp_market(), dated],
    )  # fmt: skip
    today = todays_book(evaluated(account))
    assert today.book is not None
    (only,) = today.book.positions
    assert only.market == "SOL-PERP"
    assert only.leverage == pytest.approx(2.0)
    assert only.maintenance_ratio == pytest.approx(200 / 2_000)


def test_collateral_that_moves_is_held_still_and_said() -> None:
    account = make_account(
        make_position(-10.0), usdc=1_000.0, balances=[make_balance(5.0)],
        spot_markets=[make_usdc_market(), make_spot_market()],
    )  # fmt: skip
    today = todays_book(evaluated(account))
    assert today.left_out == ("SOL, a balance of $500, is held at its price of now; in truth it moves as well",)
    assert today.book is not None
    assert today.book.collateral_usd == pytest.approx(1_450.0)  # 90 % of the 500


def test_dust_is_not_worth_a_sentence() -> None:
    account = make_account(make_position(10.0), usdc=1_000.0, balances=[make_balance(0.01)])
    assert todays_book(evaluated(account)).left_out == ()


def test_isolated_positions_are_left_out_with_their_collateral() -> None:
    account = make_account(
        make_position(10.0), make_position(5.0, market_index=1, entry_usd=50_000.0, isolated=True,
                                           isolated_collateral_tokens=50_000.0),
        usdc=1_000.0,
    )  # fmt: skip
    today = todays_book(evaluated(account))
    assert today.left_out == ("isolated BTC-PERP is left out, with its collateral",)
    assert today.book is not None
    assert [one.market for one in today.book.positions] == ["SOL-PERP"]


@pytest.mark.parametrize(
    "account",
    [make_account(usdc=1_000.0), make_account(make_position(30.0, entry_usd=150.0), usdc=1_000.0)],
    ids=["no perp", "nothing left of its collateral"],
)
def test_nothing_to_play(account: AccountSnapshot) -> None:
    assert todays_book(evaluated(account)).book is None


def test_a_book_without_some_of_its_assets() -> None:
    account = make_account(make_position(30.0), make_position(0.04, market_index=1, entry_usd=50_000.0), usdc=1_000.0)
    book = todays_book(evaluated(account)).book
    assert book is not None
    rest = without(book, frozenset({"SOL"}))
    assert rest is not None
    assert [one.asset for one in rest.positions] == ["BTC"]
    assert without(book, frozenset({"SOL", "BTC"})) is None
