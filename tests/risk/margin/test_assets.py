"""Which markets are about one asset, and which tokens are dollars."""

import pytest

from risk.margin.assets import asset_of, columns_of, dollar_columns, is_dollar
from risk.margin.build import book_of
from tests.risk.builders import make_account, make_btc_market, make_perp_market, make_spot_market, make_usdc_market


@pytest.mark.parametrize(
    ("market", "asset"),
    [
        ("SOL-PERP", "SOL"),
        ("SOL", "SOL"),
        ("mSOL", "SOL"),
        ("jitoSOL", "SOL"),
        ("INF", "SOL"),
        ("wBTC", "BTC"),
        ("cbBTC", "BTC"),
        ("wETH", "ETH"),
        ("1MBONK-PERP", "BONK"),
        ("1KPUMP-PERP", "PUMP"),
        ("1MPEPE", "PEPE"),
        ("KMNO-PERP", "KMNO"),
        ("WIF-PERP", "WIF"),
        ("W-PERP", "W"),
        ("ZEUS", "ZEUS"),
        (" BTC-PERP ", "BTC"),
        ("USDC", "USDC"),
    ],
)
def test_the_asset_behind_a_market(market: str, asset: str) -> None:
    assert asset_of(market) == asset


@pytest.mark.parametrize(
    ("market", "dollar"),
    [("USDC", True), ("PYUSD", True), ("USDS-1", True), ("sUSD", True), ("SOL", False), ("USDE-PERP", False)],
)
def test_dollar_tokens(market: str, dollar: bool) -> None:
    assert is_dollar(market) == dollar


def test_columns_of_assets_and_dollars() -> None:
    account = make_account(
        perp_markets=[make_perp_market(), make_btc_market()],
        spot_markets=[
            make_usdc_market(), make_spot_market(), make_spot_market(name="wBTC", market_index=3, oracle_id="wbtc"),
        ],
        prices={"wbtc": 49_000.0},
    )  # fmt: skip
    book = book_of([account])
    by_asset = {
        asset: {feed for feed, held in zip(book.oracles.ids, mask, strict=True) if held}
        for asset, mask in columns_of(book).items()
    }
    assert by_asset == {"SOL": {"sol"}, "BTC": {"btc", "wbtc"}, "USDC": {"usdc"}}
    assert [feed for feed, held in zip(book.oracles.ids, dollar_columns(book), strict=True) if held] == ["usdc"]
