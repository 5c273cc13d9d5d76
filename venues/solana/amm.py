"""The venue's own curve as a ladder of prices. Pure, whole numbers until the last step.

Source: the program's math/amm.rs, amm_spread.rs and controller/amm.rs. A taker trades against the reserves the program
stored with its spread, half of what a side may hold at most, and a fraction of the reserve.
"""

from dataclasses import dataclass

from risk.model.account import Side
from risk.model.trading import BASE_UNITS, PRICE_UNITS, DepthLevel

_LEVELS = 24
_PEG_TO_QUOTE = 10**9  # reserve 1e9 times peg 1e6 to quote 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One market's curve.

    Attributes:
        ask: (base, quote) reserve a buyer trades against; likewise ``bid`` for a seller.
        fill_fraction: One fill takes at most the base reserve over this; 0 takes nothing.
        follows_oracle: Whether the program moves the curve towards the oracle before it fills.
    """

    base: int
    quote: int
    sqrt_k: int
    peg: int
    min_base: int
    max_base: int
    ask: tuple[int, int]
    bid: tuple[int, int]
    fill_fraction: int
    step: int
    follows_oracle: bool

    @property
    def price_1e6(self) -> int:
        """Between both sides; 0 for a curve without reserves."""
        return self.quote * self.peg // self.base if self.base else 0

    def fillable_raw_1e9(self, side: Side) -> int:
        """Most that one fill takes, a multiple of the step."""
        if not self.fill_fraction or not self.step:
            return 0
        room = self.base - self.min_base if side is Side.BUY else self.max_base - self.base
        most = min(self.base // self.fill_fraction, max(0, room) // 2)
        return most - most % self.step

    def quote_raw_1e6(self, side: Side, size_raw_1e9: int) -> int:
        """Paid by a buyer, or received by a seller, for so much; rounded against them, as the program does."""
        base, quote = self.ask if side is Side.BUY else self.bid
        after = self.sqrt_k**2 // (base - size_raw_1e9 if side is Side.BUY else base + size_raw_1e9)
        if side is Side.BUY:
            return (after - quote + 1) * self.peg // _PEG_TO_QUOTE + 1
        return (quote - after) * self.peg // _PEG_TO_QUOTE


def ladder(curve: Curve, side: Side, oracle_1e6: int) -> tuple[DepthLevel, ...]:
    """What a side can trade, best first, finer where it is nearer.

    Where the program moves the curve to the oracle before it fills, a price is the worse one of here and there: a cost
    told from it may be too high, never too low.
    """
    most, middle = curve.fillable_raw_1e9(side), curve.price_1e6
    base, quote = curve.ask if side is Side.BUY else curve.bid
    if most <= 0 or not middle or base <= most or not quote or oracle_1e6 <= 0:
        return ()
    shift = oracle_1e6 / middle if curve.follows_oracle else 1.0
    worse = max(1.0, shift) if side is Side.BUY else min(1.0, shift)
    levels, before, paid = [], 0, 0
    for number in range(1, _LEVELS + 1):
        size = most * number**2 // _LEVELS**2
        size -= size % curve.step
        if size <= before:
            continue
        total = curve.quote_raw_1e6(side, size)
        if total <= paid:
            continue
        price = (total - paid) / PRICE_UNITS / ((size - before) / BASE_UNITS)
        levels.append(DepthLevel(price_usd=price * worse, size_base=(size - before) / BASE_UNITS))
        before, paid = size, total
    return tuple(levels)
