"""Which part of history is played: the last days, or those around the worst day a book could have had. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from venues.replay import BadRecording, Bars, PositionSide, ReplayBook

_A_DAY_S = 86_400
_BEFORE_S, _AFTER_S = 7 * _A_DAY_S, 4 * _A_DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What somebody asked for. ``days`` is None for the worst day of the book."""

    days: int | None


def cut(every: Sequence[Bars], book: ReplayBook, span: Span) -> list[Bars]:
    """The bars of a span, for each position in the order of the book. Raises: BadRecording where they share no time."""
    begin = max(int(bars.opened_s[0]) for bars in every)
    end = min(bars.end_s for bars in every)
    if end - begin < 2 * max(bars.length_s for bars in every):
        raise BadRecording("the histories of its markets have no time in common; import later bars")
    if span.days is not None:
        begin = max(begin, end - span.days * _A_DAY_S)
    else:
        worst = worst_day_s(every, book)
        begin, end = max(begin, worst - _BEFORE_S), min(end, worst + _AFTER_S)
    return [_within(bars, begin, end) for bars in every]


def worst_day_s(every: Sequence[Bars], book: ReplayBook) -> int:
    """When the day began, any 24 hours, in which the positions would have lost most. Raises: BadRecording."""
    common = reduce(np.intersect1d, [bars.opened_s for bars in every])
    closes = np.stack([bars.prices_usd[np.isin(bars.opened_s, common), -1] for bars in every])
    later = np.searchsorted(common, common + _A_DAY_S)
    known = np.flatnonzero((later < common.size) & (common[np.minimum(later, common.size - 1)] - common == _A_DAY_S))
    if not known.size:
        raise BadRecording("there is no whole day of history; import more bars")
    signs = np.array([1.0 if one.side is PositionSide.LONG else -1.0 for one in book.positions])
    weights = signs * np.array([one.leverage or 0.0 for one in book.positions])
    gains = weights @ (closes[:, later[known]] / closes[:, known] - 1.0)
    return int(common[known[int(np.argmin(gains))]])


def _within(bars: Bars, begin: int, end: int) -> Bars:
    kept = (bars.opened_s >= begin) & (bars.opened_s < end)
    if kept.sum() < 2:
        raise BadRecording(f"{bars.asset} has fewer than two bars in that time; ask for more days")
    opened_s = bars.opened_s[kept]
    last_s = int(opened_s[-1]) + bars.length_s
    return replace(
        bars,
        opened_s=opened_s,
        prices_usd=bars.prices_usd[kept],
        from_s=None,
        until_s=min(bars.end_s, end) if min(bars.end_s, end) > last_s else None,
    )
