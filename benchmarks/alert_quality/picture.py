"""The trade-off as a picture: what is paged in time, and how long before, against what it costs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.alert_quality.ladders import Choice
from benchmarks.alert_quality.score import Score
from bot.charts.canvas import Sheet
from bot.charts.palette import Theme, palette_of
from risk.decisions.tiers import Tier

Curve = Sequence[tuple[Choice, Score]]

_LEFT, _RIGHT = 150.0, 1040.0
_SMALL, _NOTE = 28.0, 26.0
_HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """One plot: where it lies, and what its axes show."""

    top: float
    bottom: float
    value: Callable[[Score], float]
    most: float
    of: Callable[[Score], float]
    y_least: float
    y_most: float
    x_marks: Sequence[tuple[float, str]]
    y_marks: Sequence[tuple[float, str]]
    x_title: str
    y_title: str
    logarithmic: bool = False

    def at(self, score: Score) -> tuple[float, float]:
        return self.x(self.value(score)), self.y(self.of(score))

    def x(self, value: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * min(value / self.most, 1.0)

    def y(self, value: float) -> float:
        low, high, at = self.y_least, self.y_most, min(max(value, self.y_least), self.y_most)
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return self.bottom - (self.bottom - self.top) * (at - low) / (high - low)


def picture(curves: Sequence[Curve], chosen: tuple[Choice, Score], ratio_alone: tuple[Choice, Score]) -> bytes:
    """PNG: what is paged in time over the time in HIGH, and the lead over the false alarms."""
    palette = palette_of(Theme.LIGHT)
    sheet = Sheet(palette)
    colours = [palette.dim, palette.tiers[Tier.WARNING], palette.line]
    top = sheet.headline("What earlier pages bring, and what they cost", left=60, top=40, width=960, size=46)
    _legend(sheet, [curve[0][0].family for curve in curves], colours, top + 40)
    upper = _Panel(
        top=top + 130, bottom=top + 510, value=_high_share, most=0.5, of=_paged, y_least=0.75, y_most=1.0,
        x_marks=[(share / 10, f"{10 * share}%") for share in range(6)],
        y_marks=[(share, f"{100 * share:g}%") for share in (0.75, 0.8, 0.85, 0.9, 0.95, 0.99)],
        x_title="share of the time in HIGH or worse", y_title="all liquidations that were paged 15 minutes ahead",
    )  # fmt: skip
    lower = _Panel(
        top=top + 690, bottom=top + 1_070, value=_false, most=0.8, of=_lead_h, y_least=1.0, y_most=300.0,
        logarithmic=True,
        x_marks=[(rate / 10, f"{rate / 10:g}") for rate in range(0, 9, 2)],
        y_marks=[(hours, f"{hours} h") for hours in (1, 3, 10, 30, 100, 300)],
        x_title="false alarms of HIGH or worse in 30 days", y_title="lead of the page, the lower quartile",
    )  # fmt: skip
    for panel in (upper, lower):
        _axes(sheet, panel)
        for curve, colour in zip(curves, colours, strict=True):
            points = [panel.at(score) for _, score in curve]
            xs, ys = [x for x, _ in points], [y for _, y in points]
            sheet.line(xs, ys, colour=colour, width=5)
            sheet.dots(xs, ys, size=18, fill=colour)
        for (choice, score), drop in ((chosen, 44), (ratio_alone, -40)):
            x, y = panel.at(score)
            sheet.dot(x, y, size=30, fill=palette.tiers[Tier.CRITICAL])
            words = f"{'chosen: ' if choice is chosen[0] else ''}{choice.family}, HIGH at {choice.high}"
            width = sheet.width_of(words, size=_NOTE, bold=True)
            sheet.text(min(x + 18, _RIGHT - width), y + drop, words, size=_NOTE, bold=True)
    sheet.end_at(int(lower.bottom + 130))
    return sheet.png()


def _high_share(score: Score) -> float:
    return score.high_share


def _false(score: Score) -> float:
    return score.false_per_30d


def _paged(score: Score) -> float:
    return score.paged


def _lead_h(score: Score) -> float:
    return score.lead_s[1] / _HOUR_S


def _legend(sheet: Sheet, names: Sequence[str], colours: Sequence[str], y: float) -> None:
    x = 60.0
    for name, colour in zip(names, colours, strict=True):
        sheet.dot(x + 12, y, size=24, fill=colour)
        sheet.text(x + 34, y, name, size=_SMALL)
        x += 70 + sheet.width_of(name, size=_SMALL)


def _axes(sheet: Sheet, panel: _Panel) -> None:
    palette = sheet.palette
    sheet.text(_LEFT, panel.top - 36, panel.y_title, size=_NOTE, colour=palette.dim)
    for value, label in panel.y_marks:
        y = panel.y(value)
        sheet.line([_LEFT, _RIGHT], [y, y], colour=palette.faint, width=2)
        sheet.text(_LEFT - 14, y, label, size=_NOTE, colour=palette.dim, ha="right")
    for value, label in panel.x_marks:
        x = panel.x(value)
        sheet.line([x, x], [panel.top, panel.bottom], colour=palette.faint, width=2)
        sheet.text(x, panel.bottom + 34, label, size=_NOTE, colour=palette.dim, ha="center")
    sheet.text((_LEFT + _RIGHT) / 2, panel.bottom + 84, panel.x_title, size=_NOTE, colour=palette.dim, ha="center")
