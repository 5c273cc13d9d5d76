"""Equity over time."""

from typing import Final

import numpy as np

from bot.charts.canvas import WIDTH_PX, Sheet
from bot.charts.palette import Palette
from bot.charts.plot import (
    LABEL_PX,
    MARGIN,
    NOTE_PX,
    Frame,
    draw_gaps,
    draw_series,
    framed,
    labels_beside,
    last_value,
    unit_note,
)
from bot.charts.series import FloatArray, Series, finite_range
from bot.charts.ticks import Tick, nice_step, usd_labels, value_ticks
from bot.charts.titles import equity_sentence
from bot.text.clean import name
from bot.text.numbers import usd
from bot.text.provenance import SEPARATOR
from risk.decisions.tiers import Tier

_AIR: Final = 0.08  # of the range, above and below
_LEAST_RANGE_FRAC: Final = 0.004  # of the value: cents of noise are no mountains
_LEAST_RANGE_USD: Final = 1.0
_MOST_MARKS: Final = 6
_MOST_FLOWS: Final = 40  # more marks than that hide the line


def equity_sheet(series: Series, *, account: str, net_deposits_usd: FloatArray | None, palette: Palette) -> Sheet:
    """Draws equity; arguments as of ``bot.charts.equity_chart``."""
    sheet = Sheet(palette)
    low, high = _range(series.values)
    frame = framed(
        sheet, series, title=equity_sentence(series, net_deposits_usd), subtitle=_subtitle(series, account),
        low=low, high=high,
    )  # fmt: skip
    step = nice_step((high - low) / _MOST_MARKS)
    marks = value_ticks(low, high, step=step)
    labels = usd_labels(marks, step=step)
    unit_note(sheet, frame, "equity in USD")
    y_last = float(frame.y(series.last))
    labels_beside(sheet, frame, [Tick(at, label) for at, label in zip(marks, labels, strict=True)], y_last)
    if low < 0:
        _below_zero(sheet, frame)
    draw_gaps(sheet, series, frame)
    draw_series(sheet, series, frame, series.values, colour=palette.line, filled=True)
    if net_deposits_usd is not None:
        _flows(sheet, series, frame, net_deposits_usd)
    last_value(
        sheet, series, frame, y_last, (usd(series.last), *usd_labels([series.last], step=step / 10)), fill=palette.line
    )
    return sheet


def _subtitle(series: Series, account: str) -> str:
    low, high = finite_range(series.values)
    span = () if low == high else (f"high {usd(high)}", f"low {usd(low)}")
    return SEPARATOR.join(part for part in (name(account, fallback=""), *span) if part)


def _range(values: FloatArray) -> tuple[float, float]:
    low, high = finite_range(values)
    least = max(_LEAST_RANGE_USD, _LEAST_RANGE_FRAC * max(abs(low), abs(high)))
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    air = _AIR * (high - low)
    return (0.0 if 0 <= low < air else low - air), high + air


def _below_zero(sheet: Sheet, frame: Frame) -> None:
    zero, danger = max(float(frame.y(0.0)), frame.top), sheet.palette.tiers[Tier.CRITICAL]
    sheet.box(frame.left, zero, frame.right, frame.bottom, fill=danger, alpha=0.14)
    sheet.line([frame.left, frame.right], [zero, zero], colour=danger, width=4, layer=2.6)


def _flows(sheet: Sheet, series: Series, frame: Frame, net_deposits_usd: FloatArray) -> None:
    moved = np.diff(net_deposits_usd)
    at = [int(index) for index in np.flatnonzero(np.abs(moved) > 0) if not np.isnan(series.values[index + 1])]
    if not at or len(at) > _MOST_FLOWS:
        return
    for index in at:
        x, y = float(frame.x(series.times_s[index + 1])), float(frame.y(series.values[index + 1]))
        sheet.dot(x, y, size=30, fill=sheet.palette.ink, marker="^" if moved[index] > 0 else "v")
    sheet.text(
        WIDTH_PX - MARGIN / 2, frame.bottom + 96, "▲ deposit  ▼ withdrawal", size=NOTE_PX, ha="right",
        colour=sheet.palette.dim, width=LABEL_PX * 14,
    )  # fmt: skip
