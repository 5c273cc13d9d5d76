"""The list of accounts under watch, changed while the process runs: readers, stream and alerts follow it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import structlog

from bot.accounts import free
from bot.alerts.desk import Finding
from bot.roster import Roster, Watched
from risk.decisions.tiers import Tier, TierThresholds
from risk.errors import ReadFailed
from risk.fleet import Fleet, FleetView
from risk.liquidation_monitor import health_of
from risk.model.liquidation import HealthStatus
from risk.model.portfolio import PortfolioSummary
from risk.portfolio_manager import summarise
from risk.ports import AccountReader, AddressGrammar, Clock
from storage import Accounts, AccountSource, Incidents, Naming, WatchedAccount

log = structlog.get_logger()

MOST_ACCOUNTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an account looks like before it is watched.

    Attributes:
        watched: Whether it is watched already.
        chain_name: The name it has at the venue; may be empty.
        problems: Why its figures may not be trusted.
    """

    account_id: str
    watched: bool
    chain_name: str
    health: HealthStatus
    summary: PortfolioSummary
    problems: tuple[str, ...]


class Watching(Enum):
    """What became of a wish to watch an account, or not to."""

    DONE = auto()
    ALREADY = auto()
    NICKNAME_TAKEN = auto()
    TOO_MANY = auto()
    IN_FILE = auto()
    NOT_WATCHED = auto()


class WatchList:
    """Accounts that join and leave.

    Args:
        settle: Makes findings durable; incidents of an account that leaves are over.
        thresholds: For accounts that have none of their own.
    """

    def __init__(
        self,
        *,
        reader: AccountReader,
        fleet: Fleet,
        roster: Roster,
        accounts: Accounts,
        incidents: Incidents,
        settle: Callable[[Sequence[Finding]], Awaitable[None]],
        clock: Clock,
        venue: str,
        thresholds: TierThresholds | None = None,
    ) -> None:
        self._reader, self._fleet, self._roster, self._accounts = reader, fleet, roster, accounts
        self._incidents, self._settle, self._clock, self._venue = incidents, settle, clock, venue
        self._thresholds = thresholds or TierThresholds()

    async def look(self, reference: str) -> Found:
        """Find an account and read it once. Raises: VenueRejected, saying what to write instead; VenueUnavailable."""
        account_id = await self._reader.resolve(reference)
        view = FleetView.of(await self._reader.read([account_id]))
        at = view.position_of(account_id)
        problems = view.problems(account_id)
        return Found(
            account_id=account_id,
            watched=account_id in self._roster.account_ids,
            chain_name=view.book.accounts.names[at],
            health=health_of(view, account_id, problems),
            summary=summarise(view, account_id),
            problems=problems,
        )

    def require_address(self, text: str) -> None:
        """Refuse what can be nobody's address, as far as the venue knows. Raises: VenueRejected."""
        if isinstance(self._reader, AddressGrammar):
            self._reader.require_address(text)

    def free_nickname(self, wanted: str) -> str:
        """The nickname, with a number where an account is called so already."""
        return free(wanted, {watched.nickname.lower() for watched in self._roster.all})

    async def watch(self, account_id: str, nickname: str) -> Watching:
        """From now on an account is watched, also after a restart."""
        if account_id in self._roster.account_ids:
            return Watching.ALREADY
        if len(self._roster) >= MOST_ACCOUNTS:
            return Watching.TOO_MANY
        if self.free_nickname(nickname) != nickname:
            return Watching.NICKNAME_TAKEN
        entry = WatchedAccount(
            account_id=account_id, venue=self._venue, nickname=nickname, added_at=self._clock.now(),
            source=AccountSource.CHAT,
        )  # fmt: skip
        outcome = await self._accounts.watch(entry)
        if outcome is not Naming.DONE:
            return Watching.ALREADY if outcome is Naming.ALREADY_WATCHED else Watching.NICKNAME_TAKEN
        own = await self._accounts.load_thresholds(account_id)
        self._roster.add(Watched(account_id=account_id, nickname=nickname, thresholds=own or self._thresholds))
        await self._follow()
        log.info("account.watched", account_id=account_id)
        return Watching.DONE

    async def unwatch(self, account_id: str) -> Watching:
        """From now on it is not; what it was stays remembered. One from the settings stays."""
        entry = await self._accounts.find(account_id)
        if entry is None or account_id not in self._roster.account_ids:
            return Watching.NOT_WATCHED
        if entry.source is AccountSource.FILE:
            return Watching.IN_FILE
        await self._accounts.unwatch(account_id)
        self._roster.remove(account_id)
        await self._follow()
        over = [
            Finding(cause=incident.cause, tier=Tier.OK, fact="no longer watched")
            for incident in await self._incidents.open_incidents()
            if incident.cause.account_id == account_id
        ]
        await self._settle(over)
        log.info("account.unwatched", account_id=account_id)
        return Watching.DONE

    async def _follow(self) -> None:
        """The others must not be unknown until the next check."""
        self._fleet.watch(self._roster.account_ids)
        if not self._roster.account_ids:
            return
        try:
            await self._fleet.refresh()
        except ReadFailed as exc:
            # The next check says so for everybody.
            log.warning("watching.not_read", error=str(exc))
