"""The performance desk: what an account earned on equity that deposits do not touch, and by what."""

import asyncio
import csv
import io
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from risk.errors import BadParameter, NotEnoughData
from risk.margin.book import FloatArray
from risk.model.performance import Attribution, EquityCurve, Fill, PerformanceMetrics, Period, RoundTrip
from risk.ports import Clock, EquityCurves, FillHistory
from risk.stats.performance import CALMAR_MINIMUM_DAYS, Ratios, ratios
from risk.stats.round_trips import round_trips
from risk.stats.series import DAYS_PER_YEAR, TimeArray
from risk.stats.trips import trip_statistics

_LEAST_DAYS = 2
_US_PER_DAY = 86_400_000_000


class PerformanceTracker:
    """One account's record.

    Args:
        fills: Where executions are known from; without them there are no round trips.
    """

    def __init__(
        self, account_id: str, equity: EquityCurves, clock: Clock, *, fills: FillHistory | None = None
    ) -> None:
        self.account_id = account_id
        self._equity, self._clock, self._fills = equity, clock, fills

    async def equity_curve(self, period: Period | str = Period.ALL) -> EquityCurve:
        """Samples of a period, with the one it starts from. Empty for an account nobody watched.

        Raises: BadParameter for a period there is none of; "30d" is as good as Period.MONTH.
        """
        period = period_of(period)
        curve = await self._equity.curve(self.account_id)
        return curve if period.span is None else curve.since(self._clock.now() - period.span)

    async def round_trips(self, period: Period | str = Period.ALL, market: str | None = None) -> tuple[RoundTrip, ...]:
        """Positions that were closed within a period, net of fees and funding."""
        return self._closed_within(period_of(period), market, await self._known_fills())

    async def metrics(self, period: Period | str = Period.ALL, market: str | None = None) -> PerformanceMetrics:
        """Everything at once. Without enough equity history the ratios are NaN, and a warning says what is missing.

        Args:
            market: Only round trips of this one; the ratios are then NaN, for equity has no markets.
        """
        period = period_of(period)
        curve = await self.equity_curve(period)
        fills = await self._known_fills()
        trips = self._closed_within(period, market, fills)
        found = metrics_of(curve, trips, period, market or "", fills_known=self._fills is not None)
        notes = found.warnings if trips or not fills else (*found.warnings, _no_trip(len(fills), period, market))
        return replace(found, fills_on_record=len(fills), warnings=notes)

    async def attribution(self, period: Period | str = Period.ALL) -> Attribution:
        """The change of equity, split. Raises: NotEnoughData below two samples."""
        return attribution_of(await self.equity_curve(period))

    async def export_csv(self, path: Path | str, period: Period | str = Period.ALL) -> int:
        """Write the equity curve; returns the number of rows. An existing file is replaced whole or not at all.

        Raises: OSError where the file cannot be written.
        """
        text, rows = csv_of(await self.equity_curve(period))
        await asyncio.to_thread(_replace, Path(path), text)
        return rows

    def _closed_within(self, period: Period, market: str | None, fills: tuple[Fill, ...]) -> tuple[RoundTrip, ...]:
        since = self._since(period)
        return tuple(
            trip for trip in round_trips(fills)
            if (since is None or trip.closed_at >= since) and (market is None or trip.market == market)
        )  # fmt: skip

    async def _known_fills(self) -> tuple[Fill, ...]:
        return tuple(await self._fills.fills(self.account_id)) if self._fills is not None else ()

    def _since(self, period: Period) -> datetime | None:
        return None if period.span is None else self._clock.now() - period.span


def period_of(name: Period | str) -> Period:
    """A period by its name. Raises: BadParameter, naming those there are."""
    try:
        return Period(name)
    except ValueError:
        raise BadParameter(f"there is no period {name!r}; choose of {', '.join(Period)}") from None


def _no_trip(fills: int, period: Period, market: str | None) -> str:
    of = f" of {market}" if market else ""
    known = f"{fills:,} {'fill is' if fills == 1 else 'fills are'} on record, and none closed a position{of}"
    return known if period is Period.ALL else f"{known} in {period.value}; ask for all"


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def daily_returns(curve: EquityCurve) -> tuple[TimeArray, FloatArray]:
    """(days, simple returns) of the last unit value of each UTC day; a day without a sample has no return of its own,
    what happened in it shows in the next one."""
    if not len(curve):
        return np.empty(0, "datetime64[D]"), np.empty(0)
    days = curve.at.astype("datetime64[D]")
    last = np.flatnonzero(np.concatenate([days[1:] != days[:-1], [True]]))
    # The value the period starts from counts too: a first day that falls is a fall.
    values = np.concatenate([curve.unit_value_usd[:1], curve.unit_value_usd[last]])
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = np.where(values[:-1] > 0, values[1:] / values[:-1] - 1.0, np.nan)
    return days[last], returns


