"""Which bars are missing, and when it is worth asking for them again."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from risk.stats.series import TimeArray

_FIRST_WAIT = timedelta(minutes=1)
_DOUBLINGS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch [since, until) of whole bars of which none is there."""

    since: datetime
    until: datetime

    def parts(self, longest: timedelta) -> Iterator["Window"]:
        """The same in pieces, newest first."""
        until = self.until
        while until > self.since:
            since = max(self.since, until - longest)
            yield Window(since=since, until=until)
            until = since


def missing_windows(at: TimeArray, *, begin: datetime, end: datetime, span: timedelta) -> tuple[Window, ...]:
    """Stretches within [begin, end) without bars, newest first. Bounds are taken to whole bars, inwards.

    Args:
        at: Openings of the bars there are, rising.
    """
    step = int(span.total_seconds())
    first, last = -(-int(begin.timestamp()) // step), int(end.timestamp()) // step
    there = at.astype("datetime64[s]").astype(np.int64) // step
    there = there[(there >= first) & (there < last)]
    edges = np.concatenate([[first - 1], there, [last]])
    return tuple(
        Window(since=_moment((int(before) + 1) * step), until=_moment(int(after) * step))
        for before, after in zip(edges[-2::-1], edges[:0:-1], strict=True)
        if after - before > 1
    )


class Backoff:
    """What was asked in vain is asked again later and later, and at last every so often."""

    def __init__(self, longest: timedelta) -> None:
        self._longest = longest
        self._asked: dict[Hashable, tuple[int, datetime]] = {}

    def early(self, question: Hashable, now: datetime) -> bool:
        """Whether it was asked in vain a moment ago."""
        return question in self._asked and now < self._asked[question][1]

    def in_vain(self, question: Hashable, now: datetime) -> None:
        count = self._asked.get(question, (0, now))[0]
        self._asked[question] = count + 1, now + min(_FIRST_WAIT * 2 ** min(count, _DOUBLINGS), self._longest)

    def answered(self, question: Hashable) -> None:
        self._asked.pop(question, None)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
