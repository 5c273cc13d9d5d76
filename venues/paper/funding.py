"""Funding: once an hour longs pay shorts, or shorts pay longs, in proportion to the premium of the mark."""

from dataclasses import dataclass

PERIOD_S = 3_600
PERIODS_PER_DAY = 24
MAX_PREMIUM_FRAC = 0.03  # beyond this the premium counts no further, as at the venue for its best markets


@dataclass(slots=True, kw_only=True)
class FundingState:
    """Funding of one market.

    Attributes:
        index_1e9: Funding a long of one base unit has paid since the start, USD in 1e-9.
        last_rate_1e9: The last hour's part of it.
        fixed_hourly_frac: Rate as a fraction of the oracle price; None derives it from the premium.
    """

    index_1e9: int = 0
    last_rate_1e9: int = 0
    fixed_hourly_frac: float | None = None

    def accrue(self, price_1e6: int, premium_frac: float) -> None:
        """One hour passes."""
        rate_frac = self.fixed_hourly_frac
        if rate_frac is None:
            rate_frac = hourly_rate_frac(premium_frac)
        self.last_rate_1e9 = round(rate_frac * price_1e6 * 1_000)
        self.index_1e9 += self.last_rate_1e9


def hourly_rate_frac(premium_frac: float) -> float:
    """An hour's funding for a mark that stands ``premium_frac`` above the oracle: the premium is paid within a day.

    >>> hourly_rate_frac(0.0024)
    0.0001
    """
    return max(-MAX_PREMIUM_FRAC, min(MAX_PREMIUM_FRAC, premium_frac)) / PERIODS_PER_DAY
