"""What kinds of events are called, which belong together, and which kind an alert is about."""

from collections.abc import Mapping
from types import MappingProxyType

from risk.decisions.incidents import CauseKind, Incident
from risk.model.event_kinds import EventKind

K = EventKind

NAMES: Mapping[EventKind, str] = MappingProxyType(
    {
        K.POSITION_OPENED: "position opened",
        K.POSITION_CHANGED: "position changed",
        K.POSITION_CLOSED: "position closed",
        K.POSITION_FLIPPED: "position flipped",
        K.ORDER_PLACED: "order placed",
        K.ORDER_CHANGED: "order changed",
        K.ORDER_TRIGGERED: "order triggered",
        K.ORDER_PARTIALLY_FILLED: "order filled in part",
        K.ORDER_FILLED: "order filled",
        K.ORDER_ENDED: "order ended, nobody says why",
        K.ORDER_CANCELLED: "order cancelled",
        K.ORDER_EXPIRED: "order expired",
        K.ORDER_REJECTED: "order refused",
        K.DEPOSIT: "deposit",
        K.WITHDRAWAL: "withdrawal",
        K.TRANSFER_IN: "transfer in",
        K.TRANSFER_OUT: "transfer out",
        K.SWAP: "swap",
        K.BORROW_BEGUN: "borrow begun",
        K.BORROW_REPAID: "borrow repaid",
        K.FUNDING_FLIPPED: "funding flipped",
        K.FUNDING_HEAVY: "funding heavy",
        K.FUNDING_PAID: "funding paid",
        K.INTEREST: "interest",
        K.BORROW_RATE_SPIKE: "borrow rate spike",
        K.PNL_SETTLED: "PnL settled",
        K.LIQUIDITY_CHANGED: "liquidity shares changed",
        K.LIQUIDATION_BEGUN: "liquidation begun",
        K.LIQUIDATION_TAKEN: "liquidation took something",
        K.LIQUIDATION_ENDED: "liquidation ended",
        K.BANKRUPT: "bankrupt",
        K.BANKRUPTCY_RESOLVED: "bankruptcy resolved",
        K.DELEGATE_CHANGED: "delegate changed",
        K.SUB_ACCOUNT_CREATED: "another account opened",
        K.ACCOUNT_CLOSED: "account closed",
        K.MARKET_PAUSED: "market paused",
        K.MARKET_REDUCE_ONLY: "market reduce only",
        K.MARKET_SETTLING: "market settling",
        K.MARKET_ACTIVE: "market open again",
        K.EXCHANGE_PAUSED: "venue paused",
        K.EXCHANGE_RESUMED: "venue open again",
        K.HISTORY_GAP: "gap in the history",
    }
)

# Each kind is in exactly one of these.
GROUPS: Mapping[str, tuple[EventKind, ...]] = MappingProxyType(
    {
        "positions": (K.POSITION_OPENED, K.POSITION_CHANGED, K.POSITION_CLOSED, K.POSITION_FLIPPED),
        "fills": (K.ORDER_FILLED, K.ORDER_PARTIALLY_FILLED),
        "orders": (
            K.ORDER_PLACED, K.ORDER_CHANGED, K.ORDER_TRIGGERED, K.ORDER_ENDED, K.ORDER_CANCELLED, K.ORDER_EXPIRED,
            K.ORDER_REJECTED,
        ),
        "money": (
            K.DEPOSIT, K.WITHDRAWAL, K.TRANSFER_IN, K.TRANSFER_OUT, K.SWAP, K.BORROW_BEGUN, K.BORROW_REPAID,
            K.PNL_SETTLED, K.LIQUIDITY_CHANGED,
        ),
        "costs": (K.FUNDING_FLIPPED, K.FUNDING_HEAVY, K.FUNDING_PAID, K.INTEREST, K.BORROW_RATE_SPIKE),
        "liquidation": (
            K.LIQUIDATION_BEGUN, K.LIQUIDATION_TAKEN, K.LIQUIDATION_ENDED, K.BANKRUPT, K.BANKRUPTCY_RESOLVED,
        ),
        "access": (K.DELEGATE_CHANGED, K.SUB_ACCOUNT_CREATED, K.ACCOUNT_CLOSED),
        "venue": (
            K.MARKET_PAUSED, K.MARKET_REDUCE_ONLY, K.MARKET_SETTLING, K.MARKET_ACTIVE, K.EXCHANGE_PAUSED,
            K.EXCHANGE_RESUMED,
        ),
        "gaps": (K.HISTORY_GAP,),
    }
)  # fmt: skip

_KEY = ":"


def subject_of(kind: EventKind, key: str) -> str:
    """The subject of an incident that is about events."""
    return f"{kind.value}{_KEY}{key}"


def event_of(incident: Incident) -> str:
    """The kind of event an incident is about, by value; empty for what is none."""
    return incident.cause.subject.partition(_KEY)[0] if incident.cause.kind is CauseKind.EVENT else ""
