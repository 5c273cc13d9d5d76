"""How loudly each kind of event is told where nobody chose otherwise, and which kinds are told at all."""

from collections.abc import Mapping, Set
from types import MappingProxyType

from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind

# A withdrawal and a new delegate are as nobody announced them, which whoever knows of an announcement may soften. The
# health of an account says that it is being liquidated, so what its end says is good news.
DEFAULT_TIERS: Mapping[EventKind, Tier] = MappingProxyType(
    {
        EventKind.POSITION_OPENED: Tier.OK,
        EventKind.POSITION_CHANGED: Tier.OK,
        EventKind.POSITION_CLOSED: Tier.OK,
        EventKind.POSITION_FLIPPED: Tier.WATCH,
        EventKind.ORDER_PLACED: Tier.OK,
        EventKind.ORDER_CHANGED: Tier.OK,
        EventKind.ORDER_TRIGGERED: Tier.WATCH,
        EventKind.ORDER_PARTIALLY_FILLED: Tier.OK,
        EventKind.ORDER_FILLED: Tier.OK,
        EventKind.ORDER_ENDED: Tier.OK,
        EventKind.ORDER_CANCELLED: Tier.OK,
        EventKind.ORDER_EXPIRED: Tier.OK,
        EventKind.ORDER_REJECTED: Tier.WATCH,
        EventKind.DEPOSIT: Tier.OK,
        EventKind.WITHDRAWAL: Tier.CRITICAL,
        EventKind.TRANSFER_IN: Tier.OK,
        EventKind.TRANSFER_OUT: Tier.WARNING,
        EventKind.SWAP: Tier.OK,
        EventKind.BORROW_BEGUN: Tier.WATCH,
        EventKind.BORROW_REPAID: Tier.OK,
        EventKind.FUNDING_FLIPPED: Tier.OK,
        EventKind.FUNDING_HEAVY: Tier.WATCH,
        EventKind.FUNDING_PAID: Tier.OK,
        EventKind.INTEREST: Tier.OK,
        EventKind.BORROW_RATE_SPIKE: Tier.WARNING,
        EventKind.PNL_SETTLED: Tier.OK,
        EventKind.LIQUIDITY_CHANGED: Tier.OK,
        EventKind.LIQUIDATION_BEGUN: Tier.LIQUIDATING,
        EventKind.LIQUIDATION_TAKEN: Tier.LIQUIDATING,
        EventKind.LIQUIDATION_ENDED: Tier.WATCH,
        EventKind.BANKRUPT: Tier.LIQUIDATING,
        EventKind.BANKRUPTCY_RESOLVED: Tier.WARNING,
        EventKind.DELEGATE_CHANGED: Tier.CRITICAL,
        EventKind.SUB_ACCOUNT_CREATED: Tier.WARNING,
        EventKind.ACCOUNT_CLOSED: Tier.HIGH,
        EventKind.MARKET_PAUSED: Tier.WARNING,
        EventKind.MARKET_REDUCE_ONLY: Tier.WARNING,
        EventKind.MARKET_SETTLING: Tier.HIGH,
        EventKind.MARKET_ACTIVE: Tier.OK,
        EventKind.EXCHANGE_PAUSED: Tier.HIGH,
        EventKind.EXCHANGE_RESUMED: Tier.WATCH,
        EventKind.HISTORY_GAP: Tier.WATCH,
    }
)

# What happens so often, and says so little, that only those hear of it who asked to.
ON_REQUEST: Set[EventKind] = frozenset(
    {
        EventKind.ORDER_PLACED,
        EventKind.ORDER_CHANGED,
        EventKind.ORDER_ENDED,
        EventKind.ORDER_CANCELLED,
        EventKind.FUNDING_FLIPPED,
        EventKind.FUNDING_PAID,
        EventKind.INTEREST,
        EventKind.PNL_SETTLED,
        EventKind.LIQUIDITY_CHANGED,
        EventKind.SWAP,
    }
)
