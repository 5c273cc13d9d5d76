"""The first line of a card: what is done, within the 40 characters that a lock screen shows. No number is ever cut."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from wcwidth import wcswidth

from bot.text import numbers
from bot.text.ages import moment
from bot.text.clean import name
from bot.text.numbers import Rounding
from bot.trading.cards import effect as effect_words
from bot.trading.cards import orders as order_words
from risk.model.proposal import Leg, LegState, Proposal, ProposalState, Purpose

PURPOSES: Final = {
    Purpose.HEDGE: "Hedge",
    Purpose.REBALANCE: "Rebalance",
    Purpose.CLOSE: "Close",
    Purpose.FLATTEN: "Flatten",
    Purpose.PROTECT: "Protect",
    Purpose.EMERGENCY: "Emergency",
    Purpose.STOP: "Stop",
    Purpose.TAKE_PROFIT: "Take profit",
    Purpose.BRACKET: "Bracket",
    Purpose.SLEEP: "Sleep",
    Purpose.CANCEL: "Cancel orders",
    Purpose.ARM: "Arm",
}
LOCK_SCREEN: Final = 40
NOT_PROMISED: Final = "NOT promised"  # stands in the title of a night that cannot be
NOT_GONE: Final = (LegState.PLANNED, LegState.SIGNED, LegState.SENT, LegState.LANDED)
_LEAST_LABEL: Final = 4
_PERP: Final = "-PERP"


def subject(proposal: Proposal, label: str) -> str:
    """What is done to which account, in two or three words."""
    return f"{PURPOSES[proposal.purpose]} {label}"


def summary(proposal: Proposal, label: str, now: datetime) -> str:
    """The first line."""
    head = subject(proposal, label)
    kept = "NOT cancelled, they rest on" if proposal.purpose is Purpose.CANCEL else ""
    match proposal.state:
        case ProposalState.OPEN if now < proposal.expires_at:
            return _asked(proposal, label)
        case ProposalState.OPEN | ProposalState.EXPIRED:
            return f"{head}: {kept or 'expired, nothing was sent'}"
        case ProposalState.APPROVED:
            return f"{head}: approved, checking prices again"
        case ProposalState.EXECUTING:
            done = sum(leg.state not in NOT_GONE for leg in proposal.legs)
            return f"{head}: sending, {done} of {len(proposal.legs)} done"
        case ProposalState.CANCELLED:
            return f"{head}: {kept or 'cancelled, nothing was sent'}"
        case ProposalState.FAILED:
            return f"{head}: FAILED, nothing was traded"
        case ProposalState.PARTIAL:
            return f"{head}: PARTLY, {_whole(proposal)} of {len(proposal.legs)} orders"
        case ProposalState.DONE:
            return _done(proposal, label)


def totals(proposal: Proposal) -> str:
    """How many orders there are and what they come to at most; empty where the first line says it all."""
    orders = [leg.terms for leg in proposal.legs if leg.terms is not None]
    if len(orders) < 2 or proposal.state not in (ProposalState.OPEN, ProposalState.APPROVED):
        return ""
    if proposal.purpose is Purpose.BRACKET:
        # Only one of its halves can be filled: both reduce the same position.
        most = numbers.usd(max(leg.notional_usd for leg in proposal.legs), rounding=Rounding.UP)
        return f"{len(orders)} orders, of which one can fill: at most {most}."
    return f"{len(orders)} orders, at most {numbers.usd(proposal.notional_usd, rounding=Rounding.UP)} in all."


def _asked(proposal: Proposal, label: str) -> str:
    purpose = PURPOSES[proposal.purpose]
    if proposal.standing is not None:
        until = moment(proposal.standing.expires_at)
        return f"{purpose} {label}: up to {effect_words.cap(proposal.standing)}, until {until}"
    orders = [leg for leg in proposal.legs if leg.terms is not None]
    if not orders:
        cancels = [order for leg in proposal.legs for order in leg.cancels]
        which = f"order {cancels[0]}" if len(cancels) == 1 else f"{len(cancels)} orders at the venue"
        return f"{purpose} {label}: {which}"
    largest = max(orders, key=lambda leg: leg.notional_usd)
    if proposal.purpose is Purpose.BRACKET:
        # Both halves are for the same size, and only one can fill: a price of one alone would mislead.
        return _fitting(purpose, label, iter(_sizes(largest)))
    return _fitting(purpose, label, _ways_to_ask(largest, len(orders) - 1))


def _sizes(leg: Leg) -> tuple[str, ...]:
    if leg.terms is None:
        return ()
    order = order_words.order(leg.terms)
    return order, order.removesuffix(_PERP)


def _ways_to_ask(leg: Leg, others: int) -> Iterator[str]:
    """From the most that can be said of an order to its size and market, which always stand there whole."""
    if leg.terms is None:
        return
    order, price = order_words.order(leg.terms), order_words.short_price(leg.terms)
    short = order.removesuffix(_PERP)
    rest = f" +{others} more" if others else ""
    for said in (f"{order} {price}", f"{short} {price}") if price else ():
        yield f"{said}{rest}"
    for said in (order, short):
        yield f"{said}{rest}"
    if others:
        yield f"{order} +{others}"
        yield f"{short} +{others}"
        yield order
    yield short


def _done(proposal: Proposal, label: str) -> str:
    purpose = PURPOSES[proposal.purpose]
    if proposal.standing is not None:
        return f"{purpose} {label}: in force until {moment(proposal.standing.expires_at)}"
    if len(proposal.legs) == 1:
        (leg,) = proposal.legs
        if leg.terms is None:
            return f"{purpose} {label}: done"
        if leg.state is LegState.FILLED:
            return _fitting(purpose, label, order_words.filled_in_short(leg))
        if leg.state is LegState.RESTING:
            return _fitting(purpose, label, (f"rests, {one}" for one in _ways_to_ask(leg, 0)))
    return f"{purpose} {label}: done, {len(proposal.legs)} of {len(proposal.legs)} orders"


def _fitting(purpose: str, label: str, ways: Iterator[str]) -> str:
    """The first way of saying it that fits; where none does, a long name of the account is cut, and no figure is."""
    shortest = ""
    for said in ways:
        shortest = said
        if wcswidth(line := f"{purpose} {label}: {said}") <= LOCK_SCREEN:
            return line
    room = LOCK_SCREEN - wcswidth(f"{purpose} : {shortest}")
    return f"{purpose} {name(label, columns=max(_LEAST_LABEL, room))}: {shortest}"


def _whole(proposal: Proposal) -> int:
    return sum(leg.state in (LegState.FILLED, LegState.RESTING) for leg in proposal.legs)
