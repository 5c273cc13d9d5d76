"""Some users of a fleet decoded again and put in the place of what they were; the others are not touched."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from risk.margin.book import IntArray
from venues.solana.decode_users import ACCOUNT, Records, Users, picked


def compact(users: Users) -> Users:
    """The same users without the bytes nobody reads: a fleet that is kept costs 150 bytes an account, not 4,400."""
    if users.accounts.dtype == ACCOUNT:
        return users
    accounts = np.zeros(users.accounts.size, ACCOUNT)
    for name in set(ACCOUNT.names or ()) & set(users.accounts.dtype.names or ()):
        accounts[name] = users.accounts[name]
    return replace(users, accounts=accounts)


def spliced(users: Users, part: Users, positions: IntArray) -> Users | None:
    """All users, with those at ``positions`` replaced; both must be compact.

    Returns: None where the slots are laid out differently, as after a change of the program: decode all again.
    """
    if not _alike(users, part):
        return None
    accounts = users.accounts.copy()
    accounts[positions] = part.accounts
    perps, perp_account = _rows(users.perps, users.perp_account, part.perps, part.perp_account, positions)
    spots, spot_account = _rows(users.spots, users.spot_account, part.spots, part.spot_account, positions)
    orders, order_account = users.orders, users.order_account
    if users.orders is not None and part.orders is not None:
        orders, order_account = _rows(users.orders, users.order_account, part.orders, part.order_account, positions)
    replaced = set(positions.tolist())
    refused = {at: why for at, why in users.refused.items() if at not in replaced}
    refused |= {int(positions[at]): why for at, why in part.refused.items()}
    return Users(
        addresses=users.addresses,
        accounts=accounts,
        perps=perps,
        perp_account=perp_account,
        spots=spots,
        spot_account=spot_account,
        orders=orders,
        order_account=order_account,
        refused=dict(sorted(refused.items())),
    )


def _alike(users: Users, part: Users) -> bool:
    pairs = [(users.accounts, part.accounts), (users.perps, part.perps), (users.spots, part.spots)]
    if users.orders is not None and part.orders is not None:
        pairs.append((users.orders, part.orders))
    return (users.orders is None) == (part.orders is None) and all(ours.dtype == theirs.dtype for ours, theirs in pairs)


def _rows(
    records: Records, account: IntArray, new: Records, new_account: IntArray, positions: IntArray
) -> tuple[Records, IntArray]:
    """Slots of all accounts, sorted by account: the old ones of the others, the new ones of these."""
    kept = np.flatnonzero(~np.isin(account, positions))
    owners = np.concatenate([account[kept], positions[new_account]])
    order = np.argsort(owners, kind="stable")
    joined = np.concatenate([_plain(picked(records, kept)), _plain(new)])
    return picked(joined.view(records.dtype), order), owners[order]


def _plain(records: Records) -> NDArray[np.void]:
    # As plain bytes, for the reason given at picked().
    return np.ascontiguousarray(records).view(np.dtype((np.void, records.dtype.itemsize)))
