"""How far every market is from the price that liquidates: one bar a market, the shortest on top."""

import math
from collections.abc import Sequence
from typing import Final

from bot.charts.canvas import HEIGHT_PX, WIDTH_PX, Horizontal, Sheet
from bot.charts.distances import MarketDistance
from bot.charts.palette import Palette
from bot.charts.plot import MARGIN, NOTE_PX, SUBTITLE_PX, TITLE_PX
from bot.charts.ticks import nice_step
from bot.charts.titles import direction, distance_sentence, liquidation_price, nearest_first, reach_frac
from bot.text.clean import name
from bot.text.numbers import percent_of_fraction, price
from bot.text.provenance import SEPARATOR
from risk.decisions.tiers import Tier, TierReading, TierThresholds, tier_of
from risk.model.liquidation import LiquidationStatus

_MOST_ROWS: Final = 8
_ROW_PX: Final = 120.0  # the least a row needs; all its sizes grow with it
_TALLEST_ROW_PX: Final = 190.0
_FOOT_PX: Final = 140
_FARTHEST_FRAC: Final = 0.6  # bars end here: what lies beyond is not near
_NEAREST_FRAC: Final = 0.05
_SCALE_MARKS: Final = 4


def distance_sheet(
    markets: Sequence[MarketDistance], *, account: str, thresholds: TierThresholds | None, palette: Palette
) -> Sheet:
    """Draws the bars; arguments as of ``bot.charts.distance_chart``."""
    ordered = nearest_first(markets)
    shown, left_out = ordered[:_MOST_ROWS], ordered[_MOST_ROWS:]
    sheet = Sheet(palette)
    width = WIDTH_PX - 2 * MARGIN
    top = sheet.headline(distance_sentence(ordered), left=MARGIN, top=MARGIN, width=width, size=TITLE_PX)
    if subtitle := _subtitle(account, len(left_out)):
        sheet.text(MARGIN, top + 26, subtitle, size=SUBTITLE_PX, colour=palette.dim, width=width)
    top += 84
    height = min(_TALLEST_ROW_PX, (HEIGHT_PX - top - _FOOT_PX) / len(shown))
    bottom = top + height * len(shown)
    reaches = [reach for market in shown if math.isfinite(reach := reach_frac(market))]
    limit = min(max(_NEAREST_FRAC, *reaches, 0.0) * 1.02, _FARTHEST_FRAC)
    if reaches:
        _scale(sheet, limit, bottom=bottom)
    for number, market in enumerate(shown):
        colour = _colour(market, thresholds, palette, first=number == 0)
        _row(sheet, market, top=top + number * height, unit=height / _ROW_PX, limit=limit, colour=colour)
    sheet.end_at(round(bottom + (_FOOT_PX if reaches else MARGIN)))
    return sheet


def _subtitle(account: str, left_out: int) -> str:
    more = f"{left_out} more, no nearer than these" if left_out else ""
    return SEPARATOR.join(part for part in (name(account, fallback=""), more) if part)


def _scale(sheet: Sheet, limit: float, *, bottom: float) -> None:
    palette = sheet.palette
    step = nice_step(limit / _SCALE_MARKS)
    for number in range(math.floor(limit / step + 1e-9) + 1):
        x = _x(number * step, limit)
        label = percent_of_fraction(number * step, decimals=0 if step >= 0.01 else 1)
        ha: Horizontal = "left" if number == 0 else "right" if x > WIDTH_PX - 2 * MARGIN else "center"
        sheet.text(x, bottom + 26, label, size=NOTE_PX, colour=palette.dim, ha=ha)
    sheet.text(MARGIN, bottom + 84, "price move that liquidates, each market alone", size=NOTE_PX, colour=palette.dim)


def _x(fraction: float, limit: float) -> float:
    return MARGIN + min(fraction / limit, 1.0) * (WIDTH_PX - 2 * MARGIN)


def _colour(market: MarketDistance, thresholds: TierThresholds | None, palette: Palette, *, first: bool) -> str:
    """By tier where distances have tiers; otherwise only the nearest stands out."""
    status = market.liquidation.status
    if status is LiquidationStatus.ALREADY:
        return palette.tiers[Tier.LIQUIDATING]
    if thresholds is not None and thresholds.distance_frac and status is LiquidationStatus.AT:
        reading = TierReading(distance_frac=market.liquidation.distance_frac)
        return palette.tiers[tier_of(reading, thresholds)]
    return palette.tiers[Tier.WARNING] if first else palette.line


def _row(sheet: Sheet, market: MarketDistance, *, top: float, unit: float, limit: float, colour: str) -> None:
    palette, found = sheet.palette, market.liquidation
    grown = min(max(unit, 1.0), 1.2)
    right, size, small = WIDTH_PX - MARGIN, 36 * grown, NOTE_PX * grown
    reach, at = _words(market)
    middle = top + 18 * unit
    room = right - MARGIN - sheet.width_of(reach, size=size, bold=True) - 24
    sheet.text(right, middle, reach, size=size, bold=True, ha="right")
    sheet.text(MARGIN, middle, name(found.market, columns=32), size=size, bold=True, width=room)

    bar_top, bar_bottom = top + 43 * unit, top + 60 * unit
    sheet.box(MARGIN, bar_top, right, bar_bottom, fill=palette.faint, round_px=6)
    fraction = reach_frac(market)
    if found.status is LiquidationStatus.ALREADY:
        sheet.box(MARGIN, bar_top, right, bar_bottom, fill=colour, round_px=6, layer=2)
    elif math.isfinite(fraction):
        end = max(_x(fraction, limit), MARGIN + 6)
        sheet.box(MARGIN, bar_top, end, bar_bottom, fill=colour, round_px=6, layer=2)
        if fraction > limit:
            sheet.dot(
                right - 16, (bar_top + bar_bottom) / 2, size=18 * grown, fill=palette.background, marker=">", rim=False
            )

    below = top + 82 * unit
    now = f"now {price(market.price_usd)}{', isolated' if found.isolated else ''}"
    sheet.text(MARGIN, below, now, size=small, colour=palette.dim)
    taken = sheet.width_of(now, size=small) + 24
    sheet.text(right, below, at, size=small, colour=palette.dim, ha="right", width=right - MARGIN - taken)


def _words(market: MarketDistance) -> tuple[str, str]:
    """The distance, and what stands for the price."""
    status = market.liquidation.status
    if status is LiquidationStatus.ALREADY:
        return "now", "below its requirement"
    if market.price_usd is None or math.isnan(market.price_usd):
        return "unknown", "no valid price"
    if status is LiquidationStatus.NONE:
        return "none", "not by its own price"
    return direction(market), f"liquidates at {liquidation_price(market)}"
