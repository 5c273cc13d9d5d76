"""What a replay in a process of its own is asked, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.charts import Theme
from bot.replaying.span import Span
from risk.decisions.tiers import Tier, TierThresholds
from venues.replay import Bars, ReplayBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be played.

    Attributes:
        bars: As far as they are at hand, by asset; None to read them from ``folder``.
    """

    book: ReplayBook
    thresholds: TierThresholds
    span: Span
    theme: Theme
    name: str
    bars: Mapping[str, Bars] | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found; see ReplayReport.

    Attributes:
        book: What was played.
        missing: Assets of the question's book of which there are no bars.
    """

    book: ReplayBook
    missing: tuple[str, ...]
    title: str
    opened_at: datetime
    ended_at: datetime
    days: float
    prices: int
    first_at: dict[Tier, datetime]
    lead_s: dict[Tier, float | None]
    page_lead_s: float | None
    liquidated_at: datetime | None
    rung: int
    false: int
    false_per_30d: float
    messages: int
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why nothing can be said, as a sentence."""

    text: str
