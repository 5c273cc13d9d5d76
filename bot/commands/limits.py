"""/limits: what the account must keep to. A change is shown first and made by Confirm."""

from dataclasses import replace

from bot.alerts.limit_words import breach, is_fraction, shown
from bot.commands import cards
from bot.commands.common import account_of, origin, reply, require_named, require_role
from bot.commands.spec import Command, Denied, PressReply, PressRequest, Request, Services, Usage
from bot.messages import Button, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.tables import fit
from bot.text.typed import number_typed
from risk.decisions.limits import BadLimits, validated
from risk.errors import CannotAssess, ReadFailed
from risk.model.limits import LimitCheck, LimitName, LimitState, RiskLimits
from storage import Role

CONFIRM, CANCEL = "limit", "limit-no"
_ORDER = tuple(LimitName)


async def run(services: Services, request: Request) -> Message:
    args = tuple(word for word in request.args if word.lower() != "set")  # people type it; it says nothing
    watched, rest = account_of(services, args)
    limits = await services.manager(watched.account_id).get_risk_limits()
    if not rest:
        return await _show(services, watched, limits)
    if len(rest) != 2:
        known = services.roster.names
        raise Usage(f"To change a limit give its name and a value, such as leverage 5. Accounts: {known}.")
    limit, value = _parse(rest[0], rest[1])
    if request.person is None or not request.person.access.may(Role.ADMIN, watched.account_id):
        raise Denied("Only an admin may change limits.")
    card = _card(services, watched, limits, limit, value)
    require_named(services, args, rest)
    return card


def _parse(text: str, value: str) -> tuple[LimitName, float]:
    wanted = text.lower().removeprefix("max_").removeprefix("min_")
    found = [limit for limit in LimitName if wanted and wanted in limit.value]
    exact = [limit for limit in found if text.lower() in (limit.value, short(limit))]
    if len(exact or found) != 1:
        several = f"{name(text)} may be several limits" if found else f"No limit is called {name(text)}"
        raise Usage(f"{several}. Limits: {', '.join(short(limit) for limit in found or LimitName)}.")
    limit = (exact or found)[0]
    bare = value.lower().removeprefix("$").removesuffix("%").removesuffix("x").replace(",", "")
    number = number_typed(bare)
    if number is None:
        raise Usage(f"{name(value)} is not a number.")
    if value.endswith("%") and is_fraction(limit):
        number /= 100
    return limit, float(f"{number:.6g}")  # a button holds 64 bytes


def _card(services: Services, watched: Watched, limits: RiskLimits, limit: LimitName, value: float) -> Message:
    try:
        validated(replace(limits, **{limit.value: value}))
    except BadLimits as exc:
        raise Usage(f"{exc}.") from exc
    old = getattr(limits, limit.value)
    expires = cards.expiry(services.clock.now())
    # The value it replaces travels along: a card made before somebody else's change does not undo it.
    data = f"{CONFIRM}:{cards.mark(watched)}:{_ORDER.index(limit)}:{value!r}:{old!r}:{expires}"
    return Message(
        blocks=(
            Line(f"{watched.nickname}: {short(limit)} {shown(limit, old)} to {shown(limit, value)}?", strong=True),
            Line(f"{cards.HOLDS} A breach is announced as an alert of its own."),
            origin(services, watched.nickname),
        ),
        buttons=((Button("Confirm", data), Button("Cancel", CANCEL)),),
    )


async def confirm(services: Services, press: PressRequest) -> PressReply:
    mark, which, value, old, expires = press.args
    watched = cards.marked(services.roster, mark)
    if watched is None:
        return cards.over("This account is not watched any more. Nothing was changed.")
    require_role(press.person, Role.ADMIN, watched)
    limit = _ORDER[_index(which)]
    if cards.expired(expires, services.clock.now()):
        return cards.over("This card has expired. Nothing was changed; ask again with /limits.")
    manager = services.manager(watched.account_id)
    limits = await manager.get_risk_limits()
    if getattr(limits, limit.value) != float(old):
        return cards.over(f"{short(limit)} was changed meanwhile. Nothing was changed by this card; look at /limits.")
    await manager.set_risk_limits(replace(limits, **{limit.value: float(value)}))
    done = f"{watched.nickname}: {short(limit)} is {shown(limit, float(value))} now"
    was = Line(f"Was {shown(limit, float(old))}. {cards.confirmed_by(press)}")
    return PressReply(
        notice="Changed",
        replace=Message(blocks=(Line(done, strong=True), was, origin(services, watched.nickname))),
    )


def _index(text: str) -> int:
    """Place of a limit in their order. Raises: ValueError for what no card of ours says."""
    if not (text.isascii() and text.isdigit() and len(text) < 3 and int(text) < len(_ORDER)):
        raise ValueError("no such limit")
    return int(text)


async def _show(services: Services, watched: Watched, limits: RiskLimits) -> Message:
    try:
        judged = await services.manager(watched.account_id).judge_limits()
    except (CannotAssess, ReadFailed):
        # The limits themselves are known; whether they hold is not.
        judged = LimitCheck(violations=(), states=dict.fromkeys(LimitName, LimitState.UNKNOWN), unchecked={})
        first = "UNKNOWN whether limits hold"
    else:
        count = len(judged.violations)
        first = f"{count} limit breach{'' if count == 1 else 'es'}" if count else "all checked limits hold"
        if judged.unchecked:
            first += f", {len(judged.unchecked)} not checked"
    rows = [
        (short(limit), shown(limit, getattr(limits, limit.value)), _STATES[judged.states[limit]]) for limit in LimitName
    ]
    return reply(
        services, watched, Line(f"{watched.nickname}: {first}", strong=True),
        *(Line(breach(violation)) for violation in judged.violations), fit(rows, header=("name", "limit", "ok?")),
        *(Line(text) for text in _why_unchecked(judged)),
        Line("Change: /limits NAME VALUE. '-' is not checked now; n/a: a single asset cannot be concentrated."),
    )  # fmt: skip


_STATES = {
    LimitState.HOLDS: "yes",
    LimitState.BROKEN: "NO",
    LimitState.UNKNOWN: numbers.UNKNOWN,
    LimitState.NOT_APPLICABLE: "n/a",
}


def _why_unchecked(judged: LimitCheck) -> list[str]:
    """One line for each reason, however many limits it keeps from being checked."""
    by_reason: dict[str, list[str]] = {}
    for limit in LimitName:
        if limit in judged.unchecked:
            by_reason.setdefault(judged.unchecked[limit], []).append(short(limit))
    return [f"! {', '.join(limits)} not checked: {why}." for why, limits in by_reason.items()]


def short(limit: LimitName) -> str:
    """A limit's name without max_ or min_, as it may also be typed."""
    return limit.value.removeprefix("max_").removeprefix("min_")


COMMAND = Command(
    name="limits",
    usage="/limits [account] [NAME VALUE]",
    summary="show limits and breaches, or change one",
    run=run,
    presses={CONFIRM: confirm, CANCEL: cards.cancel},
    press_role=Role.ADMIN,
    per_account=True,
)
