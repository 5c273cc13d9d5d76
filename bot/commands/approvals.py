"""/approvals: what waits for a yes, who has given theirs, and its card again. All cards' buttons are answered here."""

from dataclasses import replace

from bot.alerts.chat_names import ChatNames
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.text.ages import moment
from bot.text.clean import name
from bot.text.durations import written_s
from bot.text.numbers import usd
from bot.trading.cards import countdown
from bot.trading.cards.card import place_of
from bot.trading.cards.headline import summary
from bot.trading.cards.presses import PREFIX, on, press
from bot.trading.cards.words import pressable
from bot.trading.parts import Trading
from risk.model.proposal import Proposal
from storage import Role, StandingApproval

_SHOWN = 10


async def run(services: Services, request: Request) -> Message:
    trading = on(services)
    unfinished = await visible(services, trading)
    if request.args:
        return await _card(services, trading, _found(unfinished, request.args), request)
    waiting = [one for one in unfinished if pressable(one, services.clock.now())]
    if len(unfinished) == 1 and waiting:
        return await _card(services, trading, waiting[0], request)
    return Message(blocks=(
        Line(_headline(len(waiting), len(unfinished) - len(waiting)), strong=True),
        *(block for one in unfinished[:_SHOWN] for block in _one(services, one)),
        *((Line(f"and {len(unfinished) - _SHOWN} more"),) if len(unfinished) > _SHOWN else ()),
        *[Line(text) for text in await standing_lines(services, trading)],
        *((Line(f"/approvals {unfinished[0].proposal_id} shows its card again."),) if unfinished else ()),
    ))  # fmt: skip


async def _card(services: Services, trading: Trading, proposal: Proposal, request: Request) -> Message:
    """The card. Whoever may not press it gets it to read alone, in private: buttons that only refuse mislead."""
    person = request.person
    if not request.private or (person is not None and person.access.may(Role.TRADER, proposal.account_id)):
        return await trading.cards.here(proposal, request.address)
    shown = (await trading.cards.draw(proposal, place_of(request.address))).message
    label = services.roster.label(proposal.account_id)
    read = Line(f"To read only: pressing takes the role trader for {name(label)}.")
    return replace(shown, blocks=(*shown.blocks, read), buttons=())


async def visible(services: Services, trading: Trading) -> tuple[Proposal, ...]:
    """Proposals that have not ended, of accounts whoever asks may see, as they ask there; oldest first."""
    known = services.roster.account_ids
    return tuple(one for one in await trading.proposals.unfinished() if one.account_id in known)


async def standing_lines(services: Services, trading: Trading) -> list[str]:
    """What is allowed beforehand, with what is left of it."""
    names, known = ChatNames(services.people), services.roster.account_ids
    active = await trading.standing.active(services.clock.now())
    return [await _standing(services, names, one) for one in active if one.terms.account_id in known]


async def _standing(services: Services, names: ChatNames, one: StandingApproval) -> str:
    terms = one.terms
    markets = ", ".join(name(market) for market in sorted(terms.markets))
    left = written_s(countdown.left_s(terms.expires_at, services.clock.now()))
    by = ", ".join([await names.of_person(person) for person in one.granted_by])
    return (
        f"Standing approval {one.standing_id} for {services.roster.label(terms.account_id)}: reduce-only {markets}, "
        f"{usd(one.left_usd)} of {usd(terms.cap_usd)} and {left} left, by {by}. /disarm ends it."
    )


def _headline(waiting: int, going_on: int) -> str:
    if not waiting and not going_on:
        return "Nothing waits for a yes"
    parts = [f"{waiting} proposal{'' if waiting == 1 else 's'} wait{'s' if waiting == 1 else ''} for a yes"]
    if going_on:
        parts.append(f"{going_on} being worked off")
    return ", ".join(parts)


def _one(services: Services, proposal: Proposal) -> list[Block]:
    now = services.clock.now()
    first = f"{proposal.proposal_id} {summary(proposal, services.roster.label(proposal.account_id), now)}"
    if not pressable(proposal, now):
        return [Line(first)]
    who = ", ".join(name(vote.display_name or vote.person_id) for vote in proposal.votes)
    approvals = f"{len(proposal.votes)} of {proposal.approvals_needed} approvals{f': {who}' if who else ''}"
    left = written_s(countdown.left_s(proposal.expires_at, now))
    pin = ", takes a PIN" if proposal.pin_needed else ""
    return [Line(first), Line(f"  {approvals}{pin}, until {moment(proposal.expires_at)}, {left} left")]


def _found(unfinished: tuple[Proposal, ...], args: tuple[str, ...]) -> Proposal:
    wanted = args[0].upper().removeprefix("#")
    for one in unfinished:
        if wanted in (one.proposal_id, one.proposal_id.removeprefix("P")):
            return one
    known = ", ".join(one.proposal_id for one in unfinished) or "none"
    raise Usage(f"No proposal {name(args[0])} waits here. There is {known}.")


COMMAND = Command(
    name="approvals", usage="/approvals [PROPOSAL]", summary="trades that wait for a yes, with their cards", run=run,
    per_account=True, presses={PREFIX: press}, press_role=Role.TRADER,
)  # fmt: skip
