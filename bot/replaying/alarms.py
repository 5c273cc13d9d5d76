"""Which alarms rang for nothing. Pure."""

import math
from dataclasses import dataclass, replace

from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier

_ENOUGH = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """Alarms of a tier or worse so far. One stands from the look that raises it to the look at which it is better.

    A false one ends without a price within half its distance to liquidation. The distance is measured in collateral to
    spare: for a single market that is proportional to the distance of its price, for several it weighs them together.

    Attributes:
        tier: From which on it is an alarm.
        rung: How many there were, standing ones included.
        false: How many ended and were false.
        raised_usd: What was to spare when the standing one was raised; None while none stands.
        least_usd: Least that was to spare since.
    """

    tier: Tier = Tier.HIGH
    rung: int = 0
    false: int = 0
    raised_usd: float | None = None
    least_usd: float = math.inf

    def after(self, known: Tier, to_spare_usd: float) -> "Alarms":
        """After a look.

        Args:
            known: Last known tier; while data is missing the alarm stands as it did.
            to_spare_usd: Maintenance collateral minus requirement; NaN while data is missing.
        """
        stands = severity(known) >= severity(self.tier)
        if self.raised_usd is None:
            if not stands:
                return self
            return replace(self, rung=self.rung + 1, raised_usd=to_spare_usd, least_usd=to_spare_usd)
        least = min(self.least_usd, to_spare_usd)  # NaN is less than nothing
        if stands:
            return replace(self, least_usd=least)
        rang_for_nothing = least > self.raised_usd * _ENOUGH
        return replace(self, false=self.false + rang_for_nothing, raised_usd=None, least_usd=math.inf)
