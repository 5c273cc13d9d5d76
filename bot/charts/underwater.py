"""How far below its high something was, over time; the surface is at the top, and deeper is worse."""

import numpy as np

from bot.charts.canvas import Sheet
from bot.charts.palette import Palette
from bot.charts.plot import draw_gaps, draw_series, framed, labels_beside, last_value, unit_note
from bot.charts.series import Series
from bot.charts.ticks import Tick, nice_step, value_ticks
from bot.text.clean import name
from bot.text.numbers import percent_of_fraction
from risk.decisions.tiers import Tier

_LEAST_DEPTH_FRAC = 0.01
_MOST_MARKS = 6


def underwater_sheet(series: Series, *, title: str, account: str, palette: Palette) -> Sheet:
    """Draws depths: values are zero or negative fractions."""
    sheet = Sheet(palette)
    deepest = min(float(np.nanmin(series.values)), -_LEAST_DEPTH_FRAC)
    low = 1.1 * deepest
    frame = framed(sheet, series, title=title, subtitle=name(account, fallback=""), low=low, high=0.0)
    step = nice_step(-low / _MOST_MARKS)
    decimals = 0 if step >= 0.01 else 1
    marks = [Tick(at, percent_of_fraction(at, decimals=decimals)) for at in value_ticks(low, 0.0, step=step)]
    unit_note(sheet, frame, "below the high")
    y_last = float(frame.y(series.last))
    labels_beside(sheet, frame, marks, y_last)
    draw_gaps(sheet, series, frame)
    fill = palette.tiers[Tier.HIGH]
    xs, ys = frame.x(series.times_s).tolist(), frame.y(series.values).tolist()
    for first, end in series.runs:
        if end - first > 1:
            sheet.area(xs[first:end], ys[first:end], frame.top, fill=fill, alpha=0.25)
    draw_series(sheet, series, frame, series.values, colour=fill, filled=False)
    last_value(sheet, series, frame, y_last, (percent_of_fraction(series.last),), fill=fill)
    return sheet
