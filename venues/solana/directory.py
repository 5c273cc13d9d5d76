"""Which account a person means, and which accounts a wallet has."""

import numpy as np
from solders.pubkey import Pubkey

from venues.errors import BadAccountData, VenueRejected, VenueUnavailable
from venues.solana.accounts import RawAccount, checked_record, program_key
from venues.solana.addresses import SYSTEM_PROGRAM, parse_reference, user_address, user_stats_address
from venues.solana.client import ClientManager
from venues.solana.profiles import Profile
from venues.solana.together import Together

# A wallet's counter of sub-accounts is believed up to here; beyond, the accounts are looked for by number on demand.
_MOST_SUB_ACCOUNTS = 1_000
_LEAST_LOOKED_FOR = 8
_SHOWN = 5
_NOBODY = bytes(Pubkey.from_string(SYSTEM_PROGRAM))  # owns wallets, and any address that somebody only paid into


class Directory:
    """Looks references up on the ledger, so that a wrong one is told at once and in words."""

    def __init__(self, profile: Profile, client: ClientManager) -> None:
        self._profile, self._client = profile, client
        self._together = Together(client)

    async def resolve(self, reference: str) -> str:
        """The account id for ``PUBKEY`` or ``AUTHORITY:SUB``; unchecked while the venue does not answer.

        Raises: VenueRejected, saying what to write instead.
        """
        key, number = parse_reference(reference)
        address = key if number is None else user_address(self._profile, bytes(key), number)
        try:
            account = await self._together.account(address)
        except VenueUnavailable:
            # The address follows from the reference alone. Whoever watches shall start all the same and say that
            # nothing is known; the first reading tells whether the account exists.
            return str(address)
        if account is None or account.owner == _NOBODY:
            raise await (self._no_account(key) if number is None else self._no_such_number(key, number))
        if account.owner != program_key(self._profile):
            owner, venue = Pubkey(account.owner), self._profile.name
            raise VenueRejected(
                f"{address} belongs to the program {owner}, not to {venue}; check the address and VENUE"
            )
        self._check_user(address, account)
        return str(address)

    async def _no_such_number(self, authority: Pubkey, number: int) -> VenueRejected:
        advice = _advice(authority, await self._others(authority))
        return VenueRejected(f"{authority} has no sub-account {number} on {self._profile.name}; {advice}")

    async def _no_account(self, key: Pubkey) -> VenueRejected:
        others, venue = await self._others(key), self._profile.name
        if others:
            return VenueRejected(f"{key} is a wallet, not a {venue} account; {_advice(key, others)}")
        none_owned = "" if others is None else ", and none that belongs to it"
        return VenueRejected(f"there is no {venue} account at {key}{none_owned}; check the address")

    async def _others(self, authority: Pubkey) -> list[tuple[int, Pubkey]] | None:
        """What could have been meant; None when the venue has stopped answering, for the refusal stands anyway."""
        try:
            return await self.sub_accounts(authority)
        except VenueUnavailable:
            return None

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
            if account is not None and account.owner != _NOBODY:
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


def _advice(authority: Pubkey, found: list[tuple[int, Pubkey]] | None) -> str:
    if found is None:
        return "check the number"
    if not found:
        return "it has none there; check the wallet"
    shown = ", ".join(f"{authority}:{number}" for number, _ in found[:_SHOWN])
    return f"write {shown}" + (f", or one of {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