def metrics_of(
    curve: EquityCurve, trips: tuple[RoundTrip, ...], period: Period, market: str = "", *, fills_known: bool = True
) -> PerformanceMetrics:
    """See PerformanceTracker.metrics."""
    notes: list[str] = []
    days, returns = daily_returns(curve)
    found: Ratios | None = None
    if market:
        notes.append("ratios are of the whole account; ask without a market")
    elif returns.size < _LEAST_DAYS or np.isnan(returns).any():
        notes.append(f"equity history: {returns.size} of {_LEAST_DAYS} days; ratios come with time")
    else:
        found = ratios(returns, periods_per_year=_periods_per_year(curve, returns))
    lasted_days = _span_days(curve)
    calmar = found.calmar if found else math.nan
    if found and lasted_days < CALMAR_MINIMUM_DAYS:
        calmar = math.nan
        notes.append(f"Calmar is withheld: {lasted_days:.0f} of {CALMAR_MINIMUM_DAYS:.0f} days")
    if not fills_known:
        notes.append("no fills are known, so there are no round trips; import them with keel history import --trades")
    trades = trip_statistics(np.array([trip.pnl_usd for trip in trips]))
    return PerformanceMetrics(
        total_return=found.total_return if found else math.nan,
        annualized_return=found.annualized_return if found else math.nan,
        volatility=found.volatility if found else math.nan,
        sharpe_ratio=found.sharpe if found else math.nan,
        sortino_ratio=found.sortino if found else math.nan,
        calmar_ratio=calmar,
        max_drawdown=found.max_drawdown if found else math.nan,
        win_rate=trades.win_rate,
        profit_factor=trades.profit_factor,
        average_win=trades.average_win,
        average_loss=trades.average_loss,
        largest_win=trades.largest_win,
        largest_loss=trades.largest_loss,
        total_trades=trades.total,
        winning_trades=trades.winning,
        losing_trades=trades.losing,
        se_sharpe_ratio=found.sharpe_se if found else math.nan,
        se_win_rate=trades.win_rate_se,
        period=period,
        market=market,
        start=_moment(curve.at[0]) if len(curve) else None,
        end=_moment(curve.at[-1]) if len(curve) else None,
        n=int(days.size),
        trades_start=min((trip.opened_at for trip in trips), default=None),
        trades_end=max((trip.closed_at for trip in trips), default=None),
        warnings=tuple(notes),
    )


def attribution_of(curve: EquityCurve) -> Attribution:
    """See PerformanceTracker.attribution."""
    if len(curve) < _LEAST_DAYS:
        raise NotEnoughData("equity history", found=len(curve), needed=_LEAST_DAYS)
    change = float(curve.equity_usd[-1] - curve.equity_usd[0])
    flows = float(curve.net_flow_usd[-1] - curve.net_flow_usd[0])
    funding = float(curve.funding_usd[-1] - curve.funding_usd[0])
    fees = -float(curve.fees_usd[-1] - curve.fees_usd[0])
    unknown = [name for name, part in (("funding", funding), ("fees", fees)) if math.isnan(part)]
    price = change - flows - sum(part for part in (funding, fees) if not math.isnan(part))
    return Attribution(
        change_usd=change, price_usd=price, funding_usd=funding, fees_usd=fees, flows_usd=flows,
        start=_moment(curve.at[0]), end=_moment(curve.at[-1]),
        warnings=tuple(f"{name} is not known for the whole period; it is part of price" for name in unknown),
    )  # fmt: skip


def csv_of(curve: EquityCurve) -> tuple[str, int]:
    """(text, rows): moments in ISO 8601 UTC, unknown figures empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["ts", "equity_usd", "unit_value_usd", "net_flow_usd", "funding_usd", "fees_usd"])
    columns = (curve.equity_usd, curve.unit_value_usd, curve.net_flow_usd, curve.funding_usd, curve.fees_usd)
    for row, at in enumerate(curve.at):
        figures = ["" if math.isnan(column[row]) else repr(float(column[row])) for column in columns]
        writer.writerow([_moment(at).isoformat().replace("+00:00", "Z"), *figures])
    return out.getvalue(), len(curve)


def _periods_per_year(curve: EquityCurve, returns: FloatArray) -> float:
    """Days with a sample may be fewer than days: a return over two days is one period of two."""
    return float(min(DAYS_PER_YEAR, returns.size / max(_span_days(curve), 1.0) * DAYS_PER_YEAR))


def _span_days(curve: EquityCurve) -> float:
    return float((curve.at[-1] - curve.at[0]).astype(np.int64)) / _US_PER_DAY if len(curve) > 1 else 0.0


def _moment(at: np.datetime64) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at.astype("datetime64[us]").astype(np.int64)))
