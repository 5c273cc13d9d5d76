"""The buttons of cards, and the PIN some of them wait for."""

from bot.commands.spec import Denied, PressReply, PressRequest, Services
from bot.messages import Message
from bot.trading.cards.card import PREFIX
from bot.trading.cards.details import details
from bot.trading.cards.press_words import notice
from bot.trading.parts import Trading
from risk.model.proposal import Proposal
from storage import CardPress, LinkedPerson, Pressed, PressKind

OFF = "Trading is off: nothing is proposed and nothing goes out. Set TRADING_ENABLED=true and start Keel again."
_GONE = "Trading is off by now; nothing happens by this button."


async def press(services: Services, press: PressRequest) -> PressReply:
    """A button of a card. Whether it is worth anything is decided by one statement in storage."""
    (handle,) = press.args
    trading = services.trading
    if trading is None:
        return PressReply(notice=_GONE)
    person, address = press.person, press.address
    pressed = await trading.desk.press(
        CardPress(
            handle=handle, transport=address.transport, chat=address.chat, thread=address.thread,
            message_id=press.message_id, person_id=person.person_id, display_name=person.display_name,
            access=person.access,
        )
    )  # fmt: skip
    if pressed.kind is PressKind.DISARM and pressed.proposal is not None:
        await _disarm(services, trading, pressed.proposal, person)
    trading.keeper.wake()
    return PressReply(notice=said(services, pressed), message=_details(services, trading, pressed))


def said(services: Services, pressed: Pressed) -> str:
    """What somebody hears to a press, or to the PIN it waited for."""
    account_id = pressed.proposal.account_id if pressed.proposal is not None else ""
    return notice(pressed, services.roster.label(account_id) if account_id else "")


def _details(services: Services, trading: Trading, pressed: Pressed) -> Message | None:
    proposal = pressed.proposal
    if pressed.kind is not PressKind.DETAILS or proposal is None:
        return None
    label = services.roster.label(proposal.account_id)
    return details(proposal, label, trading.gateway_name, services.clock.now())


async def _disarm(services: Services, trading: Trading, proposal: Proposal, person: LinkedPerson) -> None:
    await trading.standing.revoke(account_ids=(proposal.account_id,), by=person.person_id, now=services.clock.now())


def on(services: Services) -> Trading:
    """Trading, for commands that need it. Raises: Denied where it is off."""
    trading = services.trading
    if trading is None or not trading.rules.enabled:
        raise Denied(OFF)
    return trading


__all__ = ["OFF", "PREFIX", "on", "press", "said"]
