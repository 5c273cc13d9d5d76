"""What became of orders that rested at the venue, in words. Pure."""

from collections.abc import Sequence

from bot.text import numbers
from bot.text.ages import moment
from bot.text.clean import name, sentence
from bot.trading.cards import orders as order_words
from risk.model.account import Side
from risk.model.trading import OrderTerms
from storage import RestingEnd, RestingOrder

_ENDS = {
    RestingEnd.FILLED: "filled",
    RestingEnd.CANCELLED: "CANCELLED",
    RestingEnd.EXPIRED: "EXPIRED",
    RestingEnd.VANISHED: "GONE",
}


def kind(terms: OrderTerms) -> str:
    """``stop``, ``take-profit``, or what it is otherwise."""
    if not terms.style.is_trigger:
        return "order"
    return "stop" if terms.triggers_above is (terms.side is Side.BUY) else "take-profit"


def ended(order: RestingOrder) -> str:
    """``fired and filled at 14:03:12: sold 250 at about $151.16``; empty while it rests."""
    if order.ended_at is None:
        return ""
    said = f"{_how(order)} at {moment(order.ended_at)}"
    return f"{said}: {sentence(order.reason)}" if order.reason else said


def _how(order: RestingOrder) -> str:
    how = order.ended_how or RestingEnd.VANISHED
    fired = "fired and " if how is RestingEnd.FILLED and order.terms.style.is_trigger else ""
    return f"{fired}{_ENDS[how]}"


def in_a_headline(orders: Sequence[RestingOrder]) -> str:
    """What became of a proposal's orders, for the first line of its card; empty while all of them rest."""
    over = [one for one in orders if one.ended_at is not None]
    if not over:
        return ""
    if len(orders) == 1:
        return _how(orders[0])
    fired = sum(one.ended_how is RestingEnd.FILLED for one in over)
    gone = len(over) - fired
    said = [f"{fired} of {len(orders)} fired"] if fired else []
    return ", ".join([*said, f"{gone} of {len(orders)} gone unfilled"] if gone else said)


def became(order: RestingOrder) -> str:
    """The order and its end, or that it was not reached yet."""
    terms = order.terms
    at = f"${numbers.price(terms.trigger_usd)}" if terms.style.is_trigger else f"at {order_words.worst(terms)}"
    head = f"{name(terms.market)} {kind(terms)} {at}, {numbers.size(terms.size_base)}"
    return f"{head}: {ended(order) or 'not reached'}."


def looked_up(terms: OrderTerms, *, crossed: bool) -> str:
    """Of an order that is not in a reading, while what became of it is being found out."""
    what = f"{order_words.order(terms)} {order_words.trigger(terms)}".rstrip()
    return f"{what}: {'fired' if crossed else 'rests no more'}, being looked up"
