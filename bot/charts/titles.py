"""The answer a chart gives, in one sentence: its title, and the words for whoever cannot see the picture. Pure."""

import math
from collections.abc import Sequence
from typing import Final

from bot.charts.distances import MarketDistance
from bot.charts.series import FloatArray, Series
from bot.text.ages import age, span
from bot.text.clean import name
from bot.text.numbers import Rounding, distance, health_ratio, percent_of_fraction, price, signed_usd, usd
from risk.decisions.tiers import Tier, TierReading, TierThresholds, tier_of
from risk.model.liquidation import LiquidationStatus

_LARGEST_GAIN_FRAC: Final = 10.0  # beyond it a percentage says less than dollars


def equity_sentence(series: Series, net_deposits_usd: FloatArray | None) -> str:
    """Equity now, and how it changed over the known span.

    Args:
        net_deposits_usd: Deposits minus withdrawals so far, at the times of the series; None where not recorded. A
            change is counted without them, and in dollars once money moved: a percentage would have no base.
    """
    if series.unknown_for_s > 0:
        return f"Equity unknown for {age(series.unknown_for_s)}, last {usd(series.last)}"
    now = f"Equity {usd(series.last)}"
    if series.known_span_s <= 0:
        return now
    over = f"in {span(series.known_span_s)}"
    change = series.last - series.first
    flow = 0.0 if net_deposits_usd is None else _flow(series, net_deposits_usd)
    if flow:
        return f"{now}, {signed_usd(change - flow)} {over}, deposits aside"
    if change == 0:
        return f"{now}, unchanged {over}"
    if series.first > 0 and series.last >= 0 and change < _LARGEST_GAIN_FRAC * series.first:
        return f"{now}, {percent_of_fraction(change / series.first, signed=True)} {over}"
    return f"{now}, {signed_usd(change)} {over}"


def _flow(series: Series, net_deposits_usd: FloatArray) -> float:
    flow = float(net_deposits_usd[series.last_at] - net_deposits_usd[series.runs[0][0]])
    return 0.0 if math.isnan(flow) else flow


def health_sentence(series: Series, tier: Tier) -> str:
    """The ratio now and the tier it stands in."""
    ratio = f"health ratio {health_ratio(series.last)}" if math.isfinite(series.last) else "no margin required"
    if series.unknown_for_s > 0:
        return f"Health unknown for {age(series.unknown_for_s)}, last {ratio.removeprefix('health ratio ')}"
    return f"{ratio[0].upper()}{ratio[1:]}, {tier.name}"


def health_tier(series: Series, thresholds: TierThresholds) -> Tier:
    """The tier the newest ratio stands on, without the memory of alerts; UNKNOWN where there is none."""
    if series.unknown_for_s > 0:
        return Tier.UNKNOWN
    return tier_of(TierReading(ratio_percent=series.last), thresholds)


def distance_sentence(markets: Sequence[MarketDistance]) -> str:
    """What liquidates first."""
    first = nearest_first(markets)[0]
    market, found = name(first.liquidation.market), first.liquidation
    if found.status is LiquidationStatus.ALREADY:
        return f"{market if found.isolated else 'The account'} can be liquidated now"
    if found.status is LiquidationStatus.NONE:
        return "No market liquidates by its own price"
    return f"{market} liquidates {direction(first)}, at {liquidation_price(first, width=9)}"


def nearest_first(markets: Sequence[MarketDistance]) -> list[MarketDistance]:
    """Already liquidatable, then by distance, then those without a price; otherwise in the order given."""
    return sorted(markets, key=reach_frac)


def reach_frac(market: MarketDistance) -> float:
    """Distance as a fraction: 0 where liquidation has begun, infinite where no price liquidates."""
    found = market.liquidation
    if found.status is LiquidationStatus.ALREADY:
        return 0.0
    if found.status is LiquidationStatus.NONE or found.distance_frac is None or math.isnan(found.distance_frac):
        return math.inf
    return found.distance_frac


def direction(market: MarketDistance) -> str:
    """Distance and side: ``4.1% lower``."""
    found = market.liquidation
    text = distance(found.distance_frac)
    if found.price_usd is None or market.price_usd is None:
        return f"{text} away"
    return f"{text} {'lower' if found.price_usd < market.price_usd else 'higher'}"


def liquidation_price(market: MarketDistance, *, width: int | None = None) -> str:
    """Rounded toward today's price, so that it is never shown further away than it is."""
    at, now = market.liquidation.price_usd, market.price_usd
    if at is None or now is None:
        return price(at, width=width)
    return price(at, width=width, rounding=Rounding.UP if at < now else Rounding.DOWN)
