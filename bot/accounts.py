"""From what the settings name to the accounts that are watched."""

import asyncio
from collections.abc import Sequence

from bot.config import AccountSpec, BadSettings
from bot.roster import Roster, Watched
from bot.text.clean import name
from risk.decisions.tiers import TierThresholds
from risk.ports import AccountReader, Clock
from storage import Accounts, Naming, WatchedAccount

_SHORT = 4


async def watched_accounts(
    specs: Sequence[AccountSpec], *, reader: AccountReader, accounts: Accounts, venue: str, clock: Clock,
    thresholds: TierThresholds,
) -> Roster:  # fmt: skip
    """The roster of this process, remembered in storage.

    Args:
        thresholds: For accounts that have none of their own.

    Raises: VenueRejected for a reference that names no account; VenueUnavailable when only the venue could tell which
        one it names, and it does not answer; BadSettings when two references name one account.
    """
    # At once: against a venue that hangs, every one of them waits out its timeout.
    account_ids = await asyncio.gather(*(reader.resolve(spec.reference) for spec in specs))
    for number, account_id in enumerate(account_ids, start=1):
        if account_id in account_ids[: number - 1]:
            raise BadSettings(f"ACCOUNTS: entry {number} is an account that is there already; leave it out")
    for stored in await accounts.watched():
        if stored.account_id not in account_ids:
            await accounts.unwatch(stored.account_id)  # or its nickname would stay taken
    taken: set[str] = set()
    found: list[Watched] = []
    for spec, account_id in zip(specs, account_ids, strict=True):
        # Without spaces, or a command could not name it.
        nickname = free("-".join(name(spec.nickname, fallback="").split()) or account_id[:_SHORT], taken)
        taken.add(nickname.lower())
        await _remember(accounts, account_id, nickname, venue, clock)
        own = await accounts.load_thresholds(account_id)
        found.append(Watched(account_id=account_id, nickname=nickname, thresholds=own or thresholds))
    return Roster(found)


def free(nickname: str, taken: set[str]) -> str:
    """The nickname, with a number where it is taken already. ``taken`` holds names in lower case."""
    candidate, number = nickname, 2
    while candidate.lower() in taken:
        candidate, number = f"{nickname}-{number}", number + 1
    return candidate


async def _remember(accounts: Accounts, account_id: str, nickname: str, venue: str, clock: Clock) -> None:
    entry = WatchedAccount(account_id=account_id, venue=venue, nickname=nickname, added_at=clock.now())
    # Two accounts that swap their nicknames keep the stored ones for once; people meet those of the roster.
    if await accounts.watch(entry) is Naming.ALREADY_WATCHED:
        await accounts.rename(account_id, nickname)
