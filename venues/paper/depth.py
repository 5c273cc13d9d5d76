"""The one curve of a market: what a taker pays for a size, and the same as levels to look at beforehand.

The average price worsens in a straight line with the size, so the price of the next unit worsens twice as fast. Each
second the curve is offered anew. What was taken this second is gone from its far end, where less is left.
"""

import math
from dataclasses import dataclass

from risk.model.account import Side
from venues.paper.markets import PerpListing
from venues.paper.units import BASE, PRICE, ceil_div
from venues.paper.world import World

_BPS = 1e4
_MUSD = 1e6
_MOST_LEVELS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """So much is offered at a price, rounded against the taker."""

    price_1e6: int
    size_1e9: int


def touch_factor(listing: PerpListing, side: Side) -> float:
    """Price of the first unit for one who buys or sells at once, as a multiple of the oracle price."""
    half_spread = listing.half_spread_bps / _BPS
    return 1 + half_spread if side is Side.BUY else 1 - half_spread


def best_price_usd(world: World, listing: PerpListing, side: Side) -> float:
    """That price now."""
    return world.price_1e6(listing.terms.oracle_id) / PRICE * touch_factor(listing, side)


def taker_price_1e6(listing: PerpListing, side: Side, size_1e9: int, oracle_1e6: int) -> int:
    """Average price of a size that is taken at once, rounded against the taker."""
    size_musd = size_1e9 / BASE * oracle_1e6 / PRICE / _MUSD
    worse = (listing.half_spread_bps + listing.impact_bps_per_musd * size_musd) / _BPS
    if side is Side.BUY:
        return math.ceil(oracle_1e6 * (1 + worse))
    return max(1, math.floor(oracle_1e6 * (1 - worse)))


def levels(world: World, listing: PerpListing, side: Side) -> tuple[Level, ...]:
    """What one who buys or sells can take now, best first. Nothing in a market without a usable price or book.

    Walking the levels gives the price of the curve to within half a tick, and all of a level exactly: a level costs
    what the curve asks for that part of it. Widths grow with the square of their number, which keeps that bound with
    the fewest levels.
    """
    oracle_1e6 = world.price_1e6(listing.terms.oracle_id)
    available = world.available_1e9(listing, side)
    if oracle_1e6 <= 0 or available <= 0:
        return ()
    found, begin = [], 0
    for end in _ends_1e9(listing, oracle_1e6, available):
        # The average over a part of a straight line is what the whole up to the sum of its ends would cost.
        price_1e6 = taker_price_1e6(listing, side, begin + end, oracle_1e6)
        found.append(Level(price_1e6=price_1e6, size_1e9=end - begin))
        begin = end
    return tuple(found)


def within_1e9(world: World, listing: PerpListing, side: Side, limit_1e6: int) -> int:
    """Size that is offered at the limit or better."""
    sign = 1 if side is Side.BUY else -1
    return sum(one.size_1e9 for one in levels(world, listing, side) if (one.price_1e6 - limit_1e6) * sign <= 0)


def _ends_1e9(listing: PerpListing, oracle_1e6: int, available_1e9: int) -> list[int]:
    """Sizes, each a multiple of the step, at which one level ends and the next begins."""
    if listing.impact_bps_per_musd <= 0:
        return [available_1e9]
    half_tick_frac = listing.tick_1e6 / 2 / oracle_1e6
    first_musd = half_tick_frac / (listing.impact_bps_per_musd / _BPS)
    first = max(first_musd * _MUSD * PRICE / oracle_1e6 * BASE, available_1e9 / _MOST_LEVELS**2)
    count = math.ceil(math.sqrt(available_1e9 / first))
    step = listing.step_1e9
    ends = {min(available_1e9, ceil_div(int(first * number * number), step) * step) for number in range(1, count + 1)}
    return sorted((ends | {available_1e9}) - {0})
