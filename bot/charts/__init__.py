"""Pictures for a phone: PNG, 1080 pixels wide and up to 1350 high, in two themes.

Every chart has a title that is the answer, and the same sentence without the picture, for its ``alt``. The functions
are pure and may run in any thread, one picture at a time; matplotlib loads with the first picture, not before.
"""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from bot.charts.distances import MarketDistance
from bot.charts.errors import ChartError, NotEnoughPoints
from bot.charts.palette import Theme, palette_of
from bot.charts.series import FloatArray, Series, series_of
from bot.charts.stretches import Stretch
from bot.charts.titles import distance_sentence, equity_sentence, health_sentence, health_tier
from risk.decisions.tiers import Tier, TierThresholds

__all__ = [
    "ChartError",
    "MarketDistance",
    "NotEnoughPoints",
    "Stretch",
    "Theme",
    "distance_chart",
    "distance_title",
    "equity_chart",
    "equity_title",
    "health_chart",
    "health_title",
    "told_chart",
]

_ONE_AT_A_TIME: Final = threading.Lock()  # figures are separate, but matplotlib's font caches are not


def equity_chart(
    times: Sequence[datetime],
    equity_usd: ArrayLike,
    *,
    account: str = "",
    net_deposits_usd: ArrayLike | None = None,
    now: datetime | None = None,
    gap_s: float | None = None,
    theme: Theme = Theme.DARK,
) -> bytes:
    """Equity over time as PNG.

    Args:
        times: Aware, in any order.
        equity_usd: One a time; NaN or infinite where it was not known, drawn as a gap.
        account: Nickname, as it came.
        net_deposits_usd: Deposits minus withdrawals so far, one a time. With them the change is told without what was
            paid in or out, and the payments are marked.
        now: End of the time axis; data that ended earlier is followed by a gap. None ends it with the data.
        gap_s: A longer pause is a gap; None finds out from the usual pace.

    Raises: NotEnoughPoints when no value is known; ValueError for lengths that differ or naive times.
    """
    series = _equity(times, equity_usd, now, gap_s)
    deposits = _beside(series, times, net_deposits_usd)
    with _ONE_AT_A_TIME:
        from bot.charts.equity import equity_sheet  # brings matplotlib

        return equity_sheet(series, account=account, net_deposits_usd=deposits, palette=palette_of(theme)).png()


def equity_title(
    times: Sequence[datetime],
    equity_usd: ArrayLike,
    *,
    net_deposits_usd: ArrayLike | None = None,
    now: datetime | None = None,
    gap_s: float | None = None,
) -> str:
    """The sentence on top of the chart of the same arguments, such as ``Equity $10,240, +2.4% in 24 h``."""
    series = _equity(times, equity_usd, now, gap_s)
    return equity_sentence(series, _beside(series, times, net_deposits_usd))


def health_chart(
    times: Sequence[datetime],
    ratio_percent: ArrayLike,
    thresholds: TierThresholds,
    *,
    account: str = "",
    tier: Tier | None = None,
    now: datetime | None = None,
    gap_s: float | None = None,
    theme: Theme = Theme.DARK,
) -> bytes:
    """Health ratio over time, with the bands of the tiers, as PNG.

    Args:
        times: Aware, in any order.
        ratio_percent: 100 is liquidation; infinite without a requirement; NaN where unknown, drawn as a gap.
        thresholds: Its ratios bound the bands.
        account: Nickname, as it came.
        tier: Where the account stands, hysteresis included; None takes it from the newest ratio alone.
        now: End of the time axis; data that ended earlier is followed by a gap, and the tier is then unknown.
        gap_s: A longer pause is a gap; None finds out from the usual pace.

    Raises: NotEnoughPoints when no value is known; ValueError for lengths that differ or naive times.
    """
    series = series_of(times, ratio_percent, what="health", now=now, gap_s=gap_s)
    shown = tier or health_tier(series, thresholds)
    with _ONE_AT_A_TIME:
        from bot.charts.health import health_sheet  # brings matplotlib

        return health_sheet(series, thresholds, account=account, tier=shown, palette=palette_of(theme)).png()


def health_title(
    times: Sequence[datetime],
    ratio_percent: ArrayLike,
    thresholds: TierThresholds,
    *,
    tier: Tier | None = None,
    now: datetime | None = None,
    gap_s: float | None = None,
) -> str:
    """The sentence on top of the chart of the same arguments, such as ``Health ratio 152.3%, WARNING``."""
    series = series_of(times, ratio_percent, what="health", now=now, gap_s=gap_s)
    return health_sentence(series, tier or health_tier(series, thresholds))


def distance_chart(
    markets: Sequence[MarketDistance],
    *,
    account: str = "",
    thresholds: TierThresholds | None = None,
    theme: Theme = Theme.DARK,
) -> bytes:
    """Distance of every market to the price that liquidates, nearest first, as PNG; lower where there are few.

    Args:
        markets: In any order; the nearest eight are shown.
        account: Nickname, as it came.
        thresholds: Colours bars by tier where distances have thresholds; otherwise only the nearest stands out.

    Raises: NotEnoughPoints without a market.
    """
    _require_markets(markets)
    with _ONE_AT_A_TIME:
        from bot.charts.distance import distance_sheet  # brings matplotlib

        return distance_sheet(markets, account=account, thresholds=thresholds, palette=palette_of(theme)).png()


def told_chart(
    times: Sequence[datetime],
    room_frac: ArrayLike,
    stretches: Sequence[Stretch],
    *,
    title: str,
    subtitle: str = "",
    ended: bool = False,
    theme: Theme = Theme.DARK,
) -> bytes:
    """Room to liquidation over time, on the colours of the tiers that were told, as PNG.

    Args:
        times: Aware, in any order.
        room_frac: Of the value of the positions; 0 is liquidation, NaN where unknown, drawn as a gap.
        title: The answer, in a sentence.
        ended: Whether the newest value is that of a liquidation.

    Raises: NotEnoughPoints when no value is known; ValueError for lengths that differ or naive times.
    """
    series = series_of(times, room_frac, what="room to liquidation")
    with _ONE_AT_A_TIME:
        from bot.charts.told import told_sheet  # brings matplotlib

        return told_sheet(
            series, stretches, title=title, subtitle=subtitle, ended=ended, palette=palette_of(theme)
        ).png()


def distance_title(markets: Sequence[MarketDistance]) -> str:
    """The sentence on top of the chart, such as ``BTC-PERP liquidates 4.1% lower, at 97,370.1``."""
    _require_markets(markets)
    return distance_sentence(markets)


def _equity(times: Sequence[datetime], equity_usd: ArrayLike, now: datetime | None, gap_s: float | None) -> Series:
    values = np.asarray(equity_usd, dtype=np.float64)
    return series_of(times, np.where(np.isfinite(values), values, np.nan), what="equity", now=now, gap_s=gap_s)


def _beside(series: Series, times: Sequence[datetime], values: ArrayLike | None) -> FloatArray | None:
    """Values of the same times, in the order of the series; the newest stands for a moment added at the end."""
    if values is None:
        return None
    given = np.asarray(values, dtype=np.float64)
    if given.shape != (len(times),):
        raise ValueError(f"{len(times)} times and net deposits of shape {given.shape} do not belong together")
    order = np.argsort([at.timestamp() for at in times], kind="stable")
    return np.pad(given[order], (0, series.times_s.size - given.size), mode="edge")


def _require_markets(markets: Sequence[MarketDistance]) -> None:
    if not markets:
        raise NotEnoughPoints("No position or balance is open that a price could liquidate; open /portfolio to see.")
