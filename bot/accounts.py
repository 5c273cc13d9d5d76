"""From what the settings name to the accounts that are watched."""

from collections.abc import Sequence

from bot.config import AccountSpec
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

    Raises: VenueRejected for a reference that names no account; VenueUnavailable when the venue must be asked and does
        not answer.
    """
    taken: set[str] = set()
    found: list[Watched] = []
    for spec in specs:
        account_id = await reader.resolve(spec.reference)
        nickname = _free(name(spec.nickname, fallback="") or account_id[:_SHORT], taken)
        taken.add(nickname.lower())
        await _remember(accounts, account_id, nickname, venue, clock)
        own = await accounts.load_thresholds(account_id)
        found.append(Watched(account_id=account_id, nickname=nickname, thresholds=own or thresholds))
    return Roster(found)


def _free(nickname: str, taken: set[str]) -> str:
    """The nickname, with a number where it is taken already."""
    candidate, number = nickname, 2
    while candidate.lower() in taken:
        candidate, number = f"{nickname}-{number}", number + 1
    return candidate


async def _remember(accounts: Accounts, account_id: str, nickname: str, venue: str, clock: Clock) -> None:
    entry = WatchedAccount(account_id=account_id, venue=venue, nickname=nickname, added_at=clock.now())
    # A nickname that another stored account still has is freed by that account's next start; ours is only for chat.
    if await accounts.watch(entry) is Naming.ALREADY_WATCHED:
        await accounts.rename(account_id, nickname)
