"""What became of a proposal, leg by leg, in words. Pure."""

from collections.abc import Sequence

from bot.messages import Block, Line
from bot.text.clean import sentence
from bot.trading.cards import orders as order_words
from bot.trading.cards import resting as resting_words
from bot.trading.cards.effect import standing
from bot.trading.cards.orders import as_sentence
from risk.decisions.proposals import FINAL_PROPOSALS
from risk.model.proposal import Leg, LegState, Proposal, ProposalState, Purpose
from storage import RestingOrder

_SENT_NOTHING = (ProposalState.CANCELLED, ProposalState.EXPIRED)
COMMANDS = {
    Purpose.HEDGE: "/hedge",
    Purpose.REBALANCE: "/rebalance",
    Purpose.CLOSE: "/close",
    Purpose.FLATTEN: "/flatten",
    Purpose.PROTECT: "/protect",
    Purpose.EMERGENCY: "/emergency",
    Purpose.STOP: "/stop",
    Purpose.TAKE_PROFIT: "/tp",
    Purpose.BRACKET: "/bracket",
    Purpose.SLEEP: "/sleep",
    Purpose.CANCEL: "/cancel",
    Purpose.ARM: "/arm",
}
_CLOSING = (Purpose.FLATTEN, Purpose.CLOSE, Purpose.EMERGENCY)


def report(
    proposal: Proposal, positions: Sequence[str] | None, tokens: Sequence[str] = (),
    resting: Sequence[RestingOrder] = (), *, trouble: str = "",
) -> list[Block]:  # fmt: skip
    """Progress while it goes on, the result once it has ended.

    Args:
        positions: What the account holds, read after the end; None where it was not read again yet.
        tokens: Beside them.
        resting: Its orders that came to rest, with what became of each.
        trouble: Why nothing can be signed now; empty while everything can.
    """
    if proposal.state in _SENT_NOTHING:
        return [Line(order_words.not_sent(leg)) for leg in proposal.legs]
    over = proposal.state in FINAL_PROPOSALS
    ends = {one.leg: one for one in resting if one.ended_at is not None}
    blocks: list[Block] = [
        Line(_ended(leg, ends[leg.number]) if leg.number in ends else order_words.became(leg, over=over))
        for leg in proposal.legs
    ]
    blocks += [Line(text) for text in _other_half(proposal, resting)]
    blocks += _fees(proposal)
    if proposal.standing is not None and proposal.state is ProposalState.DONE:
        blocks += standing(proposal.standing)
    if not over:
        return blocks
    if proposal.state is ProposalState.FAILED and trouble:
        return [*blocks, Line(f"Asking again does not help before this is mended: {sentence(trouble)}.")]
    if proposal.state is ProposalState.FAILED:
        return [*blocks, Line(f"Next: look at /positions, then ask again with {COMMANDS[proposal.purpose]}.")]
    if proposal.state is ProposalState.PARTIAL or proposal.purpose in _CLOSING:
        blocks.append(Line(_still_open(positions)))
        if tokens and proposal.purpose is Purpose.FLATTEN:
            blocks.append(Line(f"Still there: {', '.join(tokens)}."))
    if proposal.purpose not in _CLOSING:  # what those said would stay is told above as it is
        blocks += [Line(as_sentence(note)) for note in proposal.notes]
    return blocks


def _ended(leg: Leg, order: RestingOrder) -> str:
    """An order that came to rest and rests no more."""
    what = f"{order_words.order(order.terms)} {order_words.trigger(order.terms)}".rstrip()
    return f"{leg.number} {what}: {resting_words.ended(order)}"


def _other_half(proposal: Proposal, resting: Sequence[RestingOrder]) -> tuple[str, ...]:
    """Of a bracket of which one half was filled."""
    left = [one for one in resting if one.ended_at is None]
    if proposal.purpose is not Purpose.BRACKET or len(left) == len(resting) or not left:
        return ()
    (which, *_) = left
    how = "/orders shows its number" if which.order_id is None else f"/cancel {which.order_id}"
    return (f"! The other half still rests, and would close what you hold next: {how}",)


def _fees(proposal: Proposal) -> list[Block]:
    paid = [leg.fee_raw_1e6 for leg in proposal.legs if leg.filled_raw_1e9]
    if len(paid) < 2:
        return []
    total = order_words.fee_of(sum(fee for fee in paid if fee is not None))
    unknown = sum(fee is None for fee in paid)
    rest = f"; {unknown} of them not known yet" if unknown else ""
    return [Line(f"Fees {total} in all{rest}.")]


def _still_open(positions: Sequence[str] | None) -> str:
    if positions is None:
        return "What is still open is being read."
    return f"Still open: {', '.join(positions)}." if positions else "No position is open any more."


def unfinished(proposal: Proposal) -> tuple[str, ...]:
    """What was agreed to and did not happen, one line for each leg."""
    gone = (LegState.FILLED, LegState.RESTING)
    return tuple(order_words.became(leg, over=True) for leg in proposal.legs if leg.state not in gone)
