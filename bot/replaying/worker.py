"""One replay in a process of its own, so that the bot's loop never waits for it: python -m bot.replaying.worker

A pickled Question on standard input, a pickled Answer or Refusal on standard output; both ends are this program.
"""

import asyncio
import os
import pickle
import sys
from pathlib import Path

from bot.logs import setup_logging
from bot.replay import play
from bot.replaying.question import Answer, Question, Refusal
from bot.replaying.report import WARNINGS, chart, title
from bot.replaying.span import cut
from bot.replaying.todays_book import without
from risk.errors import RiskError
from storage.errors import StorageError
from venues.errors import VenueError
from venues.replay import assets_in, read_bars, record

_NICENESS = 5


def answer(question: Question) -> Answer | Refusal:
    """Play it."""
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
    os.nice(_NICENESS)  # whoever watches accounts comes first
    setup_logging("ERROR")
    question = pickle.load(sys.stdin.buffer)  # noqa: S301  # from the process that started this one
    found = answer(question)
    sys.stdout.buffer.write(pickle.dumps(found))


if __name__ == "__main__":
    main()
