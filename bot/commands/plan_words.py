"""Plans in words: trades, and what is left when they are done."""

from collections.abc import Collection, Sequence

from bot.messages import Block, Line
from bot.text import numbers
from bot.text.clean import name
from risk.closing import Closing, Remains, Why
from risk.margin.assets import is_dollar
from risk.model.account import OpenOrder, Side
from risk.model.hedge import HedgeTrade
from risk.model.proposal import PlannedTrade

_MOST_LINES = 8


def as_sentence(text: str, *, capital: bool = True) -> str:
    """A clause of the desks as a sentence.

    >>> as_sentence("there is no position in SOL-PERP"), as_sentence("Wait.", capital=False)
    ('There is no position in SOL-PERP.', 'Wait.')
    """
    shown = f"{text[:1].upper()}{text[1:]}" if capital else text
    return shown if not shown or shown[-1] in ".!?" else f"{shown}."


def trades_of(trades: Sequence[PlannedTrade | HedgeTrade]) -> list[Block]:
    """One line for each trade, in the order in which they go out."""
    ordered = sorted(trades, key=lambda one: one.priority)
    lines: list[Block] = [Line(f"{at}. {_trade(one)}") for at, one in enumerate(ordered[:_MOST_LINES], start=1)]
    if len(ordered) > _MOST_LINES:
        lines.append(Line(f"and {len(ordered) - _MOST_LINES} more trades"))
    return lines


def _trade(trade: PlannedTrade | HedgeTrade) -> str:
    size = trade.size if isinstance(trade, HedgeTrade) else trade.size_base
    text = f"{trade.side.value} {numbers.size(size)} {name(trade.market)}"
    if isinstance(trade, PlannedTrade) and trade.trigger_usd is not None:
        text += f" once it is {'above' if trade.triggers_above else 'below'} {numbers.price(trade.trigger_usd)}"
    if trade.reduce_only:
        text += ", only reducing"
    return f"{text}. {as_sentence(trade.reasoning)}" if trade.reasoning else f"{text}."


def notes_of(closing: Closing) -> tuple[str, ...]:
    """What is still there when everything was filled, and what could not be looked at."""
    notes = [text for one in closing.remains if (text := _remains(one))]
    if closing.kept:
        market = closing.trades[0].market if closing.trades else ""
        kept = ", ".join(_order(one, market) for one in closing.kept)
        notes.append(f"Still resting: {kept}. Only reducing, sized as before the close.")
        notes += [text for one in closing.kept if (text := _too_large(one, market, closing))]
    if not closing.orders_known:
        notes.append("Resting orders were not read and are not cancelled; look at /orders.")
    return tuple(notes)


def _too_large(order: OpenOrder, market: str, closing: Closing) -> str:
    """What to do about a trigger that is larger than what a close leaves; empty where it is not."""
    left = sum(abs(one.size) for one in closing.remains if one.market == market)
    if order.trigger_price_usd is None or order.triggers_above is None or order.size_base <= left:
        return ""
    command = "/stop" if order.triggers_above is (order.side is Side.BUY) else "/tp"
    again = f"{command} {name(market.removesuffix('-PERP'))} {order.trigger_price_usd:.10g}"
    return f"Order {order.order_id} is then larger than what stays: send /cancel {order.order_id} and then {again}"


def _remains(one: Remains) -> str:
    size, market = numbers.size(abs(one.size)), name(one.market)
    worth = "" if is_dollar(one.market) or one.value_usd != one.value_usd else f", {numbers.usd(one.value_usd)}"
    held = f"{size} {market} {'long' if one.size > 0 else 'short'}{worth}"
    match one.why:
        case Why.SPOT if one.size < 0:
            return f"Still owed: {size} {market}{worth}. Repay it at the venue."
        case Why.SPOT:
            return f"Still there: {size} {market}{worth}."
        case Why.CANNOT:
            return f"Stays open: {held}. {as_sentence(one.reason)}"
        case Why.DUST:
            return f"Stays open: {held}, less than the market's step."
        case Why.NOT_ASKED:
            return f"Stays open: {held}{f', which is {one.reason}' if one.reason else ''}."
        case Why.ISOLATED:
            return f"Still there: {numbers.usd(one.size)} that belongs to the isolated position in {market}."


def _order(order: OpenOrder, market: str) -> str:
    at = order.trigger_price_usd if order.trigger_price_usd is not None else order.price_usd
    what = f"order {order.order_id}, {order.side.value} {numbers.size(order.size_base)} {name(market)}"
    return what if at is None else f"{what} at ${numbers.price(at)}"


def cancels_of(cancels: Collection[int], there: Sequence[tuple[str, OpenOrder]]) -> tuple[str, ...]:
    """What the orders are that go before, so that nobody has to look a number up."""
    found = [f"Cancelled before: {_order(order, market)}." for market, order in there if order.order_id in cancels]
    return (*found[:_MOST_LINES], *([f"and {len(found) - _MOST_LINES} more orders"] if found[_MOST_LINES:] else ()))
