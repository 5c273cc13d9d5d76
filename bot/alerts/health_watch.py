"""The health check: read the venue, classify every account, settle what follows."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from bot.alerts.desk import Finding, IncidentDesk
from bot.alerts.watch_table import WatchTable
from bot.roster import Roster, Watched
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier, TierReading, TierState, classify
from risk.errors import ReadFailed
from risk.fleet import Fleet, FleetView
from risk.margin.liquidation import liquidation_prices
from risk.ports import Clock
from storage import TierStates

log = structlog.get_logger()

_MEASURE_AGAIN_FRAC = 1e-3  # of the health ratio: less than that moves no distance that anybody sees
_FIRST_LOOK_S = 10.0  # how long what an earlier process left may wait for the first look
_BREATHE_EVERY = 20  # accounts looked at one by one before the others in the loop get their turn


@dataclass(frozen=True, slots=True)
class _Said:
    """What was settled last of an account, as far as it makes a difference to anybody."""

    tier: Tier
    for_its_own_reasons: bool


@dataclass(frozen=True, slots=True)
class _Measured:
    """The distance to the nearest liquidation price, and the health ratio it was measured at."""

    ratio_percent: float
    distance_frac: float | None


class HealthWatch:
    """Reads the venue, classifies every account, settles what follows. Looks take turns, wherever they come from.

    Args:
        then: Called after every look, when what follows from it for the tiers is settled.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        roster: Roster,
        desk: IncidentDesk,
        states: TierStates,
        clock: Clock,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        self._fleet, self._roster, self._desk, self._clock = fleet, roster, desk, clock
        self._then = then
        self._stored = states
        self._states: dict[str, TierState] | None = None
        self._table = WatchTable((), {})
        self._said: dict[str, _Said] = {}
        self._venue_was_stale: bool | None = None
        self._measured: dict[str, _Measured] = {}
        self._turn = asyncio.Lock()
        self._loaded_s: float | None = None
        self._looked = False
        self.last_error = ""

    def tier(self, account_id: str) -> TierState:
        """Where an account stands by the latest reading, which may be newer than the last check. UNKNOWN before it."""
        reading, thresholds = self._reading(account_id), self._roster.thresholds(account_id)
        return classify(self._settled(account_id), reading, thresholds, self._clock.now())

    def settled(self) -> Mapping[str, TierState]:
        """Where the accounts stood when they were last assessed, by id: for those who only show it and ask often."""
        return self._states or {}

    def nearness(self, account_id: str) -> float:
        """Daily moves of its own book between an account and liquidation; below 0 past it, infinite where not known."""
        view = self._fleet.latest
        if view is None or account_id not in view:
            return math.inf
        moves = float(view.nearness.urgency[view.position_of(account_id)])
        return math.inf if math.isnan(moves) else moves

    async def load(self) -> None:
        """Take up what an earlier process left, so that nobody hears of a better tier before the first check."""
        self._states = dict(await self._stored.load())
        self._loaded_s = self._clock.monotonic_s()

    def awaited(self) -> bool:
        """Whether the first look of this process is out and will have come to something soon: a reading, or none."""
        if self._looked or self._loaded_s is None:
            return False
        return self._clock.monotonic_s() - self._loaded_s < _FIRST_LOOK_S

    async def check(self) -> None:
        """One look of our own. A venue that does not answer is a finding, not an error."""
        try:
            await self._fleet.refresh()
            self.last_error = ""
        except ReadFailed as exc:
            self.last_error = str(exc)
            log.warning("check.venue_failed", error=str(exc))
        self._looked = True
        await self.assess(thorough=True)

    async def assess(self, *, thorough: bool = False) -> None:
        """Classify by the latest view, without asking the venue.

        Only accounts whose state may change are looked at one by one, and only what is new is settled.

        Args:
            thorough: Settle all that stands as well, so that what falls due with time alone, such as a repeat, is said.
        """
        async with self._turn:
            if self._states is None:
                await self.load()
            await self._assess(thorough)
        self._then()

    async def _assess(self, thorough: bool) -> None:
        now, stale, view = self._clock.now(), self._fleet.why_stale(), self._fleet.latest
        table = self._current_table()
        rows = set(table.to_look_at(view, stale=bool(stale)).tolist())
        rows.update(row for row, one in enumerate(table.watched) if one.account_id not in self._said)
        if thorough:
            rows.update(table.standing_rows().tolist())
        after: dict[int, TierState] = {}
        said: dict[str, _Said] = {}
        findings: list[Finding] = []
        for number, row in enumerate(sorted(rows), start=1):
            one = table.watched[row]
            if number % _BREATHE_EVERY == 0 and one.thresholds.distance_frac:
                await asyncio.sleep(0)
            if not stale and (view is None or one.account_id not in view):
                continue  # it has only just been named, and the next reading has it
            reading = self._reading(one.account_id, measure=thorough)
            state = classify(table.state(row), reading, one.thresholds, now)
            own = reading.unknown_because if state.tier is Tier.UNKNOWN and not stale else ()
            says = _Said(state.tier, bool(own))
            if state != table.state(row):
                after[row] = state
            if thorough or says != self._said.get(one.account_id):
                findings += _findings(one, state, own)
                said[one.account_id] = says
        if thorough or bool(stale) != self._venue_was_stale:
            findings.insert(0, _venue_finding(stale, self.last_error))
        changed = {
            table.watched[row].account_id: state
            for row, state in after.items()
            if _worth_storing((self._states or {}).get(table.watched[row].account_id), state)
        }
        if findings or changed:
            await self._desk.settle(findings, changed)
        self._remember(table, after, said, stale=bool(stale))

    def _remember(self, table: WatchTable, after: dict[int, TierState], said: dict[str, _Said], *, stale: bool) -> None:
        """What was settled; not before, so that what could not be stored is decided and said again."""
        for row, state in after.items():
            table.put(row, state)
        if after:
            moved = {table.watched[row].account_id: state for row, state in after.items()}
            self._states = {**(self._states or {}), **moved}
        self._said.update(said)
        self._venue_was_stale = stale

    def _current_table(self) -> WatchTable:
        """The table of who is watched now; whoever was named again is looked at as if for the first time."""
        watched = self._roster.all
        if watched != self._table.watched:
            self._table = WatchTable(watched, self._states or {})
            here = {one.account_id for one in watched}
            self._said = {account_id: said for account_id, said in self._said.items() if account_id in here}
            self._measured = {account_id: one for account_id, one in self._measured.items() if account_id in here}
        return self._table

    def _settled(self, account_id: str) -> TierState:
        return (self._states or {}).get(account_id, TierState())

    def _reading(self, account_id: str, *, measure: bool = False) -> TierReading:
        reading = self._fleet.reading(account_id)
        thresholds, view = self._roster.thresholds(account_id), self._fleet.latest
        if reading.unknown or view is None or not thresholds.distance_frac:
            return reading
        return TierReading(
            ratio_percent=reading.ratio_percent, distance_frac=self._distance_frac(view, account_id, reading, measure),
            distance_sigmas=reading.distance_sigmas, liquidating=reading.liquidating,
        )  # fmt: skip

    def _distance_frac(self, view: FleetView, account_id: str, reading: TierReading, measure: bool) -> float | None:
        """To the nearest liquidation price. It takes a millisecond: between checks only where the ratio has moved."""
        ratio, known = reading.ratio_percent, self._measured.get(account_id)
        if not measure and known is not None and abs(ratio - known.ratio_percent) <= _MEASURE_AGAIN_FRAC * ratio:
            return known.distance_frac
        at = [p.distance_frac for p in liquidation_prices(view.single(account_id)) if p.distance_frac is not None]
        self._measured[account_id] = _Measured(ratio, min(at, default=None))
        return self._measured[account_id].distance_frac


def _findings(watched: Watched, state: TierState, own: tuple[str, ...]) -> list[Finding]:
    data = Cause(kind=CauseKind.DATA, account_id=watched.account_id)
    if state.tier is Tier.UNKNOWN:
        # What the whole venue suffers from is one incident, not one for each account.
        return [Finding(cause=data, tier=Tier.UNKNOWN, fact="; ".join(own))] if own else []
    return [
        Finding(cause=data, tier=Tier.OK, fact=f"data is back, {state.tier.name}"),
        Finding(cause=Cause(kind=CauseKind.HEALTH, account_id=watched.account_id), tier=state.tier),
    ]


def _venue_finding(stale: str, error: str) -> Finding:
    cause = Cause(kind=CauseKind.DATA, subject="venue")
    if not stale:
        return Finding(cause=cause, tier=Tier.OK, fact="the venue answers and moves again")
    return Finding(cause=cause, tier=Tier.UNKNOWN, fact=f"{stale} ({error})" if error else stale)


def _worth_storing(before: TierState | None, after: TierState) -> bool:
    # Progress of a dwell is not stored: after a restart easing begins anew, which errs on the side of the warning.
    return before is None or (before.tier, before.known) != (after.tier, after.known)
