"""What trading may do at most. From the settings alone: nothing said in a chat can raise any of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from risk.decisions.requote import RequoteBounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """How many distinct traders must agree to more than a notional."""

    approvals: int
    above_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingRules:
    """Caps and bounds.

    Attributes:
        enabled: False proposes nothing and sends nothing.
        reduce_only: Whether only orders that reduce a position may be proposed.
        max_order_usd: Notional of one order at its worst price, unless it only reduces: then what is held bounds it.
        daily_usd: Notional of everything that went out within 24 hours, by account; likewise.
        slippage_frac: How much worse than the worst quoted price an order may be filled.
        valid_s: How long a card may be pressed.
        execution_s: How long behind that an order may still be filled, and signed.
        quorums: By account id; an empty id for all others. Without one, one trader is enough.
        pin_above_usd: From this notional on each approval takes a PIN; infinite for never.
        standing_cap_usd: Most that a standing approval may allow.
        standing_hours: Longest time one may last.
    """

    enabled: bool = False
    reduce_only: bool = True
    max_order_usd: float = 10_000.0
    daily_usd: float = 50_000.0
    slippage_frac: float = 0.005
    valid_s: float = 120.0
    execution_s: float = 30.0
    quorums: Mapping[str, Quorum] = field(default_factory=dict)
    pin_above_usd: float = float("inf")
    standing_cap_usd: float = 25_000.0
    standing_hours: float = 24.0
    bounds: RequoteBounds = field(default_factory=RequoteBounds)

    def approvals(self, account_id: str, notional_usd: float) -> int:
        """Distinct traders it takes."""
        quorum = self.quorums.get(account_id) or self.quorums.get("")
        return quorum.approvals if quorum is not None and notional_usd > quorum.above_usd else 1

    def pin_needed(self, notional_usd: float) -> bool:
        return notional_usd >= self.pin_above_usd
