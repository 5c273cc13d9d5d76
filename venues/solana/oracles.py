"""Price feeds: bytes of every kind the venues read, to a price in 1e6 as the program would compute it.

Sources: the program's state/oracle.rs (prices) and math/oracle.rs (validity for margin).
"""

from dataclasses import dataclass

import numpy as np

from risk.model.market import AssetTier, ContractTier, OracleValidity
from venues.errors import BadAccountData
from venues.solana.accounts import RawAccount, checked_record
from venues.solana.addresses import parse_key
from venues.solana.profiles import Layout, OracleKind, OracleSource, Profile

PRICE_1E6 = 10**6
_SNAP_1E6 = 500
_LARGEST_EXPONENT = 18
_LARGEST_I64 = 2**63 - 1
_LARGEST_U64 = 2**64 - 1
_SWITCHBOARD_SCALE = 10**12  # 1e18 to 1e6
_PARTIAL, _FULL = 0, 1

# How much wider than the guard rail a confidence may be, by the riskiness of the market.
PERP_CONFIDENCE_FACTORS = {ContractTier.A: 1, ContractTier.B: 1, ContractTier.C: 2, ContractTier.SPECULATIVE: 10}
SPOT_CONFIDENCE_FACTORS = {AssetTier.COLLATERAL: 1, AssetTier.PROTECTED: 1, AssetTier.CROSS: 5}
LOOSEST_CONFIDENCE_FACTOR = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One price as the program sees it. ``slot`` is that of the feed's update; None for a price that cannot age."""

    price_1e6: int
    confidence_1e6: int
    slot: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRails:
    """The venue's own limits of a usable price, from its State."""

    slots_before_stale: int
    confidence_max_1e6: int
    too_volatile_ratio: int


QUOTE_ASSET = Quote(price_1e6=PRICE_1E6, confidence_1e6=1, slot=None)


def read_quote(profile: Profile, source: OracleSource, address: str, account: RawAccount | None) -> Quote:
    """The price a feed states. Raises: BadAccountData when it cannot be read for sure."""
    if source.kind is OracleKind.QUOTE_ASSET:
        return QUOTE_ASSET
    what = f"the {source.name} oracle {address}"
    if source.kind is OracleKind.REFUSED:
        raise BadAccountData(f"{what} is of a kind whose layout is not known; this market cannot be assessed")
    if account is None:
        raise BadAccountData(f"{what} does not exist; the market points to a feed that is gone")
    owner = bytes(parse_key(profile.oracle_owners[source.kind]))
    layout = _layout(profile, source.kind, account.data)
    values = np.frombuffer(account.data, checked_record(what, account, layout, owner), 1)[0]
    if source.kind is OracleKind.SWITCHBOARD_ON_DEMAND:
        return _switchboard(what, values)
    if source.kind is OracleKind.PRELAUNCH:
        price, confidence = int(values["price"]), int(values["confidence"])
    else:
        if source.kind is OracleKind.PYTH_LEGACY and int(values["account_type"]) != 3:
            raise BadAccountData(f"{what} is a Pyth account, but holds no price; check the market's oracle")
        price, confidence = _scaled(what, source, values)
    if source.stable_coin_snap and abs(price - PRICE_1E6) <= min(_SNAP_1E6, confidence):
        price = PRICE_1E6
    return _quote(what, price, confidence, int(values["slot"]))


def _quote(what: str, price: int, confidence: int, slot: int) -> Quote:
    # The program holds a price in an i64 and a confidence in a u64, and errs on more.
    if abs(price) > _LARGEST_I64 or confidence > _LARGEST_U64 or slot > _LARGEST_I64:
        raise BadAccountData(f"{what} states a number no price can be; this market cannot be assessed")
    return Quote(price_1e6=price, confidence_1e6=confidence, slot=slot)


def _layout(profile: Profile, kind: OracleKind, data: bytes) -> Layout:
    layouts = profile.oracle_layouts[kind]
    if len(layouts) == 1:
        return layouts[0]
    # Two layouts share a head; the verification level says which. Any other level is none of them.
    level = data[40] if len(data) > 40 else _PARTIAL
    if level not in (_PARTIAL, _FULL):
        raise BadAccountData(f"a {kind.value} oracle has verification level {level}, which is not known")
    return layouts[level]


def _scaled(what: str, source: OracleSource, values: np.void) -> tuple[int, int]:
    """(price, confidence) in 1e6: raw * 10**exponent * multiple, truncated towards zero."""
    exponent = int(values["exponent"])
    if not -_LARGEST_EXPONENT <= exponent <= 0 or 10**-exponent <= source.multiple:
        # The program refuses a multiple that eats all digits; a positive exponent it would read as a negative one.
        raise BadAccountData(f"{what} has exponent {exponent}, which does not fit; this market cannot be assessed")
    numerator, denominator = PRICE_1E6 * source.multiple, 10**-exponent
    raw = int(values["price"])
    price = abs(raw) * numerator // denominator
    return (price if raw >= 0 else -price), int(values["confidence"]) * numerator // denominator


def _wide(value: tuple[int, int]) -> int:
    low, high = value
    return (int(high) << 64) | int(low)


def _switchboard(what: str, values: np.void) -> Quote:
    """The mean of the submissions that landed last, as the program takes it; the result's range is the confidence."""
    submissions = values["submissions"]
    newest = int(submissions["landed_at"].max())
    if newest == 0:
        raise BadAccountData(f"{what} has no submissions; this market cannot be assessed")
    latest = [_wide(value) for value in submissions["value"][submissions["landed_at"] == newest].tolist()]
    total = sum(latest)
    mean = abs(total) // len(latest)
    price = mean // _SWITCHBOARD_SCALE * (1 if total >= 0 else -1)
    return _quote(what, price, abs(_wide(values["range"].item())) // _SWITCHBOARD_SCALE, newest)


def validity(
    quote: Quote, source: OracleSource, *, twap_1e6: int, confidence_factor: int, rails: GuardRails, slots_behind: int
) -> OracleValidity:
    """Whether margin may be stated with this price; the first reason against it, in the order the program checks."""
    if source.kind is OracleKind.QUOTE_ASSET:
        return OracleValidity.VALID
    price = quote.price_1e6
    if price <= 0:
        return OracleValidity.NON_POSITIVE
    if max(price, twap_1e6) // max(1, min(price, twap_1e6)) > rails.too_volatile_ratio:
        return OracleValidity.TOO_VOLATILE
    if max(1, quote.confidence_1e6) * PRICE_1E6 // price > rails.confidence_max_1e6 * confidence_factor:
        return OracleValidity.TOO_UNCERTAIN
    if slots_behind > rails.slots_before_stale * source.stale_factor:
        return OracleValidity.STALE
    return OracleValidity.VALID
