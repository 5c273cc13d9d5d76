"""What the primary watches, the standby watches: accounts that people added or dropped there, and their tiers."""

from collections.abc import Awaitable, Callable, Mapping

import structlog

from bot.beats import BeatAccount, thresholds_of
from bot.roster import Roster, Watched
from bot.standby.primary import Primary
from bot.watching import Watching, WatchList
from risk.decisions.tiers import TierThresholds
from risk.ports import Clock

log = structlog.get_logger()

EVERY_S = 5.0


class Adoption:
    """Follows what the beats say. What the standby's own settings name stays, whatever the primary does.

    Args:
        default: Thresholds of accounts of which the beats say nothing special.
    """

    def __init__(
        self, primary: Primary, *, watching: WatchList, roster: Roster, clock: Clock, default: TierThresholds
    ) -> None:
        self._primary, self._watching, self._roster = primary, watching, roster
        self._clock, self._default = clock, default
        self._followed: tuple[BeatAccount, ...] = ()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(EVERY_S)

    async def look(self) -> None:
        """One look at the newest beat."""
        accounts = self._primary.accounts
        if not accounts or accounts == self._followed:
            return
        self._followed = accounts
        named = {one.account_id: one for one in accounts}
        await self._drop(named)
        for account in accounts:
            await self._take(account)

    async def _drop(self, named: Mapping[str, BeatAccount]) -> None:
        for watched in self._roster.all:
            if watched.account_id not in named:
                # Refused for those of the settings.
                await self._noted(self._watching.unwatch, watched.account_id)

    async def _noted(self, change: Callable[[str], Awaitable[Watching]], account_id: str) -> None:
        outcome = await change(account_id)
        log.info("standby.follows", account_id=account_id, outcome=outcome.name.lower())

    async def _take(self, account: BeatAccount) -> None:
        if account.account_id not in self._roster.account_ids:
            nickname = self._watching.free_nickname(account.nickname)
            await self._noted(lambda one: self._watching.watch(one, nickname), account.account_id)
        known = next((one for one in self._roster.all if one.account_id == account.account_id), None)
        if known is None:
            return
        try:
            thresholds = thresholds_of(account.tiers, self._default)
        except ValueError as error:
            log.warning("standby.strange_tiers", account_id=account.account_id, error=str(error))
            return
        if known.thresholds != thresholds:
            self._roster.change(Watched(account_id=known.account_id, nickname=known.nickname, thresholds=thresholds))
