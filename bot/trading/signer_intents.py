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
    OrderIntent,
    SigningVenue,
)
from bot.signer.wire import paper_message
from bot.text import numbers
from risk.model.trading import BASE_UNITS, PRICE_UNITS, OrderTerms
from venues.signing import SigningRequest


def intent_of(request: SigningRequest, *, venue: SigningVenue, epoch: int, anchor: Anchor | None) -> Intent:
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
        epoch=epoch, proposal=batch.consent.reference, revision=batch.consent.revision, leg=batch.leg,
        orders=tuple(map(order_of, batch.terms)), cancels=batch.cancels, modifies=(), chain=chain,
        height=request.height, valid_until=request.valid_until, anchor=anchor, message=request.message or b"",
    )  # fmt: skip
    return replace(intent, message=paper_message(intent)) if request.message is None else intent


def order_of(terms: OrderTerms) -> OrderIntent:
    return OrderIntent(
        market_index=terms.market_index, side=IntentSide(terms.side.value), style=IntentStyle(terms.style.value),
        size_raw_1e9=terms.size_raw_1e9, limit_raw_1e6=terms.limit_raw_1e6, reduce_only=terms.reduce_only,
        expires_at_s=terms.expires_at_s, trigger_raw_1e6=terms.trigger_raw_1e6, triggers_above=terms.triggers_above,
    )  # fmt: skip


def beyond(identity: Identity, account_id: str, terms: Sequence[OrderTerms]) -> str:
    """Which of the signer's caps orders would break now, as a clause; empty for none.

    The signer decides for itself. Asked for what it refuses it may lock itself, so it is not.
    """
    if account_id not in identity.accounts:
        return f"it signs nothing for the account {account_id}"
    return next(filter(None, (*(_order(identity, one) for one in terms), *_day(identity, terms))), "")


def _order(identity: Identity, one: OrderTerms) -> str:
    cap = next((cap for cap in identity.markets if cap.index == one.market_index), None)
    if cap is None:
        return f"it signs nothing in {one.market}"
    if identity.reduce_only and not one.reduce_only:
        return "it signs only orders that reduce"
    if one.size_raw_1e9 > cap.max_order_raw_1e9:
        most = numbers.size(cap.max_order_raw_1e9 / BASE_UNITS)
        return f"an order in {one.market} may have {most} at most, and this one has {numbers.size(one.size_base)}"
    if (worth := _usd_raw_1e6(identity, one)) > identity.max_order_raw_1e6:
        return f"an order may be {_usd(identity.max_order_raw_1e6)} at most, and this one counts as {_usd(worth)}"
    bounds = f"{_usd(cap.price_from_raw_1e6)} to {_usd(cap.price_to_raw_1e6)}"
    if one.trigger_raw_1e6 and not cap.price_from_raw_1e6 <= one.trigger_raw_1e6 <= cap.price_to_raw_1e6:
        return f"a trigger in {one.market} may be {bounds}, and this one is {_usd(one.trigger_raw_1e6)}"
    low, high = cap.price_from_raw_1e6, cap.price_to_raw_1e6
    if one.limit_raw_1e6 and (one.limit_raw_1e6 > high if one.signed_base > 0 else one.limit_raw_1e6 < low):
        return f"a limit in {one.market} may be {bounds}, and this one is {_usd(one.limit_raw_1e6)}"
    return ""


def _day(identity: Identity, terms: Sequence[OrderTerms]) -> Iterable[str]:
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
