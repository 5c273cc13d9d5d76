"""Which account a person means, and which accounts a wallet has."""

import numpy as np
from solders.pubkey import Pubkey

from venues.errors import BadAccountData, VenueRejected
from venues.solana.accounts import RawAccount, checked_record, program_key
from venues.solana.addresses import SYSTEM_PROGRAM, parse_reference, user_address, user_stats_address
from venues.solana.client import ClientManager
from venues.solana.profiles import Profile

# A wallet's counter of sub-accounts is believed up to here; beyond, the accounts are looked for by number on demand.
_MOST_SUB_ACCOUNTS = 1_000
_LEAST_LOOKED_FOR = 8
_SHOWN = 5


class Directory:
    """Looks references up on the ledger, so that a wrong one is told at once and in words."""

    def __init__(self, profile: Profile, client: ClientManager) -> None:
        self._profile, self._client = profile, client

    async def resolve(self, reference: str) -> str:
        """The account id for ``PUBKEY`` or ``AUTHORITY:SUB``. Raises: VenueRejected, saying what to write instead."""
        key, number = parse_reference(reference)
        if number is not None:
            return await self._numbered(key, number)
        account = (await self._client.accounts([key])).accounts.get(key)
        venue = self._profile.name
        if account is None or account.owner == bytes(Pubkey.from_string(SYSTEM_PROGRAM)):
            return await self._refuse_wallet(key)
        if account.owner != program_key(self._profile):
            owner = Pubkey(account.owner)
            raise VenueRejected(f"{key} belongs to the program {owner}, not to {venue}; check the address and VENUE")
        self._check_user(key, account)
        return str(key)

    async def _numbered(self, authority: Pubkey, number: int) -> str:
        address = user_address(self._profile, bytes(authority), number)
        account = (await self._client.accounts([address])).accounts.get(address)
        if account is None:
            others = await self.sub_accounts(authority)
            raise VenueRejected(
                f"{authority} has no sub-account {number} on {self._profile.name}; {_advice(authority, others)}"
            )
        self._check_user(address, account)
        return str(address)

    async def _refuse_wallet(self, key: Pubkey) -> str:
        others = await self.sub_accounts(key)
        if others:
            raise VenueRejected(f"{key} is a wallet, not a {self._profile.name} account; {_advice(key, others)}")
        raise VenueRejected(
            f"there is no {self._profile.name} account at {key}, and none that belongs to it; check the address"
        )

    def _check_user(self, key: Pubkey, account: RawAccount) -> None:
        checked_record(f"account {key}", account, self._profile.user, program_key(self._profile))

    async def sub_accounts(self, authority: Pubkey) -> list[tuple[int, Pubkey]]:
        """(number, address) of every account of a wallet, by number."""
        stats = user_stats_address(self._profile, bytes(authority))
        fetched = await self._client.accounts([stats])
        created = self._created(stats, fetched.accounts.get(stats))
        numbers = range(min(max(created, _LEAST_LOOKED_FOR), _MOST_SUB_ACCOUNTS))
        addresses = [user_address(self._profile, bytes(authority), number) for number in numbers]
        accounts = (await self._client.accounts(addresses)).accounts
        found = []
        for number, address in zip(numbers, addresses, strict=True):
            account = accounts.get(address)
            if account is not None:
                self._check_user(address, account)
                found.append((number, address))
        return found

    def _created(self, address: Pubkey, account: RawAccount | None) -> int:
        if account is None:
            return 0
        what, layout = f"the user statistics {address}", self._profile.user_stats
        try:
            fields = checked_record(what, account, layout, program_key(self._profile))
        except BadAccountData:
            # Only a hint how far to look; the accounts themselves are checked.
            return 0
        return int(np.frombuffer(account.data, fields, 1)[0]["number_of_sub_accounts_created"])


def _advice(authority: Pubkey, found: list[tuple[int, Pubkey]]) -> str:
    if not found:
        return "it has none there; check the wallet"
    shown = ", ".join(f"{authority}:{number}" for number, _ in found[:_SHOWN])
    return f"write {shown}" + (f", or one of {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
