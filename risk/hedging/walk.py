"""What a trade of a hedge costs: taken from the depth of its market, its fee, and the funding it changes."""

import math
from dataclasses import dataclass

from risk.decisions.depth import walk as take
from risk.errors import BadParameter
from risk.model.account import Side
from risk.model.trading import MarketDepth

IMPACT_BOUND_FRAC = 0.01
_WHOLE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """An order that takes at once.

    Attributes:
        size_base: Asked for, unsigned.
        filled_base: What the depth has; less than asked for where it ends.
        average_usd: Over what is filled; NaN for nothing.
        worst_usd: Of the last level it takes from; NaN for nothing.
        impact_frac: Average against the best price, >= 0.
        slippage_usd: Against the oracle price, > 0 a cost; a book may also be better than the oracle.
        fee_usd: Of what is filled, > 0 a cost.
        notional_usd: At the oracle price.
    """

    market: str
    side: Side
    size_base: float
    filled_base: float
    average_usd: float
    worst_usd: float
    impact_frac: float
    slippage_usd: float
    fee_usd: float
    notional_usd: float

    @property
    def trading_usd(self) -> float:
        """Fee, spread and impact."""
        return self.fee_usd + self.slippage_usd

    @property
    def complete(self) -> bool:
        return self.filled_base >= self.size_base * (1.0 - _WHOLE)


def walk(depth: MarketDepth, side: Side, size_base: float) -> Walk:
    """Take a size from one side of a market. Raises: BadParameter for a size that is no positive number."""
    if not (math.isfinite(size_base) and size_base > 0):
        raise BadParameter(f"a size to trade is a positive number, not {size_base:g}")
    found = take(depth, side, size_base)
    return Walk(
        market=depth.market, side=side, size_base=size_base, filled_base=found.filled_base,
        average_usd=found.average_usd, worst_usd=found.worst_usd, impact_frac=max(0.0, found.impact_frac),
        slippage_usd=found.slippage_usd, fee_usd=found.fee_usd, notional_usd=found.filled_base * depth.oracle_usd,
    )  # fmt: skip


def takes_base(depth: MarketDepth, side: Side, bound_frac: float = math.inf) -> float:
    """How much a side has in all, or no worse than a bound away from its best price."""
    levels = [level for level in depth.side(side) if level.size_base > 0 and level.price_usd > 0]
    if not levels:
        return 0.0
    best = levels[0].price_usd
    sign = 1.0 if side is Side.BUY else -1.0
    return math.fsum(level.size_base for level in levels if sign * (level.price_usd / best - 1.0) <= bound_frac)


def funding_usd(depth: MarketDepth, side: Side, notional_usd: float, hours: float) -> float:
    """What a trade adds to the funding that is paid over some hours, at the last rate; < 0 is saved or received."""
    sign = 1.0 if side is Side.BUY else -1.0
    return sign * depth.funding_hourly_frac * notional_usd * hours


def cost_frac(depth: MarketDepth, side: Side, size_base: float, hours: float) -> float:
    """Fee, spread, impact, and funding where it is to be paid, over the notional of a trade; infinite without depth.

    Funding that is received makes nothing cheaper, and a book that is better than the oracle no gain: a hedge is not
    there to earn either.
    """
    if not takes_base(depth, side):
        return math.inf
    found = walk(depth, side, size_base)
    if not found.notional_usd > 0:
        return math.inf
    carried = funding_usd(depth, side, found.notional_usd, hours)
    return (max(0.0, found.trading_usd) + max(0.0, carried)) / found.notional_usd
