"""The desks on one account as it was written down and on bars from arrays: for notebooks, without a venue or a bot."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt

from risk.errors import BadSeries, UnknownAccount
from risk.fleet import Fleet
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.model.account import AccountSnapshot
from risk.model.candles import Candles, Interval, no_candles
from risk.model.limits import RiskLimits
from risk.position_sizer import PositionSizer
from risk.risk_engine import DriftRiskEngine


def daily_candles(asset: str, close_usd: npt.ArrayLike, *, last_day: date) -> Candles:
    """Daily bars of which only the closes are known, one for each day up to the last, which has ended.

    Raises: BadSeries for closes that are not one row of positive numbers.
    """
    closes = np.asarray(close_usd, np.float64)
    if closes.ndim != 1 or not np.isfinite(closes).all() or (closes <= 0).any():
        raise BadSeries(f"closes of {asset} must be one row of positive numbers, one for each day")
    at = np.datetime64(last_day, "D") - np.arange(closes.size - 1, -1, -1)
    opens = np.concatenate([closes[:1], closes[:-1]])
    return Candles(
        asset=asset, interval=Interval.DAY, at=at.astype("datetime64[s]"), open_usd=opens,
        high_usd=np.maximum(opens, closes), low_usd=np.minimum(opens, closes), close_usd=closes,
        volume=np.full(closes.size, np.nan), sources=("an array",),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Offline:
    """One account at one moment.

    Attributes:
        candles: By asset; what is missing is told when something needs it.
        now: The moment all of it is of, such as when the account was read; the age of the bars counts from it.
        limits: What a size that is suggested has to keep.
    """

    account: AccountSnapshot
    candles: Mapping[str, Candles]
    now: datetime
    limits: RiskLimits = field(default_factory=RiskLimits)

    @cached_property
    def fleet(self) -> Fleet:
        """For the desks that need no history, such as DriftLiquidationMonitor."""
        return Fleet(_Reader(self.account, self.now), [self.account.account_id], _Standing(self.now))

    @cached_property
    def risk(self) -> DriftRiskEngine:
        return DriftRiskEngine(self.account.account_id, self.fleet, _Shelf(self.candles), _Standing(self.now))

    @cached_property
    def sizer(self) -> PositionSizer:
        return PositionSizer(self.account.account_id, self.fleet, self.risk, limits=_Limits(self.limits))


class _Standing:
    """Implements risk.ports.Clock: no time passes."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Nothing to wait for."""


class _Limits:
    """Implements risk.ports.LimitsStore."""

    def __init__(self, limits: RiskLimits) -> None:
        self._limits = limits

    async def load_limits(self, account_id: str) -> RiskLimits | None:
        return self._limits

    async def save_limits(self, account_id: str, limits: RiskLimits) -> None:
        self._limits = limits


class _Shelf:
    """Implements risk.ports.CandleStore."""

    def __init__(self, candles: Mapping[str, Candles]) -> None:
        self._candles = candles

    async def candles(self, asset: str, interval: Interval) -> Candles:
        found = self._candles.get(asset)
        return found if found is not None and found.interval is interval else no_candles(asset, interval)


class _Reader:
    """Implements risk.ports.AccountReader."""

    def __init__(self, account: AccountSnapshot, now: datetime) -> None:
        self._account = replace(account, observed_at=now)

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        for account_id in account_ids:
            await self.resolve(account_id)
        book = book_of([self._account])
        return book if with_orders else replace(book, orders=None)

    async def sweep(self, *, batch_accounts: int = 10_000) -> AsyncIterator[FleetBook]:
        yield await self.read([self._account.account_id], with_orders=False)

    async def resolve(self, reference: str) -> str:
        if reference != self._account.account_id:
            raise UnknownAccount(f"there is no account {reference} here; it is {self._account.account_id}")
        return reference

    async def sub_accounts(self, authority: str) -> list[str]:
        return [self._account.account_id] if authority == self._account.authority else []

    async def close(self) -> None:
        """Nothing is open."""
