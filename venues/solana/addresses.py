"""Public keys as people write them, and the addresses a venue derives from them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import NDArray
from solders.pubkey import Pubkey

from venues.errors import VenueRejected
from venues.solana.profiles import Profile

KeyArray = NDArray[np.uint8]

SYSTEM_PROGRAM = str(Pubkey.default())
LARGEST_SUB_ACCOUNT = 2**16 - 1
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def parse_key(text: str) -> Pubkey:
    """A public key from base58. Raises: VenueRejected, saying what is wrong with the text."""
    try:
        return Pubkey.from_string(text)
    except ValueError as exc:
        raise VenueRejected(
            f"{text[:60]!r} is not a Solana address; copy it again: 32 to 44 letters and digits, without 0, O, I and l"
        ) from exc


def parse_reference(text: str) -> tuple[Pubkey, int | None]:
    """(key, sub-account number) of ``PUBKEY`` or ``AUTHORITY:SUB``; the number is None without a colon."""
    key, colon, number = text.strip().partition(":")
    if not colon:
        return parse_key(key), None
    if not (number.isascii() and number.isdigit() and int(number[:6]) <= LARGEST_SUB_ACCOUNT and len(number) <= 6):
        raise VenueRejected(
            f"{number[:20]!r} is no sub-account number; write WALLET:0 for the first one, at most {LARGEST_SUB_ACCOUNT}"
        )
    return parse_key(key), int(number)


@lru_cache(maxsize=65_536)
def _derive(program_id: str, *seeds: bytes) -> Pubkey:
    # Costs 20 us or more; the addresses of a fleet and its markets are asked for at every check.
    return Pubkey.find_program_address(list(seeds), Pubkey.from_string(program_id))[0]


def state_address(profile: Profile) -> Pubkey:
    return _derive(profile.program_id, profile.seeds.state)


def user_address(profile: Profile, authority: bytes, sub_account: int) -> Pubkey:
    return _derive(profile.program_id, profile.seeds.user, authority, sub_account.to_bytes(2, "little"))


def address_of(profile: Profile, reference: str) -> Pubkey:
    """Where the account is that ``PUBKEY`` or ``AUTHORITY:SUB`` means. Raises: VenueRejected."""
    key, number = parse_reference(reference)
    return key if number is None else user_address(profile, bytes(key), number)


def user_stats_address(profile: Profile, authority: bytes) -> Pubkey:
    return _derive(profile.program_id, profile.seeds.user_stats, authority)


def perp_market_address(profile: Profile, market_index: int) -> Pubkey:
    return _derive(profile.program_id, profile.seeds.perp_market, market_index.to_bytes(2, "little"))


def spot_market_address(profile: Profile, market_index: int) -> Pubkey:
    return _derive(profile.program_id, profile.seeds.spot_market, market_index.to_bytes(2, "little"))


def key_array(keys: Sequence[bytes]) -> KeyArray:
    """Keys as an array of shape (n, 32)."""
    return np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), 32)


def base58(raw: bytes) -> str:
    """Bytes of any length in base58, as filters of an RPC want them."""
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


class _Lazy(Sequence[str]):
    """Texts made from rows of 32 bytes only when they are looked at: a fleet of 10,000 costs nothing until then."""

    __slots__ = ("_rows",)

    def __init__(self, rows: KeyArray) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "_Lazy": ...
    def __getitem__(self, index: int | slice) -> "str | _Lazy":
        if isinstance(index, slice):
            return type(self)(self._rows[index])
        return self._text(self._rows[index].tobytes())

    def __eq__(self, other: object) -> bool:
        if type(other) is type(self):
            return self._rows is other._rows or np.array_equal(self._rows, other._rows)
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compares by content, like the list it stands for

    @staticmethod
    def _text(raw: bytes) -> str:
        raise NotImplementedError


class Addresses(_Lazy):
    """Addresses in base58 over an array of shape (n, 32)."""

    __slots__ = ()

    @staticmethod
    def _text(raw: bytes) -> str:
        return str(Pubkey.from_bytes(raw))


class Delegates(Addresses):
    """Addresses that may stand for nobody: the key of zeros, which the program stores where there is no delegate."""

    __slots__ = ()

    @staticmethod
    def _text(raw: bytes) -> str:
        return Addresses._text(raw) if any(raw) else ""


class Names(_Lazy):
    """Names an owner gave to accounts: anything may stand there, so what does not print is left out."""

    __slots__ = ()

    @staticmethod
    def _text(raw: bytes) -> str:
        return printable(raw)


def printable(raw: bytes) -> str:
    """The text of a padded name, without padding and without what does not print."""
    text = raw.rstrip(b"\0 ").decode("utf-8", errors="ignore")
    return "".join(char for char in text if char.isprintable()).strip()
