"""What a press came to, beside the button. Pure."""

from bot.text.clean import name
from bot.trading.cards.headline import subject
from bot.trading.cards.orders import as_sentence
from risk.model.proposal import Proposal, ProposalState, Purpose
from storage import Pressed, PressKind

_APPROVED_BEFORE = "You have approved this already"
_SINCE = {
    ProposalState.OPEN: "it takes somebody else as well",
    ProposalState.APPROVED: "its prices are being checked again",
    ProposalState.EXECUTING: "it is being sent",
    ProposalState.DONE: "it is done",
    ProposalState.PARTIAL: "it was done in part, see the card",
    ProposalState.FAILED: "it FAILED, see the card",
}
_PLAIN = {
    PressKind.DISARM: "The standing approval is over.",
    PressKind.EXPIRED: "This card has expired. Nothing was sent; ask again.",
    PressKind.SUPERSEDED: "This card is superseded: look at the newest card, its figures differ.",
    PressKind.USED: "This was decided already; nothing more happens by this button.",
    PressKind.FOREIGN: "This button is not good here. Press on the newest card, or see /approvals.",
}


def notice(pressed: Pressed, label: str) -> str:
    """One or two short sentences, at most 200 characters.

    Args:
        label: What the account is called there.
    """
    proposal = pressed.proposal
    if (plain := _PLAIN.get(pressed.kind)) is not None:
        return plain
    match pressed.kind:
        case PressKind.CANCELLED if proposal is not None and proposal.purpose is Purpose.CANCEL:
            return "Taken back: nothing was cancelled, the orders still rest at the venue."
        case PressKind.CANCELLED:
            return "Cancelled. Nothing was sent."
        case PressKind.ALREADY_VOTED:
            since = _SINCE.get(proposal.state) if proposal is not None else None
            return f"{_APPROVED_BEFORE}; {since}." if since else f"{_APPROVED_BEFORE}."
        case PressKind.APPROVED if proposal is not None:
            return _approved(proposal)
        case PressKind.VOTED if proposal is not None:
            return f"{len(proposal.votes)} of {proposal.approvals_needed} approvals."
        case PressKind.PIN_NEEDED:
            return "Your PIN is needed: send me /pin and your PIN in private within 2 min."
        case PressKind.NOT_ALLOWED:
            return f"You need the role trader for {name(label)}." if label else "You need the role trader for this."
        case PressKind.HALVE if proposal is not None:
            if proposal.reason:
                return proposal.reason[:1].upper() + proposal.reason[1:]
            return "Half of it is a new card; confirm that one."
        case PressKind.DETAILS if proposal is not None:
            return f"{subject(proposal, label)} in detail"
    return ""


def _approved(proposal: Proposal) -> str:
    """What came of the quote that was taken at the press."""
    match proposal.state:
        case ProposalState.OPEN:
            why = proposal.changed[0] if proposal.changed else "it has changed"
            return f"NOTHING SENT: {why}. Look at the new card and confirm that one."
        case ProposalState.FAILED | ProposalState.CANCELLED | ProposalState.EXPIRED if not _any_sent(proposal):
            return f"NOTHING SENT. {as_sentence(proposal.reason.removeprefix('nothing was sent: '))}"
    return f"Approved. {_what_goes_out(proposal)}"


def _any_sent(proposal: Proposal) -> bool:
    return any(leg.attempt for leg in proposal.legs)


def _what_goes_out(proposal: Proposal) -> str:
    if proposal.standing is not None:
        return "It is in force."
    orders = sum(leg.terms is not None for leg in proposal.legs)
    if not orders:
        return "Cancelling at the venue."
    return f"Sending {orders} order{'' if orders == 1 else 's'}."
