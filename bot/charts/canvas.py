"""A sheet to draw on, measured in pixels from the top left. The one module that talks to matplotlib.

One axes covers the whole picture, so a position is a pixel and nothing moves on its own. Fonts are the ones matplotlib
brings along and every setting is given here: the same input makes the same bytes on every machine.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle

from bot.charts.palette import Palette, ink_on

WIDTH_PX: Final = 1080
HEIGHT_PX: Final = 1350
SMALLEST_TEXT_PX: Final = 28  # ten points on a phone that is 390 points wide

_DPI: Final = 100
_POINTS: Final = 72 / _DPI
_FONTS: Final = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
_REGULAR: Final = _FONTS / "DejaVuSans.ttf"
_BOLD: Final = _FONTS / "DejaVuSans-Bold.ttf"
_SUBPIXELS: Final = 64  # FreeType measures in them
_MISSING: Final = "□"
_GLUE: Final = "\N{NO-BREAK SPACE}"
_BEFORE_UNIT: Final = re.compile(
    r"(?<=\d) (?=(?:s|min|h|d)\b)|(?<=\d h) (?=\d)|(?<=\d d) (?=\d)"
)  # 2 h 05 min is one word

# Nobody else in this process uses matplotlib, so what a matplotlibrc of the machine says can be undone for good.
# A dollar is a dollar here, never the start of a formula.
matplotlib.rcdefaults()
matplotlib.rcParams["text.parse_math"] = False

Horizontal = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Written:
    """A text on a sheet: what it says, how high its letters are, and where it lies, in pixels."""

    text: str
    size: float
    left: float
    right: float
    y: float


class Sheet:
    """One picture in the making. Not to be shared between threads."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self.written: list[Written] = []
        self._figure = Figure(
            figsize=(WIDTH_PX / _DPI, HEIGHT_PX / _DPI), dpi=_DPI, facecolor=palette.background, edgecolor="none"
        )
        FigureCanvasAgg(self._figure)  # the figure keeps it
        self._axes = self._figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, WIDTH_PX)
        self._axes.set_ylim(HEIGHT_PX, 0)

    def end_at(self, height_px: int) -> None:
        """Cuts the sheet below a height."""
        self._figure.set_size_inches(WIDTH_PX / _DPI, height_px / _DPI)
        self._axes.set_ylim(height_px, 0)

    def png(self) -> bytes:
        """The picture. Without metadata, so that it depends on nothing but what was drawn."""
        buffer = io.BytesIO()
        self._figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
        return buffer.getvalue()

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        colour: str | None = None,
        bold: bool = False,
        ha: Horizontal = "left",
        width: float | None = None,
        layer: float = 5,
    ) -> None:
        """Writes one line with its middle at ``y``, cut to ``width`` where given."""
        shown = _drawable(text)
        if width is not None:
            shown = self.cut(shown, size=size, width=width, bold=bold)
        taken = self.width_of(shown, size=size, bold=bold)
        left = x - taken * {"left": 0.0, "center": 0.5, "right": 1.0}[ha]
        self.written.append(Written(shown.replace(_GLUE, " "), size, left, left + taken, y))
        self._axes.text(
            x, y, shown, color=colour or self.palette.ink, fontproperties=_font(size, bold),
            ha=ha, va="center_baseline", zorder=layer,
        )  # fmt: skip

    def pill(self, left: float, y: float, text: str, *, size: float, fill: str, layer: float = 7) -> None:
        """Text on a rounded label in ``fill``, its left edge at ``left`` and its middle at ``y``."""
        pad = size * 0.36
        width = self.width_of(text, size=size, bold=True)
        self.box(left, y - size * 0.78, left + width + 2 * pad, y + size * 0.78, fill=fill, round_px=size * 0.3,
                 layer=layer)  # fmt: skip
        self.text(left + pad, y, text, size=size, bold=True, colour=ink_on(fill), layer=layer + 0.5)

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        *,
        fill: str,
        alpha: float = 1.0,
        round_px: float = 0.0,
        layer: float = 1,
    ) -> None:
        """A filled rectangle."""
        if round_px > 0:
            inner = min(round_px, (right - left) / 2, (bottom - top) / 2)
            patch: FancyBboxPatch | Rectangle = FancyBboxPatch(
                (left, top), right - left, bottom - top, boxstyle=f"round,pad=0,rounding_size={inner}",
                facecolor=fill, edgecolor="none", linewidth=0, alpha=alpha, zorder=layer,
            )  # fmt: skip
        else:
            patch = Rectangle(
                (left, top), right - left, bottom - top,
                facecolor=fill, edgecolor="none", linewidth=0, alpha=alpha, zorder=layer,
            )  # fmt: skip
        self._axes.add_patch(patch)

    def hatch(self, left: float, top: float, right: float, bottom: float, *, colour: str, layer: float = 2) -> None:
        """A rectangle of thin slanted lines, for what is not known."""
        self._axes.add_patch(
            Rectangle((left, top), right - left, bottom - top, facecolor="none", edgecolor=colour, linewidth=0,
                      hatch="//", alpha=0.55, zorder=layer)
        )  # fmt: skip

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        *,
        colour: str,
        width: float,
        dashes: tuple[float, float] | None = None,
        alpha: float = 1.0,
        layer: float = 3,
    ) -> None:
        """A line through points; ``dashes`` are lengths of stroke and pause in line widths."""
        self._axes.add_line(
            Line2D(
                xs, ys, color=colour, linewidth=width * _POINTS, linestyle="-" if dashes is None else (0, dashes),
                solid_joinstyle="round", solid_capstyle="round", alpha=alpha, zorder=layer,
            )
        )  # fmt: skip

    def area(self, xs: Sequence[float], ys: Sequence[float], base: float, *, fill: str, alpha: float) -> None:
        """The surface between a line and a height."""
        corners = [(xs[0], base), *zip(xs, ys, strict=True), (xs[-1], base)]
        self._axes.add_patch(Polygon(corners, closed=True, facecolor=fill, edgecolor="none", alpha=alpha, zorder=2))

    def between(
        self, xs: Sequence[float], ys: Sequence[float], others: Sequence[float], *, fill: str, alpha: float
    ) -> None:
        """The surface between two lines over the same points."""
        corners = [*zip(xs, ys, strict=True), *reversed(list(zip(xs, others, strict=True)))]
        self._axes.add_patch(Polygon(corners, closed=True, facecolor=fill, edgecolor="none", alpha=alpha, zorder=2))

    def dot(
        self, x: float, y: float, *, size: float, fill: str, marker: str = "o", rim: bool = True, layer: float = 6
    ) -> None:
        """A mark ``size`` pixels wide, set off from what is below it by a rim of the background."""
        self.dots([x], [y], size=size, fill=fill, marker=marker, rim=rim, layer=layer)

    def dots(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        *,
        size: float,
        fill: str,
        marker: str = "o",
        rim: bool = True,
        layer: float = 6,
    ) -> None:
        """Several marks of one kind."""
        self._axes.add_line(
            Line2D(
                xs, ys, marker=marker, markersize=size * _POINTS, linestyle="none", markerfacecolor=fill,
                markeredgecolor=self.palette.background, markeredgewidth=3 * _POINTS if rim else 0, zorder=layer,
            )
        )  # fmt: skip

    def width_of(self, text: str, *, size: float, bold: bool = False) -> float:
        """Pixels a text takes in one line."""
        font = get_font(str(_BOLD if bold else _REGULAR))
        font.set_size(size * _POINTS, _DPI)
        font.set_text(_drawable(text), 0.0)
        return font.get_width_height()[0] / _SUBPIXELS

    def cut(self, text: str, *, size: float, width: float, bold: bool = False) -> str:
        """Text that fits so many pixels, with an ellipsis where something is missing."""
        if self.width_of(text, size=size, bold=bold) <= width:
            return text
        while text and self.width_of(f"{text}…", size=size, bold=bold) > width:
            text = text[:-1].rstrip()
        return f"{text}…"

    def headline(self, text: str, *, left: float, top: float, width: float, size: float) -> float:
        """Writes the title in one line or two, smaller where it must be, and returns where it ends."""
        glued = _BEFORE_UNIT.sub(_GLUE, text)
        rows = self._wrapped(glued, size=size, width=width)
        for smaller in (0.88, 0.86):
            if len(rows) > 2:
                size *= smaller
                rows = self._wrapped(glued, size=size, width=width)
        for row in filter(None, (rows[0], " ".join(rows[1:]))):  # what is still too long is cut
            self.text(left, top + size * 0.62, row, size=size, bold=True, width=width)
            top += size * 1.28
        return top

    def _wrapped(self, text: str, *, size: float, width: float) -> list[str]:
        rows: list[str] = []
        for word in text.split(" "):
            longer = f"{rows[-1]} {word}" if rows else word
            if rows and self.width_of(longer, size=size, bold=True) <= width:
                rows[-1] = longer
            else:
                rows.append(word)
        return rows


def _font(size_px: float, bold: bool) -> FontProperties:
    return FontProperties(fname=str(_BOLD if bold else _REGULAR), size=size_px * _POINTS)


def _drawable(text: str) -> str:
    """Text with a box for every letter the font lacks: a missing glyph is a warning, and then an empty space."""
    known = _KNOWN_LETTERS
    return "".join(letter if ord(letter) in known else _MISSING for letter in text)


_KNOWN_LETTERS: Final = frozenset(get_font(str(_REGULAR)).get_charmap()) & frozenset(get_font(str(_BOLD)).get_charmap())
