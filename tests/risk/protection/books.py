"""Books and prospects for protection, with defaults."""

import numpy as np

from risk.after_trade import Prospect
from risk.margin.book import FleetBook, FloatArray
from risk.margin.build import book_of
from risk.margin.linear import held_assets
from risk.margin.plan import MarginPlan
from risk.model.account import AccountSnapshot, OpenOrder, OrderKind, Side
from risk.model.candles import Candles, Interval
from risk.model.trading import DepthLevel, MarketDepth
from risk.stats.ewma import ewma_covariance
from risk.stats.fits import FitCache
from risk.stats.history import book_history
from tests.risk.builders import NOW, PRICES_USD, make_account, make_position
from tests.risk.depths import make_depth, make_order
from tests.risk.histories import correlated, daily_candles


def long_sol(size: float = 10.0, usdc: float = 200.0, *orders: OpenOrder) -> FleetBook:
    """Long SOL at 100: liquidated at (1000 - usdc) / 9.5 for ten of them."""
    return book_of([make_account(make_position(size), usdc=usdc, open_orders=orders)])


def short_sol(size: float = 10.0, usdc: float = 200.0) -> FleetBook:
    return book_of([make_account(make_position(-size), usdc=usdc)])


def make_trigger(
    order_id: int, trigger_usd: float, *, size_base: float = 10.0, side: Side = Side.SELL, above: bool = False,
    triggered: bool = False, market_index: int = 0,
) -> OpenOrder:  # fmt: skip
    """A reduce-only trigger that rests."""
    return make_order(
        order_id, reduce_only=True, side=side, kind=OrderKind.TRIGGER_MARKET, size_base=size_base, price_usd=None,
        trigger_price_usd=trigger_usd, triggers_above=above, triggered=triggered, market_index=market_index,
    )  # fmt: skip


def graded_depth(market: str = "SOL-PERP", *, spread_frac: float = 0.0005, size_usd: float = 2_000.0) -> MarketDepth:
    """Ten levels on each side, each of so many USD."""
    price = PRICES_USD[market.removesuffix("-PERP").lower()]

    def side(sign: float) -> tuple[DepthLevel, ...]:
        return tuple(
            DepthLevel(price_usd=price * (1 + sign * spread_frac * (1 + at)), size_base=size_usd / price)
            for at in range(10)
        )

    return make_depth(market, bids=side(-1.0), asks=side(1.0), minimum_raw_1e9=10_000_000)


def prospect_of(
    book: FleetBook, *, days: int = 300, seed: int = 1, also: tuple[str, ...] = (), sol: float = 0.04,
    correlation: float = 0.8,
) -> Prospect:  # fmt: skip
    """SOL, at 4 % a day, and BTC, at half as much, correlated."""
    returns = correlated(days, (sol, sol / 2), correlation, seed=seed)
    candles = {asset: daily_candles(asset, returns[:, at]) for at, asset in enumerate(("SOL", "BTC"))}
    assets = tuple(sorted({*held_assets(book), *also}))
    history = book_history(MarginPlan.of(book), candles, now=NOW, assets=assets)
    return Prospect(history, ewma_covariance(history.returns.log_returns), FitCache(), 0)


def hourly_candles(asset: str, moves: FloatArray, *, low_frac: FloatArray | None = None) -> Candles:
    """Hourly bars that close by these log moves; lows, where given, so far below the lower of open and close."""
    closes = 100.0 * np.exp(np.cumsum(moves))
    opens = np.concatenate([[100.0], closes[:-1]])
    below = np.full(moves.size, 0.001) if low_frac is None else low_frac
    last = np.datetime64(NOW.replace(tzinfo=None), "s") - np.timedelta64(3_600, "s")
    at = last - np.arange(moves.size - 1, -1, -1) * np.timedelta64(3_600, "s")
    return Candles(
        asset=asset, interval=Interval.HOUR, at=at, open_usd=opens, high_usd=np.maximum(opens, closes) * 1.001,
        low_usd=np.minimum(opens, closes) * (1.0 - below), close_usd=closes, volume=np.ones(moves.size),
        sources=("a test",),
    )  # fmt: skip


def quiet_hours(asset: str = "SOL", n: int = 3_000, *, seed: int = 3, worst: float = -0.12) -> Candles:
    """Half a percent an hour, and once a fall."""
    moves = 0.005 * np.random.default_rng(seed).standard_normal(n)
    moves[n // 2] = worst
    return hourly_candles(asset, moves)


def account_of(book: FleetBook) -> str:
    return book.accounts.ids[0]


def snapshot_with(*orders: OpenOrder, size: float = 10.0, usdc: float = 200.0) -> AccountSnapshot:
    return make_account(make_position(size), usdc=usdc, open_orders=orders)
