"""The audit against the signer's journal, which another user keeps: an end that was cut off, or a part written anew."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path

from bot.signer.errors import Unfit
from bot.signer.journal import read_journal
from bot.signer.state import Signed
from bot.text.ages import day_and_moment
from bot.trading.signer_intents import memory_of
from storage import Audit, Epochs, Lives, Store


class JournalUnfit(Exception):
    """The journal cannot be read as one chain, so nothing can be compared with it. The text says what to do."""


class Misfit(Enum):
    """How a signature and the audit do not fit together."""

    FOREIGN = auto()
    CUT = auto()
    WRITTEN_ANEW = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """One signature, and how long the audit was when it was asked for.

    Attributes:
        row: Of the signer's journal.
        memory: What the database that asked is called; empty where that was not said.
        head: Seal of the audit's last row then; empty before the first.
    """

    row: int
    at: datetime
    what: str
    memory: str
    rows: int
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorVerdict:
    """What came of it.

    Attributes:
        compared: How many anchors were looked at.
        since: The first row of the journal that was.
        rows: Of the audit.
        misfits: What does not fit, oldest first.
        restored_at: When a backup took the place of the database last.
    """

    compared: int
    since: int = 0
    rows: int = 0
    misfits: tuple[tuple[Misfit, Anchored], ...] = ()
    restored_at: datetime | None = None

    @property
    def ok(self) -> bool:
        """What was compared with nothing proves nothing."""
        return self.compared > 0 and not self.misfits


async def compare(database: Path, journal: Path, *, since: int = 0) -> AnchorVerdict:
    """Changes nothing.

    Args:
        since: Signatures of earlier rows of the journal are left out.

    Raises: JournalUnfit, StorageError.
    """
    anchors = [one for one in await asyncio.to_thread(_anchors, journal) if one.row >= since]
    async with Store.looking(database) as store:
        audit = Audit(store)
        rows, _ = await audit.head()
        seals = await audit.seals({one.rows for one in anchors})
        memory, restored_at = await Epochs(store).memory_name(), await Lives(store).restored_at()
    judged = ((_misfit(one, memory, rows, seals.get(one.rows, "")), one) for one in anchors)
    misfits = tuple((kind, one) for kind, one in judged if kind is not None)
    return AnchorVerdict(compared=len(anchors), since=since, rows=rows, misfits=misfits, restored_at=restored_at)


def sentences_of(verdict: AnchorVerdict) -> tuple[str, ...]:
    """Everything that does not fit, with how to go on."""
    if not verdict.compared:
        since = f" since its row {verdict.since}" if verdict.since else ""
        return (f"The signer's journal names no row of the audit{since}: nothing was compared.",)
    if not verdict.misfits:
        return (f"The audit is the one that the signer saw: {_signatures(verdict.compared)} fit.",)
    said = [f"{len(verdict.misfits)} of {_signatures(verdict.compared)} do not fit the audit."]
    for kind in Misfit:
        found = [one for which, one in verdict.misfits if which is kind]
        if found:
            said.append(f"{_first(kind, found[0], verdict.rows)} {_signatures(len(found))} in all.")
    last = verdict.misfits[-1][1]
    if (restored := verdict.restored_at) is not None:
        before = last.at <= restored and all(kind is not Misfit.FOREIGN for kind, _ in verdict.misfits)
        then = (
            "all of these are from before, so this is what a backup lacks; the signer's journal alone knows of them"
            if before
            else "not all of these are explained by that"
        )
        said.append(f"A backup took the place of this database on {day_and_moment(restored)}: {then}.")
    said.append(f"Once that is explained, --since {last.row + 1} compares what came after.")
    return tuple(said)


def _signatures(count: int) -> str:
    return f"{count} signature{'s' if count != 1 else ''}"


def _anchors(folder: Path) -> Sequence[Anchored]:
    try:
        rows = list(read_journal(folder))
    except Unfit as exc:
        raise JournalUnfit(str(exc)) from exc
    except OSError as exc:
        raise JournalUnfit(
            f"the signer's journal in {folder} cannot be read: {exc.strerror}; run this as a user who may, or on a copy"
        ) from exc
    if not rows:
        raise JournalUnfit(f"there is no journal in {folder}; name the folder that the signer's file calls state")
    return [
        Anchored(
            row=row.number, at=datetime.fromtimestamp(row.at_s, UTC), what=f"order {found.leg.leg} of {reference}",
            memory=memory, rows=found.anchor.rows, head=found.anchor.head,
        )
        for row in rows
        if isinstance(found := row.event, Signed) and found.anchor is not None
        for memory, reference in (memory_of(found.leg.proposal),)
    ]  # fmt: skip


def _misfit(one: Anchored, memory: str, rows: int, seal: str) -> Misfit | None:
    if one.memory and one.memory != memory:
        return Misfit.FOREIGN
    if one.rows > rows:
        return Misfit.CUT
    return Misfit.WRITTEN_ANEW if one.rows and seal != one.head else None


def _first(kind: Misfit, one: Anchored, rows: int) -> str:
    match kind:
        case Misfit.FOREIGN:
            return (
                f"Another database asked for {one.what}, or this one was begun anew since: the signer knows that one "
                f"as {one.memory}."
            )
        case Misfit.CUT:
            return (
                f"The end of the audit is missing: it had {one.rows} rows when {one.what} was signed, and {rows} are "
                "left."
            )
        case Misfit.WRITTEN_ANEW:
            return (
                f"The audit was written anew: row {one.rows} is not the one that was there when {one.what} was signed."
            )
