"""One sentence for each event, without a full stop, with units. Who it happened to stands before it in the alert."""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, Final

from bot.alerts import money_words as money
from bot.roster import short
from bot.text import numbers
from bot.text.ages import day_and_moment
from bot.text.clean import name, sentence
from risk.model.account import MarketKind, Side
from risk.model.events import (
    AccountEvent,
    BankruptcyEvent,
    BorrowEvent,
    BorrowRateEvent,
    DelegateEvent,
    EndReason,
    EventKind,
    FlowEvent,
    FundingEvent,
    FundingPaidEvent,
    GapEvent,
    GapReason,
    InterestEvent,
    LiquidationEvent,
    LiquidationForm,
    LiquidityEvent,
    MarketEvent,
    OrderEvent,
    PauseEvent,
    PositionEvent,
    SettlementEvent,
    SubAccountEvent,
    SwapEvent,
)
from risk.model.market import MarketStatus

K = EventKind
_POSITION: Final = {K.POSITION_OPENED: "opened", K.POSITION_CLOSED: "closed", K.POSITION_FLIPPED: "flipped"}
_REASONS: Final[Mapping[EndReason, str]] = {
    EndReason.UNKNOWN: "ended without a fill",
    EndReason.CANCELLED: "cancelled",
    EndReason.EXPIRED: "expired",
    EndReason.NO_COLLATERAL: "refused: not enough free collateral",
    EndReason.PRICE_BAND: "refused: its price is too far from the oracle",
    EndReason.REDUCES_NOTHING: "refused: it would no longer reduce",
    EndReason.ADDS_RISK: "refused: it would add risk",
    EndReason.MARKET_CLOSED: "refused: the market has closed",
    EndReason.NOTHING_TO_BORROW: "refused: nothing left to borrow",
    EndReason.LIQUIDATION: "cancelled by the liquidation",
    EndReason.OTHER: "cancelled by the venue",
}
_STATUS: Final[Mapping[MarketStatus, str]] = {
    MarketStatus.INITIALIZED: "is not open yet",
    MarketStatus.ACTIVE: "is open again",
    MarketStatus.FUNDING_PAUSED: "is paused: funding",
    MarketStatus.AMM_PAUSED: "is paused: AMM",
    MarketStatus.FILL_PAUSED: "is paused: fills",
    MarketStatus.WITHDRAW_PAUSED: "is paused: withdrawals",
    MarketStatus.REDUCE_ONLY: "is reduce only: positions can be closed and not grow",
    MarketStatus.SETTLEMENT: "is in settlement: positions will be closed at one price",
    MarketStatus.DELISTED: "is delisted",
}
_GAPS: Final[Mapping[GapReason, str]] = {
    GapReason.LOG_TRUNCATED: "its log was cut off",
    GapReason.NO_LOG: "the node kept no log of it",
    GapReason.UNREADABLE: "it holds a record this version cannot read",
    GapReason.TRANSACTION_MISSING: "the node lists it and does not have it",
    GapReason.TOO_FAR_BACK: "it lies further back than the node remembers",
}


def told(event: AccountEvent) -> str:
    """One event as a sentence."""
    return _WORDS[type(event)](event)


def move(event: PositionEvent) -> str:
    """Where a position came from and went to.

    The change of a position is told from where it was first to where it is last, however many steps there were.
    """
    what = _POSITION.get(event.kind) or ("grown" if abs(event.after_base) > abs(event.before_base) else "reduced")
    by = ", by Keel" if event.by_keel else ""
    return f"{name(event.market)} {money.holding(event.before_base)} -> {money.holding(event.after_base)}: {what}{by}"


def _position(event: PositionEvent) -> str:
    return move(event)


def order_name(event: OrderEvent) -> str:
    """Which order: its market and its number."""
    return f"{name(event.market)} order #{event.order_id}" if event.order_id else f"{name(event.market)} order"


def terms(event: OrderEvent) -> str:
    """What an order is to do."""
    trigger = f" once at {numbers.price(event.trigger_price_usd)}" if event.trigger_price_usd else ""
    limit = f" at {numbers.price(event.price_usd)}" if event.price_usd else ""
    only = ", reduce only" if event.reduce_only else ""
    return f"{event.side.value} {numbers.size(event.size_base)}{limit}{trigger}{only}"


def _order(event: OrderEvent) -> str:
    if event.is_fill:
        done = "bought" if event.side is Side.BUY else "sold"
        rest = f", {numbers.size(event.rest_base)} rests" if event.rest_base else ""
        price = money.at_price(event.fill_price_usd)
        return f"{order_name(event)}: {done} {numbers.size(event.size_base)}{price}{money.fee(event.fee_usd)}{rest}"
    words = {
        K.ORDER_PLACED: "placed",
        K.ORDER_CHANGED: "changed",
        K.ORDER_TRIGGERED: "triggered",
        K.ORDER_EXPIRED: "expired",
    }
    what = words.get(event.kind) or _REASONS[event.reason]
    by = ", by Keel" if event.by_keel else ""
    return f"{order_name(event)} {what}: {terms(event)}{money.fee(event.fee_usd)}{by}"


