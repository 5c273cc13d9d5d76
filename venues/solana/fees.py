"""Trading fees, as far as the ledger states them for one account.

The program counts fees for an owner, over all of their sub-accounts; nothing says which of these paid. So they are an
account's own only where its owner has never opened another one.
"""

import math
from collections.abc import Sequence

import numpy as np
from solders.pubkey import Pubkey

from risk.margin.book import FleetBook, FloatArray
from venues.errors import BadAccountData
from venues.solana.accounts import RawAccount, checked_record, program_key
from venues.solana.addresses import parse_key, user_stats_address
from venues.solana.client import ClientManager
from venues.solana.profiles import Profile

_NEEDED = ("total_fee_paid", "total_fee_rebate", "number_of_sub_accounts_created")
_ONE_DOLLAR = 1e6


async def fees_paid_usd(profile: Profile, client: ClientManager, book: FleetBook) -> FloatArray:
    """Fees paid less rebates received over the life of every account of a book; NaN where that is not stated for it.

    Raises: VenueUnavailable.
    """
    owners = _owners(book.accounts.authorities)
    addresses = {
        owner: user_stats_address(profile, bytes(parse_key(owner))) for owner in dict.fromkeys(owners) if owner
    }
    fetched = (await client.accounts(list(addresses.values()))).accounts if addresses else {}
    paid = {owner: _paid_usd(profile, address, fetched.get(address)) for owner, address in addresses.items()}
    return np.array([paid.get(owner, math.nan) for owner in owners], dtype=np.float64)


def _owners(authorities: Sequence[str]) -> list[str]:
    """An account that could not be read has no owner to be asked for: its address is all zeros."""
    nobody = str(Pubkey.default())
    return ["" if owner == nobody else owner for owner in authorities]


def _paid_usd(profile: Profile, address: Pubkey, account: RawAccount | None) -> float:
    if account is None:
        return math.nan
    try:
        layout = checked_record(f"the user statistics {address}", account, profile.user_stats, program_key(profile))
    except BadAccountData:
        return math.nan  # a figure for a summary; the account itself is read and checked elsewhere
    if not set(_NEEDED) <= set(layout.names or ()):
        return math.nan
    record = np.frombuffer(account.data, layout, 1)[0]
    if int(record["number_of_sub_accounts_created"]) != 1:
        return math.nan
    return (int(record["total_fee_paid"]) - int(record["total_fee_rebate"])) / _ONE_DOLLAR
