"""Health ratio over time, with the bands of the tiers.

A ratio runs from 0 to infinity, and what matters lies between 100 and 300. It is drawn as 1 - 100 / ratio, the share of
collateral that maintenance leaves free: 100 % is 0, no requirement at all is 1, and equal heights are equal shares of
collateral, while the labels still say the ratio. What lies below a floor is drawn at the floor, with an arrow.
"""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.charts.canvas import Sheet
from bot.charts.palette import Palette
from bot.charts.plot import (
    NOTE_PX,
    Frame,
    draw_gaps,
    draw_series,
    framed,
    labels_beside,
    last_value,
    unit_note,
)
from bot.charts.series import FloatArray, Series
from bot.charts.ticks import Tick
from bot.charts.titles import health_sentence
from bot.text.ages import span
from bot.text.clean import name
from bot.text.numbers import UNBOUNDED, health_ratio
from bot.text.provenance import SEPARATOR
from risk.decisions.tiers import LADDER, Tier, TierThresholds

_LIQUIDATION: Final = 100.0
_FLOOR: Final = 65.0  # lower ratios are drawn here
_SHOWN_BELOW: Final = 0.10  # of free collateral, under the lowest threshold, so that its band is seen
_AIR: Final = 0.05
_MARKS: Final = (300.0, 500.0, 1_000.0, 400.0, 2_000.0, 80.0, 70.0, 110.0, 130.0, 140.0, 175.0)  # by importance
_ROOM_PX: Final = 46  # between labels of thresholds
_MORE_ROOM_PX: Final = 84  # around others, which must not crowd them
_NAMES_PX: Final = 260  # of the plot's left, where the tiers' names stand
_MOST_ARROWS: Final = 12
_WIDEST_RATIO: Final = 9_999.0  # what fits beside the plot


@dataclass(frozen=True, slots=True)
class _Band:
    """A tier's stretch of the axis, in free share; the outer two are open."""

    tier: Tier
    low: float
    high: float


def health_sheet(series: Series, thresholds: TierThresholds, *, account: str, tier: Tier, palette: Palette) -> Sheet:
    """Draws the ratio; arguments as of ``bot.charts.health_chart``."""
    sheet = Sheet(palette)
    bands = _bands(thresholds)
    shares = free_share(series.values)
    low, high = _range(shares, bands)
    frame = framed(
        sheet, series, title=health_sentence(series, tier), subtitle=_subtitle(series, account), low=low, high=high
    )
    unit_note(sheet, frame, "health ratio")
    heights = np.clip(shares, float(free_share(_FLOOR)), 1.0)
    y_last = float(frame.y(heights[series.last_at]))
    _draw_bands(sheet, frame, bands)
    labels_beside(sheet, frame, _ticks(frame, thresholds), y_last)
    y_liquidation = float(frame.y(0.0))
    sheet.line([frame.left, frame.right], [y_liquidation] * 2, colour=palette.tiers[Tier.LIQUIDATING], width=4)
    draw_gaps(sheet, series, frame, words_from=frame.left + _NAMES_PX)
    draw_series(sheet, series, frame, heights, colour=palette.ink, filled=False, halo=True)
    _draw_below(sheet, series, frame, series.values < _FLOOR)
    last = f">{_WIDEST_RATIO:,.0f}%" if _WIDEST_RATIO < series.last < np.inf else health_ratio(series.last)
    last_value(sheet, series, frame, y_last, (last,), fill=palette.tiers[tier])
    return sheet


