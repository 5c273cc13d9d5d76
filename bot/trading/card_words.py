"""A proposal as the message people decide on, and as the report it becomes. Pure.

The row of the database is the authority; this only shows it. What changes by the clock alone, the countdown and ages,
is left out of ``Drawn.steady``, so that whoever edits cards can tell a tick from news.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.messages import Accent, Block, Button, Line, Message, Tone, text_of
from bot.text import numbers
from bot.text.ages import age, moment
from bot.text.clean import name, sentence
from bot.text.numbers import Rounding
from bot.text.provenance import SEPARATOR
from bot.text.tables import fit
from bot.trading import countdown, effect_words, order_words
from bot.trading.order_words import as_sentence
from bot.trading.report_words import report
from risk.decisions.proposals import FINAL_PROPOSALS
from risk.model.proposal import Leg, LegState, Proposal, ProposalState, Purpose

PURPOSES: Final = {
    Purpose.HEDGE: "Hedge",
    Purpose.REBALANCE: "Rebalance",
    Purpose.CLOSE: "Close",
    Purpose.FLATTEN: "Flatten",
    Purpose.PROTECT: "Protect",
    Purpose.EMERGENCY: "Emergency",
    Purpose.STOP: "Stop",
    Purpose.TAKE_PROFIT: "Take profit",
    Purpose.BRACKET: "Bracket",
    Purpose.SLEEP: "Sleep",
    Purpose.CANCEL: "Cancel orders",
    Purpose.ARM: "Arm",
}
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
_NOT_GONE: Final = (LegState.PLANNED, LegState.SIGNED, LegState.SENT, LegState.LANDED)


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
    """

    label: str
    gateway: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    after: After | None = None


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


def subject(proposal: Proposal, label: str) -> str:
    """What is done to which account, in two or three words."""
    return f"{PURPOSES[proposal.purpose]} {label}"


def summary(proposal: Proposal, label: str, now: datetime) -> str:
    """The first line; its first 40 characters stand alone on a lock screen."""
    head = subject(proposal, label)
    match proposal.state:
        case ProposalState.OPEN if now < proposal.expires_at:
            return f"{head}: {_asked(proposal)}"
        case ProposalState.OPEN | ProposalState.EXPIRED:
            return f"{head}: expired, nothing was sent"
        case ProposalState.APPROVED:
            return f"{head}: approved, checking prices again"
        case ProposalState.EXECUTING:
            done = sum(leg.state not in _NOT_GONE for leg in proposal.legs)
            return f"{head}: sending, {done} of {len(proposal.legs)} done"
        case ProposalState.CANCELLED:
            return f"{head}: cancelled, nothing was sent"
        case ProposalState.FAILED:
            return f"{head}: FAILED, nothing was traded"
        case ProposalState.PARTIAL:
            return f"{head}: PARTLY, {_whole(proposal)} of {len(proposal.legs)} orders"
        case ProposalState.DONE:
            return f"{head}: {_done(proposal)}"


def _asked(proposal: Proposal) -> str:
    if proposal.standing is not None:
        return f"up to {effect_words.cap(proposal.standing)}, until {moment(proposal.standing.expires_at)}"
    orders = [leg.terms for leg in proposal.legs if leg.terms is not None]
    if len(orders) == 1:
        return order_words.in_a_headline(orders[0])
    if not orders:
        number = sum(len(leg.cancels) for leg in proposal.legs)
        return f"{number} order{'' if number == 1 else 's'} at the venue"
    return f"{len(orders)} orders, at most {numbers.usd(proposal.notional_usd, rounding=Rounding.UP)}"


def _done(proposal: Proposal) -> str:
    if proposal.standing is not None:
        return f"in force until {moment(proposal.standing.expires_at)}"
    if len(proposal.legs) == 1:
        (leg,) = proposal.legs
        if leg.state is LegState.FILLED and leg.terms is not None:
            return order_words.filled(leg)
        if leg.state is LegState.RESTING and leg.terms is not None:
            return f"rests at the venue, {order_words.order(leg.terms)}"
    return f"done, {len(proposal.legs)} of {len(proposal.legs)} orders"


def _whole(proposal: Proposal) -> int:
    return sum(leg.state in (LegState.FILLED, LegState.RESTING) for leg in proposal.legs)


def _message(
    proposal: Proposal, place: Place, now: datetime, *, counted: datetime | None,
    buttons: tuple[tuple[Button, ...], ...],
) -> Message:  # fmt: skip
    blocks: list[Block] = [Line(summary(proposal, place.label, now), strong=True)]
    if proposal.title:
        blocks.append(Line(f"{proposal.proposal_id}: {sentence(proposal.title)}"))
    if proposal.reason:
        said = as_sentence(proposal.reason)
        blocks.append(Line(said if proposal.state in _ENDED_CALMLY else f"! {said}"))
    if proposal.state in (ProposalState.OPEN, ProposalState.APPROVED):
        blocks += _to_decide(proposal)
        if pressable(proposal, now):
            blocks += [*_consent(proposal), Line(countdown.said(proposal.expires_at, counted))]
        elif proposal.state is ProposalState.APPROVED:
            blocks += _consent(proposal)
        blocks.append(_source(proposal, place, counted))
    else:
        after = place.after
        blocks += report(proposal, None if after is None else after.positions, () if after is None else after.tokens)
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
    blocks += [Line(order_words.wanted(leg)) for leg in proposal.legs]
    prices = [_prices(leg) for leg in proposal.legs if leg.quote is not None or (leg.terms and leg.terms.limit_raw_1e6)]
    if prices:
        blocks.append(fit(prices, header=("#", "quote", "worst", "impact"), shrink=()))
    if proposal.effect is not None:
        waits = all(leg.terms is None or leg.terms.style.rests for leg in proposal.legs)
        blocks += effect_words.meanwhile(proposal.effect) if waits else effect_words.effect(proposal.effect)
    blocks += [Line(as_sentence(note)) for note in proposal.notes]
    if proposal.deposit_usd > 0:
        up = numbers.usd(proposal.deposit_usd, cents=True, rounding=Rounding.UP)
        blocks.append(Line(f"Advised besides: deposit {up}."))
    return blocks


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
    if proposal.effect is None or not traded:
        return []
    before = numbers.health_percent(proposal.effect.health_percent_before)
    expected = numbers.health_percent(proposal.effect.health_percent_after)
    if after is None:
        return [Line(f"Health was {before}; {expected} was expected of all of it.")]
    now = (
        "cannot be assessed now" if after.health_percent is None else f"{numbers.health_percent(after.health_percent)}"
    )
    return [Line(f"Health {now}; it was {before}, and {expected} was expected of all of it.")]


def _when(proposal: Proposal) -> str:
    return f"ended {moment(proposal.finished_at)}" if proposal.finished_at else f"asked {moment(proposal.created_at)}"
