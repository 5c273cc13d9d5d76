"""Whose key it is that would sign orders, for keel check. Nothing is signed, and nothing of the secret leaves it."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum, auto

from risk.ports import Clock
from venues.errors import VenueRejected
from venues.solana import profiles
from venues.solana.account_state import AccountState
from venues.solana.addresses import parse_key
from venues.solana.client import ClientManager
from venues.solana.orders_read import BudgetCaps
from venues.solana.settings import SolanaSettings
from venues.solana.signing import KeyFileSigner


class KeyRole(Enum):
    """What a key is to an account. The owner's can withdraw as well; a stranger's can do nothing."""

    DELEGATE = auto()
    OWNER = auto()
    STRANGER = auto()


async def public_key(settings: SolanaSettings) -> str:
    """Of the key in the file, in base58. Raises: VenueRejected, saying what is wrong with the file."""
    if settings.key_file is None:
        raise VenueRejected("no key file is named; set KEY_FILE")
    profile, caps = profiles.load(settings.profile), BudgetCaps.of(settings)
    signer = await asyncio.to_thread(KeyFileSigner, settings.key_file, profile, caps)
    return signer.public_key


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