def free_share(ratio_percent: FloatArray | float) -> FloatArray:
    """1 - 100 / ratio: 0 at liquidation, 1 without a requirement, minus infinity at 0 and below; NaN stays."""
    values = np.asarray(ratio_percent, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(values <= 0, -np.inf, 1.0 - _LIQUIDATION / values)


def _subtitle(series: Series, account: str) -> str:
    lowest, over = float(series.known.min()), series.known_span_s
    history = f"lowest {health_ratio(lowest)} in {span(over)}" if over > 0 and np.isfinite(lowest) else ""
    return SEPARATOR.join(part for part in (name(account, fallback=""), history) if part)


def _bands(thresholds: TierThresholds) -> tuple[_Band, ...]:
    """From the best tier to the worst; tiers without a threshold have none."""
    steps = [
        (tier, float(free_share(thresholds.ratio_percent[tier]))) for tier in LADDER if tier in thresholds.ratio_percent
    ]
    edges = [np.inf, *(share for _, share in steps), -np.inf]
    tiers = [Tier.OK, *(tier for tier, _ in steps)]
    return tuple(_Band(tier, low, high) for tier, (high, low) in zip(tiers, itertools.pairwise(edges), strict=True))


def _range(shares: FloatArray, bands: tuple[_Band, ...]) -> tuple[float, float]:
    """Everything known down to the floor, the line of liquidation, and the edge of the band above."""
    known = np.clip(shares[~np.isnan(shares)], float(free_share(_FLOOR)), 1.0)
    edges = [band.low for band in bands[:-1]] or [0.0]
    low = min(edges[-1], 0.0) - _SHOWN_BELOW
    low = min(low, float(known.min()) - _AIR)
    reach = float(known.max()) + _AIR
    high = min((edge for edge in edges if edge >= reach), default=reach)
    return max(low, float(free_share(_FLOOR)) - _AIR), max(high, 0.0) + _AIR / 2


def _draw_bands(sheet: Sheet, frame: Frame, bands: tuple[_Band, ...]) -> None:
    palette = sheet.palette
    for band in bands:
        low, high = max(band.low, frame.low), min(band.high, frame.high)
        if low >= high:
            continue
        top, bottom = float(frame.y(high)), float(frame.y(low))
        colour = palette.tiers[band.tier]
        sheet.box(frame.left, top, frame.right, bottom, fill=colour, alpha=palette.band_alpha)
        sheet.box(frame.left, top, frame.left + 10, bottom, fill=colour, layer=2)
        if bottom - top >= NOTE_PX + 8:
            _label(sheet, frame, (top + bottom) / 2, band.tier.name)


def _label(sheet: Sheet, frame: Frame, y: float, text: str) -> None:
    """A tier's name on a veil, so that the line may pass behind it."""
    left = frame.left + 22
    width = sheet.width_of(text, size=NOTE_PX, bold=True)
    sheet.box(
        left - 6, y - 20, left + width + 6, y + 20, fill=sheet.palette.background, alpha=0.6, round_px=8, layer=4.5
    )
    sheet.text(left, y, text, size=NOTE_PX, bold=True)


def _ticks(frame: Frame, thresholds: TierThresholds) -> list[Tick]:
    """The thresholds from the worst tier up, then whatever fits between them."""
    steps = [thresholds.ratio_percent[tier] for tier in reversed(LADDER) if tier in thresholds.ratio_percent]
    ticks: list[Tick] = []
    for ratio in (_LIQUIDATION, *steps, np.inf, _FLOOR, *_MARKS):
        share = float(free_share(ratio))
        strong = ratio == _LIQUIDATION or ratio in steps
        room = _ROOM_PX if strong else _MORE_ROOM_PX
        y = float(frame.y(share))
        if frame.low <= share <= frame.high and all(abs(y - float(frame.y(tick.at))) >= room for tick in ticks):
            ticks.append(Tick(share, _tick_label(ratio), strong))
    return ticks


def _tick_label(ratio: float) -> str:
    if np.isinf(ratio):
        return UNBOUNDED
    return f"{'<' if ratio == _FLOOR else ''}{ratio:,.5g}%"


def _draw_below(sheet: Sheet, series: Series, frame: Frame, below: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
    at = np.flatnonzero(below)
    if not at.size:
        return
    stretches = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
    for stretch in stretches[:: max(1, -(-len(stretches) // _MOST_ARROWS))]:
        x = float(frame.x(series.times_s[stretch[stretch.size // 2]]))
        sheet.dot(x, frame.bottom - 20, size=34, fill=sheet.palette.tiers[Tier.LIQUIDATING], marker="v")
