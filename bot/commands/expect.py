"""/expect: say before what will happen, so that it does not ring as if nobody knew."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from bot.alerts.announced import KINDS
from bot.alerts.expectations import what
from bot.commands import wishing
from bot.commands.common import account_of, require_named, require_role
from bot.commands.mute import span
from bot.commands.spec import Command, Denied, Request, Services, Usage
from bot.messages import Line, Message
from bot.roster import Watched
from bot.text.ages import day_and_moment
from bot.text.clean import name
from bot.text.typed import number_typed
from risk.errors import ReadFailed
from risk.model.event_kinds import EventKind
from storage import LinkedPerson, Role

_LONGEST = timedelta(hours=24)  # a day nobody need look at it closely is long enough
_DEFAULT = timedelta(hours=1)
_NOBODY = "none"
_OFF = "off"
_LONGEST_ADDRESS = 64
_MOST_USD = 1e12


async def run(services: Services, request: Request) -> Message:
    if not request.args:
        return await _show(services)
    if request.person is None:
        raise Denied("Only linked people may say what to expect.")
    watched, words = account_of(services, request.args)
    if words and words[0].lower() == _OFF:
        return await _take_back(services, request.person, words[1:])
    kind = KINDS.get(words[0].lower()) if words else None
    if kind is None:
        raise Usage(f"Say what to expect: {', '.join(KINDS)}. Accounts: {services.roster.names}.")
    require_named(services, request.args, words)
    require_role(request.person, Role.TRADER, watched)
    return await _PARSERS[kind](services, request.person, watched, kind, words[1:])


async def _amount(
    services: Services, person: LinkedPerson, watched: Watched, kind: EventKind, words: tuple[str, ...]
) -> Message:
    if not words:
        raise Usage("Say how much at most, in USD, such as 500.")
    bare = words[0].lower().removeprefix("$").removesuffix("usdc").removesuffix("usd").replace(",", "")
    amount_usd = number_typed(bare)
    if amount_usd is None or not 0 < amount_usd <= _MOST_USD:
        raise Usage(f"{name(words[0])} is not an amount in USD.")
    return await _announce(services, person, watched, kind, words[1:], amount_usd=amount_usd)


async def _delegate(
    services: Services, person: LinkedPerson, watched: Watched, kind: EventKind, words: tuple[str, ...]
) -> Message:
    if not words or len(words[0]) > _LONGEST_ADDRESS:
        raise Usage(f"Say the address of the new delegate, or {_NOBODY} where there will be none.")
    counterpart = "" if words[0].lower() == _NOBODY else words[0]
    if counterpart:
        try:
            services.watching.require_address(counterpart)
        except ReadFailed as exc:
            raise wishing.refused(exc) from exc
    return await _announce(services, person, watched, kind, words[1:], counterpart=counterpart)


async def _sub_account(
    services: Services, person: LinkedPerson, watched: Watched, kind: EventKind, words: tuple[str, ...]
) -> Message:
    return await _announce(services, person, watched, kind, words)


async def _announce(
    services: Services, person: LinkedPerson, watched: Watched, kind: EventKind, words: tuple[str, ...], *,
    amount_usd: float = 0.0, counterpart: str = "",
) -> Message:  # fmt: skip
    until = services.clock.now() + span(words, default=_DEFAULT, longest=_LONGEST)
    made = await services.expectations.announce(
        watched.account_id, kind, until, person, amount_usd=amount_usd, counterpart=counterpart
    )
    return Message(
        blocks=(
            Line(f"{name(watched.nickname)}: {what(made)} is expected until {day_and_moment(until)}", strong=True),
            Line("It will be told as WATCH. More than that, or anything else, rings as before."),
            Line(f"Take it back: /expect off {made.announcement_id}."),
        )
    )


async def _take_back(services: Services, person: LinkedPerson, words: tuple[str, ...]) -> Message:
    number = words[0].removeprefix("#") if len(words) == 1 else ""
    if not (number.isascii() and number.isdigit()):
        raise Usage("Say which, by its number: /expect shows them.")
    shown = {one.announcement_id: one for one in await services.expectations.standing()}
    found = shown.get(int(number))
    watched = _watched(services, found.account_id) if found is not None else None
    if found is None or watched is None:
        return Message(blocks=(Line(f"Nothing numbered {number} is expected.", strong=True),))
    require_role(person, Role.TRADER, watched)
    await services.expectations.take_back(found.announcement_id, person)
    return Message(blocks=(Line(f"{name(watched.nickname)}: {what(found)} is no longer expected.", strong=True),))


async def _show(services: Services) -> Message:
    lines = [
        Line(f"{one.announcement_id}. {name(watched.nickname)}: {what(one)}, until {day_and_moment(one.until_at)}")
        for one in await services.expectations.standing()
        if (watched := _watched(services, one.account_id)) is not None
    ]
    how = Line("Say what will happen: /expect withdrawal 500 2h, or /expect delegate ADDRESS 1h.")
    if not lines:
        return Message(blocks=(Line("Nothing is expected", strong=True), how))
    return Message(blocks=(Line(f"{len(lines)} expected", strong=True), *lines, how))


def _watched(services: Services, account_id: str) -> Watched | None:
    """An account, where whoever asks may see it."""
    return next((one for one in services.roster.all if one.account_id == account_id), None)


_Parse = Callable[[Services, LinkedPerson, Watched, EventKind, tuple[str, ...]], Awaitable[Message]]
_PARSERS: Mapping[EventKind, _Parse] = {
    EventKind.WITHDRAWAL: _amount,
    EventKind.TRANSFER_OUT: _amount,
    EventKind.DELEGATE_CHANGED: _delegate,
    EventKind.SUB_ACCOUNT_CREATED: _sub_account,
}

COMMAND = Command(
    name="expect", usage="/expect [account] [withdrawal|transfer|delegate|subaccount|off] [VALUE] [2h]",
    summary="say what will happen, so that it does not ring", run=run, per_account=True,
)  # fmt: skip
