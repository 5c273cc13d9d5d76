"""Requirements as a plan for the trade desk, and the desk's answer as a result."""

from collections.abc import Sequence

from risk.hedging.prediction import prediction_note, ratio_words
from risk.model.hedge import HedgeRequirements, HedgeResult, HedgeTrade
from risk.model.proposal import PlannedTrade, Proposed, Purpose, TradePlan


def hedge_plan(found: HedgeRequirements) -> TradePlan:
    """The trades, with what they promise and what they leave as notes."""
    amount = "0" if abs(found.target_delta) < 0.5 else f"{found.target_delta:,.0f}"
    return TradePlan(
        account_id=found.account_id, purpose=Purpose.HEDGE, trades=planned(found.required_trades),
        title=f"Hedge to a delta of {amount} USD{_stated_in(found)}, {found.strategy.value}", notes=_notes(found),
    )  # fmt: skip


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
    parts = ", ".join(f"{name} {value:.2f}" for name, value in found.confidence.items())
    notes = (prediction_note(found), f"confidence {found.confidence_score:.2f} ({parts})", *found.unhedged)
    return tuple(note for note in (*notes, *found.warnings) if note)
