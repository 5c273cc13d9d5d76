"""What a day may bring: a histogram of profit and loss, with the loss that is named in the title marked."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from bot.charts.canvas import HEIGHT_PX, WIDTH_PX, Sheet
from bot.charts.heading import headed
from bot.charts.palette import Palette
from bot.charts.plot import LABEL_PX, MARGIN, NOTE_PX
from bot.charts.series import FloatArray
from bot.charts.ticks import nice_step, usd_labels, value_ticks
from bot.text.numbers import Rounding, usd
from risk.decisions.tiers import Tier

_BINS: Final = 48
_OUTLIERS: Final = (0.002, 0.998)  # of the axis: a few wild paths would squeeze the rest into one bar
_FOOT_PX: Final = 150
_MOST_MARKS: Final = 6
_MARK_PX: Final = 96


def distribution_sheet(
    pnl_usd: FloatArray, *, var_usd: float, es_usd: float, title: str, subtitle: str, unit: str, palette: Palette
) -> Sheet:
    """Draws bars; those beyond the VaR stand out. Values beyond the axis are counted in its last bars."""
    sheet = Sheet(palette)
    top = headed(sheet, title, subtitle) + 2 * _MARK_PX
    bottom, left, right = HEIGHT_PX - _FOOT_PX, MARGIN, WIDTH_PX - MARGIN
    low, high = _range(pnl_usd, var_usd, es_usd)
    edges = np.linspace(low, high, _BINS + 1)
    counts, _ = np.histogram(np.clip(pnl_usd, low, high), edges)
    tallest = max(int(counts.max()), 1)

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    for count, start, end in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            beyond = (start + end) / 2 < -var_usd
            height = max(4.0, count / tallest * (bottom - top))
            fill = palette.tiers[Tier.CRITICAL] if beyond else palette.line
            sheet.box(x(start) + 1.5, bottom - height, x(end) - 1.5, bottom, fill=fill, layer=2)
    sheet.line([left, right], [bottom, bottom], colour=palette.dim, width=2, layer=2.5)
    _axis(sheet, low, high, x, bottom)
    sheet.text(left, bottom + 104, unit, size=NOTE_PX, colour=palette.dim, width=right - left)
    # Losses are rounded up, as in the answer.
    shown_var, shown_es = (usd(loss, rounding=Rounding.UP) for loss in (var_usd, es_usd))
    for at, label, row in ((-var_usd, f"VaR {shown_var}", 0), (-es_usd, f"mean beyond {shown_es}", 1)):
        if low <= at <= high:
            _mark(sheet, x(at), label, top=top - (2 - row) * _MARK_PX + 20, bottom=bottom)
    return sheet


def _range(pnl_usd: FloatArray, var_usd: float, es_usd: float) -> tuple[float, float]:
    low, high = (float(edge) for edge in np.quantile(pnl_usd, _OUTLIERS))
    low, high = min(low, -1.15 * es_usd, -1.15 * var_usd), max(high, 0.0)
    if not high > low:
        low, high = low - 1.0, high + 1.0
    air = 0.03 * (high - low)
    return low - air, high + air


def _axis(sheet: Sheet, low: float, high: float, x: Callable[[float], float], bottom: float) -> None:
    step = nice_step((high - low) / _MOST_MARKS)
    marks = value_ticks(low, high, step=step)
    free_from = 0.0
    for mark, label in zip(marks, usd_labels(marks, step=step), strict=True):
        at = x(mark)
        half = sheet.width_of(label, size=LABEL_PX) / 2
        middle = min(max(at, MARGIN / 2 + half), WIDTH_PX - MARGIN / 2 - half)
        sheet.line([at, at], [bottom, bottom + 10], colour=sheet.palette.dim, width=2)
        if middle - half < free_from:
            continue  # at the edge a long label has no room beside its neighbour; its mark says enough
        sheet.text(middle, bottom + 42, label, size=LABEL_PX, colour=sheet.palette.dim, ha="center")
        free_from = middle + half + LABEL_PX / 4


def _mark(sheet: Sheet, at: float, label: str, *, top: float, bottom: float) -> None:
    fill = sheet.palette.tiers[Tier.CRITICAL]
    sheet.line([at, at], [top, bottom], colour=fill, width=4, dashes=(2.0, 2.0), layer=4)
    width = sheet.width_of(label, size=LABEL_PX, bold=True) + LABEL_PX
    left = at + 6 if at + 6 + width < WIDTH_PX - MARGIN / 2 else at - 6 - width
    sheet.pill(max(MARGIN / 2, left), top, label, size=LABEL_PX, fill=fill)


def drawable(pnl_usd: FloatArray) -> bool:
    """Whether there is a distribution to show."""
    return pnl_usd.size >= 2 and bool(np.isfinite(pnl_usd).all()) and not math.isclose(pnl_usd.min(), pnl_usd.max())
