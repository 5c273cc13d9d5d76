"""What may grow and must not: memory, tables, queues, tasks; and errors that nobody expected."""

import asyncio
import ctypes
import gc
import io
import itertools
import json
import re
import resource
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.soak.ledger import Ledger
from storage import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

_PER_LOOKS = 100_000
_LEAST_LOOKS = 20_000
_WARM_FRAC = 0.4  # of the looks, in which caches fill
_MOST_TASKS = 250
_MOST_WAITING = 300
_MOST_ROWS = 60_000
_MOST_BARS = 120_000  # of all markets and intervals, from the past that the venue has
_MOST_LOG_MIB = 64.0

# What a broken disk or a venue that does not answer is told as; anything else is a defect.
_EXPECTED = {
    "memory": ("DatabaseLocked", "DiskFull", "DatabaseUnavailable", "StoreClosed", "BackupUnverified"),
    "venue": ("VenueUnavailable", "VenueRejected", "OutcomeUnknown", "CannotAssess"),
    "process": ("StoreClosed",),
}
_LAST_LINE = re.compile(r"^(?:[\w.]+\.)?(?P<error>[A-Z]\w+)(?::|$)")


@dataclass(slots=True, kw_only=True)
class Sample:
    at_s: float
    looks: int
    resident_mib: float
    objects: int


@dataclass(slots=True, kw_only=True)
class Vitals:
    """Samples, and the most of everything.

    Attributes:
        most: By name, such as "tasks" or "rows of outbox".
        errors: By event of the log, how often; those of faults that were on included.
    """

    ledger: Ledger
    samples: list[Sample] = field(default_factory=list)
    most: dict[str, float] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)

    def tasks(self, count: int) -> None:
        self._note("tasks of the bot", count, _MOST_TASKS)

    async def queues(self, store: Store, database: Path) -> None:
        """Of the database, through a connection that only reads."""
        waiting = await store.run(
            lambda db: db.execute("SELECT count(*) FROM outbox WHERE state IN ('pending', 'leased')").fetchone()[0]
        )
        self._note("alerts that wait", waiting, _MOST_WAITING)
        log = database.with_name(database.name + "-wal")
        self._note("MiB of the write-ahead log", log.stat().st_size / 2**20 if log.exists() else 0.0, _MOST_LOG_MIB)

    async def tables(self, store: Store) -> None:
        names = await store.run(lambda db: list(db.table_names()))
        for name in names:
            count = await store.run(partial(_rows, name))
            self._note(f"rows of {name}", count, _MOST_BARS if name == "candles" else _MOST_ROWS)

    def memory(self, looks: int) -> None:
        gc.collect()
        _trim()
        self.samples.append(
            Sample(at_s=self.ledger.now_s(), looks=looks, resident_mib=_resident_mib(), objects=len(gc.get_objects()))
        )

    @property
    def slope_mib(self) -> float:
        """Of 100,000 looks, once caches are full: the median of all pairs, which one jump does not move. NaN for a run
        that is too short to say."""
        if not self.samples or self.samples[-1].looks < _LEAST_LOOKS:
            return float("nan")
        warm = [one for one in self.samples if one.looks >= _WARM_FRAC * self.samples[-1].looks]
        slopes = [
            (b.resident_mib - a.resident_mib) / (b.looks - a.looks)
            for i, a in enumerate(warm)
            for b in warm[i + 1 :]
            if b.looks > a.looks
        ]
        return float(np.median(slopes)) * _PER_LOOKS if slopes else float("nan")

    def unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler."""
        del loop
        self.errors["unhandled in the loop"] += 1
        error = context.get("exception")
        self.ledger.wrong(f"nobody handled {context.get('message')}: {error!r}")

    def logged(self, line: str) -> None:
        """A line of the bot's log."""
        told = json.loads(line)
        if told.get("level") not in ("error", "critical"):
            return
        event = str(told.get("event", ""))
        self.errors[event] += 1
        trace = str(told.get("exception") or "")
        if not trace:
            return
        errors = _errors(trace)
        for group, names in _EXPECTED.items():
            if not self.ledger.quiet(group, 60.0):
                errors -= set(names)
        if errors:
            what = ", ".join(sorted(errors))
            self.ledger.wrong(f"{event}: {what} that no fault explains; {_where(trace)}")

    def _note(self, what: str, value: float, most: float) -> None:
        before = self.most.get(what, -1.0)
        if value > before:
            self.most[what] = value
            if before <= most < value:
                self.ledger.wrong(f"{value:,.0f} {what}, more than {most:,.0f}")


class Log(io.StringIO):
    """Where the bot's log goes: every line is looked at, and none is kept unless a file is named."""

    def __init__(self, vitals: Vitals, file: Path | None = None) -> None:
        super().__init__()
        self._vitals, self._file = vitals, file.open("w", encoding="utf-8") if file is not None else None

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if line.startswith("{"):
                self._vitals.logged(line)
        if self._file is not None:
            self._file.write(text)
        return len(text)


def _errors(trace: str) -> set[str]:
    """What a traceback ends with; every end of a group of them."""
    lines = [line.lstrip(" |") for line in trace.splitlines()] + ["+-"]
    ends = [line for line, after in itertools.pairwise(lines) if after.startswith("+-")]
    found = {match["error"] for line in ends if (match := _LAST_LINE.match(line))}
    return (found - {"ExceptionGroup", "BaseExceptionGroup"}) or {"an error"}


def _where(trace: str) -> str:
    """The last line of ours in a traceback."""
    ours = [line.strip() for line in trace.splitlines() if "File " in line and "site-packages" not in line]
    return ours[-1] if ours else ""


def _rows(name: str, db: "Database") -> int:
    return int(db.table(name).count)


def _trim() -> None:
    """What the allocator of the C library holds for later belongs to nobody. Other libraries have no such function."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20
