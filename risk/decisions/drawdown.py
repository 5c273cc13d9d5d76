"""Flow-adjusted equity: deposits and withdrawals change the number of units, trading changes what a unit is worth."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from risk.decisions.tiers import LADDER, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """An account as a fund of one holder.

    Attributes:
        shares: Units outstanding; the first equity is divided into units of 1 USD.
        unit_value_usd: Worth of one unit at the last look.
        high_water_usd: Highest worth of a unit so far.
        net_flow_usd: Deposits minus withdrawals counted so far.
    """

    shares: float
    unit_value_usd: float
    high_water_usd: float
    net_flow_usd: float

    @property
    def drawdown_frac(self) -> float:
        """Fall from the high-water mark, >= 0; above 1 when equity is negative."""
        # Rounded, so that a fall to exactly a limit is that limit and no breach.
        return round(max(0.0, 1.0 - self.unit_value_usd / self.high_water_usd), 12)


def follow(state: UnitState | None, equity_usd: float, flow_usd: float) -> UnitState | None:
    """The state after a look at an account.

    Args:
        state: None before the first look.
        equity_usd: Net equity now. NaN leaves the state as it is.
        flow_usd: Cumulative deposits minus withdrawals.

    Returns: None while there has never been positive equity.
    """
    if math.isnan(equity_usd):
        return state
    moved = 0.0 if state is None else flow_usd - state.net_flow_usd
    before = equity_usd - moved
    if state is None:
        return (
            None
            if equity_usd <= 0
            else UnitState(shares=equity_usd, unit_value_usd=1.0, high_water_usd=1.0, net_flow_usd=flow_usd)
        )
    if not state.shares or (moved and before <= 0):
        # A fund that was emptied or wiped out begins anew at its own high: new money has not fallen yet.
        high = state.high_water_usd
        shares = max(0.0, equity_usd / high)
        return UnitState(shares=shares, unit_value_usd=high, high_water_usd=high, net_flow_usd=flow_usd)
    value = before / state.shares
    # Money that comes or goes buys or sells units at what they are worth now; all of it may go.
    shares = max(0.0, equity_usd / value) if moved else state.shares
    high = max(value, state.high_water_usd)
    return UnitState(shares=shares, unit_value_usd=value, high_water_usd=high, net_flow_usd=flow_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawdownThresholds:
    """Falls from the high-water mark at which a tier begins, fractions. Reaching one exactly is no breach."""

    by_tier: Mapping[Tier, float] = field(
        default_factory=lambda: {Tier.WATCH: 0.05, Tier.WARNING: 0.10, Tier.HIGH: 0.15, Tier.CRITICAL: 0.25}
    )
    ease_frac: float = 0.05

    def tier(self, drawdown_frac: float, current: Tier = Tier.OK) -> Tier:
        """Tier of a drawdown. A better tier than ``current`` needs the fall to be ``ease_frac`` of it smaller."""
        entered = self._plain(drawdown_frac)
        if not current.worse_than(entered):
            return entered
        eased = self._plain(drawdown_frac * (1 + self.ease_frac))
        return eased if current.worse_than(eased) else current

    def _plain(self, drawdown_frac: float) -> Tier:
        for tier in reversed(LADDER):
            if tier in self.by_tier and drawdown_frac > self.by_tier[tier]:
                return tier
        return Tier.OK
