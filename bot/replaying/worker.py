"""One replay in a process of its own, so that the bot's loop never waits for it: python -m bot.replaying.worker

A pickled Question on standard input, a pickled Answer or Refusal on standard output; both ends are this program.
"""

import asyncio
import os
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.charts import Theme
from bot.replaying.span import Span
from risk.decisions.tiers import Tier, TierThresholds
from risk.errors import RiskError
from storage.errors import StorageError
from venues.errors import VenueError
from venues.replay import Bars, ReplayBook

_NICENESS = 10


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


def answer(question: Question) -> Answer | Refusal:
    """Play it."""
    # Here, because the process that asks needs the names above only.
    from bot.replay import play
    from bot.replaying.report import WARNINGS, chart, title
    from bot.replaying.span import cut
    from bot.replaying.todays_book import without
    from venues.replay import assets_in, read_bars, record

    folder, wanted = question.folder or Path(), frozenset(one.asset for one in question.book.positions)
    try:
        known = assets_in(folder) if question.bars is None else frozenset(question.bars)
        book = without(question.book, wanted - known)
        if book is None:
            return Refusal(text=f"there are no bars of {', '.join(sorted(wanted))}")
        every = [
            read_bars(folder, one.asset) if question.bars is None else question.bars[one.asset]
            for one in book.positions
        ]
        report = asyncio.run(play(record(book, cut(every, book, question.span)), question.thresholds))
    except (VenueError, RiskError, StorageError) as exc:
        return Refusal(text=str(exc))
    return Answer(
        book=book,
        missing=tuple(sorted(wanted - known)),
        title=title(report),
        opened_at=report.recording.at(0),
        ended_at=report.recording.at(report.played - 1),
        days=report.days,
        prices=report.played,
        first_at=dict(report.first_at),
        lead_s={tier: report.lead_s(tier) for tier in WARNINGS},
        page_lead_s=report.page_lead_s,
        liquidated_at=report.liquidated_at,
        rung=report.alarms.rung,
        false=report.alarms.false,
        false_per_30d=report.false_alarms_per_30d,
        messages=report.messages,
        png=chart(report, theme=question.theme, name=question.name),
    )


def main() -> None:
    from bot.logs import setup_logging

    os.nice(_NICENESS)  # whoever watches accounts comes first
    setup_logging("ERROR")
    question = pickle.load(sys.stdin.buffer)  # noqa: S301  # from the process that started this one
    found = answer(question)
    sys.stdout.buffer.write(pickle.dumps(found))


if __name__ == "__main__":
    main()
