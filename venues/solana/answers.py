"""Results of RPC calls, checked for their shape while they are read.

Read by hand: the parser of the RPC library ends the process on some malformed errors (a Rust panic is no Exception),
and is no faster.
"""

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from solders.pubkey import Pubkey
from solders.signature import Signature

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


def read_mapping(value: object) -> Mapping[str, object]:
    """Raises: Malformed."""
    if not isinstance(value, dict):
        raise Malformed("an object is missing")
    return value


def read_list(value: object) -> Sequence[object]:
    """Raises: Malformed."""
    if not isinstance(value, list):
        raise Malformed("a list is missing")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Malformed("a text is missing")
    return value


def read_slot(value: object) -> int:
    """Raises: Malformed."""
    if type(value) is not int or not 0 <= value <= _LARGEST_SLOT:
        raise Malformed("the slot is missing")
    return value


def read_at_slot(result: object) -> tuple[int, object]:
    """(slot, value) of a result with its context. Raises: Malformed."""
    fields = read_mapping(result)
    return read_slot(read_mapping(fields.get("context")).get("slot")), fields.get("value")


def _contents(result: object) -> tuple[int, Sequence[object]]:
    slot, value = read_at_slot(result)
    return slot, read_list(value)


def _account(value: object, owners: dict[str, bytes]) -> RawAccount:
    fields = read_mapping(value)
    encoded = read_list(fields.get("data"))
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


def read_account_at(result: object, owners: dict[str, bytes]) -> tuple[int, RawAccount | None]:
    """(slot, account) of a notification; an account without lamports is one that was closed. Raises: ValueError."""
    slot, value = read_at_slot(result)
    if value is None or read_mapping(value).get("lamports") == 0:
        return slot, None
    return slot, _account(value, owners)


def read_program_accounts(result: object) -> ProgramAccounts:
    """The listing. Raises: ValueError."""
    slot, values = _contents(result)
    owners: dict[str, bytes] = {}
    listed = [read_mapping(value) for value in values]
    return ProgramAccounts(
        slot=slot,
        addresses=[Pubkey.from_string(_text(fields.get("pubkey"))) for fields in listed],
        accounts=[_account(fields.get("account"), owners) for fields in listed],
    )


def read_text(result: object) -> str:
    """A result that is one text. Raises: ValueError."""
    return _text(result)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRow:
    """A transaction that mentions an account, as it is listed."""

    signature: str
    slot: int
    failed: bool


def read_signatures(result: object) -> list[SignatureRow]:
    """The listing, newest first. Raises: ValueError."""
    rows = [
        SignatureRow(
            signature=str(Signature.from_string(_text(fields.get("signature")))),
            slot=read_slot(fields.get("slot")),
            failed=fields.get("err") is not None,
        )
        for fields in map(read_mapping, read_list(result))
    ]
    if any(later.slot < earlier.slot for later, earlier in pairwise(rows)):
        raise Malformed("the newest is not the first")
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedTransaction:
    """A transaction as a node remembers it.

    Attributes:
        at_s: Time of its block in seconds since 1970; None where the node does not know.
        logs: None where the node kept none.
    """

    slot: int
    at_s: int | None
    failed: bool
    logs: tuple[str, ...] | None


def read_transaction(result: object) -> LandedTransaction | None:
    """One transaction; None where the node does not have it. Raises: ValueError."""
    if result is None:
        return None
    fields = read_mapping(result)
    meta, at_s = fields.get("meta"), fields.get("blockTime")
    outcome = {} if meta is None else read_mapping(meta)
    logs = outcome.get("logMessages")
    return LandedTransaction(
        slot=read_slot(fields.get("slot")),
        at_s=at_s if type(at_s) is int else None,
        failed=outcome.get("err") is not None,
        logs=None if logs is None else tuple(_text(line) for line in read_list(logs)),
    )
