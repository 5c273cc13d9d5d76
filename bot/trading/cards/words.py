"""A proposal as the message people decide on, and as the report it becomes. Pure.

The row of the database is the authority; this only shows it. What changes by the clock alone, the countdown and ages,
is left out of ``Drawn.steady``, so that whoever edits cards can tell a tick from news.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.messages import Accent, Block, Button, Line, Message, Tone, text_of
from bot.text import numbers
from bot.text.ages import age, moment
from bot.text.clean import name, sentence
from bot.text.numbers import Rounding
from bot.text.provenance import SEPARATOR
from bot.text.tables import fit
from bot.trading.cards import countdown
from bot.trading.cards import effect as effect_words
from bot.trading.cards import orders as order_words
from bot.trading.cards import resting as resting_words
from bot.trading.cards.headline import subject, summary, totals
from bot.trading.cards.orders import as_sentence
from bot.trading.cards.report import report
from bot.trading.making import Made
from risk.decisions.proposals import FINAL_PROPOSALS
from risk.model.proposal import Effect, Leg, LegState, Proposal, ProposalState, Purpose, TradePlan
from storage import RestingOrder

CHANGED: Final = "» "
_URGENT: Final = (Purpose.EMERGENCY, Purpose.PROTECT)
_ACCENTS: Final = {
    ProposalState.OPEN: Accent.NOTICE,
    ProposalState.APPROVED: Accent.NOTICE,
    ProposalState.EXECUTING: Accent.NOTICE,
    ProposalState.DONE: Accent.GOOD,
    ProposalState.PARTIAL: Accent.CAUTION,
    ProposalState.FAILED: Accent.DANGER,
}
_ENDED_CALMLY: Final = (ProposalState.CANCELLED, ProposalState.EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """How an account stands once a proposal has ended, read after that.

    Attributes:
        positions: What is still open, each such as ``long 0.05 BTC-PERP``.
        tokens: What is left beside positions, each such as ``20 SOL``.
        health_percent: The venue's 0 to 100; None where it cannot be assessed.
    """

    positions: tuple[str, ...]
    health_percent: float | None
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a card must know besides its proposal.

    Attributes:
        label: What the account is called there.
        gateway: Where orders go: "paper".
        buttons: As long as it may be pressed.
        after: Once it has ended and the account was read again; None before.
        resting: Its orders that came to rest, with what became of each.
        trouble: Why nothing can be signed now; empty while everything can.
        waits: Why its next order does not go out; empty where it does.
    """

    label: str
    gateway: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    after: After | None = None
    resting: tuple[RestingOrder, ...] = ()
    trouble: str = ""
    waits: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A card at a moment.

    Attributes:
        steady: Names everything it says but what the clock alone changes.
        step: Of the countdown; empty where nothing is counted.
    """

    message: Message
    steady: str
    step: str = ""

    @property
    def fingerprint(self) -> str:
        return f"{self.steady}/{self.step}"


def drawn(proposal: Proposal, place: Place, now: datetime) -> Drawn:
    """A card as it is to be shown now."""
    live = pressable(proposal, now)
    buttons = place.buttons if live else ()
    message = _message(proposal, place, now, counted=now, buttons=buttons)
    still = replace(_message(proposal, place, now, counted=None, buttons=buttons), card="")
    text = text_of(still) + repr([[button.data for button in row] for row in buttons])
    step = str(countdown.step(countdown.left_s(proposal.expires_at, now))) if live else ""
    return Drawn(message=message, steady=hashlib.sha256(text.encode()).hexdigest()[:24], step=step)


def only_shown(plan: TradePlan, made: Made, label: str, now: datetime) -> list[Block]:
    """What the card of a plan would say to decide on, where nobody is asked."""
    proposal = Proposal(
        proposal_id="", revision=1, account_id=plan.account_id, purpose=plan.purpose, title=plan.title,
        state=ProposalState.OPEN, legs=made.legs, effect=made.effect if made.legs else None, notes=made.notes,
        deposit_usd=plan.deposit_usd, requested_by="", created_at=now, expires_at=now + timedelta(days=1),
        standing=plan.standing,
    )  # fmt: skip
    in_all = totals(proposal)
    return [
        Line(summary(proposal, label, now), strong=True),
        *([Line(in_all)] if in_all else []),
        Line(as_sentence(plan.title)),
        *_to_decide(proposal),
    ]


def pressable(proposal: Proposal, now: datetime) -> bool:
    """Whether a press can still count."""
    return proposal.state is ProposalState.OPEN and now < proposal.expires_at


def over(proposal: Proposal, now: datetime) -> bool:
    """Whether it has ended, or can only end."""
    return proposal.state in FINAL_PROPOSALS or (proposal.state is ProposalState.OPEN and now >= proposal.expires_at)


def superseded(proposal: Proposal, label: str) -> Message:
    """What stands in place of a card whose figures do not hold any more."""
    return Message(
        blocks=(
            Line(f"{subject(proposal, label)}: this card is superseded", strong=True),
            Line(f"{proposal.proposal_id} has new figures; its newest card is further down."),
        ),
        tone=Tone.QUIET,
    )


def moved(proposal: Proposal, label: str) -> Message:
    """What stands where a card was that somebody asked for again."""
    return Message(
        blocks=(Line(f"{subject(proposal, label)}: this card is further down now", strong=True),), tone=Tone.QUIET
    )


def _message(
    proposal: Proposal, place: Place, now: datetime, *, counted: datetime | None,
    buttons: tuple[tuple[Button, ...], ...],
) -> Message:  # fmt: skip
    first = summary(proposal, place.label, now)
    if proposal.state is ProposalState.DONE and (how := resting_words.in_a_headline(place.resting)):
        first = f"{subject(proposal, place.label)}: {how}"
    blocks: list[Block] = [Line(first, strong=True)]
    if in_all := totals(proposal):
        blocks.append(Line(in_all))
    if proposal.title:
        blocks.append(Line(f"{proposal.proposal_id}: {sentence(proposal.title)}"))
    if proposal.reason:
        said = as_sentence(proposal.reason)
        blocks.append(Line(said if proposal.state in _ENDED_CALMLY else f"! {said}"))
    if place.trouble and not over(proposal, now):
        blocks.append(Line(f"! Nothing can be sent now: {sentence(place.trouble)}.", strong=True))
    elif place.waits and proposal.state is ProposalState.EXECUTING:
        blocks.append(Line(f"! An order waits: {sentence(place.waits)}.", strong=True))
    if proposal.state in (ProposalState.OPEN, ProposalState.APPROVED):
        blocks += _to_decide(proposal)
        if pressable(proposal, now):
            blocks += [*_consent(proposal), Line(countdown.said(proposal.expires_at, counted))]
        elif proposal.state is ProposalState.APPROVED:
            blocks += _consent(proposal)
        blocks.append(_source(proposal, place, counted))
    else:
        after = place.after
        blocks += report(
            proposal, None if after is None else after.positions, () if after is None else after.tokens, place.resting,
            trouble=place.trouble,
        )  # fmt: skip
        blocks += _health_then(proposal, place.after)
        blocks += _consent(proposal)
        blocks.append(Line(SEPARATOR.join((name(place.label), place.gateway, _when(proposal)))))
    tone = Tone.URGENT if proposal.purpose in _URGENT and buttons else Tone.NORMAL
    accent = _ACCENTS.get(proposal.state, Accent.NONE) if buttons or proposal.state is not ProposalState.OPEN else (
        Accent.NONE
    )  # fmt: skip
    return Message(blocks=tuple(blocks), buttons=buttons, tone=tone, accent=accent)


def _to_decide(proposal: Proposal) -> list[Block]:
    """Everything somebody has to know before they press."""
    blocks: list[Block] = []
    if proposal.changed:
        blocks.append(Line(f"Revision {proposal.revision}. Changed since the last card:", strong=True))
        blocks += [Line(f"{CHANGED}{as_sentence(text)}", strong=True) for text in proposal.changed]
    if proposal.standing is not None:
        blocks += effect_words.standing(proposal.standing)
    if proposal.effect is not None:
        blocks += effect_words.warnings(proposal.effect)
    blocks += [Line(order_words.wanted(leg)) for leg in proposal.legs]
    prices = [_prices(leg) for leg in proposal.legs if leg.quote is not None or (leg.terms and leg.terms.limit_raw_1e6)]
    if prices:
        blocks.append(fit(prices, header=("#", "quote", "worst", "impact"), shrink=()))
    if proposal.effect is not None:
        blocks += _effect(proposal.effect, proposal.legs)
    blocks += [Line(as_sentence(note)) for note in proposal.notes]
    if proposal.deposit_usd > 0:
        up = numbers.usd(proposal.deposit_usd, cents=True, rounding=Rounding.UP)
        blocks.append(Line(f"Advised besides: deposit {up}."))
    return blocks


def _effect(effect: Effect, legs: Sequence[Leg]) -> list[Block]:
    orders = [leg.terms for leg in legs if leg.terms is not None]
    if not orders:
        return effect_words.cancelling(effect)
    return effect_words.meanwhile(effect) if all(one.style.rests for one in orders) else effect_words.effect(effect)


def _prices(leg: Leg) -> tuple[str, ...]:
    terms, quote = leg.terms, leg.quote
    limit = order_words.worst(terms) if terms is not None and terms.limit_raw_1e6 else "venue's"
    if quote is None:
        return str(leg.number), numbers.UNKNOWN, limit, numbers.UNKNOWN
    impact = numbers.percent_of_fraction(quote.impact_frac, decimals=2, rounding=Rounding.UP)
    return str(leg.number), f"${numbers.price(quote.average_usd, width=10)}", limit, impact


def _consent(proposal: Proposal) -> list[Block]:
    """Who has agreed, and who has to yet."""
    if proposal.standing_id and proposal.standing is None:
        return [Line(f"Went out under the standing approval {proposal.standing_id}.")]
    who = ", ".join(name(vote.display_name or vote.person_id) for vote in proposal.votes)
    waiting = proposal.state is ProposalState.OPEN
    blocks: list[Block] = []
    if proposal.votes:
        blocks.append(Line(f"Approved by {len(proposal.votes)} of {proposal.approvals_needed}: {who}."))
    elif waiting and proposal.approvals_needed > 1:
        blocks.append(Line(f"Needs {proposal.approvals_needed} different traders; approved by nobody yet."))
    if waiting and proposal.pin_needed:
        blocks.append(Line("Needs your PIN: press Confirm, then send me /pin and your PIN in private."))
    return blocks


def _source(proposal: Proposal, place: Place, now: datetime | None) -> Line:
    """Where the prices come from."""
    parts = [name(place.label), place.gateway]
    quotes = [leg.quote for leg in proposal.legs if leg.quote is not None]
    if quotes:
        oldest = min(quotes, key=lambda quote: quote.observed_at)
        old = f", {age((now - oldest.observed_at).total_seconds())} old" if now is not None else ""
        sources = ", ".join(sorted({quote.source for quote in quotes}))
        parts += [f"{sources} of {moment(oldest.observed_at)}{old}", f"slot {numbers.count(oldest.slot)}"]
    return Line(SEPARATOR.join(parts))


def _health_then(proposal: Proposal, after: After | None) -> list[Block]:
    """What came of the account, where anything was done to it."""
    traded = any(leg.state not in (LegState.PLANNED, LegState.SKIPPED) for leg in proposal.legs)
    if proposal.effect is None or not traded or not any(leg.filled_raw_1e9 for leg in proposal.legs):
        return []  # what only rests, or was only cancelled, has not moved health
    before = numbers.health_percent(proposal.effect.health_percent_before)
    expected = numbers.health_percent(proposal.effect.health_percent_after)
    if after is None:
        return [Line(f"Health was {before}; {expected} was expected of all of it.")]
    if after.health_percent is None:
        return [Line(f"Health cannot be assessed now; it was {before}, and {expected} was expected of this alone.")]
    now = numbers.health_percent(after.health_percent)
    return [
        Line(f"Health {now} now, with all else that moved since; it was {before}, and {expected} was expected of this.")
    ]


def _when(proposal: Proposal) -> str:
    return f"ended {moment(proposal.finished_at)}" if proposal.finished_at else f"asked {moment(proposal.created_at)}"
