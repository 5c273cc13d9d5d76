"""Room to liquidation over time, on the colours of the tiers that were told: would it have warned?"""

from collections.abc import Sequence
from typing import Final

from bot.charts.canvas import Sheet
from bot.charts.palette import Palette
from bot.charts.plot import NOTE_PX, Frame, draw_gaps, draw_series, framed, labels_beside
from bot.charts.series import Series, finite_range
from bot.charts.stretches import Stretch
from bot.charts.ticks import Tick, nice_step, value_ticks
from bot.text.numbers import percent_of_fraction
from risk.decisions.tiers import LADDER, Tier

_AIR: Final = 0.06  # of the range, above
_MOST_MARKS: Final = 6
_LEAST_PX: Final = 3.0  # so that an hour of a year is still seen


def told_sheet(
    series: Series, stretches: Sequence[Stretch], *, title: str, subtitle: str, ended: bool, palette: Palette
) -> Sheet:
    """Draws the room; arguments as of ``bot.charts.told_chart``."""
    sheet = Sheet(palette)
    low, high = finite_range(series.values)
    low, high = min(low, 0.0), max(high, 0.01)
    high += _AIR * (high - low)
    frame = framed(sheet, series, title=title, subtitle=subtitle, low=low - _AIR * (high - low), high=high)
    # The mildest first: what is worse must not be hidden by what stood beside it.
    for stretch in sorted(stretches, key=lambda one: (one.tier.value, one.start_s)):
        if stretch.tier is not Tier.OK:
            _band(sheet, frame, stretch)
    marks = value_ticks(0.0, high, step=nice_step((high - low) / _MOST_MARKS))
    ticks = [Tick(at, percent_of_fraction(at, decimals=0 if at >= 0.1 or at == 0 else 1), at == 0) for at in marks]
    labels_beside(sheet, frame, ticks, -1.0)
    zero, danger = float(frame.y(0.0)), palette.tiers[Tier.LIQUIDATING]
    sheet.line([frame.left, frame.right], [zero, zero], colour=danger, width=4)
    draw_gaps(sheet, series, frame)
    draw_series(sheet, series, frame, series.values, colour=palette.ink, filled=False, halo=True)
    if ended:
        x, y = float(frame.x(series.times_s[series.last_at])), float(frame.y(series.last))
        sheet.dot(x, y, size=34, fill=danger, marker="X")
    _legend(sheet, frame, {stretch.tier for stretch in stretches})
    return sheet


def _band(sheet: Sheet, frame: Frame, stretch: Stretch) -> None:
    left, right = float(frame.x(stretch.start_s)), min(float(frame.x(stretch.end_s)), frame.right)
    fill = sheet.palette.tiers[stretch.tier]
    sheet.box(left, frame.top, max(right, left + _LEAST_PX), frame.bottom, fill=fill, alpha=0.55)


def _legend(sheet: Sheet, frame: Frame, tiers: set[Tier]) -> None:
    """The tiers that stood, above the plot."""
    x, y = frame.left, frame.top - 46
    for tier in (*LADDER, Tier.UNKNOWN):
        if tier in tiers:
            sheet.dot(x + 10, y, size=20, fill=sheet.palette.tiers[tier], marker="s", rim=False)
            sheet.text(x + 26, y, tier.name, size=NOTE_PX, colour=sheet.palette.dim)
            x += 26 + sheet.width_of(tier.name, size=NOTE_PX) + 24
