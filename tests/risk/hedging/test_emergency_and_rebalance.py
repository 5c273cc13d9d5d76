"""The fastest way out of danger, and shares of equity by the fewest trades."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.errors import BadParameter, CannotAssess
from risk.hedging.emergency import emergency, held_perps
from risk.hedging.rebalance import chosen, rebalance, target_shares
from risk.hedging.steps import Standing, least_free_usd
from risk.margin.build import book_of
from risk.model.account import Side
from risk.model.market import MarketStatus
from tests.risk.builders import make_account, make_balance, make_btc_market, make_perp_market, make_position
from tests.risk.depths import make_order
from tests.risk.hedging.books import btc_depth, make_depth
from tests.risk.hedging.tasks import FREE
from tests.risk.protection.books import prospect_of

DEPTHS = {"SOL-PERP": make_depth(), "BTC-PERP": btc_depth()}
BOTH = make_account(
    make_position(100.0), make_position(0.2, entry_usd=50_000.0, market_index=1), usdc=1_200.0
)  # fmt: skip


def test_what_frees_most_margin_for_its_cost_goes_first() -> None:
    dear = {**DEPTHS, "SOL-PERP": make_depth(taker_fee_frac=0.01)}
    found = emergency(book_of([BOTH]), dear, limits=FREE, most=5, hours=24.0)
    assert [trade.market for trade in found.trades] == ["BTC-PERP", "SOL-PERP"]
    tighter = replace(BOTH, perp_markets={0: make_perp_market(maintenance_ratio=0.08), 1: make_btc_market()})
    found = emergency(book_of([tighter]), DEPTHS, limits=FREE, most=5, hours=24.0)
    assert [trade.market for trade in found.trades] == ["SOL-PERP", "BTC-PERP"]
    assert all(trade.reduce_only for trade in found.trades)


def test_the_scope_that_is_in_danger_goes_before_one_that_is_not() -> None:
    account = make_account(
        make_position(100.0),
        make_position(0.02, entry_usd=50_000.0, market_index=1, isolated=True, isolated_collateral_tokens=55.0),
        usdc=20_000.0,
    )
    found = emergency(book_of([account]), DEPTHS, limits=FREE, most=1, hours=24.0)
    assert [trade.market for trade in found.trades] == ["BTC-PERP"]
    assert found.left == ("SOL-PERP stays as it is: no more than 1 trade was wanted",)


def test_a_market_that_is_shut_is_named_and_the_others_still_close() -> None:
    shut = {**DEPTHS, "SOL-PERP": make_depth(status=MarketStatus.FILL_PAUSED)}
    found = emergency(book_of([BOTH]), shut, limits=FREE, most=5, hours=24.0)
    assert [trade.market for trade in found.trades] == ["BTC-PERP"]
    assert "SOL-PERP is paused" in found.left[0]
    assert held_perps(book_of([BOTH])) == ("SOL-PERP", "BTC-PERP")


@given(
    sol=st.integers(-200, 200).filter(bool), btc=st.integers(-40, 40).filter(bool), most=st.integers(1, 3),
    share=st.floats(0.06, 0.5),
)  # fmt: skip
def test_an_emergency_only_reduces_and_health_never_falls(sol: int, btc: int, most: int, share: float) -> None:
    gross = abs(sol) * 100 + abs(btc) * 500
    account = make_account(
        make_position(sol), make_position(btc / 100, entry_usd=50_000.0, market_index=1),
        usdc=round(share * gross + 5, 2),
    )  # fmt: skip
    book = book_of([account])
    found = emergency(book, DEPTHS, limits=FREE, most=most, hours=24.0)
    before, after = Standing.of(book), Standing.of(found.book)
    assert len(found.trades) <= most
    assert all(trade.reduce_only for trade in found.trades)
    assert after.ratio_percent >= before.ratio_percent
    assert all(after.notional_usd[name] <= notional for name, notional in before.notional_usd.items())


def test_a_leg_whose_closing_would_make_liquidation_likelier_is_left_out() -> None:
    positions = make_position(20.0), make_position(-0.02, entry_usd=50_000.0, market_index=1)
    book = book_of([make_account(*positions, usdc=400.0)])
    cheap = {"SOL-PERP": make_depth(status=MarketStatus.FILL_PAUSED), "BTC-PERP": btc_depth()}
    blind = emergency(book, cheap, limits=FREE, most=5, hours=24.0)
    assert [trade.market for trade in blind.trades] == ["BTC-PERP"]
    prospect = prospect_of(book, sol=0.1, correlation=0.97)
    found = emergency(book, cheap, limits=FREE, most=5, hours=24.0, prospect=prospect)
    assert found.trades == ()
    assert "BTC-PERP stays as it is: closing it would make liquidation within 24 hours likelier" in found.left[-1]
    both = emergency(book, DEPTHS, limits=FREE, most=5, hours=24.0, prospect=prospect)
    assert [trade.market for trade in both.trades] == ["SOL-PERP", "BTC-PERP"]
    assert both.probability == 0.0
    one = emergency(book, DEPTHS, limits=FREE, most=1, hours=24.0, prospect=prospect)
    assert [trade.market for trade in one.trades] == ["SOL-PERP"]


def test_an_order_that_takes_up_margin_once_all_is_closed_is_cancelled_before() -> None:
    sell = make_order(4, side=Side.SELL, size_base=100.0, price_usd=178.0, reduce_only=True)
    book = book_of([make_account(make_position(100.0, open_asks_base=-100.0), usdc=1_200.0, open_orders=(sell,))])
    found = emergency(book, DEPTHS, limits=FREE, most=5, hours=24.0)
    assert found.cancels == (4,)
    assert Standing.of(found.book).leverage == 0.0


def test_a_rebalance_trades_what_is_outside_and_reduces_first() -> None:
    account = make_account(make_position(60.0), usdc=10_000.0)
    found = rebalance(book_of([account]), {"SOL": 0.4, "BTC": 0.4, "USDC": 0.2}, DEPTHS, limits=FREE)
    assert [(trade.market, trade.side, trade.size) for trade in found.trades] == [
        ("SOL-PERP", Side.SELL, 20.0),
        ("BTC-PERP", Side.BUY, 0.08),
    ]
    assert found.before == pytest.approx({"SOL": 0.6, "USDC": 0.4})
    assert found.target == pytest.approx({"SOL": 0.4, "BTC": 0.4, "USDC": 0.2})
    assert found.after == pytest.approx(found.target, abs=0.002)
    assert found.within_tolerance
    assert found.estimated_cost > 0


def test_what_is_within_its_tolerance_is_left_alone() -> None:
    account = make_account(make_position(41.0), usdc=10_000.0)
    found = rebalance(book_of([account]), {"SOL": 0.4}, DEPTHS, limits=FREE, tolerance_frac=0.02)
    assert (found.trades, found.within_tolerance) == ((), True)


def test_an_asset_that_is_not_named_goes() -> None:
    found = rebalance(book_of([BOTH]), {"BTC": 8.0}, DEPTHS, limits=FREE)
    assert {trade.market: trade.reduce_only for trade in found.trades} == {"SOL-PERP": True, "BTC-PERP": True}
    assert found.after["SOL"] == 0.0


def test_collateral_is_balanced_by_its_perp() -> None:
    account = make_account(balances=[make_balance(50.0)], usdc=5_000.0)
    found = rebalance(book_of([account]), {"SOL": 0.3}, DEPTHS, limits=FREE)
    (trade,) = found.trades
    assert (trade.market, trade.side, trade.size) == ("SOL-PERP", Side.SELL, 20.0)


def test_margin_that_would_not_suffice_cuts_a_rebalance() -> None:
    account = make_account(usdc=1_000.0)
    found = rebalance(book_of([account]), {"SOL": 12.0}, DEPTHS, limits=FREE)
    assert not found.within_tolerance
    assert "initial margin would not be enough" in found.unhedged[0]
    book = book_of([account])
    assert least_free_usd(Standing.of(book)) >= 0


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({}, "name at least one share"),
        ({"SOL": 0.4, "USDC": 0.4}, "the shares sum to 0.8, not to 1; USDC 0.6 would make them fit"),
        ({"SOL": float("nan")}, "must be a fraction of equity"),
        ({"SOL": 400.0}, "must be a fraction of equity"),
        ({"SOL": 0.4, "SOL-PERP": 0.2}, "SOL stands there twice"),
        ({"DOGE": 0.4}, "no perp on DOGE was read"),
    ],
)
def test_shares_that_make_no_sense_are_refused_with_what_would(shares: dict[str, float], words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        rebalance(book_of([make_account(usdc=1_000.0)]), shares, DEPTHS, limits=FREE)


def test_an_account_without_equity_has_no_shares() -> None:
    with pytest.raises(CannotAssess, match="no equity"):
        rebalance(book_of([make_account(usdc=-10.0)]), {"SOL": 0.4}, DEPTHS, limits=FREE)


@given(off=st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=6))
def test_the_fewest_assets_move_that_bring_all_shares_into_tolerance(off: list[float]) -> None:
    before = {f"A{at}": much for at, much in enumerate(off)}
    target = {**dict.fromkeys(before, 0.0), "USDC": 1.0}
    moved = chosen(before, target, 0.02)
    rest = {asset: much for asset, much in before.items() if asset not in moved}
    assert all(abs(much) <= 0.02 for much in rest.values())
    assert abs(sum(rest.values())) <= 0.02 + 1e-12
    # No smaller choice does: every subset with one fewer fails.
    for spared in moved:
        kept = {**rest, spared: before[spared]}
        better = all(abs(much) <= 0.02 for much in kept.values()) and abs(sum(kept.values())) <= 0.02 - 1e-9
        assert not better


def test_the_quote_is_what_is_left() -> None:
    assert target_shares({"SOL": 1.5, "BTC": -0.25}) == {"SOL": 1.5, "BTC": -0.25, "USDC": -0.25}
