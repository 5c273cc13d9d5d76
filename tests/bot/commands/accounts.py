"""Accounts in every state a command may meet."""

import math

from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, Side
from risk.model.market import OracleValidity
from tests.risk.builders import (
    make_account,
    make_balance,
    make_btc_market,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
)
from tests.support.tuned_reader import at_ratio


def rich() -> AccountSnapshot:
    """Long 30 SOL, short 0.02 BTC, 10 SOL held, orders: about 2,000 USD of equity and a ratio of 585 %."""
    order = OpenOrder(
        order_id=7, market_kind=MarketKind.PERP, market_index=0, side=Side.SELL, kind=OrderKind.LIMIT, size_base=5.0,
        price_usd=123.45, reduce_only=True,
    )  # fmt: skip
    return make_account(
        make_position(30.0, entry_usd=90.0, funding_usd=-1.25, settled_pnl_usd=12.5),
        make_position(-0.02, entry_usd=52_000.0, market_index=1),
        usdc=700.0,
        balances=[make_balance(10.0)],
        open_orders=(order,),
    )


def isolated() -> AccountSnapshot:
    """A cross account that is well and an isolated position that is not: ratio 140 %."""
    return make_account(
        make_position(1.0, entry_usd=50_000.0, market_index=1),
        make_position(10.0, isolated=True, isolated_collateral_tokens=70.0),
        usdc=30_000.0,
    )


def unread_oracle() -> AccountSnapshot:
    """The price of SOL could not be read."""
    missing = {"oracle_validity": OracleValidity.MISSING}
    return make_account(
        make_position(10.0),
        usdc=500.0,
        perp_markets=[make_perp_market(**missing)],
        spot_markets=[make_usdc_market(), make_spot_market(**missing)],
        prices={"sol": math.nan},
    )


def stale_oracle() -> AccountSnapshot:
    """BTC has not been priced lately; its last price is there."""
    market = make_btc_market(oracle_validity=OracleValidity.STALE)
    return make_account(make_position(0.1, entry_usd=50_000.0, market_index=1), usdc=2_000.0, perp_markets=[market])


STATES = {
    "rich": rich(),
    "comfortable": at_ratio(400),
    "at the edge": at_ratio(100.1),
    "below maintenance": at_ratio(80),
    "zero collateral": at_ratio(0),
    "in debt": make_account(make_position(10.0, entry_usd=200.0), usdc=100.0),
    "isolated": isolated(),
    "only cash": make_account(usdc=12.34),
    "empty": make_account(),
    "bankrupt": make_account(usdc=-50.0, bankrupt=True),
    "being liquidated": make_account(make_position(10.0), usdc=60.0, being_liquidated=True),
    "a borrow": make_account(usdc=10_000.0, balances=[make_balance(-50.0)]),
    "huge": make_account(make_position(9e6, entry_usd=100.0), usdc=1e9),
    "dust": make_account(make_position(1e-9, entry_usd=100.0), usdc=0.000001),
    "closed position with PnL": make_account(make_position(0.0, quote_usd=50.0), usdc=100.0),
}
DOUBTFUL = {"unread oracle": unread_oracle(), "stale oracle": stale_oracle()}
