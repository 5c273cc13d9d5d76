"""Records of the venue's program in the log of one transaction: those of one account, as they were written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from risk.model.events import GapReason
from venues.solana.borsh import DISCRIMINATOR_BYTES, Unreadable, Values
from venues.solana.profiles import Profile
from venues.solana.program_logs import written_by

ACTION, ORDER, LIQUIDATION = "OrderActionRecord", "OrderRecord", "LiquidationRecord"
_PERP = "Perp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction that landed and did not fail.

    Attributes:
        logs: Lines of its log; None where the node kept none.
        at: Time of its block, UTC; None where the node does not know.
    """

    signature: str
    slot: int
    at: datetime | None
    logs: Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRecord:
    """One record. ``place`` is its line in the log."""

    place: int
    name: str
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The records of one transaction that concern an account, and why there may be more."""

    records: tuple[ProgramRecord, ...]
    gaps: tuple[tuple[int, GapReason], ...]


def read_records(profile: Profile, account: bytes, transaction: Transaction) -> Reading:
    """What a transaction says of an account, given by the 32 bytes of its address. Nothing in a log makes it raise."""
    if transaction.logs is None:
        return Reading(records=(), gaps=((0, GapReason.NO_LOG),))
    written = written_by(profile.program_id, transaction.logs)
    records: list[ProgramRecord] = []
    gaps: list[tuple[int, GapReason]] = []
    for place, data in written.parts:
        layout = profile.events.get(data[:DISCRIMINATOR_BYTES])
        if layout is None:
            continue
        try:
            values = layout.read(data)
            if account in _parties(layout.name, values):
                records.append(ProgramRecord(place=place, name=layout.name, values=values))
        except Unreadable:
            # Whose it is cannot be known either.
            gaps.append((place, GapReason.UNREADABLE))
    if written.truncated:
        gaps.append((len(transaction.logs), GapReason.LOG_TRUNCATED))
    return Reading(records=tuple(records), gaps=tuple(gaps))


def _parties(name: str, values: Values) -> tuple[bytes | None, ...]:
    if name == ACTION:
        return values.maybe_blob("taker"), values.maybe_blob("maker")
    return (values.blob("user"),)


def touched(records: Iterable[ProgramRecord]) -> tuple[set[int], set[int]]:
    """(perp, spot) markets that records name. Raises: Unreadable."""
    perps: set[int] = set()
    spots: set[int] = set()
    for record in records:
        values = record.values
        match record.name:
            case "OrderActionRecord":
                (perps if values.choice("market_type") == _PERP else spots).add(values.number("market_index"))
            case "OrderRecord":
                order = values.record("order")
                (perps if order.choice("market_type") == _PERP else spots).add(order.number("market_index"))
            case "DepositRecord":
                spots.add(values.number("market_index"))
            case "FundingPaymentRecord" | "SettlePnlRecord" | "LPRecord":
                perps.add(values.number("market_index"))
            case "SwapRecord":
                spots |= {values.number("out_market_index"), values.number("in_market_index")}
            case "LiquidationRecord":
                own_perps, own_spots = _liquidated(values)
                perps |= own_perps
                spots |= own_spots
    return perps, spots


def _liquidated(values: Values) -> tuple[set[int], set[int]]:
    match values.choice("liquidation_type"):
        case "LiquidatePerp":
            return {values.record("liquidate_perp").number("market_index")}, set()
        case "LiquidateSpot":
            part = values.record("liquidate_spot")
            return set(), {part.number("asset_market_index"), part.number("liability_market_index")}
        case "LiquidateBorrowForPerpPnl":
            part = values.record("liquidate_borrow_for_perp_pnl")
            return {part.number("perp_market_index")}, {part.number("liability_market_index")}
        case "LiquidatePerpPnlForDeposit":
            part = values.record("liquidate_perp_pnl_for_deposit")
            return {part.number("perp_market_index")}, {part.number("asset_market_index")}
        case "PerpBankruptcy":
            return {values.record("perp_bankruptcy").number("market_index")}, set()
        case "SpotBankruptcy":
            return set(), {values.record("spot_bankruptcy").number("market_index")}
        case other:
            raise Unreadable(f"a liquidation of the kind {other}")
