"""The audit against the signer's journal, which another user keeps: an end that was cut off, or a part written anew."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.signer.errors import Unfit
from bot.signer.journal import read_journal
from bot.signer.state import Signed
from storage import Audit, Store


class JournalUnfit(Exception):
    """The journal cannot be read as one chain, so nothing can be compared with it. The text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """One signature, and how long the audit was when it was asked for.

    Attributes:
        head: Seal of the audit's last row then; empty before the first.
    """

    what: str
    rows: int
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorVerdict:
    """What came of it.

    Attributes:
        compared: How many anchors were looked at.
        problem: What does not fit, a sentence; empty where everything does.
    """

    compared: int
    problem: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem


async def compare(database: Path, journal: Path) -> AnchorVerdict:
    """Changes nothing. Raises: JournalUnfit, StorageError."""
    anchors = await asyncio.to_thread(_anchors, journal)
    async with Store.looking(database) as store:
        audit = Audit(store)
        rows, _ = await audit.head()
        seals = await audit.seals({one.rows for one in anchors})
    problem = next(filter(None, (_problem(one, rows, seals.get(one.rows, "")) for one in anchors)), "")
    return AnchorVerdict(compared=len(anchors), problem=problem)


def sentence_of(verdict: AnchorVerdict) -> str:
    if verdict.problem:
        return verdict.problem
    if not verdict.compared:
        return "The signer's journal names no row of the audit: nothing was compared."
    count = f"{verdict.compared} signature{'s' if verdict.compared != 1 else ''}"
    return f"The audit is the one that the signer saw: {count} fit."


def _anchors(folder: Path) -> Sequence[Anchored]:
    try:
        found = [row.event for row in read_journal(folder) if isinstance(row.event, Signed)]
    except Unfit as exc:
        raise JournalUnfit(str(exc)) from exc
    except OSError as exc:
        raise JournalUnfit(
            f"the signer's journal in {folder} cannot be read: {exc.strerror}; run this as a user who may, or on a copy"
        ) from exc
    return [
        Anchored(what=f"order {one.leg.leg} of {one.leg.proposal}", rows=one.anchor.rows, head=one.anchor.head)
        for one in found
        if one.anchor is not None
    ]


def _problem(one: Anchored, rows: int, seal: str) -> str:
    if one.rows > rows:
        return (
            f"The end of the audit is missing: it had {one.rows} rows when {one.what} was signed, and {rows} are left."
        )
    if one.rows and seal != one.head:
        return f"The audit was written anew: row {one.rows} is not the one that was there when {one.what} was signed."
    return ""