def _liquidation(event: LiquidationEvent) -> str:
    where = f" of isolated {name(event.market)}" if event.market else ""
    if event.kind is K.LIQUIDATION_BEGUN:
        return f"liquidation{where} has begun"
    if event.kind is K.LIQUIDATION_ENDED:
        return f"liquidation{where} has ended"
    return f"liquidation {_taken(event)}{money.fee(event.fee_usd)}{_cancelled(event)}{_remains(event)}"


def _taken(event: LiquidationEvent) -> str:
    market = name(event.market)
    if not event.taken_base:
        return f"took nothing of {market}"
    if event.form is LiquidationForm.PNL_FOR_BORROW:
        return f"took {money.dollars(event.taken_base)} of PnL of {market} and repaid {_repaid(event)}"
    took = f"took {numbers.size(event.taken_base)} {'of ' if event.market_kind is MarketKind.PERP else ''}{market}"
    price = money.at_price(event.price_usd)
    if event.form is LiquidationForm.TOKENS_FOR_BORROW:
        return f"{took}{price} and repaid {_repaid(event)}"
    if event.form is LiquidationForm.TOKENS_FOR_LOSS:
        return f"{took}{price} for a loss of {money.dollars(event.repaid_tokens)} in {name(event.repaid)}"
    return f"{took}{price}"


def _repaid(event: LiquidationEvent) -> str:
    return money.tokens(event.repaid_tokens, event.repaid)


def _cancelled(event: LiquidationEvent) -> str:
    count = event.orders_cancelled
    return f", cancelled {count} order{'s' if count > 1 else ''}" if count else ""


def _remains(event: LiquidationEvent) -> str:
    left = event.remaining_base
    if left is None:
        return ""
    if event.market_kind is MarketKind.PERP:
        return f"; {money.holding(left)} remains" if left else "; nothing remains"
    return f"; {money.tokens(left, event.market)} remain" if left > 0 else "; nothing remains"


def _bankruptcy(event: BankruptcyEvent) -> str:
    loss = money.dollars(event.loss) if event.market_kind is MarketKind.PERP else money.tokens(event.loss, event.market)
    where = f" in {name(event.market)}" if event.market_kind is MarketKind.PERP else ""
    return f"bankruptcy resolved: a debt of {loss}{where} was written off"


def _delegate(event: DelegateEvent) -> str:
    if not event.after:
        return f"delegate {short(sentence(event.before))} removed{money.announced(event)}"
    who = f"delegate {short(sentence(event.after))} may trade now"
    instead = f", {short(sentence(event.before))} no longer" if event.before else ""
    return f"{who}{instead}{money.announced(event)}"


def _sub_account(event: SubAccountEvent) -> str:
    return f"the owner opened another account, {short(sentence(event.created))}{money.announced(event)}"


def _market(event: MarketEvent) -> str:
    return f"{name(event.market)} {_STATUS[event.after]}"


def _pause(event: PauseEvent) -> str:
    what = ", ".join(sentence(word) for word in event.what)
    resumed = event.kind in (K.MARKET_ACTIVE, K.EXCHANGE_RESUMED)
    where = f"{name(event.market)} " if event.market else "the venue "
    return f"{where}{'works again' if resumed else 'is paused'}: {what}"


def _gap(event: GapEvent) -> str:
    when = f" at {day_and_moment(event.happened_at.astimezone(UTC))}" if event.happened_at else ""
    return f"a transaction{when} cannot be told in full: {_GAPS[event.reason]}; see positions and balances"


def _plain(event: AccountEvent) -> str:
    words = {K.BANKRUPT: "bankrupt: debts are left and nothing to pay them", K.ACCOUNT_CLOSED: "the account was closed"}
    return words.get(event.kind, event.kind.value.replace("_", " "))


_WORDS: Final[Mapping[type[AccountEvent], Callable[[Any], str]]] = {
    AccountEvent: _plain,
    BankruptcyEvent: _bankruptcy,
    BorrowEvent: money.borrow,
    BorrowRateEvent: money.rate,
    DelegateEvent: _delegate,
    FlowEvent: money.flow,
    FundingEvent: money.funding,
    FundingPaidEvent: money.funding_paid,
    GapEvent: _gap,
    InterestEvent: money.interest,
    LiquidationEvent: _liquidation,
    LiquidityEvent: money.liquidity,
    MarketEvent: _market,
    OrderEvent: _order,
    PauseEvent: _pause,
    PositionEvent: _position,
    SettlementEvent: money.settled,
    SubAccountEvent: _sub_account,
    SwapEvent: money.swap,
}
