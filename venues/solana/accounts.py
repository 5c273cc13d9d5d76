"""Accounts as a node hands them out, before anyone believes them."""

from dataclasses import dataclass

from solders.pubkey import Pubkey

from venues.errors import BadAccountData
from venues.solana.profiles import Layout, Profile, RecordType


@dataclass(frozen=True, slots=True)
class RawAccount:
    """Owner and bytes of one account."""

    owner: bytes
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Accounts read at one slot.

    Attributes:
        asked: Every address that was asked for.
        accounts: By address; an address that holds no account is missing.
        slot: Lowest slot any of them was read at.
        slot_spread: Slots between the lowest and the highest; 0 when one answer held all.
    """

    asked: frozenset[Pubkey]
    accounts: dict[Pubkey, RawAccount]
    slot: int
    slot_spread: int = 0


def program_key(profile: Profile) -> bytes:
    """The venue's program as 32 bytes."""
    return bytes(Pubkey.from_string(profile.program_id))


def checked_record(what: str, account: RawAccount, layout: Layout, owner: bytes) -> RecordType:
    """The record type for an account whose owner, head and length are as they should be.

    Raises: BadAccountData, saying which of them is not.
    """
    if account.owner != owner:
        raise BadAccountData(
            f"{what} is owned by {Pubkey(account.owner)}, not by {Pubkey(owner)}; check the address and the venue"
        )
    if not account.data.startswith(layout.discriminator):
        raise BadAccountData(f"{what} is an account of another type; check the address")
    found = layout.for_length(len(account.data))
    if found is None:
        known = ", ".join(str(size) for size in layout.revisions)
        raise BadAccountData(
            f"{what} has {len(account.data)} bytes where {known} are known; it is truncated or a newer layout"
        )
    return found
