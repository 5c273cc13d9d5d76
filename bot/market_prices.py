"""Today's prices of a book by market, and which way a liquidation price is rounded beside them."""

from bot.text.numbers import Rounding
from risk.margin.book import FleetBook


def prices_usd(book: FleetBook) -> dict[str, float]:
    """Oracle price of every perp and spot market of a book; NaN where the feed could not be read."""
    return {
        market: float(book.oracles.price_1e6[oracle]) / 1e6
        for table in (book.perp_markets, book.spot_markets)
        for market, oracle in zip(table.names, table.oracle, strict=True)
    }


def toward(now_usd: float | None, price_usd: float | None) -> Rounding:
    """Rounding that never shows a liquidation price further from today's price than it is."""
    if now_usd is None or price_usd is None:
        return Rounding.NEAREST
    return Rounding.UP if price_usd < now_usd else Rounding.DOWN
