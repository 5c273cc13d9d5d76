"""User accounts: joined bytes to the slots in use, without a Python object per account.

Nothing here depends on markets; decode_book puts both together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from solders.pubkey import Pubkey

from risk.margin.book import IntArray
from venues.errors import BadAccountData, VenueRejected
from venues.solana.accounts import RawAccount, checked_record, program_key
from venues.solana.addresses import KeyArray, key_array, user_address
from venues.solana.profiles import Profile, RecordType

Records = NDArray[np.void]

# What is read of an account besides its slots, where accounts of several lengths come together.
ACCOUNT = np.dtype(
    [
        ("authority", np.uint8, (32,)),
        ("delegate", np.uint8, (32,)),
        ("name", np.uint8, (32,)),
        ("sub_account_id", np.uint16),
        ("status", np.uint8),
        ("margin_mode", np.uint8),
        ("pool_id", np.uint8),
        ("max_margin_ratio", np.uint32),
        ("total_deposits", np.uint64),
        ("total_withdraws", np.uint64),
        ("settled_perp_pnl", np.int64),
        ("last_active_slot", np.uint64),
        ("cumulative_perp_funding", np.int64),
    ]
)


# Accounts joined at once. Bytes of all 10,000 joined are 44 MB of fresh memory, and getting it costs more than reading
# it; a piece of this size finds the memory of the piece before.
_BLOCK_ACCOUNTS = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """A few hundred accounts of one length. ``positions`` says where each stands among all."""

    fields: RecordType
    length: int
    positions: IntArray
    data: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawUsers:
    """User accounts whose owner, type and length are right, and the refusals of the others by position."""

    addresses: KeyArray
    blocks: tuple[Block, ...]
    refused: Mapping[int, VenueRejected]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Users:
    """What user accounts say.

    Attributes:
        accounts: One record per account, in the order asked for; zeros for a refused one.
        perps: Used perp slots, sorted by account; likewise ``spots`` and open ``orders``.
        perp_account: Position of the account of each perp slot; likewise for the others.
        refused: Why an account is not an account of this venue, by position.
    """

    addresses: KeyArray
    accounts: Records
    perps: Records
    perp_account: IntArray
    spots: Records
    spot_account: IntArray
    orders: Records | None
    order_account: IntArray
    refused: Mapping[int, VenueRejected]

    @property
    def perp_indexes(self) -> set[int]:
        """Perp markets these accounts have anything in."""
        found = set(self.perps["market_index"].tolist())
        if self.orders is not None:
            found.update(self.orders["market_index"][self.orders["market_type"] == 1].tolist())
        return found

    @property
    def spot_indexes(self) -> set[int]:
        """Spot markets these accounts have anything in."""
        found = set(self.spots["market_index"].tolist())
        if self.orders is not None:
            found.update(self.orders["market_index"][self.orders["market_type"] == 0].tolist())
        return found


def gather(profile: Profile, addresses: Sequence[Pubkey], accounts: Sequence[RawAccount | None]) -> RawUsers:
    """Sort accounts as a node gave them by length; what is no user account of this venue is refused by itself.

    Raises: ValueError when there are not as many accounts as addresses.
    """
    if len(addresses) != len(accounts):
        raise ValueError(f"{len(accounts)} accounts were given for {len(addresses)} addresses")
    owner, head = program_key(profile), profile.user.discriminator
    strangers: list[int] = []
    by_length: dict[int, tuple[list[int], list[bytes]]] = {}
    # The one loop over single accounts: checked_record() in few words, and what it would refuse is given to it below.
    for position, account in enumerate(accounts):
        if account is None or account.owner != owner or not account.data.startswith(head):
            strangers.append(position)
            continue
        positions, data = by_length.setdefault(len(account.data), ([], []))
        positions.append(position)
        data.append(account.data)
    blocks: list[Block] = []
    for length, (positions, data) in by_length.items():
        fields = profile.user.for_length(length)
        if fields is None:
            strangers += positions
            continue
        for first in range(0, len(data), _BLOCK_ACCOUNTS):
            part = slice(first, first + _BLOCK_ACCOUNTS)
            own = np.array(positions[part], np.int64)
            blocks.append(Block(fields=fields, length=length, positions=own, data=data[part]))
    return RawUsers(
        addresses=key_array([bytes(address) for address in addresses]),
        blocks=tuple(blocks),
        refused={at: _refusal(profile, addresses[at], accounts[at], owner) for at in sorted(strangers)},
    )


def _refusal(profile: Profile, address: Pubkey, account: RawAccount | None, owner: bytes) -> VenueRejected:
    what = f"account {address}"
    if account is None:
        return VenueRejected(f"{what} does not exist; check the address, or it was closed")
    try:
        checked_record(what, account, profile.user, owner)
    except BadAccountData as problem:
        return problem
    raise AssertionError(f"{what} was refused, but nothing is wrong with it")


def read_users(profile: Profile, raw: RawUsers, *, with_orders: bool, address_checks: int | None = None) -> Users:
    """The used slots of all accounts.

    Args:
        with_orders: Also the open orders; a sweep does without.
        address_checks: How many addresses are derived again from what the account says, spread evenly; None for all.
            One costs 20 us and more. All is right for a watched fleet; for a sweep a sample tells a wrong layout or
            shifted bytes, which would be wrong everywhere.
    """
    refused = dict(raw.refused)
    if len(raw.blocks) == 1 and raw.blocks[0].positions.size == len(raw.addresses):
        part = _read_block(profile, raw.blocks[0], with_orders)  # a watched fleet: all in one block, nothing to merge
    else:
        blocks = raw.blocks or (_empty(profile),)
        part = _merged((_read_block(profile, block, with_orders) for block in blocks), len(raw.addresses))
    _check_addresses(profile, raw, part.accounts, refused, address_checks)
    return Users(
        addresses=raw.addresses,
        accounts=part.accounts,
        perps=part.perps,
        perp_account=part.perp_account,
        spots=part.spots,
        spot_account=part.spot_account,
        orders=part.orders if with_orders else None,
        order_account=part.order_account,
        refused=refused,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """One block read: ``positions`` of its accounts, their records and used slots."""

    positions: IntArray
    accounts: Records
    perps: Records
    perp_account: IntArray
    spots: Records
    spot_account: IntArray
    orders: Records
    order_account: IntArray


def _read_block(profile: Profile, block: Block, with_orders: bool) -> _Part:
    raw = np.frombuffer(b"".join(block.data), np.uint8).reshape(-1, block.length)
    perps, spots = _slots(raw, block.fields, "perp_positions"), _slots(raw, block.fields, "spot_positions")
    # The program calls a slot free under these conditions; its market index is then a leftover.
    amounts = (
        perps["base_asset_amount"]
        | perps["quote_asset_amount"]
        | perps["isolated_position_scaled_balance"].view(np.int64)
        | perps["open_bids"]
        | perps["open_asks"]
    )
    perp_at = np.flatnonzero((amounts != 0) | (perps["open_orders"] != 0))
    spot_at = np.flatnonzero((spots["scaled_balance"] != 0) | (spots["open_orders"] != 0))
    orders = _slots(raw if with_orders else raw[:0], block.fields, "orders")
    order_at = np.flatnonzero(orders["status"] == profile.open_order_status)
    return _Part(
        positions=block.positions,
        accounts=_view(raw[:, : block.fields.itemsize], block.fields).reshape(-1),
        perps=picked(perps, perp_at),
        perp_account=block.positions[perp_at // perps.shape[1]],
        spots=picked(spots, spot_at),
        spot_account=block.positions[spot_at // spots.shape[1]],
        orders=picked(orders, order_at),
        order_account=block.positions[order_at // orders.shape[1]],
    )


def _empty(profile: Profile) -> Block:
    length, fields = next(iter(profile.user.revisions.items()))
    return Block(fields=fields, length=length, positions=np.zeros(0, np.int64), data=())


def _view(raw: NDArray[np.uint8], fields: RecordType) -> Records:
    # The copy of a few hundred bytes per account makes every later column cheap; none is made of what is contiguous.
    return np.ascontiguousarray(raw).view(fields)


def _slots(raw: NDArray[np.uint8], fields: RecordType, name: str) -> Records:
    """The slots of one family, shape (n_accounts, n_slots)."""
    layout = fields.fields or MappingProxyType({name: (fields, 0)})  # never empty: a record has fields
    kind, offset = layout[name][:2]
    return _view(raw[:, offset : offset + kind.itemsize], kind.base)


def picked(slots: Records, at: IntArray) -> Records:
    """Some slots by their flat position. As plain bytes: numpy would copy records field by field, ten times slower."""
    plain = slots.reshape(-1).view(np.dtype((np.void, slots.dtype.itemsize)))
    return plain[at].view(slots.dtype)


def _merged(parts: Iterable[_Part], count: int) -> _Part:
    """Several blocks, or refused accounts between, in the order the accounts were asked for.

    Of a part only used slots are kept, so blocks read one after the other use the same memory.
    """
    accounts = np.zeros(count, ACCOUNT)
    perps, spots, orders = _Slots([], []), _Slots([], []), _Slots([], [])
    for part in parts:
        for name in set(ACCOUNT.names or ()) & set(part.accounts.dtype.names or ()):
            accounts[name][part.positions] = part.accounts[name]
        perps.add(part.perps, part.perp_account)
        spots.add(part.spots, part.spot_account)
        orders.add(part.orders, part.order_account)
    all_perps, perp_account = perps.sorted()
    all_spots, spot_account = spots.sorted()
    all_orders, order_account = orders.sorted()
    return _Part(
        positions=np.arange(count),
        accounts=accounts,
        perps=all_perps,
        perp_account=perp_account,
        spots=all_spots,
        spot_account=spot_account,
        orders=all_orders,
        order_account=order_account,
    )


class _Slots(NamedTuple):
    """Used slots of one family, block by block."""

    records: list[Records]
    accounts: list[IntArray]

    def add(self, records: Records, accounts: IntArray) -> None:
        self.records.append(records)
        self.accounts.append(accounts)

    def sorted(self) -> tuple[Records, IntArray]:
        """(records, account of each), by account."""
        kind = self.records[0].dtype
        records = np.zeros(sum(rows.size for rows in self.records), kind)
        first = 0
        for rows in self.records:
            # Revisions keep names and move offsets, so slots are carried over by name.
            for name in kind.names or ():
                records[name][first : first + rows.size] = rows[name]
            first += rows.size
        account = np.concatenate(self.accounts)
        if np.all(account[1:] >= account[:-1]):
            return records, account
        order = np.argsort(account, kind="stable")
        return picked(records, order), account[order]


def _check_addresses(
    profile: Profile, raw: RawUsers, accounts: Records, refused: dict[int, VenueRejected], checks: int | None
) -> None:
    count = len(raw.addresses)
    sample = range(count) if checks is None else range(0, count, max(1, count // max(1, checks)))
    for position in sample:
        if position in refused:
            continue
        account = accounts[position]
        derived = user_address(profile, account["authority"].tobytes(), int(account["sub_account_id"]))
        address = Pubkey(raw.addresses[position].tobytes())
        if derived != address:
            refused[position] = BadAccountData(
                f"account {address} does not say it is that account; its bytes are damaged or laid out differently"
            )
