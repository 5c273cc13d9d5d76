"""Pictures of the statistics: distribution, cone, correlations, fan, months. As the others: pure, any thread, PNG."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from bot.charts import _ONE_AT_A_TIME
from bot.charts.errors import NotEnoughPoints
from bot.charts.palette import Theme, palette_of
from bot.charts.series import FloatArray, series_of

if TYPE_CHECKING:
    from risk.stats.realized import ConeRow
    from risk.stats.series import TimeArray


def distribution_chart(
    pnl_usd: FloatArray, *, var_usd: float, es_usd: float, title: str, subtitle: str, unit: str,
    theme: Theme = Theme.DARK,
) -> bytes:  # fmt: skip
    """Profit and loss in USD with the VaR marked. Raises: NotEnoughPoints for fewer than two different values."""
    with _ONE_AT_A_TIME:
        from bot.charts.distribution import distribution_sheet, drawable  # brings matplotlib

        if not drawable(pnl_usd):
            raise NotEnoughPoints("There is no spread of outcomes to show.")
        return distribution_sheet(
            pnl_usd, var_usd=var_usd, es_usd=es_usd, title=title, subtitle=subtitle, unit=unit,
            palette=palette_of(theme),
        ).png()  # fmt: skip


def cone_chart(rows: "Sequence[ConeRow]", *, title: str, subtitle: str, theme: Theme = Theme.DARK) -> bytes:
    """Volatility by horizon. Raises: NotEnoughPoints without a horizon."""
    if not rows:
        raise NotEnoughPoints("There is no horizon with enough history.")
    with _ONE_AT_A_TIME:
        from bot.charts.cone import cone_sheet  # brings matplotlib

        return cone_sheet(rows, title=title, subtitle=subtitle, palette=palette_of(theme)).png()


def heatmap_chart(
    assets: Sequence[str], values: FloatArray, *, title: str, subtitle: str, note: str, theme: Theme = Theme.DARK
) -> bytes:
    """Correlations, at most ten assets. Raises: NotEnoughPoints for fewer than two."""
    if len(assets) < 2:
        raise NotEnoughPoints("A correlation takes two assets.")
    with _ONE_AT_A_TIME:
        from bot.charts.heatmap import heatmap_sheet  # brings matplotlib

        return heatmap_sheet(assets, values, title=title, subtitle=subtitle, note=note, palette=palette_of(theme)).png()


def fan_chart(
    hours: FloatArray, quantiles: FloatArray, *, title: str, subtitle: str, theme: Theme = Theme.DARK
) -> bytes:
    """Margin left along simulated paths; see fan_sheet for the shape of the quantiles."""
    with _ONE_AT_A_TIME:
        from bot.charts.fan import fan_sheet  # brings matplotlib

        return fan_sheet(hours, quantiles, title=title, subtitle=subtitle, palette=palette_of(theme)).png()


def months_chart(months: Sequence[tuple[str, float]], *, title: str, subtitle: str, theme: Theme = Theme.DARK) -> bytes:
    """Returns by month. Raises: NotEnoughPoints without one."""
    if not months:
        raise NotEnoughPoints("No month has ended or begun with equity on record.")
    with _ONE_AT_A_TIME:
        from bot.charts.months import months_sheet  # brings matplotlib

        return months_sheet(months, title=title, subtitle=subtitle, palette=palette_of(theme)).png()


def underwater_chart(
    at: "TimeArray", unit_value_usd: FloatArray, *, title: str, account: str, now: datetime, theme: Theme = Theme.DARK
) -> bytes:
    """How far below its high an account was. Raises: NotEnoughPoints without a value."""
    times = [moment.replace(tzinfo=UTC) for moment in at.astype("datetime64[us]").tolist()]
    depth = unit_value_usd / np.maximum.accumulate(unit_value_usd) - 1.0 if len(times) else unit_value_usd
    series = series_of(times, depth, what="drawdown", now=now, gap_s=None)
    with _ONE_AT_A_TIME:
        from bot.charts.underwater import underwater_sheet  # brings matplotlib

        return underwater_sheet(series, title=title, account=account, palette=palette_of(theme)).png()
