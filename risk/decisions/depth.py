"""What a trade of some size gets from what a market offers. Pure."""

from dataclasses import dataclass

from risk.model.account import Side
from risk.model.trading import MarketDepth


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A size taken from the levels of one side, best first.

    Attributes:
        filled_base: What is on offer of it.
        average_usd, worst_usd: Over that; NaN where nothing is on offer.
        fee_usd: As a taker.
        slippage_usd: Against the oracle price, > 0 a cost.
        impact_frac: Average against the best price, > 0 worse.
    """

    filled_base: float
    average_usd: float
    worst_usd: float
    fee_usd: float
    slippage_usd: float
    impact_frac: float

    @property
    def cost_usd(self) -> float:
        """What the trade loses at once against the oracle price."""
        return self.fee_usd + self.slippage_usd


def walk(depth: MarketDepth, side: Side, size_base: float, *, limit_usd: float | None = None) -> Walk:
    """Take a size, as far as it is on offer at a price no worse than a limit."""
    left, paid, worst = size_base, 0.0, float("nan")
    levels = depth.side(side)
    for level in levels:
        if left <= 0 or (limit_usd is not None and _beyond(level.price_usd, limit_usd, side)):
            break
        taken = min(left, level.size_base)
        paid, left, worst = paid + taken * level.price_usd, left - taken, level.price_usd
    filled = size_base - max(left, 0.0)
    if filled <= 0:
        nothing = float("nan")
        return Walk(
            filled_base=0.0, average_usd=nothing, worst_usd=nothing, fee_usd=0.0, slippage_usd=0.0, impact_frac=0.0
        )
    average, sign = paid / filled, 1.0 if side is Side.BUY else -1.0
    return Walk(
        filled_base=filled,
        average_usd=average,
        worst_usd=worst,
        fee_usd=paid * depth.taker_fee_frac,
        slippage_usd=sign * (average - depth.oracle_usd) * filled,
        impact_frac=sign * (average / levels[0].price_usd - 1.0),
    )


def _beyond(price_usd: float, limit_usd: float, side: Side) -> bool:
    return price_usd > limit_usd if side is Side.BUY else price_usd < limit_usd
