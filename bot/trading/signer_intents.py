"""Orders in the signer's words, and whether it would sign them by what it says of itself. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.signer.intent import (
    Anchor,
    Chain,
    Identity,
    Intent,
    IntentSide,
    IntentStyle,
    MarketCap,
    OrderIntent,
    SigningVenue,
)
from bot.signer.wire import paper_message
from bot.text import numbers
from risk.model.trading import BASE_UNITS, PRICE_UNITS, OrderStyle, OrderTerms
from venues.signing import SigningRequest


def intent_of(
    request: SigningRequest, *, venue: SigningVenue, epoch: int, anchor: Anchor | None, memory_name: str = ""
) -> Intent:
    """What the signer is asked for. On paper this is also where the message is written."""
    batch = request.batch
    chain = None
    if venue is not SigningVenue.PAPER:
        chain = Chain(
            blockhash=request.blockhash, unit_limit=request.unit_limit, unit_price_micro=request.unit_price_micro,
            remaining=request.remaining,
        )  # fmt: skip
    intent = Intent(
        venue=venue, account=batch.account_id, authority=request.authority, sub_account=request.sub_account,
        epoch=epoch, proposal=named(batch.consent.reference, memory_name), revision=batch.consent.revision,
        leg=batch.leg, orders=tuple(map(order_of, batch.terms)), cancels=batch.cancels, modifies=(), chain=chain,
        height=request.height, valid_until=request.valid_until, anchor=anchor, message=request.message or b"",
    )  # fmt: skip
    return replace(intent, message=paper_message(intent)) if request.message is None else intent


def named(reference: str, memory_name: str) -> str:
    """What the signer knows something by that was agreed on.

    >>> named("P1", "3fa2"), named("P1", "")
    ('3fa2.P1', 'P1')
    """
    return f"{memory_name}.{reference}" if memory_name else reference


def memory_of(name: str) -> tuple[str, str]:
    """The other way round.

    >>> memory_of("3fa2.P1"), memory_of("P1")
    (('3fa2', 'P1'), ('', 'P1'))
    """
    memory_name, _, reference = name.rpartition(".")
    return memory_name, reference


def order_of(terms: OrderTerms) -> OrderIntent:
    return OrderIntent(
        market_index=terms.market_index, side=IntentSide(terms.side.value), style=IntentStyle(terms.style.value),
        size_raw_1e9=terms.size_raw_1e9, limit_raw_1e6=terms.limit_raw_1e6, reduce_only=terms.reduce_only,
        expires_at_s=terms.expires_at_s, trigger_raw_1e6=terms.trigger_raw_1e6, triggers_above=terms.triggers_above,
    )  # fmt: skip


def beyond(identity: Identity, account_id: str, terms: Sequence[OrderTerms], *, now_s: float, cancels: int = 0) -> str:
    """Which of the signer's caps orders would break now, as a clause; empty for none.

    The signer decides for itself. Asked for what it refuses it may lock itself, so it is not.
    """
    if account_id not in identity.accounts:
        return f"it signs nothing for the account {account_id}"
    each = (_order(identity, one, now_s) for one in terms)
    return next(filter(None, (*each, *_day(identity, terms, cancels))), "")


def _order(identity: Identity, one: OrderTerms, now_s: float) -> str:
    cap = next((cap for cap in identity.markets if cap.index == one.market_index), None)
    if cap is None:
        return f"it signs nothing in {one.market}"
    if identity.reduce_only and not one.reduce_only:
        return "it signs only orders that reduce"
    if one.style is OrderStyle.TRIGGER_MARKET and not identity.stops_without_limit:
        return "it signs no stop without a limit price; stops_without_limit = true in its own file would let it"
    if one.size_raw_1e9 > cap.max_order_raw_1e9:
        most = numbers.size(cap.max_order_raw_1e9 / BASE_UNITS)
        return f"an order in {one.market} may have {most} at most, and this one has {numbers.size(one.size_base)}"
    if (worth := _usd_raw_1e6(identity, one)) > identity.max_order_raw_1e6:
        return f"an order may be {_usd(identity.max_order_raw_1e6)} at most, and this one counts as {_usd(worth)}"
    return _lasts(identity, one, now_s) or _price(one, cap)


def _lasts(identity: Identity, one: OrderTerms, now_s: float) -> str:
    most_s = identity.order_lasts_at_most_s
    if one.expires_at_s - now_s <= most_s or (one.style.is_trigger and one.reduce_only):
        return ""
    return f"an order may last {most_s} s at most (order_lasts_at_most_s); TRADING_VALID_S lets this one last longer"


def _price(one: OrderTerms, cap: MarketCap) -> str:
    bounds = f"{_usd(cap.price_from_raw_1e6)} to {_usd(cap.price_to_raw_1e6)}"
    if one.trigger_raw_1e6 and not cap.price_from_raw_1e6 <= one.trigger_raw_1e6 <= cap.price_to_raw_1e6:
        return f"a trigger in {one.market} may be {bounds}, and this one is {_usd(one.trigger_raw_1e6)}"
    low, high = cap.price_from_raw_1e6, cap.price_to_raw_1e6
    if one.limit_raw_1e6 and (one.limit_raw_1e6 > high if one.signed_base > 0 else one.limit_raw_1e6 < low):
        return f"a limit in {one.market} may be {bounds}, and this one is {_usd(one.limit_raw_1e6)}"
    return ""


def _day(identity: Identity, terms: Sequence[OrderTerms], cancels: int) -> Iterable[str]:
    if not identity.signatures_left:
        yield "its signatures for today are used up (daily_signatures), until midnight UTC"
    if cancels > identity.cancels_left:
        yield f"{identity.cancels_left} cancellations are left today (daily_cancels), and this takes {cancels}"
    worth = sum(_usd_raw_1e6(identity, one) for one in terms)
    left = max(0, identity.daily_raw_1e6 - identity.used_raw_1e6)
    if worth > left:
        yield f"{_usd(left)} of its {_usd(identity.daily_raw_1e6)} a day are left, and this takes {_usd(worth)}"
    for cap in identity.markets:
        size = sum(one.size_raw_1e9 for one in terms if one.market_index == cap.index)
        free = max(0, cap.daily_raw_1e9 - cap.used_raw_1e9)
        if size > free:
            yield (
                f"{numbers.size(free / BASE_UNITS)} of its {numbers.size(cap.daily_raw_1e9 / BASE_UNITS)} {cap.name} "
                f"a day are left, and this takes {numbers.size(size / BASE_UNITS)}"
            )


def _usd_raw_1e6(identity: Identity, one: OrderTerms) -> int:
    """As the signer counts: at the worst price that is stated, and never below its own lower bound."""
    least = next((cap.price_from_raw_1e6 for cap in identity.markets if cap.index == one.market_index), 0)
    return -(-one.size_raw_1e9 * max(one.limit_raw_1e6, one.trigger_raw_1e6, least) // BASE_UNITS)


def _usd(raw_1e6: int) -> str:
    return numbers.usd(raw_1e6 / PRICE_UNITS)
