"""Events that wait become alerts: together what belongs together, each in the transaction that says it was told."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from bot.alerts.desk import Finding, IncidentDesk
from bot.alerts.event_group_words import words
from bot.alerts.event_groups import Group, Waiting, groups
from bot.alerts.event_ledger import waiting_of
from bot.alerts.event_names import subject_of
from bot.roster import Roster
from risk.decisions.incidents import Cause, CauseKind, severity
from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind
from storage import Events

log = structlog.get_logger()

# A standby that takes over tells what may have happened since the primary fell silent; the rest the primary told.
_KEPT_WHILE_QUIET = timedelta(minutes=10)


class EventTeller:
    """Tells events, and remembers those whose time has not come.

    Args:
        quiet: Whether another process tells them now.
        liquidating: Whether the health of an account says that it is being liquidated.
    """

    def __init__(
        self,
        *,
        events: Events,
        desk: IncidentDesk,
        roster: Roster,
        quiet: Callable[[], bool],
        liquidating: Callable[[str], bool],
    ) -> None:
        self._events, self._desk, self._roster, self._quiet = events, desk, roster, quiet
        self._liquidating = liquidating
        self._waiting: dict[int, Waiting] = {}
        self._last_taken: dict[str, datetime] = {}

    async def load(self) -> None:
        """Take up what an earlier process found and had no time to tell."""
        self._waiting = {}
        for row in await self._events.untold():
            try:
                self.add((waiting_of(row),))
            except ValueError:
                # Written by another version. It stays in the log; that it cannot be read is all that can be said.
                log.error("events.unreadable", event_id=row.event_id, kind=row.kind.value)

    def add(self, waiting: Iterable[Waiting]) -> None:
        """To be told when its time comes; in the place of what had the same number."""
        self._waiting |= {one.event_id: one for one in waiting}

    def next_at(self) -> datetime | None:
        """When there is something to tell; None while nothing waits."""
        return min((group.due_at for group in self._groups()), default=None)

    async def tell(self, now: datetime) -> None:
        """Tell what is due."""
        passing = self._passing(now)
        await self._events.let_pass(passing, now)
        self._drop(passing)
        if self._quiet():
            return
        due = [group for group in self._groups() if group.due_at <= now]
        if not due:
            return
        await self._desk.settle([finding for group in due for finding in _findings(group, now)])
        self._drop(event_id for group in due for event_id in group.event_ids)
        for group in due:
            if group.goes_on:
                self._last_taken[group.account_id] = now

    def _passing(self, now: datetime) -> tuple[int, ...]:
        """What nobody is to hear."""
        watched, quiet = {"", *self._roster.account_ids}, self._quiet()
        return tuple(
            number
            for number, one in self._waiting.items()
            if one.event.account_id not in watched
            or (quiet and now - one.logged_at > _KEPT_WHILE_QUIET)
            or (one.event.kind is EventKind.LIQUIDATION_BEGUN and self._liquidating(one.event.account_id))
        )

    def _groups(self) -> tuple[Group, ...]:
        return groups(tuple(self._waiting.values()), self._last_taken)

    def _drop(self, event_ids: Iterable[int]) -> None:
        for event_id in event_ids:
            self._waiting.pop(event_id, None)


def _findings(group: Group, now: datetime) -> tuple[Finding, ...]:
    """What a group comes to. While a liquidation goes on it is one incident: what comes next ends what was before."""
    key = "" if group.goes_on else str(group.event_ids[0])
    told = Finding(
        cause=_cause(group.account_id, group.kind, key), tier=group.tier, fact=words(group, now),
        passing=severity(group.tier) < severity(Tier.HIGH), market=group.market, events=group.event_ids,
    )  # fmt: skip
    if not group.ends:
        return (told,)
    begun = _cause(group.account_id, EventKind.LIQUIDATION_BEGUN, "")
    return told, Finding(cause=begun, tier=Tier.OK, fact="liquidation has ended")


def _cause(account_id: str, kind: EventKind, key: str) -> Cause:
    return Cause(kind=CauseKind.EVENT, account_id=account_id, subject=subject_of(kind, key))
