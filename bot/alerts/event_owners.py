"""Accounts that owners of watched accounts open beside them: money may go there that nobody watches."""

import structlog

from bot.alerts.event_ledger import EventLedger
from bot.alerts.event_teller import EventTeller
from risk.errors import ReadFailed
from risk.fleet import Fleet, FleetView
from risk.model.events import EventKind, SubAccountEvent
from risk.ports import AccountReader, Clock
from storage import Events

log = structlog.get_logger()

LOOK_EVERY_S = 60.0
_OWNERS = 10  # of one look, so that many of them cost a node no more than few


class OwnersWatch:
    """Asks the venue which accounts the owners have, a few owners at a time."""

    def __init__(
        self, *, reader: AccountReader, fleet: Fleet, events: Events, ledger: EventLedger, teller: EventTeller,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._reader, self._fleet, self._events = reader, fleet, events
        self._ledger, self._teller, self._clock = ledger, teller, clock
        self._asked: dict[str, None] = {}  # in the order they were asked

    async def look(self) -> None:
        """Whether anything was opened since the last time. What the venue does not answer is asked next time."""
        view = self._fleet.latest
        if view is None:
            return
        owners = _owners(view)
        self._asked = {owner: None for owner in self._asked if owner in owners}
        turn = [owner for owner in owners if owner not in self._asked]
        turn += self._asked
        for owner in turn[:_OWNERS]:
            try:
                accounts = await self._reader.sub_accounts(owner)
            except ReadFailed as exc:
                log.info("events.owner_not_read", owner=owner, error=str(exc))
                return
            await self._compare(view, owners[owner], owner, accounts)
            self._asked.pop(owner, None)
            self._asked[owner] = None

    async def _compare(self, view: FleetView, watched: str, owner: str, accounts: list[str]) -> None:
        known = await self._events.owned(owner)
        new = sorted(set(accounts) - known)
        if not new:
            return
        # Of one that somebody watches already nobody need be told; at the first look nobody knows what is new.
        told = [one for one in new if known and one not in view]
        news = [
            SubAccountEvent(
                kind=EventKind.SUB_ACCOUNT_CREATED, account_id=watched, slot=view.book.slot,
                observed_at=self._clock.now(), created=one,
            )
            for one in told
        ]  # fmt: skip
        self._teller.add(await self._ledger.enter_of_owner(owner, accounts, news, self._clock.now()))


def _owners(view: FleetView) -> dict[str, str]:
    """Owners of watched accounts, and the first account of each."""
    found: dict[str, str] = {}
    accounts = view.book.accounts
    for row, (account_id, owner) in enumerate(zip(accounts.ids, accounts.authorities, strict=True)):
        if owner and row not in accounts.problems:
            found.setdefault(owner, account_id)
    return found
