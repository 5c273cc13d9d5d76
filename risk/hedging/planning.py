"""Requirements as a plan for the trade desk, and the desk's answer as a result."""

import math
from collections.abc import Sequence

from risk.hedging.prediction import prediction_note, ratio_words
from risk.model.hedge import HedgeRequirements, HedgeResult, HedgeTrade
from risk.model.proposal import PlannedTrade, Proposed, Purpose, TradePlan


def hedge_plan(found: HedgeRequirements) -> TradePlan:
    """The trades, with what they promise and what they leave as notes."""
    wanted = f"a delta of {_usd(found.target_delta)}{_stated_in(found)}, {found.strategy.value}"
    if found.target_volatility is not None:
        wanted = f"a volatility of {100 * found.target_volatility:.4g}% a year"
    return TradePlan(
        account_id=found.account_id, purpose=Purpose.HEDGE, trades=planned(found.required_trades),
        title=f"Hedge to {wanted}", notes=_notes(found),
    )  # fmt: skip


def _usd(amount: float) -> str:
    return f"{0 if abs(amount) < 0.5 else amount:,.0f} USD"


def planned(trades: Sequence[HedgeTrade]) -> tuple[PlannedTrade, ...]:
    """Trades of a hedge as the trade desk takes them."""
    return tuple(
        PlannedTrade(
            market=trade.market, side=trade.side, size_base=trade.size, reduce_only=trade.reduce_only,
            priority=trade.priority, reasoning=f"{trade.reasoning}; {ratio_words(trade.hedge_ratio)}",
        )
        for trade in trades
    )  # fmt: skip


def result_of(proposed: Proposed) -> HedgeResult:
    """What the trade desk said."""
    proposal = proposed.proposal
    return HedgeResult(
        proposal_id=proposal.proposal_id if proposal is not None else "",
        state=proposal.state if proposal is not None else None, refusal=proposed.refusal,
        order_ids=proposed.order_ids,
    )  # fmt: skip


def _stated_in(found: HedgeRequirements) -> str:
    return f" of {found.reference}" if found.reference else ""


def _notes(found: HedgeRequirements) -> tuple[str, ...]:
    # Of a confidence the percent below: 99.6 % of it are not all of it.
    parts = ", ".join(f"{name} {_whole_percent(value)}" for name, value in found.confidence.items())
    notes = (
        f"delta {_usd(found.current_delta)} now, {_usd(found.net_delta_after)} after all of it",
        f"with funding for {found.horizon_hours:g} h all of it costs {found.estimated_cost:,.2f} USD; market impact"
        f" {100 * found.market_impact:.2f}% against the oracle",
        prediction_note(found), f"confidence {_whole_percent(found.confidence_score)} ({parts})", *found.unhedged,
        *found.warnings,
    )  # fmt: skip
    return tuple(note for note in notes if note)


def _whole_percent(fraction: float) -> str:
    return f"{math.floor(100 * fraction + 1e-9)}%"
