"""Market accounts that passed their checks, as records; those that did not, with the reason."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from solders.pubkey import Pubkey

from venues.errors import BadAccountData
from venues.solana.accounts import Fetched, checked_record, program_key
from venues.solana.addresses import perp_market_address, printable, spot_market_address
from venues.solana.integers import I64, wide_integers
from venues.solana.profiles import Layout, Profile

_LARGEST_DECIMALS = 18
_OTHER_LAYOUT = "its layout is not the one this venue has"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarketRecords:
    """Markets of one family, sorted by index.

    Attributes:
        records: One record of shape (1,) each; markets may be at different revisions of their layout.
        unreadable: Why a market that was asked for is not among them, by index.
    """

    records: tuple[NDArray[np.void], ...]
    names: tuple[str, ...]
    unreadable: Mapping[int, str]

    def column(self, name: str) -> NDArray[np.generic]:
        """A field of every market; zeros where the venue does not have it."""
        absent = np.zeros(1, np.int64)
        parts = [record[name] if name in (record.dtype.names or ()) else absent for record in self.records]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def floats(self, name: str) -> NDArray[np.float64]:
        return self.column(name).astype(np.float64)

    def integers(self, name: str) -> NDArray[np.int64]:
        return self.column(name).astype(np.int64)

    def wide(self, name: str) -> list[int]:
        """A 128-bit field of every market; 0 where the venue does not have it."""
        return [wide_integers(record[name])[0] if name in (record.dtype.names or ()) else 0 for record in self.records]

    def keys(self, name: str) -> list[bytes]:
        return [record[name].tobytes() for record in self.records]


def find_perps(profile: Profile, fetched: Fetched, indexes: Iterable[int]) -> MarketRecords:
    return _find("perp", profile, fetched, profile.perp_market, indexes, perp_market_address, _check_perp)


def find_spots(profile: Profile, fetched: Fetched, indexes: Iterable[int]) -> MarketRecords:
    return _find("spot", profile, fetched, profile.spot_market, indexes, spot_market_address, _check_spot)


def _find(
    family: str,
    profile: Profile,
    fetched: Fetched,
    layout: Layout,
    indexes: Iterable[int],
    address_of: Callable[[Profile, int], Pubkey],
    check: Callable[[Profile, str, np.void], None],
) -> MarketRecords:
    records, names, unreadable = [], [], {}
    owner = program_key(profile)
    for index in sorted(indexes):
        address = address_of(profile, index)
        what = f"{family} market {index} ({address})"
        try:
            account = fetched.accounts.get(address)
            if account is None:
                raise BadAccountData(f"{what} does not exist, so what is in it cannot be valued")
            record = np.frombuffer(account.data, checked_record(what, account, layout, owner), 1)
            if record["pubkey"].tobytes() != bytes(address) or int(record["market_index"][0]) != index:
                raise BadAccountData(f"{what} says it is another market; {_OTHER_LAYOUT}")
            check(profile, what, record[0])
            names.append(_name(what, record["name"].tobytes()))
            records.append(record)
        except BadAccountData as problem:
            unreadable[index] = str(problem)
    return MarketRecords(records=tuple(records), names=tuple(names), unreadable=unreadable)


def _name(what: str, raw: bytes) -> str:
    name = printable(raw)
    if not name or name.encode() != raw.rstrip(b"\0 "):
        raise BadAccountData(f"{what} has a name that does not print; {_OTHER_LAYOUT}")
    return name


def _check_code(what: str, record: np.void, field: str, known: Mapping[int, object]) -> None:
    code = int(record[field])
    if code not in known:
        raise BadAccountData(f"{what} has {field.replace('_', ' ')} {code}, which is not known; update this program")


def _check_perp(profile: Profile, what: str, record: np.void) -> None:
    _check_code(what, record, "oracle_source", profile.oracle_sources)
    _check_code(what, record, "status", profile.market_statuses)
    _check_code(what, record, "contract_type", profile.contract_types)
    _check_code(what, record, "contract_tier", profile.contract_tiers)
    for side in ("cumulative_funding_rate_long", "cumulative_funding_rate_short"):
        low, high = record[side].item()
        if (high << 64) | low not in I64:
            raise BadAccountData(f"{what} has a funding rate beyond 64 bits; {_OTHER_LAYOUT}")


def _check_spot(profile: Profile, what: str, record: np.void) -> None:
    _check_code(what, record, "oracle_source", profile.oracle_sources)
    _check_code(what, record, "status", profile.market_statuses)
    _check_code(what, record, "asset_tier", profile.asset_tiers)
    if int(record["decimals"]) > _LARGEST_DECIMALS:
        raise BadAccountData(f"{what} has {record['decimals']} decimals; {_OTHER_LAYOUT}")
    for side in ("cumulative_deposit_interest", "cumulative_borrow_interest"):
        low, high = record[side].item()
        if high or not low:
            raise BadAccountData(f"{what} has no plausible interest; {_OTHER_LAYOUT}")
