"""What runs on the schedule beside the health check: limits, equity and drawdown."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.alerts.desk import Finding, IncidentDesk
from bot.alerts.limit_help import back_to_its_high, within_limit
from bot.alerts.limit_words import breach, held
from bot.last_good import last_good_of
from bot.roster import Roster
from bot.text.numbers import Rounding, percent_of_fraction
from risk.decisions.drawdown import DrawdownThresholds, UnitState, follow
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.limits import breaches, check
from risk.decisions.tiers import Tier
from risk.errors import ReadFailed
from risk.fleet import Fleet, FleetView
from risk.liquidation_monitor import health_of
from risk.margin.book import FloatArray
from risk.margin.select import rows_of
from risk.model.limits import LimitCheck, LimitFigures, LimitName, RiskLimits, RiskViolation
from risk.portfolio_manager import summarise
from risk.ports import Clock, FeeStatements
from storage import Accounts, EquityLog, EquitySample, Incidents, LastGood, Seen, Snapshots

log = structlog.get_logger()

_LIMIT_EASE_FRAC = 0.05
_LIMIT_DWELL = timedelta(seconds=60)
_FORGET_PRESSES_AFTER = timedelta(days=7)
_FEES_EVERY_S = 300.0


class LimitsWatch:
    """Breached limits are incidents of their own. One ends only when the limit has held by a margin for a while, never
    because it cannot be checked any more.

    Args:
        figures: The newest statistics of an account, made elsewhere: the same that /var shows.
    """

    def __init__(
        self, *, fleet: Fleet, roster: Roster, accounts: Accounts, equity: EquityLog, incidents: Incidents,
        desk: IncidentDesk, clock: Clock, figures: Callable[[str], LimitFigures],
    ) -> None:  # fmt: skip
        self._fleet, self._roster, self._accounts, self._equity = fleet, roster, accounts, equity
        self._incidents, self._desk, self._clock, self._figures = incidents, desk, clock, figures
        self._held_since: dict[Cause, datetime] = {}
        self._unchecked: dict[str, frozenset[LimitName]] = {}

    async def check(self) -> None:
        view = self._fleet.latest
        if view is None:
            return
        standing = [incident.cause for incident in await self._incidents.open_incidents()]
        findings: list[Finding] = []
        for watched in self._roster.all:
            if not self._fleet.problems(watched.account_id):
                findings += await self._account(view, watched.account_id, standing)
        await self._desk.settle(findings)

    async def broken(self, account_ids: Sequence[str]) -> list[Finding]:
        """Breaches of some accounts now; see bot.alerts.desk.Companions."""
        view = self._fleet.latest
        if view is None:
            return []
        found: list[Finding] = []
        for account_id in account_ids:
            if account_id in view and not self._fleet.problems(account_id):
                found += await self._account(view, account_id, ())
        return found

    async def _account(self, view: FleetView, account_id: str, standing: Sequence[Cause]) -> list[Finding]:
        limits = await self._accounts.load_limits(account_id) or RiskLimits()
        summary = summarise(view, account_id)
        drawdown = await self._equity.drawdown_frac(account_id)
        figures = self._figures(account_id)
        judged = check(limits, summary, drawdown, figures)
        self._say_unchecked(account_id, judged)
        broken = {_cause(account_id, one): one for one in judged.violations}
        nearly = {_cause(account_id, one) for one in breaches(_tightened(limits), summary, drawdown, figures)}
        own = [cause for cause in standing if cause.kind is CauseKind.LIMIT and cause.account_id == account_id]
        findings = [
            Finding(
                cause=cause, tier=Tier.WARNING, fact=breach(one), market=one.market,
                remedy="" if cause in own else within_limit(one, summary, view, account_id),
            )
            for cause, one in broken.items()
        ]  # fmt: skip
        nearly |= {cause for cause in own if _limit_of(cause) in judged.unchecked}
        return findings + [self._easing(cause) for cause in own if self._over(cause, broken, nearly)]

    def _say_unchecked(self, account_id: str, judged: LimitCheck) -> None:
        """Once for every change, in the log; /limits says it whenever it is asked."""
        now = frozenset(judged.unchecked)
        if now != self._unchecked.get(account_id, frozenset()):
            why = {limit.value: text for limit, text in judged.unchecked.items()}
            log.info("limits.unchecked", account=self._roster.label(account_id), why=why)
        self._unchecked[account_id] = now

    def _over(self, cause: Cause, broken: Mapping[Cause, RiskViolation], nearly: set[Cause]) -> bool:
        if cause in broken or cause in nearly:
            self._held_since.pop(cause, None)
            return False
        since = self._held_since.setdefault(cause, self._clock.now())
        return self._clock.now() - since >= _LIMIT_DWELL

    def _easing(self, cause: Cause) -> Finding:
        self._held_since.pop(cause, None)
        market = cause.subject.partition("/")[2]
        return Finding(cause=cause, tier=Tier.OK, fact=held(_limit_of(cause), market))


def _cause(account_id: str, violation: RiskViolation) -> Cause:
    subject = f"{violation.limit.value}/{violation.market}" if violation.market else violation.limit.value
    return Cause(kind=CauseKind.LIMIT, account_id=account_id, subject=subject)


def _limit_of(cause: Cause) -> LimitName:
    return LimitName(cause.subject.partition("/")[0])


def _tightened(limits: RiskLimits) -> RiskLimits:
    """Limits that hold by a margin."""
    less = 1 - _LIMIT_EASE_FRAC
    return RiskLimits(
        **{
            name.value: getattr(limits, name.value) * (1 / less if name is LimitName.MIN_HEALTH_RATIO else less)
            for name in LimitName
        }
    )


class EquityBook:
    """Once a minute: equity, deposits and withdrawals not counted, drawdown incidents, and the last good summaries.

    Args:
        fees: Says what trading has cost, asked every few minutes; None where the venue does not say.
    """

    def __init__(
        self, *, fleet: Fleet, roster: Roster, equity: EquityLog, snapshots: Snapshots, incidents: Incidents,
        desk: IncidentDesk, clock: Clock, thresholds: DrawdownThresholds | None = None,
        fees: FeeStatements | None = None,
    ) -> None:  # fmt: skip
        self._fleet, self._roster, self._equity, self._snapshots = fleet, roster, equity, snapshots
        self._incidents, self._desk, self._clock = incidents, desk, clock
        self._thresholds = thresholds or DrawdownThresholds()
        self._units: dict[str, UnitState | None] = {}
        self._statements, self._asked_at = fees, -math.inf

    async def record(self) -> None:
        view = self._fleet.latest
        if view is None:
            return
        fees = await self._fees(view)
        samples: list[EquitySample] = []
        summaries: list[LastGood] = []
        findings: list[Finding] = []
        for watched in self._roster.all:
            account_id = watched.account_id
            if self._fleet.problems(account_id):
                continue  # an equity that cannot be trusted would stay in the curve for ever
            state = await self._followed(view, account_id)
            if state is not None:
                samples.append(_sample(view, account_id, state, fees))
                findings.append(await self._drawdown(account_id, state))
            summaries.append(last_good_of(health_of(view, account_id, ())))
        await self._equity.record(samples)
        await self._snapshots.save(summaries)
        await self._desk.settle(findings)

    async def fallen(self, account_ids: Sequence[str]) -> list[Finding]:
        """Drawdowns of some accounts now, without recording anything; see bot.alerts.desk.Companions."""
        view = self._fleet.latest
        if view is None:
            return []
        found: list[Finding] = []
        for account_id in account_ids:
            known = self._units.get(account_id) or await _remembered(self._equity, account_id)
            if known is None or account_id not in view or self._fleet.problems(account_id):
                continue
            state = follow(known, *_equity_and_flow(view, account_id))
            if state is not None:
                found.append(await self._drawdown(account_id, state))
        return found

    async def _fees(self, view: FleetView) -> FloatArray | None:
        """What trading has cost each account of a view; None where it is not asked now, or nobody answers."""
        now_s = self._clock.monotonic_s()
        if self._statements is None or now_s - self._asked_at < _FEES_EVERY_S:
            return None
        self._asked_at = now_s
        try:
            return await self._statements.fees_paid_usd(view.book)
        except ReadFailed as exc:
            log.warning("fees.not_read", error=str(exc))
            return None

    async def _followed(self, view: FleetView, account_id: str) -> UnitState | None:
        if account_id not in self._units:
            self._units[account_id] = await _remembered(self._equity, account_id)
        state = self._units[account_id] = follow(self._units[account_id], *_equity_and_flow(view, account_id))
        return state

    async def _drawdown(self, account_id: str, state: UnitState) -> Finding:
        cause = Cause(kind=CauseKind.DRAWDOWN, account_id=account_id)
        standing = {incident.cause: incident.tier for incident in await self._incidents.open_incidents()}
        tier = self._thresholds.tier(state.drawdown_frac, standing.get(cause, Tier.OK))
        below = percent_of_fraction(state.drawdown_frac, rounding=Rounding.UP)
        fact = f"{below} below its high, deposits and withdrawals not counted"
        return Finding(cause=cause, tier=tier, fact=fact, remedy=back_to_its_high(state))


def _equity_and_flow(view: FleetView, account_id: str) -> tuple[float, float]:
    at = view.position_of(account_id)
    return float(view.evaluation.full.equity_usd[at]), float(view.book.accounts.net_deposits_1e6[at]) / 1e6


async def _remembered(equity: EquityLog, account_id: str) -> UnitState | None:
    last, top = await equity.latest(account_id), await equity.high_water_mark(account_id)
    if last is None or top is None:
        return None
    return UnitState(
        shares=last.shares,
        unit_value_usd=last.unit_value_usd,
        high_water_usd=top.unit_value_usd,
        net_flow_usd=last.net_flow_usd,
    )


def _sample(view: FleetView, account_id: str, state: UnitState, fees_usd: FloatArray | None) -> EquitySample:
    at = view.position_of(account_id)
    ratio = float(view.worst_ratio_percent[at])
    due_1e6 = float(view.book.perps.funding_1e6[rows_of(view.book.perps, at)].sum())
    funding_usd = (float(view.book.accounts.funding_booked_1e6[at]) + due_1e6) / 1e6
    return EquitySample(
        account_id=account_id,
        sampled_at=view.book.observed_at,
        equity_usd=float(view.evaluation.full.equity_usd[at]),
        net_flow_usd=state.net_flow_usd,
        unit_value_usd=state.unit_value_usd,
        shares=state.shares,
        health_ratio_percent=None if math.isnan(ratio) else ratio,
        slot=view.book.slot,
        funding_usd=None if math.isnan(funding_usd) else funding_usd,
        fees_usd=None if fees_usd is None or math.isnan(fees_usd[at]) else float(fees_usd[at]),
    )


class Housekeeping:
    """Once an hour: thins what is remembered."""

    def __init__(self, *, equity: EquityLog, seen: Seen, clock: Clock) -> None:
        self._equity, self._seen, self._clock = equity, seen, clock

    async def tidy(self) -> None:
        now = self._clock.now()
        dropped = await self._equity.thin(now)
        forgotten = await self._seen.forget_before(now - _FORGET_PRESSES_AFTER)
        log.info("housekeeping.done", equity_samples_dropped=dropped, presses_forgotten=forgotten)
