"""Where today's volatility stands among past windows of the same length: a cone by horizon, today a line in it."""

from collections.abc import Sequence
from typing import Final

from bot.charts.canvas import HEIGHT_PX, WIDTH_PX, Sheet
from bot.charts.heading import headed
from bot.charts.palette import Palette
from bot.charts.plot import LABEL_PX, MARGIN, NOTE_PX
from bot.charts.ticks import nice_step, value_ticks
from bot.text.numbers import percent_of_fraction
from risk.decisions.tiers import Tier
from risk.stats.realized import ConeRow

_FOOT_PX: Final = 160
_RIGHT_PX: Final = 150
_ALPHAS: Final = (0.18, 0.30)  # the outer band, the inner one


def cone_sheet(rows: Sequence[ConeRow], *, title: str, subtitle: str, palette: Palette) -> Sheet:
    """Draws one column for each horizon, shortest first."""
    sheet = Sheet(palette)
    top = headed(sheet, title, subtitle) + 60
    bottom, left, right = HEIGHT_PX - _FOOT_PX, MARGIN + 20, WIDTH_PX - _RIGHT_PX
    high = 1.08 * max(max(row.quantiles[-1], row.now) for row in rows)

    def y(value: float) -> float:
        return bottom - value / high * (bottom - top)

    step = nice_step(high / 5)
    for mark in value_ticks(0.0, high, step=step):
        sheet.line([left, right], [y(mark), y(mark)], colour=palette.faint, width=2, layer=1.5)
        sheet.text(right + 14, y(mark), percent_of_fraction(mark, decimals=0), size=LABEL_PX, colour=palette.dim)
    xs = [left + (right - left) * (at + 0.5) / len(rows) for at in range(len(rows))]
    for low_at, high_at, alpha in ((0, 4, _ALPHAS[0]), (1, 3, _ALPHAS[1])):
        half = 0.32 * (right - left) / len(rows)
        for x, row in zip(xs, rows, strict=True):
            sheet.box(
                x - half, y(row.quantiles[high_at]), x + half, y(row.quantiles[low_at]), fill=palette.line, alpha=alpha,
                round_px=10, layer=2,
            )  # fmt: skip
    for x, row in zip(xs, rows, strict=True):
        half = 0.32 * (right - left) / len(rows)
        sheet.line([x - half, x + half], [y(row.quantiles[2])] * 2, colour=palette.line, width=5, layer=3)
        sheet.text(x, bottom + 36, f"{row.horizon_days} d", size=LABEL_PX, colour=palette.dim, ha="center")
    now = palette.tiers[Tier.WARNING]
    sheet.line(xs, [y(row.now) for row in rows], colour=now, width=6, layer=4)
    for x, row in zip(xs, rows, strict=True):
        sheet.dot(x, y(row.now), size=26, fill=now)
    sheet.text(
        MARGIN, bottom + 100, "annualised; bands hold 90 and 50 % of past windows",
        size=NOTE_PX, colour=palette.dim, width=WIDTH_PX - 2 * MARGIN,
    )  # fmt: skip
    return sheet
