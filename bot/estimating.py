"""keel var, keel risk, keel performance: one estimate of one account, from the venue and from what Keel has stored."""

import contextlib
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.config import BadSettings, Settings, environment, load_settings
from bot.market_data import MarketDataManager
from bot.run import ledger_reader
from risk.errors import BadParameter, CannotAssess, NotEnoughData, RiskError
from risk.fleet import Fleet
from risk.margin.linear import held_assets
from risk.model.metrics import RiskMetrics, VaRMethod, VaRResult
from risk.model.performance import PerformanceMetrics, Period
from risk.performance_tracker import PerformanceTracker
from risk.ports import Clock
from risk.risk_engine import DriftRiskEngine
from storage import Accounts, CandleLog, EquityLog, FillLog, RiskSnapshotLog, Store

_ONE_READING = timedelta(hours=1)  # an estimate speaks of one moment, however long it takes


class TooLittleHistory(RiskError):
    """There is no such figure yet; the text says what is missing and how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One account that can be asked about.

    Attributes:
        label: As it was typed.
    """

    account_id: str
    label: str
    fleet: Fleet
    store: Store
    history: MarketDataManager
    clock: Clock

    @property
    def tracker(self) -> PerformanceTracker:
        return PerformanceTracker(self.account_id, EquityLog(self.store), self.clock, fills=FillLog(self.store))

    @property
    def desk(self) -> DriftRiskEngine:
        return DriftRiskEngine(
            self.account_id, self.fleet, self.history, self.clock, equity=EquityLog(self.store),
            fills=FillLog(self.store), snapshots=RiskSnapshotLog(self.store),
        )  # fmt: skip


@contextlib.asynccontextmanager
async def asked(account: str, rpc_urls: Sequence[str], venue: str, clock: Clock) -> AsyncIterator[Asked]:
    """Who is meant, read once. The memory is looked into beside a bot that runs.

    Args:
        account: Its nickname, its address, or WALLET:SUB.
        rpc_urls: Instead of those of the settings; none for them.
        venue: Likewise; empty for that of the settings.

    Raises: BadSettings, VenueRejected, VenueUnavailable, StorageError.
    """
    settings = _settings(account, rpc_urls, venue)
    urls = tuple(url.get_secret_value() for url in settings.rpc_urls)
    reader = ledger_reader(urls, settings.venue.value, clock)
    try:
        async with await _memory(settings) as store:
            account_id = await reader.resolve(await _reference(account, settings, store))
            fleet = Fleet(reader, [account_id], clock, max_age=_ONE_READING, stall=_ONE_READING)
            yield Asked(
                account_id=account_id, label=account, fleet=fleet, store=store, clock=clock,
                history=MarketDataManager(CandleLog(store), clock),
            )  # fmt: skip
    finally:
        await reader.close()


def _settings(account: str, rpc_urls: Sequence[str], venue: str) -> Settings:
    known: dict[str, Any] = {}
    if rpc_urls:
        known |= {"rpc_urls": ",".join(rpc_urls), "venue": venue or "drift"}
    elif venue:
        known["venue"] = venue
    if not environment().get("ACCOUNTS", "").strip():
        known["accounts"] = account  # no list is needed to ask about one
    found = load_settings(**known)
    if not found.rpc_urls:
        raise BadSettings("RPC_URLS is needed: set it to a Solana RPC URL, or give one with --rpc")
    return found


async def _memory(settings: Settings) -> Store:
    """What Keel has stored; nothing where it has never run."""
    path = settings.database_path
    return Store.looking(path) if path.exists() else await Store.open(":memory:")


async def _reference(text: str, settings: Settings, store: Store) -> str:
    """What the venue knows an account by that may be called by its nickname."""
    named = {spec.nickname.lower(): spec.reference for spec in settings.accounts if spec.nickname}
    stored = {one.nickname.lower(): one.account_id for one in await Accounts(store).watched()}
    return {**stored, **named}.get(text.lower(), text)


async def value_at_risk(one: Asked, *, confidence: float, days: int, method: str | None, seed: int) -> VaRResult:
    """Raises: TooLittleHistory, BadParameter, CannotAssess, ReadFailed."""
    chosen = _method(method) if method else None
    try:
        return await one.desk.calculate_var(confidence, days, method=chosen, seed=seed)
    except NotEnoughData as exc:
        raise await _too_little(one, str(exc)) from exc


def _method(text: str) -> VaRMethod:
    try:
        return VaRMethod(text.lower())
    except ValueError:
        known = ", ".join(method.value for method in VaRMethod)
        raise BadParameter(f"there is no method {text!r}; choose one of {known}") from None


async def portfolio_risk(one: Asked) -> RiskMetrics:
    """Raises: TooLittleHistory where not one figure can be given; CannotAssess, ReadFailed."""
    found = await one.desk.calculate_portfolio_risk()
    if math.isnan(found.var_1d) and math.isnan(found.max_drawdown):
        raise await _too_little(one, found.warnings[0] if found.warnings else "there is no figure")
    return found


async def performance(one: Asked, period: str) -> PerformanceMetrics:
    """Raises: TooLittleHistory for an account Keel has recorded nothing of; BadParameter."""
    try:
        span = Period(period.lower())
    except ValueError:
        known = ", ".join(known.value for known in Period)
        raise BadParameter(f"there is no period {period!r}; choose one of {known}") from None
    found = await one.tracker.metrics(span)
    if not found.n and not found.fills_on_record:
        raise TooLittleHistory(
            f"nothing is recorded of {one.label} in {one.store.where}: keel run records its equity every minute;"
            " let it watch the account, or point DATABASE_PATH at the database of a bot that does;"
            " keel history import --trades FILE takes in trades of before"
        )
    return found


async def _too_little(one: Asked, problem: str) -> TooLittleHistory:
    """What is missing, asset by asset, and the command that mends it."""
    view = await one.fleet.current()
    try:
        assets = held_assets(view.single(one.account_id).book)
    except CannotAssess:
        assets = ()
    progress = [await one.history.progress(asset) for asset in assets]
    short = [known for known in progress if known.bars < 2] or progress
    files = " ".join(f"{known.asset}.csv" for known in short)
    far = ", ".join(known.sentence for known in short)
    return TooLittleHistory(f"{problem.partition(';')[0]} ({far}); import more with: keel history import {files}")
