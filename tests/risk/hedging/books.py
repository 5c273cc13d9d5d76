"""Depths and a desk for tests of hedging."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from risk.model.market import MarketStatus
from risk.model.proposal import Leg, Proposal, ProposalState, Proposed, Refusal, TradePlan
from risk.model.trading import DepthLevel, MarketDepth
from tests.risk.builders import NOW, SLOT


def make_depth(market: str = "SOL-PERP", oracle_usd: float = 100.0, **changes: Any) -> MarketDepth:
    """Ten levels a side, a basis point apart, each worth a tenth of a million USD."""
    size = 100_000.0 / (oracle_usd or 1.0)
    depth = MarketDepth(
        market=market, market_index=0, oracle_usd=oracle_usd,
        bids=tuple(DepthLevel(price_usd=oracle_usd * (1 - 1e-4 * n), size_base=size) for n in range(1, 11)),
        asks=tuple(DepthLevel(price_usd=oracle_usd * (1 + 1e-4 * n), size_base=size) for n in range(1, 11)),
        taker_fee_frac=0.0005, maker_fee_frac=-0.0002, funding_hourly_frac=1e-5, step_raw_1e9=1_000_000,
        tick_raw_1e6=100, minimum_raw_1e9=10_000_000, status=MarketStatus.ACTIVE, source="order book", slot=SLOT,
        observed_at=NOW,
    )  # fmt: skip
    return replace(depth, **changes)


def btc_depth(**changes: Any) -> MarketDepth:
    """BTC-PERP at 50,000."""
    usual: dict[str, Any] = {
        "market": "BTC-PERP", "market_index": 1, "oracle_usd": 50_000.0, "step_raw_1e9": 100_000,
        "minimum_raw_1e9": 100_000,
    }  # fmt: skip
    return make_depth(**{**usual, **changes})


class Depths:
    """Implements risk.trade_ports.DepthSource."""

    def __init__(self, *depths: MarketDepth) -> None:
        self.by_market = {depth.market: depth for depth in depths or (make_depth(), btc_depth())}
        self.asked: list[tuple[str, ...]] = []

    async def depth(self, account_id: str, markets: Sequence[str]) -> Mapping[str, MarketDepth]:
        self.asked.append(tuple(markets))
        return {market: self.by_market[market] for market in markets if market in self.by_market}


class Desk:
    """Implements risk.trade_ports.TradeDesk: everything is proposed, or refused where a test says so.

    Attributes:
        plans: What was handed to it.
    """

    def __init__(self, refusal: Refusal | None = None, order_ids: tuple[str, ...] = ()) -> None:
        self.plans: list[TradePlan] = []
        self._refusal, self._order_ids = refusal, order_ids

    async def propose(self, plan: TradePlan) -> Proposed:
        self.plans.append(plan)
        if self._refusal is not None:
            return Proposed(proposal=None, refusal=self._refusal)
        legs = tuple(Leg(number=number, terms=None) for number in range(1, len(plan.trades) + 1))
        proposal = Proposal(
            proposal_id=f"P{len(self.plans)}", revision=1, account_id=plan.account_id, purpose=plan.purpose,
            title=plan.title, state=ProposalState.OPEN, legs=legs, effect=None, notes=plan.notes, deposit_usd=0.0,
            requested_by="", created_at=NOW, expires_at=NOW,
        )  # fmt: skip
        return Proposed(proposal=proposal, order_ids=self._order_ids)

    async def proposal(self, proposal_id: str) -> Proposal | None:
        return None
