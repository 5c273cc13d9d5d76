"""Results of RPC calls, checked for their shape while they are read.

Read by hand: the parser of the RPC library ends the process on some malformed errors (a Rust panic is no Exception),
and is no faster.
"""

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from venues.solana.accounts import RawAccount

_LARGEST_SLOT = 2**63 - 1


class Malformed(ValueError):
    """A result that does not have the shape of an answer to the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramAccounts:
    """All accounts of one type, as listed at one slot."""

    slot: int
    addresses: list[Pubkey]
    accounts: list[RawAccount]


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Malformed("an object is missing")
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise Malformed("a list is missing")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Malformed("a text is missing")
    return value


def _contents(result: object) -> tuple[int, Sequence[object]]:
    """(slot, value) of a result with its context."""
    fields = _mapping(result)
    slot = _mapping(fields.get("context")).get("slot")
    if type(slot) is not int or not 0 <= slot <= _LARGEST_SLOT:
        raise Malformed("the slot is missing")
    return slot, _list(fields.get("value"))


def _account(value: object, owners: dict[str, bytes]) -> RawAccount:
    fields = _mapping(value)
    encoded = _list(fields.get("data"))
    if len(encoded) != 2 or encoded[1] != "base64":
        raise Malformed("account data is not in base64")
    owner = _text(fields.get("owner"))
    if owner not in owners:
        owners[owner] = bytes(Pubkey.from_string(owner))
    return RawAccount(owners[owner], binascii.a2b_base64(_text(encoded[0]), strict_mode=True))


def read_accounts(result: object) -> tuple[int, list[RawAccount | None]]:
    """(slot, accounts in the order asked for). Raises: ValueError."""
    slot, values = _contents(result)
    owners: dict[str, bytes] = {}
    return slot, [None if value is None else _account(value, owners) for value in values]


def read_program_accounts(result: object) -> ProgramAccounts:
    """The listing. Raises: ValueError."""
    slot, values = _contents(result)
    owners: dict[str, bytes] = {}
    listed = [_mapping(value) for value in values]
    return ProgramAccounts(
        slot=slot,
        addresses=[Pubkey.from_string(_text(fields.get("pubkey"))) for fields in listed],
        accounts=[_account(fields.get("account"), owners) for fields in listed],
    )


def read_text(result: object) -> str:
    """A result that is one text. Raises: ValueError."""
    return _text(result)
