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
_FEW_BARS = 101
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BookHistory:
    """One account with the history of what moves it.

    Attributes:
        margin: Assets without history stand still in it.
        returns: Daily log returns, columns as ``margin.assets``.
        data_age_s: Since the last bar closed.
        warnings: What was left out, and why.
        shortest: The asset with the fewest bars, where there are several; it decides how many days there are.
    """

    margin: LinearMargin
    returns: Aligned
    data_age_s: float
    warnings: tuple[str, ...]
    shortest: str = ""

    @property
    def what(self) -> str:
        """How an error calls these returns when they are too few: with the asset whose bars end the common window."""
        return f"daily returns of {self.shortest}" if self.shortest else "daily returns"

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
    wanted: Sequence[str] = (),
) -> BookHistory:
    """History of one account's assets over the bars they have in common.

    An asset without usable history makes the answer impossible, unless it is dust: up to 1 % of the gross exposure,
    with less than 101 bars, is taken to stand still, and a warning names it.

    Args:
        days: At most so many of the newest returns.
        assets: What may move; None for everything held that is no dollar token.
        wanted: What the question is about, and is no dust however little of it is held.

    Raises: NotEnoughData, naming the asset and how to get its history.
    """
    whole = LinearMargin.of(plan, assets)
    gross = float(np.abs(whole.equity_slope_usd).sum())
    usable, warnings = [], []
    for asset, slope in zip(whole.assets, whole.equity_slope_usd, strict=True):
        series = candles.get(asset)
        found = len(series) if series is not None else 0
        share = abs(float(slope)) / gross if gross > 0 else 0.0
        dust = share <= DUST_SHARE and asset not in wanted
        if found >= (_FEW_BARS if dust else 2):  # a market listed yesterday must not shorten the history of the rest
            usable.append(asset)
        elif dust:
            known = f"only {found} bars" if found else "no history"
            warnings.append(f"{known} of {asset} ({share:.1%} of the exposure): taken to stand still")
        else:
            raise NotEnoughData(f"daily bars of {asset}", found=found, needed=2)
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
    shortest = min(usable, key=lambda asset: len(candles[asset]))
    return BookHistory(
        margin=margin, returns=returns, data_age_s=age_s, warnings=tuple(warnings), shortest=shortest
    )  # fmt: skip


def _moment(at: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(at.astype("datetime64[s]").astype(np.int64)), UTC)
