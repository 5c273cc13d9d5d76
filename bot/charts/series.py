"""A recorded measure over time, with its gaps. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bot.charts.errors import NotEnoughPoints

FloatArray = NDArray[np.float64]

_GAP_STEPS: Final = 5  # a pause this much longer than the steps around it is a gap
_NEIGHBOURS: Final = 5
_LONELY_GAP_S: Final = 300.0  # how old a single point may be before it no longer stands for now


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch without data, Unix seconds."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values by time, oldest first, at least one of them known.

    Attributes:
        times_s: Unix seconds, rising.
        values: NaN where nothing is known; may be infinite.
        runs: Stretches of known values without a gap inside, as (first, last + 1).
        gaps: Stretches between, before and after them.
    """

    times_s: FloatArray
    values: FloatArray
    runs: tuple[tuple[int, int], ...]
    gaps: tuple[Gap, ...]

    @property
    def known(self) -> FloatArray:
        return self.values[~np.isnan(self.values)]

    @property
    def first(self) -> float:
        return float(self.values[self.runs[0][0]])

    @property
    def last(self) -> float:
        return float(self.values[self.last_at])

    @property
    def last_at(self) -> int:
        """Index of the newest known value."""
        return self.runs[-1][1] - 1

    @property
    def known_span_s(self) -> float:
        """From the first known value to the last."""
        return float(self.times_s[self.last_at] - self.times_s[self.runs[0][0]])

    @property
    def unknown_for_s(self) -> float:
        """How long nothing has been known at the end; 0 where the newest value stands."""
        last = self.runs[-1][1]
        return float(self.times_s[-1] - self.times_s[last - 1]) if last < self.times_s.size else 0.0


def series_of(
    times: Sequence[datetime],
    values: ArrayLike,
    *,
    what: str,
    now: datetime | None = None,
    gap_s: float | None = None,
) -> Series:
    """Values in order of time, split at gaps.

    Args:
        times: Aware; equal moments keep their order.
        values: One a time; NaN is a gap.
        what: Names the measure in errors, such as "equity".
        now: Where the time axis ends; None ends it at the newest value.
        gap_s: A longer pause is a gap; None takes five times the usual step of the neighbourhood, so that history
            thinned out with age is no gap.

    Raises: NotEnoughPoints when nothing is known; ValueError for lengths that differ or naive times.
    """
    measured = np.asarray(values, dtype=np.float64)
    if measured.ndim != 1 or measured.size != len(times):
        raise ValueError(f"{what}: {len(times)} times and values of shape {measured.shape} do not belong together")
    if any(at.tzinfo is None for at in times):
        raise ValueError(f"{what}: times without a zone cannot be placed; pass aware datetimes")
    if np.isnan(measured).all():
        raise NotEnoughPoints(f"No {what} has been recorded yet; ask again after the next check.")
    moments = np.array([at.timestamp() for at in times])
    order = np.argsort(moments, kind="stable")
    moments, measured = moments[order], measured[order]
    breaks = _breaks(moments, gap_s)
    if now is not None and now.timestamp() - moments[-1] > _usual_gap(moments, gap_s):
        moments = np.append(moments, now.timestamp())
        measured = np.append(measured, np.nan)
        breaks = np.append(breaks, True)
    runs = _runs(measured, breaks)
    return Series(times_s=moments, values=measured, runs=runs, gaps=_gaps(moments, runs))


def _breaks(times_s: FloatArray, gap_s: float | None) -> NDArray[np.bool_]:
    """Whether a gap lies between each time and the next."""
    steps = np.diff(times_s)
    if gap_s is not None:
        return np.asarray(steps > gap_s)
    if not steps.size:
        return np.zeros(0, dtype=np.bool_)
    padded = np.pad(steps, _NEIGHBOURS, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1)
    return np.asarray(steps > _GAP_STEPS * np.nanmedian(around, axis=1))


def _usual_gap(times_s: FloatArray, gap_s: float | None) -> float:
    if gap_s is not None:
        return gap_s
    newest = np.diff(times_s[-2 * _NEIGHBOURS :])
    return _GAP_STEPS * float(np.median(newest)) if newest.size else _LONELY_GAP_S


def _runs(values: FloatArray, breaks: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    known = ~np.isnan(values)
    starts = known.copy()
    starts[1:] &= ~known[:-1] | breaks
    ends = known.copy()
    ends[:-1] &= ~known[1:] | breaks
    return tuple(
        (int(first), int(last) + 1) for first, last in zip(np.flatnonzero(starts), np.flatnonzero(ends), strict=True)
    )


def _gaps(times_s: FloatArray, runs: tuple[tuple[int, int], ...]) -> tuple[Gap, ...]:
    edges = [0, *(edge for first, last in runs for edge in (first, last - 1)), times_s.size - 1]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(
        Gap(start_s=float(times_s[start]), end_s=float(times_s[end]))
        for start, end in pairs
        if times_s[end] > times_s[start]
    )


def moment_of(time_s: float) -> datetime:
    return datetime.fromtimestamp(time_s, UTC)


def finite_range(values: FloatArray) -> tuple[float, float]:
    """Least and greatest finite value; (NaN, NaN) where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (math.nan, math.nan)
