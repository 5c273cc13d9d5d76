"""Returns by calendar month, a bar each, newest on the right."""

from collections.abc import Sequence
from typing import Final

from bot.charts.canvas import HEIGHT_PX, WIDTH_PX, Sheet
from bot.charts.heading import headed
from bot.charts.palette import Palette
from bot.charts.plot import LABEL_PX, MARGIN, NOTE_PX
from bot.text.numbers import percent_of_fraction
from risk.decisions.tiers import Tier

MOST_MONTHS: Final = 12
_FOOT_PX: Final = 150
_WIDEST_PX: Final = 150  # one month alone is a bar, not a wall


def months_sheet(months: Sequence[tuple[str, float]], *, title: str, subtitle: str, palette: Palette) -> Sheet:
    """Draws at most twelve months.

    Args:
        months: (label, simple return), oldest first.
    """
    sheet = Sheet(palette)
    shown = months[-MOST_MONTHS:]
    top = headed(sheet, title, subtitle) + 60
    bottom = HEIGHT_PX - _FOOT_PX
    largest = max((abs(value) for _, value in shown), default=0.01) or 0.01
    lowest = min(0.0, *(value for _, value in shown))
    highest = max(0.0, *(value for _, value in shown))
    span = max(highest - lowest, largest) * 1.25
    zero = bottom - (0.12 * span - lowest) / span * (bottom - top)
    width = (WIDTH_PX - 2 * MARGIN) / len(shown)
    for at, (label, value) in enumerate(shown):
        middle = MARGIN + (at + 0.5) * width
        end = zero - value / span * (bottom - top)
        fill = palette.tiers[Tier.OK] if value >= 0 else palette.tiers[Tier.CRITICAL]
        half = min(0.36 * width, _WIDEST_PX / 2)
        sheet.box(middle - half, min(zero, end), middle + half, max(zero, end), fill=fill, layer=2)
        size = max(NOTE_PX, min(LABEL_PX, width * 0.34))
        above = end - 30 if value >= 0 else end + 30
        sheet.text(middle, above, _percent(value), size=size, ha="center", width=width)
        sheet.text(middle, bottom + 36, label, size=size, colour=palette.dim, ha="center", width=width)
    sheet.line([MARGIN, WIDTH_PX - MARGIN], [zero, zero], colour=palette.dim, width=3, layer=3)
    sheet.text(
        MARGIN, bottom + 96, "percent by month, UTC; deposits are not counted", size=NOTE_PX,
        colour=palette.dim, width=WIDTH_PX - 2 * MARGIN,
    )  # fmt: skip
    return sheet


def _percent(value: float) -> str:
    """Without its sign, for which twelve columns have no room; the note under the picture names the unit."""
    return percent_of_fraction(value, decimals=0 if abs(value) >= 0.1 else 1, signed=True).replace("%", "").strip()
