"""What a book's statistics are made of: the daily returns of its assets, and what of the book has none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from risk.errors import NotEnoughData
from risk.margin.linear import LinearMargin
from risk.margin.plan import MarginPlan
from risk.model.candles import Candles
from risk.stats.series import Aligned, align

DUST_SHARE = 0.01
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BookHistory:
    """One account with the history of what moves it.

    Attributes:
        margin: Assets without history stand still in it.
        returns: Daily log returns, columns as ``margin.assets``.
        data_age_s: Since the last bar closed.
        warnings: What was left out, and why.
    """

    margin: LinearMargin
    returns: Aligned
    data_age_s: float
    warnings: tuple[str, ...]

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Opening of the first bar a return starts from, and closing of the last."""
        first, last = self.returns.at[0], self.returns.at[-1]
        return _moment(first) - _DAY, _moment(last) + _DAY


def book_history(
    plan: MarginPlan,
    candles: Mapping[str, Candles],
    *,
    now: datetime,
    days: int | None = None,
    assets: Sequence[str] | None = None,
) -> BookHistory:
    """History of one account's assets over the bars they have in common.

    An asset without usable history makes the answer impossible, unless it is dust: below 1 % of the gross exposure it
    is taken to stand still, and a warning names it.

    Args:
        days: At most so many of the newest returns.
        assets: What may move; None for everything held that is no dollar token.

    Raises: NotEnoughData, naming the asset and how to get its history.
    """
    whole = LinearMargin.of(plan, assets)
    gross = float(np.abs(whole.equity_slope_usd).sum())
    usable, warnings = [], []
    for asset, slope in zip(whole.assets, whole.equity_slope_usd, strict=True):
        series = candles.get(asset)
        if series is not None and len(series) >= 2:
            usable.append(asset)
            continue
        share = abs(float(slope)) / gross if gross > 0 else 0.0
        if share > DUST_SHARE:
            raise NotEnoughData(f"daily bars of {asset}", found=len(series) if series is not None else 0, needed=2)
        warnings.append(f"no history of {asset} ({share:.1%} of the exposure): taken to stand still")
    margin = LinearMargin.of(plan, usable)
    if not usable:
        empty = Aligned(assets=(), at=np.empty(0, "datetime64[s]"), log_returns=np.empty((0, 0)))
        return BookHistory(margin=margin, returns=empty, data_age_s=0.0, warnings=tuple(warnings))
    returns = align({asset: candles[asset].closes for asset in usable}, usable)
    if days is not None:
        returns = returns.last(days)
    if returns.dropped:
        warnings.append(f"{returns.dropped} days that not all assets have were left out")
    age_s = max(0.0, (now - _moment(returns.at[-1]) - _DAY).total_seconds())
    if age_s > 3 * _DAY.total_seconds():
        warnings.append(f"history ends {age_s / 86_400:.0f} days ago: volatility is that of then")
    return BookHistory(margin=margin, returns=returns, data_age_s=age_s, warnings=tuple(warnings))


def _moment(at: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(at.astype("datetime64[s]").astype(np.int64)), UTC)
