"""How far a value at risk may be off: what history is too short to know, and what too few paths leave open.

All intervals are 90 %. What has separate causes adds in quadrature. Not included is what no sample can say: whether the
model is the right one, and whether tomorrow is drawn from what the past was.
"""

import math
from dataclasses import dataclass
from typing import Self

from risk.margin.book import FloatArray
from risk.stats import tails
from risk.stats.ewma import DAILY_LAMBDA
from risk.stats.laws import binomial_quantile, normal_quantile
from risk.stats.series import alpha_of

LEVEL = 0.90
# As many independent days as an exponential average is worth: 32.
EFFECTIVE_DAYS = (1 + DAILY_LAMBDA) / (1 - DAILY_LAMBDA)
# Daily returns fall off with about the third power (Cont 2001): the standard error of a quantile in such a tail is a
# third of it over the square root of the days expected beyond it.
_TAIL_SHAPE = 1 / 3
_Z = normal_quantile(0.5 + LEVEL / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far below and above an estimate the truth may lie, both from 0 on, in the estimate's unit."""

    below: float
    above: float

    @classmethod
    def of(cls, estimate: float, interval: tuple[float, float]) -> Self:
        """Of an interval, which need not hold the estimate."""
        low, high = interval
        return cls(below=max(0.0, estimate - low), above=max(0.0, high - estimate))

    def also(self, other: "Spread") -> "Spread":
        """Together with what another, independent cause leaves open."""
        return Spread(below=math.hypot(self.below, other.below), above=math.hypot(self.above, other.above))

    def carried(self, one_day: float, several_days: float, days: int) -> "Spread":
        """To the same estimate over several days: as wide in proportion.

        By the root of time where the estimates are no losses, for then proportion means nothing.
        """
        factor = several_days / one_day if one_day > 0 and several_days > 0 else math.sqrt(days)
        return Spread(below=self.below * factor, above=self.above * factor)

    def around(self, estimate: float) -> tuple[float, float]:
        """(low, high)."""
        return estimate - self.below, estimate + self.above


def of_observations(pnl: FloatArray, confidence: float) -> Spread:
    """Of the empirical VaR, by order statistics.

    Where so few observations are expected beyond it that the truth may well lie beyond the worst of them, the sample
    has no upper end to give: there it is that of a tail of the third power.
    """
    var, alpha = tails.historical(pnl, confidence).var, alpha_of(confidence)
    known = Spread.of(var, tails.historical_interval(pnl, confidence, level=LEVEL))
    if binomial_quantile((1 - LEVEL) / 2, pnl.size, alpha) >= 1:
        return known
    beyond_sample = _Z * _TAIL_SHAPE / math.sqrt(pnl.size * alpha) * abs(var)
    return Spread(below=known.below, above=max(known.above, beyond_sample))


def of_drift(pnl: FloatArray, days: int) -> Spread:
    """What the mean of the sampled days leaves open: days drawn from the past bring its mean along, once a day."""
    half = _Z * float(pnl.std()) / math.sqrt(pnl.size) * days
    return Spread(below=half, above=half)


def of_volatility(var: float) -> Spread:
    """What today's volatility leaves open, as an average worth 32 days knows it: 1 / sqrt(2 n), relative.

    That is for normal surprises; fat tails leave more.

    GARCH counts as no better: its parameters come of all days, but where its variance stands now of the last ones.
    """
    half = _Z / math.sqrt(2 * EFFECTIVE_DAYS) * abs(var)
    return Spread(below=half, above=half)
