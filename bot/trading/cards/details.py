"""What stands behind a card: every order as it will be sent, its quote, and why. Pure."""

from datetime import UTC, datetime

from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.ages import age, day_and_moment, moment
from bot.text.clean import name, sentence
from bot.text.numbers import Rounding
from bot.text.tables import fit
from bot.trading.cards import orders as order_words
from bot.trading.cards.effect import standing
from bot.trading.cards.headline import subject
from bot.trading.cards.orders import as_sentence
from risk.model.proposal import Leg, LegQuote, Proposal
from risk.model.trading import OrderTerms

_SIGNATURE_SHOWN = 12


def details(proposal: Proposal, label: str, gateway: str, now: datetime) -> Message:
    """Everything there is to know of a proposal before it is confirmed.

    Args:
        label: What the account is called there.
        gateway: Where orders go.
    """
    number = len(proposal.legs)
    what = f"{number} order{'' if number == 1 else 's'} " if number else ""
    head = f"{subject(proposal, label)}: {what}in detail"
    blocks: list[Block] = [Line(head, strong=True)]
    blocks.append(
        Line(f"{proposal.proposal_id}, revision {proposal.revision}, asked {day_and_moment(proposal.created_at)}.")
    )
    if proposal.standing is not None:
        blocks += standing(proposal.standing)
    for leg in proposal.legs:
        blocks += _leg(leg, now)
    if proposal.legs:
        blocks.append(Line(f"Account {name(proposal.account_id, columns=44)}, to {gateway}."))
    return Message(blocks=tuple(blocks))


def _leg(leg: Leg, now: datetime) -> list[Block]:
    blocks: list[Block] = [Line(order_words.wanted(leg), strong=True)]
    if leg.reasoning:
        blocks.append(Line(as_sentence(leg.reasoning)))
    rows = _terms(leg.terms) if leg.terms is not None else []
    if leg.quote is not None:
        rows += _quote(leg.quote)
    if rows:
        blocks.append(fit(rows))
    if leg.quote is not None:
        quote = leg.quote
        old = age((now - quote.observed_at).total_seconds())
        blocks.append(Line(f"From the {quote.source}, {old} old, slot {numbers.count(quote.slot)}."))
    elif leg.terms is not None:
        blocks.append(Line("It waits for its trigger, so there is no quote for it now."))
    if leg.signed is not None:
        shown = f"{leg.signed.signature[:_SIGNATURE_SHOWN]}…"
        blocks.append(Line(f"Signed as {shown}, attempt {leg.attempt}; {leg.state.value}."))
    if leg.reason:
        blocks.append(Line(f"! {sentence(leg.reason)}"))
    return blocks


def _terms(terms: OrderTerms) -> list[tuple[str, str]]:
    rows = [
        ("size", order_words.amount(terms.size_raw_1e9)),
        ("kind", order_words.style(terms)),
        ("worst", order_words.worst(terms)),
    ]
    if terms.style.is_trigger:
        rows.insert(2, ("trigger", order_words.trigger(terms)))
    # A trigger without a limit of its own has no worst price: what it comes to is only counted from its trigger.
    at_trigger = terms.style.is_trigger and not terms.limit_raw_1e6
    total = numbers.usd(terms.notional_usd, cents=True, rounding=Rounding.UP)
    rows.append(("at trigger" if at_trigger else "in all", total))
    rows.append(("reduces", "only" if terms.reduce_only else "NO, may open"))
    if terms.expires_at_s:
        rows.append(("until", moment(datetime.fromtimestamp(terms.expires_at_s, UTC))))
    else:
        rows.append(("until", "it is cancelled"))
    return rows


def _quote(quote: LegQuote) -> list[tuple[str, str]]:
    return [
        ("oracle", f"${numbers.price(quote.oracle_usd)}"),
        ("avg quote", f"${numbers.price(quote.average_usd)}"),
        ("impact", numbers.percent_of_fraction(quote.impact_frac, decimals=3, rounding=Rounding.UP)),
        ("fee", numbers.usd(quote.fee_usd, cents=True, rounding=Rounding.UP)),
    ]
