"""What a press came to, beside the button. Pure."""

from bot.text.clean import name
from bot.trading.card_words import subject
from risk.model.proposal import Proposal
from storage import Pressed, PressKind

_PLAIN = {
    PressKind.CANCELLED: "Cancelled. Nothing was sent.",
    PressKind.DISARM: "The standing approval is over.",
    PressKind.ALREADY_VOTED: "You have approved this already; it takes somebody else as well.",
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
        case PressKind.APPROVED:
            return f"Approved. {_what_goes_out(proposal)}"
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


def _what_goes_out(proposal: Proposal | None) -> str:
    if proposal is None or proposal.standing is not None:
        return "It is in force." if proposal is not None else ""
    orders = sum(leg.terms is not None for leg in proposal.legs)
    if not orders:
        return "Cancelling at the venue."
    return f"Sending {orders} order{'' if orders == 1 else 's'}."
