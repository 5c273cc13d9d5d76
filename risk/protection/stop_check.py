"""Whether orders that are to protect do: compared with what rests at the venue, the position and the prices. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from risk.margin.book import FleetBook
from risk.model.account import OrderKind, Side
from risk.model.proposal import Purpose
from risk.model.protection import StopFault, StopFinding
from risk.model.trading import BASE_UNITS, PRICE_UNITS, OrderTerms
from risk.protection.keepers import KEEPERS, Keepers, band_frac

_KINDS = tuple(OrderKind)
_SAME = 1e-9
_ALL_BUT_DUST = 0.995
_WORTH_A_STOP = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedStop:
    """An order that is believed to rest.

    Attributes:
        order_id: The venue's; None where it did not say.
        cancelled: Whether the venue said that it was cancelled.
        crossed_since: Since when the price has been beyond its trigger without a break; None while it is not.
    """

    order_id: int | None
    terms: OrderTerms
    purpose: Purpose
    placed_at: datetime
    cancelled: bool = False
    crossed_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Open:
    """A reduce-only trigger in the book."""

    order_id: int
    market: str
    side: Side
    size_base: float
    trigger_usd: float
    triggered: bool


def check_stops(
    expected: Sequence[ExpectedStop],
    book: FleetBook,
    liquidation_usd: Mapping[str, float],
    now: datetime,
    *,
    keepers: Keepers = KEEPERS,
) -> tuple[StopFinding, ...]:
    """What is wrong with the protective orders of the one account of a book, which was read with its orders.

    An order that is gone together with the position it protected has done its work, or was not needed any more.

    Args:
        liquidation_usd: By market, the other prices fixed; absent where none liquidates.
    """
    resting = open_triggers(book)
    found: list[StopFinding] = []
    open_ones: list[tuple[ExpectedStop, _Open]] = []
    for one in expected:
        order = matching(one, resting)
        if order is not None:
            open_ones.append((one, order))
        elif reducible_base(book, one.terms) > 0:
            found.append(_gone(one, reducible_base(book, one.terms)))
    found += _oversized(open_ones, book)
    for one, order in open_ones:
        found += _untriggered(one, order, book, now, keepers)
        found += _beyond(one, order, book, liquidation_usd)
    return tuple(found)


def is_crossed(terms: OrderTerms, book: FleetBook) -> bool:
    """Whether the price is beyond an order's trigger by more than the venue's trigger price may differ from it."""
    if terms.market not in book.perp_markets.names or not terms.style.is_trigger:
        return False
    price, band = _price(book, terms.market), band_frac(book, terms.market)
    if terms.triggers_above:
        return price * (1.0 - band) > terms.trigger_usd
    return price * (1.0 + band) < terms.trigger_usd


def reducible_base(book: FleetBook, terms: OrderTerms) -> float:
    """How much of a position an order could reduce, unsigned."""
    if terms.market not in book.perp_markets.names:
        return 0.0
    rows = np.flatnonzero(book.perps.market == book.perp_markets.names.index(terms.market))
    held = float(book.perps.base_1e9[rows].sum()) / BASE_UNITS
    return max(held if terms.side is Side.SELL else -held, 0.0)


def open_triggers(book: FleetBook) -> tuple[_Open, ...]:
    """Reduce-only perp triggers of the one account that rest."""
    orders = book.orders
    if orders is None:
        return ()
    return tuple(
        _Open(
            order_id=int(orders.order_id[row]),
            market=book.perp_markets.names[int(orders.market[row])],
            side=Side.BUY if orders.is_buy[row] else Side.SELL,
            size_base=float(orders.size_base[row]),
            trigger_usd=float(orders.trigger_price_1e6[row]) / PRICE_UNITS,
            triggered=int(orders.triggered[row]) == 1,
        )
        for row in np.flatnonzero(orders.is_perp & orders.reduce_only)
        if _KINDS[int(orders.kind[row])] in (OrderKind.TRIGGER_MARKET, OrderKind.TRIGGER_LIMIT)
    )


def matching(one: ExpectedStop, resting: Sequence[_Open]) -> _Open | None:
    """The order that is meant: by its id, or by what it says where no id is known."""
    for order in resting:
        if one.order_id is not None:
            if order.order_id == one.order_id:
                return order
        elif (order.market, order.side) == (one.terms.market, one.terms.side) and abs(
            order.trigger_usd - one.terms.trigger_usd
        ) < 1 / PRICE_UNITS:
            return order
    return None


def _gone(one: ExpectedStop, held: float) -> StopFinding:
    what = _named(one)
    fault = StopFault.CANCELLED if one.cancelled else StopFault.MISSING
    how = "was cancelled" if one.cancelled else "no longer rests at the venue"
    again = _again(one, min(one.terms.size_base, held), held)
    return _finding(one, fault, f"{what} {how}, and the position it protected is still open; place it again: {again}")


def _oversized(open_ones: Sequence[tuple[ExpectedStop, _Open]], book: FleetBook) -> list[StopFinding]:
    """Of each side of each market, the nearest triggers first, so that what is too much is what would fire last."""
    found: list[StopFinding] = []
    taken: dict[tuple[str, Side, bool | None], float] = {}
    nearest_first = sorted(open_ones, key=lambda pair: abs(pair[1].trigger_usd / _price(book, pair[1].market) - 1.0))
    for one, order in nearest_first:
        key = (order.market, order.side, one.terms.triggers_above)
        before = taken.get(key, 0.0)
        taken[key] = before + order.size_base
        held = reducible_base(book, one.terms)
        if taken[key] <= held * (1 + _SAME) + _SAME:
            continue
        off, rest = _cancel(one), held - before
        if held == 0:
            says = f"{_named(one)} closes nothing any more, and would close your next position; {off}"
        elif before:
            says = (
                f"{_named(one)} and the other ones of its side come to {taken[key]:.10g}, more than the position of "
                f"{held:.10g}; {off}"
            )
            says += f" and then {_again(one, rest, held)}" if rest > held * _WORTH_A_STOP else ""
        else:
            says = f"{_named(one)} is larger than the position of {held:.10g}; {off} and then {_again(one, held, held)}"
        found.append(replace(_finding(one, StopFault.OVERSIZED, says), nothing_left=held == 0))
    return found


def _untriggered(
    one: ExpectedStop, order: _Open, book: FleetBook, now: datetime, keepers: Keepers
) -> list[StopFinding]:
    since = one.crossed_since
    if since is None or order.triggered or not is_crossed(one.terms, book):
        return []
    waited_s = (now - since).total_seconds()
    if waited_s <= keepers.nobody_s:
        return []
    price = _price(book, order.market)
    says = (
        f"{_named(one)} has not fired, although the price crossed its trigger {waited_s:.0f} s ago and is {_usd(price)}"
        f" now; close the position with /close {order.market}"
    )
    return [_finding(one, StopFault.NOT_TRIGGERED, says)]


def _beyond(
    one: ExpectedStop, order: _Open, book: FleetBook, liquidation_usd: Mapping[str, float]
) -> list[StopFinding]:
    limit = liquidation_usd.get(order.market)
    if limit is None:
        return []
    price, below = _price(book, order.market), order.side is Side.SELL
    if one.terms.triggers_above is below or (limit < price) is not below:
        return []  # a take-profit, or a liquidation on the other side
    if (order.trigger_usd > limit) is below and order.trigger_usd != limit:
        return []
    says = (
        f"{_named(one)} lies beyond the liquidation price of {_usd(limit)}: the account would be liquidated before it"
        " fires; move it nearer, reduce or deposit"
    )
    return [_finding(one, StopFault.BEYOND_LIQUIDATION, says)]


def _finding(one: ExpectedStop, fault: StopFault, says: str) -> StopFinding:
    return StopFinding(
        fault=fault, market=one.terms.market, side=one.terms.side, order_id=one.order_id, says=says
    )  # fmt: skip


def _cancel(one: ExpectedStop) -> str:
    return "cancel it at the venue" if one.order_id is None else f"send /cancel {one.order_id}"


def _again(one: ExpectedStop, size: float, held: float) -> str:
    """What somebody writes for such an order: /stop SOL 152."""
    terms = one.terms
    share = size / held if held > 0 else 1.0
    of_it = "" if share > _ALL_BUT_DUST else f" {max(share, 0.01):.0%}"
    command = "/stop" if _is_stop(terms) else "/tp"
    return f"{command} {terms.market.removesuffix('-PERP')} {terms.trigger_usd:.10g}{of_it}"


def _is_stop(terms: OrderTerms) -> bool:
    return terms.triggers_above is (terms.side is Side.BUY)


def _named(one: ExpectedStop) -> str:
    """The stop at $90 for 10 SOL-PERP (order 7)."""
    terms = one.terms
    number = "" if one.order_id is None else f" (order {one.order_id})"
    what = "stop" if _is_stop(terms) else "take-profit"
    return f"the {what} at {_usd(terms.trigger_usd)} for {terms.size_base:.10g} {terms.market}{number}"


def _price(book: FleetBook, market: str) -> float:
    at = book.perp_markets.names.index(market)
    return float(book.oracles.price_1e6[book.perp_markets.oracle[at]]) / PRICE_UNITS


def _usd(price: float) -> str:
    return f"${price:,.2f}" if price >= 100 else f"${price:.5g}"
