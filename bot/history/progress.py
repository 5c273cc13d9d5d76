"""How much history there is, as it is told. Pure."""

from dataclasses import dataclass
from datetime import datetime

from bot.text.ages import age
from bot.text.numbers import count
from risk.model.candles import Interval

ENOUGH_DAYS = 500  # what a back-test takes, and GARCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How much history of an asset is at hand.

    Attributes:
        missing: Bars between the first and the last that are not there.
        age_s: Since the last bar closed; None without one.
        error: Why the source gave none lately; empty where it did, or where there is no source.
    """

    asset: str
    interval: Interval
    bars: int
    missing: int
    last_close: datetime | None
    sources: tuple[str, ...]
    age_s: float | None = None
    error: str = ""

    @property
    def enough(self) -> int:
        return ENOUGH_DAYS if self.interval is Interval.DAY else ENOUGH_DAYS * 24

    @property
    def stale(self) -> bool:
        """Whether the bars of two spans or more are missing at the end."""
        return self.age_s is not None and self.age_s >= 2 * self.interval.span.total_seconds() + 3_600

    @property
    def sentence(self) -> str:
        """As it stands in an answer, such as ``history of SOL: 212 of 500 days``."""
        unit = "days" if self.interval is Interval.DAY else "hours"
        of = f" of {count(self.enough)}" if self.bars < self.enough else ""
        holes = f", {count(self.missing)} missing in between" if self.missing else ""
        old = f", the last one closed {age(self.age_s)} ago" if self.stale and self.age_s is not None else ""
        why = f" ({self.error})" if self.error else ""
        return f"history of {self.asset}: {count(self.bars)}{of} {unit}{holes}{old}{why}"
