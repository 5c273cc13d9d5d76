"""What a key that would sign orders is to accounts, for keel check. Nothing is signed."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from risk.ports import Clock
from venues.solana import profiles
from venues.solana.account_state import AccountState
from venues.solana.addresses import parse_key
from venues.solana.client import ClientManager
from venues.solana.settings import SolanaSettings


class KeyRole(Enum):
    """What a key is to an account. The owner's can withdraw as well; a stranger's can do nothing."""

    DELEGATE = auto()
    OWNER = auto()
    STRANGER = auto()


async def roles(
    settings: SolanaSettings, key: str, account_ids: Sequence[str], *, clock: Clock
) -> Mapping[str, KeyRole]:
    """What a key is to each account now. Raises: VenueUnavailable; VenueRejected for an account there is none of."""
    profile, client = profiles.load(settings.profile), ClientManager(settings, clock=clock)
    try:
        addresses = [parse_key(one) for one in account_ids]
        fetched = await client.accounts(addresses)
        return {
            account_id: _role(AccountState.of(profile, address, fetched), key)
            for account_id, address in zip(account_ids, addresses, strict=True)
        }
    finally:
        await client.close()


def _role(state: AccountState, key: str) -> KeyRole:
    if str(state.delegate) == key:
        return KeyRole.DELEGATE
    return KeyRole.OWNER if str(state.authority) == key else KeyRole.STRANGER
