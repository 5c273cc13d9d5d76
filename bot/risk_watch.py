"""Once a minute: risk figures of the accounts whose figures are due, the daily record, and what has changed since."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.alerts.change_words import changed, meaning, settled
from bot.alerts.desk import Finding, IncidentDesk
from bot.desks import Desks
from bot.history.gaps import Backoff
from bot.risk_board import AccountFigures, RiskBoard
from bot.roster import Roster
from risk.decisions.incidents import Cause, CauseKind, Incident
from risk.decisions.tiers import Tier
from risk.errors import BadSeries, CannotAssess, NotEnoughData
from risk.fleet import Fleet
from risk.liquidation_probability import LiquidationProbability
from risk.model.changes import RiskChange, RiskChangeAlert, RiskMeasure, RiskSnapshot
from risk.model.portfolio import BookStatistics
from risk.ports import Clock
from risk.risk_engine import DriftRiskEngine
from storage import Incidents

log = structlog.get_logger()

RISK_EVERY_S = 60.0
_AGAIN_AFTER = timedelta(minutes=5)
_AT_MOST_S = 20.0  # of arithmetic in one run: with many accounts the others are due at the next one
_MOVED_FRAC = 0.02
_EASE_DWELL = timedelta(minutes=10)
_FIGURES = ("var_1d_frac", "volatility", "correlation", "beta_sol", "leverage", "funding_daily_frac")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What an account looked like when its figures were made."""

    sizes: tuple[tuple[str, float], ...]
    equity_usd: float


class RiskWatch:
    """Keeps the board of figures, the daily record and the incidents of risk that has changed.

    Figures are due when they are five minutes old, or as soon as an account's positions or a fiftieth of its equity
    have changed; where history was missing, sooner at first. All arithmetic runs in the executor of the desks, over
    fits that are made once a day.
    """

    def __init__(
        self, *, fleet: Fleet, roster: Roster, desks: Desks, board: RiskBoard, incidents: Incidents, desk: IncidentDesk,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._fleet, self._roster, self._desks, self._board = fleet, roster, desks, board
        self._incidents, self._desk, self._clock = incidents, desk, clock
        self._made: dict[str, tuple[datetime, _Shape]] = {}
        self._better_since: dict[Cause, datetime] = {}
        self._lacking = Backoff(_AGAIN_AFTER)

    async def look(self) -> None:
        if self._fleet.latest is None:
            return
        open_now = await self._incidents.open_incidents()
        begun_s, findings = self._clock.monotonic_s(), list[Finding]()
        for account_id in sorted(self._roster.account_ids, key=self._last_made):
            if self._fleet.problems(account_id) or not self._due(account_id):
                continue
            try:
                findings += await self._account(account_id, open_now)
            except CannotAssess as problem:
                log.info("risk.not_assessed", account=self._roster.label(account_id), why=str(problem))
            if self._clock.monotonic_s() - begun_s > _AT_MOST_S:
                break
        await self._desk.settle(findings)

    def _last_made(self, account_id: str) -> float:
        made = self._made.get(account_id)
        return made[0].timestamp() if made else -math.inf

    def _due(self, account_id: str) -> bool:
        made, shape = self._made.get(account_id), self._shape(account_id)
        if made is None or shape is None or self._clock.now() - made[0] >= _AGAIN_AFTER:
            return shape is not None
        known = self._board.of(account_id)
        if known is not None and known.limits.unknown and not self._lacking.early(account_id, self._clock.now()):
            return True  # history may have come meanwhile
        before = made[1]
        moved = abs(shape.equity_usd - before.equity_usd) > _MOVED_FRAC * abs(before.equity_usd)
        return shape.sizes != before.sizes or moved

    def _shape(self, account_id: str) -> _Shape | None:
        view = self._fleet.latest
        if view is None or account_id not in view:
            return None
        at, rows, names = view.position_of(account_id), view.book.perps, view.book.perp_markets.names
        own = [row for row in range(rows.market.size) if rows.account[row] == at]
        sizes = tuple(sorted((names[int(rows.market[row])], float(rows.base_1e9[row]) / 1e9) for row in own))
        return _Shape(sizes, float(view.evaluation.full.equity_usd[at]))

    async def _account(self, account_id: str, open_now: Sequence[Incident]) -> list[Finding]:
        shape, now = self._shape(account_id), self._clock.now()
        engine = self._desks.risk(account_id)
        limits = await engine.limit_figures()
        statistics, liquidation = await _statistics(engine), await _liquidation(engine)
        self._board.put(
            account_id,
            AccountFigures(limits=limits, statistics=statistics, liquidation=liquidation, made_at=now),
        )
        if limits.unknown:
            self._lacking.in_vain(account_id, now)
        else:
            self._lacking.answered(account_id)
        standing = _standing(account_id, open_now)
        alert = await engine.monitor_risk_changes({measure: one.tier for measure, one in standing.items()})
        await self._record(account_id, alert.now)
        if shape is not None:
            self._made[account_id] = (now, shape)
        return self._findings(alert, standing)

    async def _record(self, account_id: str, now: RiskSnapshot) -> None:
        """Once a day (UTC), and again when a figure has become known that was not."""
        last = await self._desks.snapshots.latest(account_id)
        if last is not None and last.at.date() == now.at.date() and _unknown(last) <= _unknown(now):
            return
        await self._desks.snapshots.save(account_id, now)

    def _findings(self, alert: RiskChangeAlert, standing: Mapping[RiskMeasure, Incident]) -> list[Finding]:
        found: list[Finding] = []
        for change in alert.changes:
            # A limit that is passed is an incident of its own kind, opened by the check of limits.
            tier = Tier.OK if change.by_limit else change.tier
            before = standing.get(change.measure)
            if tier is Tier.OK and before is None:
                continue
            cause = _cause(alert.account_id, change.measure)
            if before is not None and tier.value < before.tier.value and not self._dwelt(cause):
                continue
            if before is None or tier.value >= before.tier.value:
                self._better_since.pop(cause, None)
            found.append(_finding(cause, tier, change))
        return found

    def _dwelt(self, cause: Cause) -> bool:
        since = self._better_since.setdefault(cause, self._clock.now())
        if self._clock.now() - since < _EASE_DWELL:
            return False
        del self._better_since[cause]
        return True


def _finding(cause: Cause, tier: Tier, change: RiskChange) -> Finding:
    over = tier is Tier.OK
    return Finding(
        cause=cause, tier=tier, fact=settled(change) if over else changed(change),
        remedy="" if over else meaning(change),
    )  # fmt: skip


def _cause(account_id: str, measure: RiskMeasure) -> Cause:
    return Cause(kind=CauseKind.RISK, account_id=account_id, subject=measure.value)


def _standing(account_id: str, open_now: Sequence[Incident]) -> dict[RiskMeasure, Incident]:
    return {
        RiskMeasure(one.cause.subject): one
        for one in open_now
        if one.cause.kind is CauseKind.RISK and one.cause.account_id == account_id
    }


def _unknown(snapshot: RiskSnapshot) -> int:
    return sum(math.isnan(float(getattr(snapshot, name))) for name in _FIGURES)


async def _statistics(engine: DriftRiskEngine) -> BookStatistics | None:
    try:
        return await engine.position_statistics()
    except (NotEnoughData, BadSeries):
        return None  # /positions says what is missing


async def _liquidation(engine: DriftRiskEngine) -> LiquidationProbability | None:
    try:
        return await engine.liquidation_probability()
    except (NotEnoughData, BadSeries):
        return None  # /liq says what is missing
