"""/resume: orders may go out again, after a look at why they may not."""

from dataclasses import dataclass
from datetime import datetime

from bot.alerts.chat_names import ChatNames
from bot.commands import cards, pending
from bot.commands.spec import Command, Denied, PressReply, PressRequest, Request, Services
from bot.messages import Line, Message
from bot.text.ages import day_and_moment
from bot.text.clean import sentence
from bot.trading.cards.presses import OFF
from bot.trading.parts import Trading
from risk.model.trading import TradingState
from storage import LinkedPerson, Role, TradingStatus

CONFIRM, CANCEL = "resume", "resume-no"
KEEL = "keel"
STILL_OFF = "Trading is switched off besides: nothing goes out before TRADING_ENABLED=true and a start."


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """What a card is about: the halt as it stood then."""

    since: datetime


async def run(services: Services, request: Request) -> Message:
    trading = _there(services)
    status = await trading.states.get()
    if status.state is TradingState.ACTIVE:
        return Message(blocks=(Line("Trading is active; there is nothing to resume.", strong=True),))
    _require(request.person, status)
    return Message(
        blocks=(
            Line(f"Resume trading on {trading.gateway_name}?", strong=True),
            Line(await state_line(services, status)),
            Line("Approved orders go out again then. What was taken back stays taken back."),
            *(() if trading.rules.enabled else (Line(f"! {STILL_OFF}"),)),
            *((Line("! Keel stopped it by itself: look at /alerts and /orders before you confirm."),)
              if status.by == KEEL else ()),
            Line(cards.HOLDS),
        ),
        buttons=await pending.buttons(services, CONFIRM, CANCEL, Resumption(since=status.since)),
    )  # fmt: skip


async def confirm(services: Services, press: PressRequest) -> PressReply:
    trading = _there(services)
    meant = await pending.taken(services, Resumption, press.args[0])
    if meant is None:
        return cards.over("This card does not hold any more. Nothing was changed; ask again with /resume.")
    status = await trading.states.get()
    if status.since != meant.since or status.state is TradingState.ACTIVE:
        return cards.over("Trading was stopped or resumed meanwhile. Nothing was changed by this card; see /status.")
    _require(press.person, status)
    lifted = await trading.halting.resume(by=press.person.person_id, since=meant.since, reason="/resume")
    trading.keeper.wake()
    if lifted.state is not TradingState.ACTIVE:
        return cards.over("Trading was stopped again meanwhile. Nothing was changed by this card; see /status.")
    said = f"Trading is active on {trading.gateway_name}." if trading.rules.enabled else "Trading is not halted now."
    off = () if trading.rules.enabled else (Line(f"! {STILL_OFF}"),)
    done = Message(blocks=(Line(said, strong=True), *off, Line(cards.confirmed_by(press))))
    return PressReply(notice="Resumed", replace=done)


async def state_line(services: Services, status: TradingStatus) -> str:
    """What may go out, since when, and who said so."""
    by = "Keel" if status.by == KEEL else await ChatNames(services.people).of_person(status.by)
    why = f": {sentence(status.reason)}" if status.reason else ""
    said = status.reason.startswith(f"{by} ")  # then the reason says already who it was
    since = f" since {day_and_moment(status.since)}{'' if said else f', by {by}'}"
    match status.state:
        case TradingState.HALTED:
            return f"Trading is HALTED{since}{why}. Nothing goes out."
        case TradingState.REDUCING:
            return f"Trading is REDUCING{since}{why}. Only reduce-only orders go out."
        case TradingState.ACTIVE:
            return "Trading is active."


def _there(services: Services) -> Trading:
    """Trading, also where it is switched off: what was halted then can be lifted then. Raises: Denied for none."""
    if services.trading is None:
        raise Denied(OFF)
    return services.trading


def _require(person: LinkedPerson | None, status: TradingStatus) -> None:
    """Raises: Denied. What Keel stopped because it did not understand what it saw, an admin has to look at."""
    held = person.access.everywhere if person is not None else None
    needed = Role.ADMIN if status.by == KEEL else Role.TRADER
    if held is None or not held.includes(needed):
        raise Denied.role(needed, held, "for all accounts")


COMMAND = Command(
    name="resume", usage="/resume", summary="let orders go out again after a halt", run=run, role=Role.TRADER,
    press_role=Role.TRADER, presses={CONFIRM: confirm, CANCEL: cards.cancel},
)  # fmt: skip
