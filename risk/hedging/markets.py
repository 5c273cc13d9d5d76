"""Which perp a change of exposure is traded in, and why one cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from risk.hedging.exposures import usd_per_base
from risk.margin.assets import asset_of
from risk.margin.book import FleetBook
from risk.model.account import Side
from risk.model.market import MarketStatus
from risk.model.trading import MarketDepth

_CLOSED = {
    MarketStatus.INITIALIZED: "is not open for trading yet",
    MarketStatus.FILL_PAUSED: "is paused: the venue fills no orders in it now",
    MarketStatus.SETTLEMENT: "is in settlement and takes no orders",
    MarketStatus.DELISTED: "is delisted and takes no orders",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A change of exposure that a strategy asks for.

    Attributes:
        change_usd: Of the asset's delta, signed.
        ratio: USD of the hedge for each USD of what it hedges.
        help: What it brings, in the strategy's own measure; with the cost it decides who goes first.
        why: The reasoning, one sentence.
        own: Whether it is exposure to this very asset that goes; not so for a hedge through another one.
    """

    market: str
    asset: str
    change_usd: float
    ratio: float
    help: float
    why: str
    own: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One order's worth of it: what shrinks a position, or what is beyond it.

    Attributes:
        size_base: Unsigned.
        per_base_usd: Delta of one unit.
    """

    wanted: Wanted
    side: Side
    size_base: float
    reducing: bool
    per_base_usd: float

    @property
    def market(self) -> str:
        return self.wanted.market

    @property
    def sign(self) -> float:
        return 1.0 if self.side is Side.BUY else -1.0


def position_base(book: FleetBook, market: str) -> float:
    """Signed size held in a perp by the one account of a book."""
    rows = np.flatnonzero(book.perps.market == book.perp_markets.names.index(market))
    return float(book.perps.base_1e9[rows].sum()) / 1e9


def perps_of(book: FleetBook, asset: str) -> tuple[str, ...]:
    """Perps about an asset that were read: held ones first, then the one that carries its name."""
    names = [name for name in book.perp_markets.names if asset_of(name) == asset]
    return tuple(sorted(names, key=lambda name: (position_base(book, name) == 0.0, name != f"{asset}-PERP", name)))


def spread_over_perps(book: FleetBook, asset: str, change_usd: float) -> tuple[tuple[str, float], ...]:
    """In which perps of its own to trade a change of an asset's delta: held ones shrink first, the rest goes to one.

    Empty where no perp is about the asset.
    """
    names = perps_of(book, asset)
    if not names or not change_usd:
        return ()
    left, found = change_usd, dict.fromkeys(names, 0.0)
    for name in names:
        held = position_base(book, name) * usd_per_base(book, name)
        if held * left < 0:
            part = min(abs(held), abs(left))
            found[name] += part if left > 0 else -part
            left -= part if left > 0 else -part
    main = next((name for name in names if name == f"{asset}-PERP"), names[0])
    found[main] += left
    return tuple((name, change) for name, change in found.items() if change)


def parts_of(book: FleetBook, wanted: Wanted) -> tuple[Part, ...]:
    """What shrinks the position that is held, and what goes beyond it."""
    per_base = usd_per_base(book, wanted.market)
    if not per_base > 0:
        return ()
    size, side = abs(wanted.change_usd) / per_base, Side.BUY if wanted.change_usd > 0 else Side.SELL
    held = position_base(book, wanted.market)
    against = abs(held) if held * wanted.change_usd < 0 else 0.0
    # A size a hair beyond the position is the position: what is left of a float is nothing to trade.
    shrinks = against if abs(size - against) <= 1e-9 * max(size, against) else min(size, against)
    beyond = 0.0 if shrinks == against and size - shrinks <= 1e-9 * size else size - shrinks
    return tuple(
        Part(wanted=wanted, side=side, size_base=base, reducing=reducing, per_base_usd=per_base)
        for base, reducing in ((shrinks, True), (beyond, False))
        if base > 0
    )


def why_not(depths: Mapping[str, MarketDepth], market: str, side: Side, *, reducing: bool) -> str:
    """Why no order of a kind can go to a market now, as the end of a sentence; empty where one can."""
    depth = depths.get(market)
    if depth is None:
        return "is not known to the venue's book"
    if depth.problem:
        return f"cannot be traded on now: {depth.problem}"
    if not depth.oracle_usd > 0:
        return "has no positive price now"
    if depth.status in _CLOSED:
        return _CLOSED[depth.status]
    if depth.status is MarketStatus.REDUCE_ONLY and not reducing:
        return "is reduce-only: no position can be opened or enlarged in it"
    if not any(level.size_base > 0 and level.price_usd > 0 for level in depth.side(side)):
        return f"has no book: there is nothing to {side.value} against"
    return ""
