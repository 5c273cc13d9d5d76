"""From what the settings name to the accounts that are watched."""

import asyncio
from collections.abc import Sequence

from bot.config import AccountSpec, BadSettings
from bot.roster import Roster, Watched
from bot.text.clean import name
from risk.decisions.tiers import TierThresholds
from risk.ports import AccountReader, Clock
from storage import Accounts, AccountSource, Naming, WatchedAccount

_SHORT = 4


async def watched_accounts(
    specs: Sequence[AccountSpec], *, reader: AccountReader, accounts: Accounts, venue: str, clock: Clock,
    thresholds: TierThresholds,
) -> Roster:  # fmt: skip
    """The roster of this process, remembered in storage: what the settings name, then what people added in chat.

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
    nicknames: list[str] = []
    for spec, account_id in zip(specs, account_ids, strict=True):
        nicknames.append(free(nickname_of(spec, account_id), {known.lower() for known in nicknames}))
    from_chat = await _from_chat(accounts, account_ids, nicknames, venue)
    for account_id, nickname in zip(account_ids, nicknames, strict=True):
        await _remember(accounts, account_id, nickname, venue, clock)
    found: list[Watched] = []
    for account_id, nickname in (*zip(account_ids, nicknames, strict=True), *from_chat.items()):
        own = await accounts.load_thresholds(account_id)
        found.append(Watched(account_id=account_id, nickname=nickname, thresholds=own or thresholds))
    return Roster(found)


def nickname_of(spec: AccountSpec, account_id: str) -> str:
    """What the settings call an account; without spaces, or a command could not name it."""
    return "-".join(name(spec.nickname, fallback="").split()) or account_id[:_SHORT]


async def _from_chat(
    accounts: Accounts, account_ids: Sequence[str], nicknames: Sequence[str], venue: str
) -> dict[str, str]:
    """Nicknames by id of the accounts that people added and this venue has. What the settings name no more is dropped,
    or its nickname would stay taken; one that both name belongs to the settings."""
    kept: dict[str, str] = {}
    taken = {nickname.lower() for nickname in nicknames}
    for stored in await accounts.watched():
        if stored.account_id in account_ids:
            await accounts.claim_for_file(stored.account_id)
        elif stored.source is AccountSource.FILE:
            await accounts.unwatch(stored.account_id)
        else:
            nickname = free(stored.nickname, taken)  # the settings come first
            if nickname != stored.nickname:
                await accounts.rename(stored.account_id, nickname)
            taken.add(nickname.lower())
            if stored.venue == venue:
                kept[stored.account_id] = nickname
    return kept


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
