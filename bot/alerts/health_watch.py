"""The health check: read the venue, classify every account, settle what follows."""

import structlog

from bot.alerts.desk import Finding, IncidentDesk
from bot.roster import Roster
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier, TierReading, TierState, classify
from risk.errors import ReadFailed
from risk.fleet import Fleet
from risk.margin.liquidation import liquidation_prices
from risk.ports import Clock
from storage import TierStates

log = structlog.get_logger()


class HealthWatch:
    """The health check: reads the venue, classifies every account, and settles what follows."""

    def __init__(self, *, fleet: Fleet, roster: Roster, desk: IncidentDesk, states: TierStates, clock: Clock) -> None:
        self._fleet, self._roster, self._desk, self._clock = fleet, roster, desk, clock
        self._stored = states
        self._states: dict[str, TierState] | None = None
        self.last_error = ""

    def tier(self, account_id: str) -> TierState:
        """Where an account stands by the latest reading, which may be newer than the last check. UNKNOWN before it."""
        reading, thresholds = self._reading(account_id), self._roster.thresholds(account_id)
        return classify(self._settled(account_id), reading, thresholds, self._clock.now())

    async def load(self) -> None:
        """Take up what an earlier process left, so that nobody hears of a better tier before the first check."""
        self._states = dict(await self._stored.load())

    async def check(self) -> None:
        """One look. A venue that does not answer is a finding, not an error."""
        if self._states is None:
            await self.load()
        try:
            await self._fleet.refresh()
            self.last_error = ""
        except ReadFailed as exc:
            self.last_error = str(exc)
            log.warning("check.venue_failed", error=str(exc))
        now = self._clock.now()
        before = self._states or {}
        after = dict(before)
        findings = [_venue_finding(self._fleet.why_stale(), self.last_error)]
        for watched in self._roster.all:
            reading = self._reading(watched.account_id)
            state = classify(self._settled(watched.account_id), reading, watched.thresholds, now)
            after[watched.account_id] = state
            findings += self._findings(watched.account_id, state, reading)
        changed = {key: state for key, state in after.items() if _worth_storing(before.get(key), state)}
        await self._desk.settle(findings, changed)
        self._states = after

    def _settled(self, account_id: str) -> TierState:
        return (self._states or {}).get(account_id, TierState())

    def _reading(self, account_id: str) -> TierReading:
        reading = self._fleet.reading(account_id)
        thresholds, view = self._roster.thresholds(account_id), self._fleet.latest
        if reading.unknown or view is None or not thresholds.distance_frac:
            return reading
        at = [p.distance_frac for p in liquidation_prices(view.single(account_id)) if p.distance_frac is not None]
        return TierReading(
            ratio_percent=reading.ratio_percent, distance_frac=min(at, default=None), liquidating=reading.liquidating
        )

    def _findings(self, account_id: str, state: TierState, reading: TierReading) -> list[Finding]:
        data = Cause(kind=CauseKind.DATA, account_id=account_id)
        if state.tier is Tier.UNKNOWN:
            own = [] if self._fleet.why_stale() else list(reading.unknown_because)
            # What the whole venue suffers from is one incident, not one for each account.
            return [Finding(cause=data, tier=Tier.UNKNOWN, fact="; ".join(own))] if own else []
        return [
            Finding(cause=data, tier=Tier.OK, fact=f"data is back, {state.tier.name}"),
            Finding(cause=Cause(kind=CauseKind.HEALTH, account_id=account_id), tier=state.tier),
        ]


def _venue_finding(stale: str, error: str) -> Finding:
    cause = Cause(kind=CauseKind.DATA, subject="venue")
    if not stale:
        return Finding(cause=cause, tier=Tier.OK, fact="the venue answers and moves again")
    return Finding(cause=cause, tier=Tier.UNKNOWN, fact=f"{stale} ({error})" if error else stale)


def _worth_storing(before: TierState | None, after: TierState) -> bool:
    # Progress of a dwell is not stored: after a restart easing begins anew, which errs on the side of the warning.
    return before is None or (before.tier, before.known) != (after.tier, after.known)
