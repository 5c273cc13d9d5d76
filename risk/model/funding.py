"""What holding a perp has cost, hour by hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRate:
    """What one hour cost.

    Attributes:
        hourly_frac: Paid by longs as a fraction of the notional; < 0 received.
        oracle_usd: Average price of the oracle in that hour; None where the source does not say.
    """

    at: datetime
    hourly_frac: float
    oracle_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingHistory:
    """Rates of one market, oldest first, one a moment; empty for a market without history.

    Attributes:
        sources: Where they came from, each once.
    """

    market: str
    rates: tuple[FundingRate, ...] = ()
    sources: tuple[str, ...] = ()

    def since(self, moment: datetime) -> "FundingHistory":
        """Those of a moment and later."""
        kept = tuple(rate for rate in self.rates if rate.at >= moment)
        return FundingHistory(market=self.market, rates=kept, sources=self.sources)

    def daily_frac(self, span: timedelta) -> float | None:
        """What a day of the newest ``span`` cost a long on average; None without a rate in it."""
        if not self.rates:
            return None
        newest = self.since(self.rates[-1].at - span).rates
        return 24.0 * fmean(rate.hourly_frac for rate in newest)
