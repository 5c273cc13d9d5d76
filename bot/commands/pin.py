"""/pin: the second half of a yes to a large trade. It is given in private, never shown back, and never logged."""

from bot.commands.spec import Command, Denied, Request, Services, Usage, Where
from bot.messages import Message, lines
from bot.text.ages import moment
from bot.trading.cards.presses import on, said
from storage import PinCheck, PinVerdict, PressKind, Role

_FORGET = "Delete your message with the PIN from this chat."
_NONE = "You have no PIN. It is set where Keel runs, by keel pin set; nobody can set one from a chat."


async def run(services: Services, request: Request) -> Message:
    trading = on(services)
    person = request.person
    if person is None:
        raise Denied("Only linked people have a PIN.")
    if len(request.args) != 1:
        raise Usage("Send /pin and your PIN, in one message.")
    check = await trading.pins.check(person.person_id, request.args[0], services.clock.now())
    if check.verdict is not PinVerdict.RIGHT:
        return Message(blocks=lines(_refused(check), *(() if check.verdict is PinVerdict.NONE else (_FORGET,))))
    pressed = await trading.desk.pin_given(person.person_id, person.access)
    trading.keeper.wake()
    if pressed.kind is PressKind.FOREIGN:
        return Message(blocks=lines("Right. It is good for one Confirm within 2 min; nothing waited for it.", _FORGET))
    return Message(blocks=lines(f"Right. {said(services, pressed)}", _FORGET))


def _refused(check: PinCheck) -> str:
    if check.verdict is PinVerdict.NONE:
        return _NONE
    if check.verdict is PinVerdict.LOCKED:
        until = f" until {moment(check.until)}" if check.until is not None else ""
        return f"Your PIN is locked{until}: too many wrong ones. Nothing was approved."
    return f"That is not your PIN; {check.left} more {'try' if check.left == 1 else 'tries'}. Nothing was approved."


COMMAND = Command(
    name="pin", usage="/pin DIGITS", summary="confirm a large trade with your PIN, in private", run=run,
    role=Role.TRADER, per_account=True, where=Where.PRIVATE,
    typed_aloud="Delete your message now: others can read your PIN. Nothing was approved.",
)  # fmt: skip
