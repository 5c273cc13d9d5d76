"""A venue of this family as facts: addresses, seeds, byte layouts, codes. No logic lives in a profile.

The successor of Drift kept its discriminators and changed its layouts, so bytes of one read with the layout of the
other give plausible garbage. Everything that reads bytes takes a Profile and reads field names from it, never offsets.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from risk.model.account import MarginMode, OrderKind
from risk.model.market import AssetTier, ContractTier, ContractType, MarketStatus
from venues.errors import VenueRejected
from venues.solana.borsh import EventLayout, Record

RecordType = np.dtype[np.void]


class OracleKind(Enum):
    """How the account of a price feed is laid out."""

    PYTH_LEGACY = "pyth legacy"
    PYTH_PULL = "pyth pull"
    PYTH_LAZER = "pyth lazer"
    PRELAUNCH = "prelaunch"
    SWITCHBOARD_ON_DEMAND = "switchboard on demand"
    QUOTE_ASSET = "quote asset"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleSource:
    """One way to read a price.

    Attributes:
        multiple: The feed prices one token, the market this many.
        stable_coin_snap: A price close to 1 USD counts as exactly 1.
        stale_factor: Multiplies the age in slots a price may have.
    """

    name: str
    kind: OracleKind
    multiple: int = 1
    stable_coin_snap: bool = False
    stale_factor: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Bytes of one account type.

    Attributes:
        discriminator: How its data begins.
        revisions: The fields this project reads, by the data length they are right for.
        may_be_longer: Longer data is read by the longest known revision it contains; programs grow accounts in place.
    """

    discriminator: bytes
    revisions: Mapping[int, RecordType]
    may_be_longer: bool = False

    def for_length(self, length: int) -> RecordType | None:
        """The fields of data of this length; None when no revision has it."""
        exact = self.revisions.get(length)
        if exact is not None or not self.may_be_longer:
            return exact
        return self.revisions.get(max((size for size in self.revisions if size <= length), default=0))

    @property
    def size_filter(self) -> int | None:
        """The one length such an account can have, to ask a node for; None when it is not the same for all."""
        return None if self.may_be_longer or len(self.revisions) != 1 else next(iter(self.revisions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """First seed of each derived address."""

    state: bytes
    user: bytes
    user_stats: bytes
    perp_market: bytes
    spot_market: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerCondition:
    """What a trigger order waits for, a price above its trigger or below, and whether it has come."""

    above: bool
    triggered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One call of the venue's program, as it lies in a transaction.

    Attributes:
        accounts: What its first accounts are, in order, and whether each is writable. Oracles, spot markets and perp
            markets follow.
    """

    name: str
    discriminator: bytes
    accounts: tuple[tuple[str, bool], ...]
    arguments: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingFacts:
    """What trading on a venue takes beyond reading it.

    Attributes:
        instructions: By the first bytes of their data.
        immediate_or_cancel: Bit of an order's flags.
        fill_pauses: Bits of the exchange and of a market that stop every fill.
        curve_pauses: Likewise those that stop fills against the venue's own curve.
    """

    instructions: Mapping[bytes, Instruction]
    immediate_or_cancel: int
    fill_pauses: tuple[int, int]
    curve_pauses: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One venue.

    Attributes:
        oracle_sources: By the code a market stores.
        oracle_layouts: One or two layouts per kind; two when a byte inside tells them apart.
        oracle_owners: Program that must own a feed of a kind.
        market_statuses: And the other tables: the venue's code to ours; a code that is missing is refused.
        status_bits: Of a user: (being liquidated, bankrupt, all known).
        position_bits: Of a perp slot: (isolated, being liquidated, all known).
        exchange_pauses: What each bit of the exchange status stops, in words; likewise for markets.
        quoteless_pool: In this lending pool a deposit of market 0 is allowed and counts nothing.
        trigger_conditions: By the code an order stores; empty where orders do not say.
        events: What the program writes into its log, by the first bytes; empty where that is not known.
        trading: None where this project cannot trade.
    """

    name: str
    program_id: str
    seeds: Seeds
    state: Layout
    user: Layout
    user_stats: Layout
    perp_market: Layout
    spot_market: Layout
    oracle_sources: Mapping[int, OracleSource]
    oracle_layouts: Mapping[OracleKind, Sequence[Layout]]
    oracle_owners: Mapping[OracleKind, str]
    market_statuses: Mapping[int, MarketStatus]
    contract_types: Mapping[int, ContractType]
    contract_tiers: Mapping[int, ContractTier]
    asset_tiers: Mapping[int, AssetTier]
    margin_modes: Mapping[int, MarginMode]
    order_kinds: Mapping[int, OrderKind]
    status_bits: tuple[int, int, int]
    position_bits: tuple[int, int, int]
    exchange_pauses: Mapping[int, str]
    perp_pauses: Mapping[int, str]
    spot_pauses: Mapping[int, str]
    open_order_status: int
    quoteless_pool: int | None
    trigger_conditions: Mapping[int, TriggerCondition] = field(default_factory=dict)
    events: Mapping[bytes, EventLayout] = field(default_factory=dict)
    trading: TradingFacts | None = None


def record(size: int, fields: Mapping[str, tuple[int, object]]) -> RecordType:
    """A numpy record of ``size`` bytes with fields at stated offsets; other bytes are not looked at."""
    names = list(fields)
    return np.dtype(
        {
            "names": names,
            "formats": [fields[name][1] for name in names],
            "offsets": [fields[name][0] for name in names],
            "itemsize": size,
        }
    )


def names() -> tuple[str, ...]:
    """Every profile there is, found by module name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def load(name: str) -> Profile:
    """A profile by name. Raises: VenueRejected, naming those there are."""
    if name not in names():
        raise VenueRejected(f"there is no venue profile {name!r}; choose one of: {', '.join(names())}")
    profile = importlib.import_module(f"{__name__}.{name}").PROFILE
    if not isinstance(profile, Profile):
        raise TypeError(f"profiles/{name}.py must define PROFILE, a Profile")
    return profile
