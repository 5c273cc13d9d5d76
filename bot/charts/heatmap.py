"""Correlations as a grid of coloured cells, each with its figure."""

from collections.abc import Sequence
from typing import Final

from bot.charts.canvas import WIDTH_PX, Sheet
from bot.charts.heading import headed
from bot.charts.heatmap_limits import MOST_ASSETS
from bot.charts.palette import Palette, channels, ink_on
from bot.charts.plot import LABEL_PX, MARGIN, NOTE_PX
from bot.charts.series import FloatArray
from bot.text.clean import name
from bot.text.reader import figure
from risk.decisions.tiers import Tier

_LABELS_PX: Final = 130
_GAP_PX: Final = 5


def heatmap_sheet(
    assets: Sequence[str], values: FloatArray, *, title: str, subtitle: str, note: str, palette: Palette
) -> Sheet:
    """Draws at most ten assets; the caller says so in the subtitle where there are more."""
    sheet = Sheet(palette)
    count = min(len(assets), MOST_ASSETS)
    top = headed(sheet, title, subtitle) + 20
    left = MARGIN + _LABELS_PX
    cell = min((WIDTH_PX - MARGIN - left) / count, 220.0)
    size = min(46.0, cell * 0.34)
    for row in range(count):
        y = top + row * cell
        label = name(assets[row], columns=8)
        sheet.text(left - 18, y + cell / 2, label, size=LABEL_PX, ha="right", width=_LABELS_PX)
        below = max(NOTE_PX, min(LABEL_PX, cell * 0.3))
        sheet.text(left + row * cell + cell / 2, top + count * cell + 34, label, size=below, ha="center", width=cell)
        for column in range(count):
            value = float(values[row, column])
            fill = _shade(palette, value)
            x = left + column * cell
            sheet.box(x + _GAP_PX, y + _GAP_PX, x + cell - _GAP_PX, y + cell - _GAP_PX, fill=fill, round_px=8)
            text = _shown(sheet, value, size=size, room=cell - 2 * _GAP_PX)
            sheet.text(
                x + cell / 2, y + cell / 2, text, size=size, ha="center", colour=ink_on(fill), bold=row != column
            )
    bottom = top + count * cell + 96
    sheet.text(MARGIN, bottom, note, size=NOTE_PX, colour=palette.dim, width=WIDTH_PX - 2 * MARGIN)
    sheet.end_at(round(bottom + MARGIN))
    return sheet


def _shown(sheet: Sheet, value: float, *, size: float, room: float) -> str:
    """With two decimals, without the nought before them where the cell has no room for it."""
    if abs(value) >= 0.995:
        return f"{value:.0f}"
    text = figure(f"{value:.2f}")
    return text if sheet.width_of(text, size=size, bold=True) <= room else text.replace("0", "", 1)


def _shade(palette: Palette, value: float) -> str:
    """From the background towards orange for moving together, towards the line's blue for moving apart."""
    towards = palette.tiers[Tier.HIGH] if value >= 0 else palette.line
    share = min(1.0, abs(value))
    mixed = (
        round(255 * (near * (1 - share) + far * share))
        for near, far in zip(channels(palette.faint), channels(towards), strict=True)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
