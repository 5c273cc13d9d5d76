"""What became of an order that rests no more: from events of it, or from what the position says. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.text import numbers
from risk.margin.book import FleetBook
from risk.model.account import Side
from risk.model.event_kinds import EventKind
from risk.model.events import OrderEvent
from risk.model.trading import BASE_UNITS, PRICE_UNITS, OrderTerms
from risk.protection.stop_check import reducible_base
from storage import RestingEnd, RestingOrder

ENDS = {
    EventKind.ORDER_CANCELLED: RestingEnd.CANCELLED,
    EventKind.ORDER_REJECTED: RestingEnd.CANCELLED,
    EventKind.ORDER_EXPIRED: RestingEnd.EXPIRED,
}
ALL_BUT_DUST = 0.99
_WHY = {
    RestingEnd.CANCELLED: "it was cancelled at the venue",
    RestingEnd.EXPIRED: "its time was up",
    RestingEnd.VANISHED: "it rests at the venue no more, which does not say why",
}
# A price that is worked out of two readings is wrong where money was settled between them.
_NEAR_FRAC = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an order ended.

    Attributes:
        size_base: Filled, unsigned.
        price_usd: Of that, on average; None where nobody says.
        about: Whether that price is only worked out of readings.
    """

    how: RestingEnd
    size_base: float = 0.0
    price_usd: float | None = None
    about: bool = False

    def reason(self, terms: OrderTerms) -> str:
        """In words, for the order's row and the audit."""
        done = "sold" if terms.side is Side.SELL else "bought"
        at = "" if self.price_usd is None else f" at {'about ' if self.about else ''}${numbers.price(self.price_usd)}"
        some = f"{done} {numbers.size(self.size_base)}{at}" if self.size_base else ""
        if self.how is RestingEnd.FILLED:
            return some
        why = _WHY[self.how]
        return f"{why}; {some} of it" if some else why


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A position as an order found it: what the order could reduce, and the money behind it."""

    base: float
    quote_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """What events say of an order.

    Attributes:
        how: Where they say that it ended otherwise.
    """

    size_base: float
    price_usd: float | None
    how: RestingEnd | None


def fills_of(order: RestingOrder, events: Sequence[OrderEvent]) -> Fills:
    """Of one order's events, oldest first."""
    fills = [one for one in events if one.is_fill]
    size = sum(one.size_base for one in fills)
    priced = [(one.size_base, one.fill_price_usd) for one in fills if one.fill_price_usd is not None]
    known = sum(base for base, _ in priced)
    whole = known >= size * ALL_BUT_DUST and known > 0
    price = sum(base * usd for base, usd in priced) / known if whole else None
    how = next((ENDS[one.kind] for one in reversed(events) if one.kind in ENDS), None)
    return Fills(size_base=min(size, order.terms.size_base), price_usd=price, how=how)


def held_of(book: FleetBook, terms: OrderTerms) -> Held:
    """The position of an order's market."""
    quote = 0.0
    if terms.market in book.perp_markets.names:
        rows = np.flatnonzero(book.perps.market == book.perp_markets.names.index(terms.market))
        quote = float(book.perps.quote_1e6[rows].sum()) / PRICE_UNITS
    return Held(base=reducible_base(book, terms), quote_usd=quote)


def reduces_at_most(order: RestingOrder, before: Held | None) -> float:
    """How much of an order could be filled: one that only reduces no more than there was."""
    size = order.terms.size_base
    if not order.terms.reduce_only or before is None or not before.base > 0:
        return size
    return min(size, before.base)


def shrunk_by(order: RestingOrder, before: Held | None, book: FleetBook) -> Ending | None:
    """That it was filled, as far as the position has shrunk by as much; None where it has not."""
    if before is None or not order.terms.reduce_only or not before.base > 0:
        return None
    now = held_of(book, order.terms)
    shrank = before.base - now.base
    rest = order.terms.size_base - order.filled_raw_1e9 / BASE_UNITS
    if not shrank >= ALL_BUT_DUST * min(rest, before.base):
        return None
    price = abs(now.quote_usd - before.quote_usd) / shrank
    oracle = _oracle_usd(book, order.terms.market)
    near = oracle > 0 and abs(price / oracle - 1.0) < _NEAR_FRAC
    return Ending(
        how=RestingEnd.FILLED, size_base=min(shrank, order.terms.size_base), price_usd=price if near else None,
        about=True,
    )  # fmt: skip


def _oracle_usd(book: FleetBook, market: str) -> float:
    at = book.perp_markets.names.index(market)
    return float(book.oracles.price_1e6[book.perp_markets.oracle[at]]) / PRICE_UNITS
