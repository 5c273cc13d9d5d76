"""Sentences of events that are about money: what came and went, what it costs to hold and to owe."""

from typing import Final

from bot.text import numbers
from bot.text.clean import name
from risk.decisions.money_events import annual_frac
from risk.model.events import (
    BorrowEvent,
    BorrowRateEvent,
    DelegateEvent,
    EventKind,
    FlowEvent,
    FundingEvent,
    FundingPaidEvent,
    InterestEvent,
    LiquidityEvent,
    SettlementEvent,
    SubAccountEvent,
    SwapEvent,
)

K = EventKind
_FLOWS: Final = {
    K.DEPOSIT: "deposit",
    K.WITHDRAWAL: "withdrawal",
    K.TRANSFER_IN: "transfer from another account of the owner",
    K.TRANSFER_OUT: "transfer to another account of the owner",
}
_SURPRISING: Final = frozenset({K.WITHDRAWAL, K.TRANSFER_OUT, K.DELEGATE_CHANGED, K.SUB_ACCOUNT_CREATED})


def holding(size_base: float) -> str:
    """A signed size as people say it.

    >>> holding(12.5), holding(-0.25), holding(0.0)
    ('long 12.5', 'short 0.25', '0')
    """
    if not size_base:
        return "0"
    return f"{'long' if size_base > 0 else 'short'} {numbers.size(abs(size_base))}"


def dollars(amount_usd: float) -> str:
    """Money that a ledger knows to the cent, and a fee that is less than one all the same."""
    tiny = 0 < amount_usd < 0.01
    return f"{numbers.price(amount_usd) if tiny else numbers.usd(amount_usd, cents=True).removeprefix('$')} USD"


def tokens(amount: float, token: str) -> str:
    """An amount of a token."""
    return f"{numbers.size(amount)} {name(token)}"


def at_price(price_usd: float | None) -> str:
    """At which price, as it stands within a sentence; empty where nobody knows."""
    return "" if price_usd is None else f" at {numbers.price(price_usd)} USD"


def fee(amount_usd: float | None) -> str:
    """What something cost, as the end of a sentence; empty where nobody knows."""
    if amount_usd is None:
        return ""
    what = "rebate" if amount_usd < 0 else "fee"
    return f", {what} {dollars(abs(amount_usd))}"


def flow(event: FlowEvent) -> str:
    """Money in or out."""
    amount = dollars(event.amount_usd)
    if event.token:
        amount = f"{tokens(event.amount_tokens, event.token)} ({amount})"
    borrowed = (
        {K.WITHDRAWAL: ", borrowed", K.DEPOSIT: ", repays a borrow"}.get(event.kind, "") if event.borrowed else ""
    )
    return f"{_FLOWS[event.kind]} of {amount}{borrowed}{announced(event)}"


def announced(event: FlowEvent | DelegateEvent | SubAccountEvent) -> str:
    """Whether it was to be expected, as the end of a sentence."""
    if event.announced:
        return ", announced"
    return ", which nobody announced" if event.kind in _SURPRISING else ""


def swap(event: SwapEvent) -> str:
    """Tokens for tokens."""
    return f"swapped {tokens(event.sold_tokens, event.sold)} for {tokens(event.bought_tokens, event.bought)}"


def borrow(event: BorrowEvent) -> str:
    """A debt that began or was paid."""
    token = name(event.token)
    if event.kind is K.BORROW_BEGUN:
        return f"now owes {numbers.size(-event.after_tokens)} {token}"
    return f"borrow of {numbers.size(-event.before_tokens)} {token} repaid"


def _pays(hourly_frac: float) -> str:
    what = "pays" if hourly_frac > 0 else "receives"
    return f"{what} {numbers.percent_of_fraction(abs(hourly_frac), decimals=4)}"


def funding(event: FundingEvent) -> str:
    """What holding a position costs now."""
    now = f"the {holding(event.size_base)} {_pays(event.after_hourly_frac)} an hour"
    if event.kind is K.FUNDING_FLIPPED:
        return f"{name(event.market)} funding flipped: {now}, and it {_pays(event.before_hourly_frac)} before"
    daily = numbers.percent_of_fraction(event.after_hourly_frac * 24, decimals=2)
    return f"{name(event.market)} funding is heavy: {now}, {daily} a day"


def paid(market: str, amount_usd: float, payments: int = 1) -> str:
    """Funding that was booked, once or several times."""
    what = "received" if amount_usd > 0 else "paid"
    times = f" in {payments} payments" if payments > 1 else ""
    return f"{name(market)} funding: {what} {dollars(abs(amount_usd))}{times}"


def funding_paid(event: FundingPaidEvent) -> str:
    """Funding that was booked once."""
    return paid(event.market, event.amount_usd)


def interest(event: InterestEvent) -> str:
    """What a balance earned or cost."""
    what = "earned" if event.amount_tokens > 0 else "paid"
    of = "deposit" if event.balance_tokens > 0 else "borrow"
    worth = "" if event.amount_usd is None else f" ({dollars(abs(event.amount_usd))})"
    yearly = annual_frac(event, event.observed_at)
    rate = "" if yearly is None else f", {numbers.percent_of_fraction(abs(yearly))} a year"
    amount, balance = tokens(abs(event.amount_tokens), event.token), numbers.size(abs(event.balance_tokens))
    return f"interest: {what} {amount}{worth} on a {of} of {balance}{rate}"


def rate(event: BorrowRateEvent) -> str:
    """A borrow that has become dear."""
    before = event.before_annual_frac
    was = "" if before is None else f", {numbers.percent_of_fraction(before)} before"
    now = numbers.percent_of_fraction(event.after_annual_frac)
    return f"borrowing {name(event.token)} costs {now} a year now{was}; {numbers.size(event.borrowed_tokens)} owed"


def settled(event: SettlementEvent) -> str:
    """PnL that became tokens."""
    what = "gain" if event.amount_usd >= 0 else "loss"
    amount = f"{what} of {dollars(abs(event.amount_usd))} settled"
    if event.expired:
        return f"{name(event.market)} expired{at_price(event.price_usd)}: {amount}"
    return f"{name(event.market)}: {amount}"


def liquidity(event: LiquidityEvent) -> str:
    """Shares of a market's own book."""
    moved = f"bought {numbers.size(event.position_base)}" if event.position_base > 0 else (
        f"sold {numbers.size(-event.position_base)}"
    )  # fmt: skip
    return f"{name(event.market)} liquidity shares: {moved}, PnL {numbers.signed_usd(event.pnl_usd, cents=True)}"
