"""How the margin of an account may develop: bands of simulated paths by hour, liquidation at the bottom."""

from typing import Final

import numpy as np

from bot.charts.canvas import HEIGHT_PX, WIDTH_PX, Sheet
from bot.charts.heading import headed
from bot.charts.palette import Palette
from bot.charts.plot import LABEL_PX, MARGIN, NOTE_PX
from bot.charts.series import FloatArray
from bot.charts.ticks import nice_step, value_ticks
from bot.text.numbers import percent_of_fraction
from risk.decisions.tiers import Tier

_FOOT_PX: Final = 160
_RIGHT_PX: Final = 160
_HOURS: Final = ((1.0, "1 h"), (24.0, "1 d"), (72.0, "3 d"), (168.0, "7 d"))


def fan_sheet(hours: FloatArray, quantiles: FloatArray, *, title: str, subtitle: str, palette: Palette) -> Sheet:
    """Draws quantiles of shape (5, n_steps): 5, 25, 50, 75, 95 % of the margin left, 1 is today's, 0 liquidation.

    Time runs by its square root, so that the first day is not a sliver of a week.
    """
    sheet = Sheet(palette)
    top = headed(sheet, title, subtitle) + 60
    bottom, left, right = HEIGHT_PX - _FOOT_PX, MARGIN, WIDTH_PX - _RIGHT_PX
    times = np.concatenate([[0.0], hours])
    bands = np.column_stack([np.ones(5), quantiles])
    high = max(1.1, float(bands[-1].max()) * 1.05)

    def x(hour: float) -> float:
        return left + float(np.sqrt(hour / times[-1])) * (right - left)

    def y(value: float) -> float:
        return bottom - min(max(value, 0.0), high) / high * (bottom - top)

    step = nice_step(high / 5)
    for mark in value_ticks(0.0, high, step=step):
        sheet.line([left, right], [y(mark), y(mark)], colour=palette.faint, width=2, layer=1.5)
        sheet.text(right + 14, y(mark), percent_of_fraction(mark, decimals=0), size=LABEL_PX, colour=palette.dim)
    xs = [x(float(hour)) for hour in times]
    for low_row, high_row, alpha in ((0, 4, 0.18), (1, 3, 0.30)):
        lows, highs = [y(v) for v in bands[low_row]], [y(v) for v in bands[high_row]]
        sheet.between(xs, highs, lows, fill=palette.line, alpha=alpha)
    sheet.line(xs, [y(v) for v in bands[2]], colour=palette.line, width=6, layer=3.5)
    sheet.line([left, right], [bottom, bottom], colour=palette.tiers[Tier.LIQUIDATING], width=8, layer=4)
    sheet.text(left + 12, bottom - 30, "liquidation", size=NOTE_PX, colour=palette.tiers[Tier.LIQUIDATING], bold=True)
    for hour, label in _HOURS:
        if hour <= times[-1]:
            sheet.text(x(hour), bottom + 36, label, size=LABEL_PX, colour=palette.dim, ha="center")
    sheet.text(
        MARGIN, bottom + 100, "margin left of today's; bands hold 90 and 50 % of paths",
        size=NOTE_PX, colour=palette.dim, width=WIDTH_PX - 2 * MARGIN,
    )  # fmt: skip
    return sheet
