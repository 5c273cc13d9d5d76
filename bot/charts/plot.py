"""What equity and health charts share: the frame of a value over time on a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.charts.canvas import HEIGHT_PX, SMALLEST_TEXT_PX, WIDTH_PX, Sheet
from bot.charts.series import FloatArray, Series
from bot.charts.ticks import Tick, time_axis_title, time_ticks

MARGIN: Final = 44
TITLE_PX: Final = 58
SUBTITLE_PX: Final = 34
LABEL_PX: Final = 32
NOTE_PX: Final = SMALLEST_TEXT_PX
LABEL_GAP: Final = 14

_RIGHT: Final = 196  # room for the labels of values
_BOTTOM: Final = 152
_ALONE_S: Final = 300.0  # half the time axis around a single point
_MOST_POINTS: Final = 4 * WIDTH_PX  # before a line is thinned
_EDGE: Final = 0.025  # of the time axis, so that the newest point stands free


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where the plot lies on its sheet, and how values become pixels.

    Attributes:
        low: Value at the bottom edge, in the unit that is drawn.
        high: Value at the top edge.
    """

    left: float
    top: float
    right: float
    bottom: float
    start_s: float
    end_s: float
    low: float
    high: float

    def x(self, times_s: FloatArray | float) -> FloatArray:
        share = (np.asarray(times_s, dtype=np.float64) - self.start_s) / (self.end_s - self.start_s)
        return np.asarray(self.left + share * (self.right - self.left))

    def y(self, values: FloatArray | float) -> FloatArray:
        share = (np.asarray(values, dtype=np.float64) - self.low) / (self.high - self.low)
        return np.asarray(self.bottom - share * (self.bottom - self.top))


def framed(sheet: Sheet, series: Series, *, title: str, subtitle: str, low: float, high: float) -> Frame:
    """Writes the heading and the time axis, and returns the frame between them."""
    top = sheet.headline(title, left=MARGIN, top=MARGIN, width=WIDTH_PX - 2 * MARGIN, size=TITLE_PX)
    if subtitle:
        sheet.text(MARGIN, top + 26, subtitle, size=SUBTITLE_PX, colour=sheet.palette.dim, width=WIDTH_PX - 2 * MARGIN)
        top += 56
    start_s, end_s = float(series.times_s[0]), float(series.times_s[-1])
    if end_s > start_s:
        end_s += _EDGE * (end_s - start_s)
    else:
        start_s, end_s = start_s - _ALONE_S, end_s + _ALONE_S
    frame = Frame(
        left=MARGIN, top=top + 72, right=WIDTH_PX - _RIGHT, bottom=HEIGHT_PX - _BOTTOM,
        start_s=start_s, end_s=end_s, low=low, high=high,
    )  # fmt: skip
    _time_axis(sheet, frame)
    return frame


def _time_axis(sheet: Sheet, frame: Frame) -> None:
    palette = sheet.palette
    for tick in time_ticks(frame.start_s, frame.end_s):
        x = float(frame.x(tick.at))
        sheet.line([x, x], [frame.top, frame.bottom], colour=palette.faint, width=2, layer=1.5)
        half = sheet.width_of(tick.label, size=LABEL_PX) / 2
        middle = max(x, MARGIN / 2 + half)
        sheet.text(middle, frame.bottom + 36, tick.label, size=LABEL_PX, colour=palette.dim, ha="center")
    sheet.line([frame.left, frame.right], [frame.bottom] * 2, colour=palette.dim, width=2, layer=2.5)
    sheet.text(
        frame.left, frame.bottom + 96, time_axis_title(frame.start_s, frame.end_s), size=NOTE_PX, colour=palette.dim
    )


def unit_note(sheet: Sheet, frame: Frame, text: str) -> None:
    """The unit of the values, above their labels."""
    sheet.text(WIDTH_PX - MARGIN / 2, frame.top - 46, text, size=NOTE_PX, colour=sheet.palette.dim, ha="right")


