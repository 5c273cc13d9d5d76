"""What an account earned, and by what."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from risk.errors import BadSeries
from risk.margin.book import FloatArray
from risk.model.account import Side
from risk.stats.series import TimeArray


class Period(StrEnum):
    """How far back performance looks."""

    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    ALL = "all"

    @property
    def span(self) -> timedelta | None:
        """None for everything."""
        return {"7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}.get(self.value)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EquityCurve:
    """Samples of one account's equity, oldest first, columns of one length.

    Attributes:
        at: UTC, datetime64[us], rising.
        equity_usd: As the venue values it.
        unit_value_usd: Per share, so that deposits and withdrawals do not show.
        net_flow_usd: Deposits minus withdrawals so far.
        funding_usd: Received so far, < 0 paid; NaN where the venue does not say.
        fees_usd: Paid so far, >= 0; NaN where the venue does not say.
    """

    at: TimeArray
    equity_usd: FloatArray
    unit_value_usd: FloatArray
    net_flow_usd: FloatArray
    funding_usd: FloatArray
    fees_usd: FloatArray

    def __post_init__(self) -> None:
        columns = (self.equity_usd, self.unit_value_usd, self.net_flow_usd, self.funding_usd, self.fees_usd)
        if any(column.shape != self.at.shape for column in columns):
            raise BadSeries("an equity curve has columns of one length")

    def __len__(self) -> int:
        return int(self.at.size)

    def since(self, moment: datetime) -> "EquityCurve":
        """Samples from a moment on, and the last one before it, where the period starts from."""
        first = max(0, int(np.searchsorted(self.at, np.datetime64(moment.replace(tzinfo=None), "us"), "right")) - 1)
        return EquityCurve(
            at=self.at[first:], equity_usd=self.equity_usd[first:], unit_value_usd=self.unit_value_usd[first:],
            net_flow_usd=self.net_flow_usd[first:], funding_usd=self.funding_usd[first:],
            fees_usd=self.fees_usd[first:],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution.

    Attributes:
        size_base: Unsigned.
        fee_usd: Paid, >= 0; < 0 is a rebate.
        funding_usd: Received with it since the fill before, < 0 paid; 0 where it is not known by fill.
        order_id: As the venue or the file names it; empty where unknown.
        reference: The name its source gives this very fill, unique there; empty where it has none.
    """

    at: datetime
    market: str
    side: Side
    size_base: float
    price_usd: float
    fee_usd: float = 0.0
    funding_usd: float = 0.0
    order_id: str = ""
    reference: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """A position from flat to flat, or to the other side.

    Attributes:
        size_base: Largest size held, signed.
        pnl_usd: Net of fees and funding.
    """

    market: str
    opened_at: datetime
    closed_at: datetime
    size_base: float
    pnl_usd: float
    fees_usd: float
    funding_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceMetrics:
    """Ratios of flow-adjusted equity, and what closed round trips brought.

    Ratios are NaN where history does not allow them and infinite where nothing was lost; ``warnings`` say why.

    Attributes:
        total_return: Fraction over the period, deposits and withdrawals not counted.
        calmar_ratio: Withheld, NaN, under 90 days.
        max_drawdown: Positive fraction.
        win_rate: Of decided round trips; break-evens are neither won nor lost.
        average_loss: USD, negative or zero, as ``largest_loss``.
        se_sharpe_ratio: Standard error.
        se_win_rate: Standard error.
        start: Of the equity history; trades may be from before it.
        n: Days of it.
        trades_start: When the first of the round trips was opened; None without any.
        trades_end: When the last of them was closed.
        fills_on_record: Executions of any time, whether they closed a position or not.
    """

    total_return: float
    annualized_return: float
    volatility: float
    sharpe_ratio: float
    sortino_ratio: float
    calmar_ratio: float
    max_drawdown: float
    win_rate: float
    profit_factor: float
    average_win: float
    average_loss: float
    largest_win: float
    largest_loss: float
    total_trades: int
    winning_trades: int
    losing_trades: int
    se_sharpe_ratio: float
    se_win_rate: float
    period: Period
    market: str
    start: datetime | None
    end: datetime | None
    n: int
    trades_start: datetime | None = None
    trades_end: datetime | None = None
    fills_on_record: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """The change of an account's equity over a period, split; the parts and the flows sum to the change.

    Attributes:
        price_usd: What funding and fees do not explain; with an unknown part, that part is in it.
        funding_usd: Received, < 0 paid; NaN where the venue does not say.
        fees_usd: <= 0; NaN where the venue does not say.
        flows_usd: Deposits minus withdrawals.
    """

    change_usd: float
    price_usd: float
    funding_usd: float
    fees_usd: float
    flows_usd: float
    start: datetime
    end: datetime
    warnings: tuple[str, ...] = ()
