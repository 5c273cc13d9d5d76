"""Orders in words, exactly as they were agreed on: no size and no limit is ever rounded. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from bot.text import numbers
from bot.text.clean import name, sentence
from bot.text.numbers import Rounding
from bot.text.reader import figure
from risk.model.account import Side
from risk.model.proposal import Leg, LegState
from risk.model.trading import BASE_UNITS, PRICE_UNITS, OrderStyle, OrderTerms

_LONGEST: Final = 400
_SHORT: Final = 7  # characters of a price in a headline
_STYLES: Final = {
    OrderStyle.IOC: "at once or not at all",
    OrderStyle.LIMIT: "limit",
    OrderStyle.POST_ONLY: "post-only",
    OrderStyle.TRIGGER_MARKET: "trigger, at market",
    OrderStyle.TRIGGER_LIMIT: "trigger, with a limit",
}
_DONE: Final = {Side.BUY: "bought", Side.SELL: "sold"}


def as_sentence(text: str) -> str:
    """A foreign clause as a sentence.

    >>> as_sentence("left out: SOL-PERP is paused")
    'Left out: SOL-PERP is paused.'
    """
    shown = sentence(text, columns=_LONGEST)
    return shown if not shown else f"{shown[:1].upper()}{shown[1:]}{'' if shown[-1] in '.!?' else '.'}"


def amount(raw_1e9: int) -> str:
    """A size with every digit it has.

    >>> amount(12_500_000_000), amount(123_456_789), amount(2_000_000_000_000)
    ('12.5', '0.123456789', '2,000')
    """
    return _exact(Decimal(raw_1e9) / BASE_UNITS, keep=0)


def dollars(raw_1e6: int) -> str:
    """A price with every digit it has, two decimals at least.

    >>> dollars(149_200_000), dollars(101_533_125_000), dollars(12)
    ('$149.20', '$101,533.125', '$0.000012')
    """
    return f"${_exact(Decimal(raw_1e6) / PRICE_UNITS, keep=2)}"


def order(terms: OrderTerms) -> str:
    """What is to be done: ``sell 12.5 SOL-PERP``."""
    return f"{terms.side.value} {amount(terms.size_raw_1e9)} {name(terms.market)}"


def worst(terms: OrderTerms) -> str:
    """The worst price it may get."""
    return dollars(terms.limit_raw_1e6) if terms.limit_raw_1e6 else "venue's bound"


def trigger(terms: OrderTerms) -> str:
    """When it begins to act: ``below $140.00``, strictly; empty where it does so at once."""
    if not terms.style.is_trigger:
        return ""
    if terms.triggers_above is None:
        return f"at {dollars(terms.trigger_raw_1e6)}"
    return f"{'above' if terms.triggers_above else 'below'} {dollars(terms.trigger_raw_1e6)}"


def in_full(terms: OrderTerms) -> str:
    """An order with the one price that matters of it."""
    if terms.style.is_trigger:
        return f"{order(terms)} {trigger(terms)}"
    return f"{order(terms)}, worst {worst(terms)}"


def short_price(terms: OrderTerms) -> str:
    """The one price that matters in a few characters: the worst it may get, never better than it is, or the trigger.

    Empty where there is neither.
    """
    if terms.style.is_trigger:
        return f"at ${numbers.price(terms.trigger_usd, width=_SHORT)}"
    if not terms.limit_raw_1e6:
        return ""
    buys = terms.side is Side.BUY
    rounded = numbers.price(terms.limit_usd, width=_SHORT, rounding=Rounding.UP if buys else Rounding.DOWN)
    return f"{'≤' if buys else '≥'}${rounded}"


def not_sent(leg: Leg) -> str:
    """A leg of a plan that ended before it: ``1 not sent: buy 0.15 BTC-PERP``."""
    if leg.terms is None:
        return f"{leg.number} not sent: {cancelled(leg.cancels)}"
    at = f" {trigger(leg.terms)}" if leg.terms.style.is_trigger else ""
    return f"{leg.number} not sent: {order(leg.terms)}{at}"


def wanted(leg: Leg) -> str:
    """One leg as it is proposed, in a line."""
    cancels = cancelled(leg.cancels)
    if leg.terms is None:
        return f"{leg.number} {cancels}"
    terms = leg.terms
    parts = [f"{leg.number} {order(terms)}"]
    if terms.style.is_trigger:
        parts[0] += f" {trigger(terms)}"
    parts.append("reduce-only" if terms.reduce_only else "may open or grow a position")
    if terms.style is OrderStyle.POST_ONLY:
        parts.append("post-only")
    if terms.style.rests:
        parts.append("rests at the venue")
    if cancels:
        parts.append(f"before it {cancels.replace('cancel ', 'cancels ', 1)}")
    return ", ".join(parts)


def cancelled(orders: tuple[int, ...], *, done: bool = False) -> str:
    """``cancel order 31``, or ``cancelled order 31`` once it is; empty for none."""
    if not orders:
        return ""
    shown = ", ".join(str(one) for one in orders[:6]) + (f" and {len(orders) - 6} more" if len(orders) > 6 else "")
    return f"{'cancelled' if done else 'cancel'} order{'' if len(orders) == 1 else 's'} {shown}"


def style(terms: OrderTerms) -> str:
    """How it is worked."""
    return _STYLES[terms.style]


def filled(leg: Leg) -> str:
    """What was filled of an order, with its average price and fee: ``sold 12.5 SOL-PERP at $149.83, fee $1.12``."""
    if leg.terms is None:
        return ""
    done = f"{_DONE[leg.terms.side]} {amount(leg.filled_raw_1e9)}"
    if leg.filled_raw_1e9 < leg.terms.size_raw_1e9:
        done += f" of {amount(leg.terms.size_raw_1e9)}"
    price = average_usd(leg)
    at = f" at ${numbers.price(price)}" if price is not None else ", price not known yet"
    fee = f", fee {fee_of(leg.fee_raw_1e6)}" if leg.fee_raw_1e6 is not None else ""
    return f"{done} {name(leg.terms.market)}{at}{fee}"


def filled_in_short(leg: Leg) -> Iterator[str]:
    """The same for a headline, from the most that can be said to the least."""
    if leg.terms is None:
        return
    done = f"{_DONE[leg.terms.side]} {amount(leg.filled_raw_1e9)} {name(leg.terms.market)}"
    price = average_usd(leg)
    if price is not None:
        yield f"{done} at ${numbers.price(price)}"
        yield f"{done} at ${numbers.price(price, width=_SHORT)}"
    yield done


def average_usd(leg: Leg) -> float | None:
    """What its fills cost on average; None for none, or where the venue does not say."""
    if not leg.filled_raw_1e9 or leg.quote_raw_1e6 is None:
        return None
    return leg.quote_raw_1e6 / PRICE_UNITS / (leg.filled_raw_1e9 / BASE_UNITS)


def fee_of(raw_1e6: int) -> str:
    """A fee in dollars, small ones to the cent."""
    return numbers.usd(raw_1e6 / PRICE_UNITS, cents=True)


def became(leg: Leg, *, over: bool = False) -> str:
    """How far one leg has come, in a line.

    Args:
        over: Its proposal has ended: what was not sent by then never will be.
    """
    never = over and leg.state in (LegState.PLANNED, LegState.SKIPPED)
    said = not_sent(leg) if never else f"{leg.number} {_became(leg)}"
    return f"{said}: {sentence(leg.reason)}" if leg.reason else said


def _became(leg: Leg) -> str:
    what = order(leg.terms) if leg.terms is not None else cancelled(leg.cancels)
    match leg.state:
        case LegState.FILLED:
            return filled(leg) or cancelled(leg.cancels, done=True)
        case LegState.PARTIAL:
            return f"PARTLY: {filled(leg)}"
        case LegState.RESTING:
            return _rests(leg, what)
        case LegState.LANDED:
            return f"at the venue, {filled(leg)} so far" if leg.filled_raw_1e9 else f"at the venue, {what}"
        case LegState.PLANNED:
            return f"waiting, {what}" if not leg.attempt else f"to be signed again, {what}"
        case state:
            return f"{_ENDED[state]}, {what}"


def _rests(leg: Leg, what: str) -> str:
    terms = leg.terms
    if terms is None:
        return cancelled(leg.cancels, done=True)
    at = trigger(terms) if terms.style.is_trigger else f"at {worst(terms)}"
    order_id = f" as order {leg.order_id}" if leg.order_id is not None else ""
    so_far = f", {filled(leg)} so far" if leg.filled_raw_1e9 else ""
    return f"rests at the venue{order_id}: {what} {at}{so_far}"


_ENDED: Final = {
    LegState.SIGNED: "signed",
    LegState.SENT: "sent",
    LegState.UNFILLED: "NOT FILLED",
    LegState.FAILED: "FAILED",
    LegState.EXPIRED: "EXPIRED, never landed",
    LegState.SKIPPED: "not sent",
}


def _exact(value: Decimal, *, keep: int) -> str:
    whole, _, decimals = f"{value:f}".partition(".")
    decimals = decimals.rstrip("0").ljust(keep, "0")
    return figure(f"{whole}.{decimals}" if decimals else whole)