def labels_beside(sheet: Sheet, frame: Frame, ticks: Sequence[Tick], y_taken: float) -> None:
    """Grid lines with their labels at the right edge; a label that would touch the one at ``y_taken`` is left out."""
    for tick in ticks:
        y = float(frame.y(tick.at))
        sheet.line([frame.left, frame.right], [y, y], colour=sheet.palette.faint, width=2, layer=1.5)
        if abs(y - y_taken) > 1.35 * LABEL_PX:
            colour = sheet.palette.ink if tick.strong else sheet.palette.dim
            sheet.text(
                frame.right + LABEL_GAP, y, tick.label, size=LABEL_PX, colour=colour,
                width=WIDTH_PX - frame.right - LABEL_GAP,
            )  # fmt: skip


def last_value(sheet: Sheet, series: Series, frame: Frame, y: float, texts: Sequence[str], *, fill: str) -> None:
    """The newest known value: a dot where it was, and at the edge the first of ``texts`` that fits."""
    room = WIDTH_PX - frame.right - 2 * LABEL_GAP
    text = next((text for text in texts if sheet.width_of(text, size=LABEL_PX, bold=True) <= room - 16), texts[-1])
    x = float(frame.x(series.times_s[series.last_at]))
    sheet.line([x, frame.right + LABEL_GAP], [y, y], colour=fill, width=3, dashes=(1.5, 2.5), layer=4)
    sheet.dot(x, y, size=26, fill=fill)
    sheet.pill(frame.right + 4, y, text, size=LABEL_PX, fill=fill)


def draw_gaps(sheet: Sheet, series: Series, frame: Frame, *, words_from: float = 0.0) -> None:
    """Hatches what is not known, and says so where there is room, right of ``words_from``."""
    half = sheet.width_of("no data", size=NOTE_PX) / 2 + 12
    for gap in series.gaps:
        left, right = float(frame.x(gap.start_s)), float(frame.x(gap.end_s))
        if gap.end_s == series.times_s[-1]:
            right = frame.right
        if right - left < 3:
            continue
        sheet.hatch(left, frame.top, right, frame.bottom, colour=sheet.palette.dim)
        left = max(left, words_from)
        if right - left > 2 * half + 16:
            middle, y = (left + right) / 2, frame.bottom - 40
            sheet.box(middle - half, y - 24, middle + half, y + 24, fill=sheet.palette.background, round_px=8, layer=4)
            sheet.text(middle, y, "no data", size=NOTE_PX, colour=sheet.palette.dim, ha="center")


def draw_series(
    sheet: Sheet, series: Series, frame: Frame, heights: FloatArray, *, colour: str, filled: bool, halo: bool = False
) -> None:
    """The line, run by run; a value that stands alone between gaps is a dot.

    Args:
        heights: What is drawn for every value, within the frame.
    """
    xs, ys = frame.x(series.times_s), frame.y(heights)
    alone = [first for first, last in series.runs if last - first == 1]
    sheet.dots(xs[alone].tolist(), ys[alone].tolist(), size=18, fill=colour, layer=4)
    for first, last in series.runs:
        if last - first == 1:
            continue
        run_x, run_y = _thinned(xs[first:last], ys[first:last])
        if filled:
            sheet.area(run_x, run_y, frame.bottom, fill=colour, alpha=0.16)
        if halo:
            sheet.line(run_x, run_y, colour=sheet.palette.background, width=11, layer=3, alpha=0.7)
        sheet.line(run_x, run_y, colour=colour, width=5, layer=3.5)


def _thinned(xs: FloatArray, ys: FloatArray) -> tuple[list[float], list[float]]:
    """The same line with at most two points a pixel column, its extremes: a year of minutes draws like a day."""
    if xs.size > _MOST_POINTS:
        columns = np.concatenate([[0], np.flatnonzero(np.diff(np.floor(xs))) + 1])
        tops, bottoms = np.minimum.reduceat(ys, columns), np.maximum.reduceat(ys, columns)
        ys = np.append(np.column_stack([tops, bottoms]).ravel(), ys[-1])
        xs = np.append(np.repeat(xs[columns], 2), xs[-1])
    return [float(x) for x in xs], [float(y) for y in ys]
