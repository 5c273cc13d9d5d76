"""What a day was, account by account: measured, never made up. What a venue does not state stays unknown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np

from risk.decisions.tiers import Tier
from risk.margin.book import FloatArray
from risk.model.limits import RiskViolation
from storage import EquitySeries

# A total that was stated so long before or after a moment still counts as of then; funding is hourly, fees are asked
# for every few minutes.
_NEAR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profit:
    """What an account made between two moments, in USD, money moved in and out left aside.

    Attributes:
        price_usd: What is not funding or fees: prices, and interest, which the venue does not state apart. Where
            funding or fees are unknown, they are in it.
        funding_usd: > 0 received; None where the venue does not state it.
        fees_usd: > 0 paid, rebates taken off; None where the venue does not state it for this account.
    """

    since: datetime
    until: datetime
    equity_usd: float
    equity_before_usd: float
    moved_usd: float
    funding_usd: float | None
    fees_usd: float | None

    @property
    def total_usd(self) -> float:
        return self.equity_usd - self.equity_before_usd - self.moved_usd

    @property
    def price_usd(self) -> float:
        return self.total_usd - (self.funding_usd or 0.0) + (self.fees_usd or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDay:
    """One account's part of a digest.

    Attributes:
        nickname: As whoever reads it calls the account.
        profit: None without two samples of equity to compare.
        health_ratio_percent: None where nothing can be said now; so are the others.
        distance_frac: How far the nearest liquidation price is; None also where no single price liquidates.
        violations: Limits that do not hold; None where that is not known.
        happened: What changed, in sentences, oldest first.
    """

    account_id: str
    nickname: str
    tier: Tier
    profit: Profit | None
    health_ratio_percent: float | None
    distance_frac: float | None
    nearest_market: str
    leverage: float | None
    violations: tuple[RiskViolation, ...] | None
    happened: tuple[str, ...] = ()


def profit_of(series: EquitySeries, since: datetime) -> Profit | None:
    """What the samples of an account say of the time since a moment; None where there are not two of them.

    Args:
        series: May begin earlier; the last sample before ``since`` is where the time begins.
    """
    times = _moments(series)
    if len(times) < 2:
        return None
    first = max((at for at, moment in enumerate(times) if moment <= since), default=0)
    if first == len(times) - 1:
        return None
    return Profit(
        since=times[first],
        until=times[-1],
        equity_usd=float(series.equity_usd[-1]),
        equity_before_usd=float(series.equity_usd[first]),
        moved_usd=float(series.net_flow_usd[-1] - series.net_flow_usd[first]),
        funding_usd=_grown(series.funding_usd, times, first),
        fees_usd=_grown(series.fees_usd, times, first),
    )


def together(profits: Sequence[Profit | None]) -> Profit | None:
    """Several accounts as one; a part that is unknown for one of them is unknown. None where one has no profit."""
    known = [profit for profit in profits if profit is not None]
    if not known or len(known) < len(profits):
        return None
    return Profit(
        since=max(one.since for one in known),
        until=max(one.until for one in known),
        equity_usd=math.fsum(one.equity_usd for one in known),
        equity_before_usd=math.fsum(one.equity_before_usd for one in known),
        moved_usd=math.fsum(one.moved_usd for one in known),
        funding_usd=_sum([one.funding_usd for one in known]),
        fees_usd=_sum([one.fees_usd for one in known]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Equity of one account, or of several together, at common moments; NaN where one of them was not known."""

    times: tuple[datetime, ...]
    equity_usd: FloatArray
    net_deposits_usd: FloatArray


def curve_of(all_series: Sequence[EquitySeries], since: datetime) -> Curve:
    """The curves of several accounts added up, at the moments of the one with the most samples.

    A sample holds for five minutes; beyond that the account is unknown, and with it the sum.
    """
    longest = max(all_series, key=lambda series: series.sampled_at.size)
    times = _moments(longest)
    kept = [at for at, moment in enumerate(times) if moment >= since]
    grid = longest.sampled_at[kept]
    equity, moved = np.zeros(grid.size), np.zeros(grid.size)
    for series in all_series:
        equity += _held(series, series.equity_usd, grid)
        moved += _held(series, series.net_flow_usd, grid)
    return Curve(tuple(times[at] for at in kept), equity, moved)


_HOLDS = np.timedelta64(5, "m")


def _held(series: EquitySeries, values: FloatArray, grid: "np.typing.NDArray[np.datetime64]") -> FloatArray:
    if not series.sampled_at.size:
        return np.full(grid.size, np.nan)
    at = np.searchsorted(series.sampled_at, grid, side="right") - 1
    taken = values[np.maximum(at, 0)]
    known = (at >= 0) & (grid - series.sampled_at[np.maximum(at, 0)] <= _HOLDS)
    return cast("FloatArray", np.where(known, taken, np.nan))


def _moments(series: EquitySeries) -> list[datetime]:
    naive = cast("list[datetime]", series.sampled_at.astype("datetime64[us]").tolist())
    return [at.replace(tzinfo=UTC) for at in naive]


def _grown(totals: FloatArray, times: Sequence[datetime], first: int) -> float | None:
    """How much a running total grew between a sample and the newest one; None where it is not stated near both."""
    known = [at for at in range(len(times)) if not math.isnan(totals[at])]
    begin = min(known, key=lambda at: abs(times[at] - times[first]), default=None)
    if begin is None or abs(times[begin] - times[first]) > _NEAR or times[-1] - times[known[-1]] > _NEAR:
        return None
    return float(totals[known[-1]] - totals[begin])


def _sum(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return math.fsum(known) if len(known) == len(parts) else None
