"""The head of a picture: its title, which is the answer, and what it is of."""

from bot.charts.canvas import WIDTH_PX, Sheet
from bot.charts.plot import MARGIN, SUBTITLE_PX, TITLE_PX


def headed(sheet: Sheet, title: str, subtitle: str) -> float:
    """Writes both and returns where the picture may begin."""
    width = WIDTH_PX - 2 * MARGIN
    top = sheet.headline(title, left=MARGIN, top=MARGIN, width=width, size=TITLE_PX)
    if subtitle:
        sheet.text(MARGIN, top + 26, subtitle, size=SUBTITLE_PX, colour=sheet.palette.dim, width=width)
        top += 56
    return top + 28
