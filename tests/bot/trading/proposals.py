"""Proposals as tests make them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from risk.model.account import Side
from risk.model.proposal import (
    Effect,
    Leg,
    LegQuote,
    Proposal,
    ProposalState,
    Purpose,
    StandingTerms,
)
from risk.model.trading import OrderStyle, OrderTerms

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ACCOUNT = "account-of-main"


def terms(
    market: str = "SOL-PERP",
    *,
    side: Side = Side.SELL,
    size_raw_1e9: int = 12_500_000_000,
    limit_raw_1e6: int = 149_200_000,
    style: OrderStyle = OrderStyle.IOC,
    reduce_only: bool = True,
    trigger_raw_1e6: int = 0,
    triggers_above: bool | None = None,
    account_id: str = ACCOUNT,
) -> OrderTerms:
    return OrderTerms(
        account_id=account_id, market=market, market_index=0, side=side, style=style, size_raw_1e9=size_raw_1e9,
        limit_raw_1e6=limit_raw_1e6, reduce_only=reduce_only,
        expires_at_s=0 if style.is_trigger else int(NOW.timestamp()) + 150, trigger_raw_1e6=trigger_raw_1e6,
        triggers_above=triggers_above,
    )  # fmt: skip


def quote(average_usd: float = 149.85, *, observed_at: datetime = NOW - timedelta(seconds=3)) -> LegQuote:
    return LegQuote(
        oracle_usd=150.0, average_usd=average_usd, fee_usd=1.12, impact_frac=0.0004, source="order book",
        slot=400_000_012, observed_at=observed_at,
    )  # fmt: skip


def leg(number: int = 1, of: OrderTerms | None = None, **given: Any) -> Leg:
    chosen = of if of is not None else terms()
    waits = chosen.style.is_trigger
    return Leg(number=number, terms=chosen, quote=None if waits else quote(), reasoning="cuts delta by $1,873", **given)


def stop(number: int = 1) -> Leg:
    return leg(
        number,
        terms(style=OrderStyle.TRIGGER_MARKET, limit_raw_1e6=0, trigger_raw_1e6=140_000_000, triggers_above=False),
    )


def effect(**given: Any) -> Effect:
    plain: dict[str, Any] = {
        "health_percent_before": 41.2, "health_percent_after": 62.8, "health_ratio_before": 170.0,
        "health_ratio_after": 268.8, "probability_before": 0.031, "probability_after": 0.004, "leverage_before": 5.01,
        "leverage_after": 3.2, "fee_usd": 1.12, "slippage_usd": 4.1, "free_collateral_after_usd": 1234.5,
        "least_free_usd": 1100.2,
    }  # fmt: skip
    return Effect(**{**plain, **given})


def proposal(*legs: Leg, **given: Any) -> Proposal:
    """A hedge of one order, two minutes before it expires, unless something else is given."""
    plain: dict[str, Any] = {
        "proposal_id": "P12", "revision": 1, "account_id": ACCOUNT, "purpose": Purpose.HEDGE,
        "title": "Hedge main to delta 0", "state": ProposalState.OPEN, "legs": legs or (leg(),), "effect": effect(),
        "notes": (), "deposit_usd": 0.0, "requested_by": "", "created_at": NOW,
        "expires_at": NOW + timedelta(seconds=120),
    }  # fmt: skip
    return Proposal(**{**plain, **given})


def armed(**given: Any) -> Proposal:
    standing = StandingTerms(
        account_id=ACCOUNT, markets=frozenset({"SOL-PERP", "BTC-PERP"}), cap_usd=5_000.0,
        expires_at=NOW + timedelta(hours=8),
    )  # fmt: skip
    plain: dict[str, Any] = {
        "legs": (), "purpose": Purpose.ARM, "standing": standing, "effect": None, "title": "Standing approval",
    }  # fmt: skip
    return proposal(**{**plain, **given})
