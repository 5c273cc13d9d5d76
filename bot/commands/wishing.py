"""What the commands share that change what a chat hears: who may, asking first, saying until when, taking it back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.alerts.wishes import Wish, WishCard, from_json, to_json
from bot.commands import cards
from bot.commands.last_hearer import heard_here_alone
from bot.commands.spec import Denied, PressReply, PressRequest, Request, Services, Usage
from bot.messages import Address, Block, Button, Line, Message
from bot.text.ages import day_and_moment
from bot.text.clean import name
from risk.decisions.hearing import ChatPreferences, hold
from risk.decisions.tiers import LADDER, Tier
from risk.model.event_kinds import EventKind
from storage import LinkedPerson, Receiver, Role

GRANT, UNDO, CANCEL = "hear", "hear-undo", "hear-no"
_UNDO_FOR = timedelta(hours=24)
_LAST = "By now no other chat that can be reached hears of something CRITICAL in this."
_NEVER_HELD = "CRITICAL and worse always comes through."


def here(address: Address) -> Receiver:
    """The chat somebody speaks in, as alerts know it."""
    return Receiver(transport=address.transport, chat=address.chat, thread=address.thread)


async def wants(services: Services, address: Address) -> ChatPreferences:
    """What the chat somebody speaks in wants to hear."""
    return await services.preferences.of(here(address))


async def require_say(services: Services, person: LinkedPerson | None, address: Address) -> None:
    """In their own chat everybody decides what they hear; in a group whoever may answer alerts.

    Raises: Denied.
    """
    if person is None:
        raise Denied("Only linked people decide what a chat hears.")
    linked = await services.people.chat(address.transport, address.chat, address.thread)
    own = linked is not None and linked.private and linked.person_id == person.person_id
    if not own and not person.access.everywhere_includes(Role.RESPONDER):
        raise Denied.role(Role.RESPONDER, person.access.everywhere, "to change what a group hears")


async def grant(services: Services, request: Request, wish: Wish, done: Sequence[str]) -> Message:
    """Make a wish true, say so, and offer to take it back."""
    return await _grant(services, here(request.address), wish, done)


async def ask(
    services: Services, request: Request, wish: Wish, question: str, why: str, done: Sequence[str]
) -> Message:
    """Ask before a wish is made true that hides something."""
    now = services.clock.now()
    card = WishCard(wish=wish, chat=here(request.address), done=tuple(done))
    handle = await services.cards.put(to_json(card), now, now + cards.VALID_FOR)
    return Message(
        blocks=(Line(question, strong=True), Line(why), Line(cards.HOLDS)),
        buttons=((Button("Confirm", f"{GRANT}:{handle}"), Button("Cancel", CANCEL)),),
    )


async def _grant(services: Services, chat: Receiver, wish: Wish, done: Sequence[str]) -> Message:
    now = services.clock.now()
    undone: list[Wish] = []

    def change(before: ChatPreferences) -> ChatPreferences:
        undone.append(wish.undone(before))
        return wish.applied(before)

    after = await services.preferences.change(chat, change, now)
    await _bring_forward(services, chat, after, now)
    back = WishCard(wish=undone[-1], chat=chat, done=("Taken back. It is as it was before.",))
    handle = await services.cards.put(to_json(back), now, now + _UNDO_FOR)
    first, *rest = done
    return Message(
        blocks=(Line(first, strong=True), *(Line(text) for text in rest)),
        buttons=((Button("Undo", f"{UNDO}:{handle}"),),),
    )


async def _bring_forward(services: Services, chat: Receiver, after: ChatPreferences, now: datetime) -> None:
    """What was held back for a reason that is gone is not held any longer."""
    holds = {tier.value: hold(after, tier, now) or now for tier in (Tier.OK, *LADDER, Tier.UNKNOWN)}
    if await services.preferences.bring_forward(chat, holds):
        services.wake()


async def on_grant(services: Services, press: PressRequest) -> PressReply:
    """Confirm."""
    card = await _taken(services, press)
    if card is None:
        return cards.over("This card has expired. Nothing was changed; ask again.")
    if await _nobody_else(services, card):
        return cards.over(f"{_LAST} Nothing was changed; ask again.")
    answer = await _grant(services, card.chat, card.wish, (*card.done, cards.confirmed_by(press)))
    return PressReply(notice="Changed", replace=answer)


async def on_undo(services: Services, press: PressRequest) -> PressReply:
    """Undo."""
    card = await _taken(services, press)
    if card is None:
        return PressReply(notice="This can no longer be taken back here; say it anew.")
    if await _nobody_else(services, card):
        return PressReply(notice=f"{_LAST} Nothing was changed.")
    answer = await _grant(services, card.chat, card.wish, card.done)
    by = name(press.person.display_name or press.person.user_id)
    return PressReply(notice="Taken back", replace=Message(blocks=(*answer.blocks, Line(f"By {by}."))))


async def _nobody_else(services: Services, card: WishCard) -> bool:
    """Whether a wish would end what no other chat hears of; that may have become so since it was asked about."""
    off = [EventKind(kind) for kind, told in card.wish.events.items() if told is False]
    return bool(await heard_here_alone(services, card.chat, off))


async def _taken(services: Services, press: PressRequest) -> WishCard | None:
    await require_say(services, press.person, press.address)
    body = await services.cards.take(press.args[0], services.clock.now())
    card = None if body is None else from_json(body)
    return card if card is not None and card.chat == here(press.address) else None


PRESSES = {GRANT: on_grant, UNDO: on_undo, CANCEL: cards.cancel}


def refused(error: Exception) -> Usage:
    """What was wrong with what somebody typed, as a sentence of its own."""
    text = str(error)
    return Usage(f"{text[:1].upper()}{text[1:]}{'' if text.endswith('?') else '.'}")


def until(at: datetime) -> str:
    """The end of something, as people read it."""
    return f"until {day_and_moment(at)}"


def always_told() -> Line:
    """What no wish holds back."""
    return Line(_NEVER_HELD)


def shown(*blocks: Block) -> Message:
    """A view of what this chat hears, with what always comes through."""
    return Message(blocks=(*blocks, always_told()))
