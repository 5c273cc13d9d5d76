"""/limits: what the account must keep to. A change is shown first and made by Confirm."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.commands.common import account_of, cannot, reply
from bot.commands.spec import Command, PressReply, PressRequest, Request, Services, Usage
from bot.messages import Button, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.tables import fit
from risk.decisions.limits import CHECKED, BadLimits, validated
from risk.errors import CannotAssess, ReadFailed
from risk.model.limits import LimitName, RiskLimits
from storage import Role

CONFIRM, CANCEL = "limit", "limit-no"
_VALID_FOR = timedelta(minutes=2)
_FRACTIONS = (
    LimitName.MAX_POSITION_SIZE_PERCENT,
    LimitName.MAX_CORRELATION_EXPOSURE,
    LimitName.MAX_VAR_1D_PERCENT,
    LimitName.MAX_DRAWDOWN_PERCENT,
)
_ORDER = tuple(LimitName)


async def run(services: Services, request: Request) -> Message:
    watched, rest = account_of(services, request.args)
    if rest and rest[0] == "set":
        rest = rest[1:]
    limits = await services.manager(watched.account_id).get_risk_limits()
    if not rest:
        return await _show(services, watched, limits)
    if request.person is None or not request.person.role.includes(Role.ADMIN):
        raise Usage("Only an admin may change limits.")
    if len(rest) != 2:
        raise Usage("To change a limit name it and give its new value.")
    limit, value = _parse(rest[0], rest[1])
    return _card(services, watched, limits, limit, value)


def _parse(text: str, value: str) -> tuple[LimitName, float]:
    wanted = text.lower().removeprefix("max_").removeprefix("min_")
    found = [limit for limit in LimitName if wanted in limit.value]
    exact = [limit for limit in found if limit.value == text.lower()]
    if len(exact or found) != 1:
        raise Usage(f"No limit is called {name(text)}. Limits: {', '.join(limit.value for limit in LimitName)}.")
    limit = (exact or found)[0]
    try:
        number = float(value.removesuffix("%").replace(",", ""))
    except ValueError:
        raise Usage(f"{name(value)} is not a number.") from None
    return limit, number / 100 if value.endswith("%") and limit in _FRACTIONS else number


def _card(services: Services, watched: Watched, limits: RiskLimits, limit: LimitName, value: float) -> Message:
    try:
        validated(replace(limits, **{limit.value: value}))
    except BadLimits as exc:
        raise Usage(f"{exc}.") from exc
    old = getattr(limits, limit.value)
    expires = int((services.clock.now() + _VALID_FOR).timestamp())
    at = services.roster.account_ids.index(watched.account_id)
    # The value it replaces travels along: a card made before somebody else's change does not undo it.
    data = f"{CONFIRM}:{at}:{_ORDER.index(limit)}:{value!r}:{old!r}:{expires}"
    return Message(
        blocks=(
            Line(f"{watched.nickname}: {limit.value} {shown(limit, old)} to {shown(limit, value)}?", strong=True),
            Line("Breaches are announced as incidents of their own. Nothing has changed yet; valid for 2 min."),
        ),
        buttons=((Button("Confirm", data), Button("Cancel", CANCEL)),),
    )


async def confirm(services: Services, press: PressRequest) -> PressReply:
    at, which, value, old, expires = press.args
    watched, limit = services.roster.all[int(at)], _ORDER[int(which)]
    if services.clock.now() > datetime.fromtimestamp(int(expires), services.clock.now().tzinfo):
        return _over("This card has expired. Nothing was changed; ask again with /limits.")
    manager = services.manager(watched.account_id)
    limits = await manager.get_risk_limits()
    if getattr(limits, limit.value) != float(old):
        return _over(f"{limit.value} was changed meanwhile. Nothing was changed by this card; look at /limits.")
    await manager.set_risk_limits(replace(limits, **{limit.value: float(value)}))
    done = f"{watched.nickname}: {limit.value} is {shown(limit, float(value))} now"
    by = name(press.person.display_name or press.person.user_id)
    return PressReply(
        notice="Changed",
        replace=Message(blocks=(Line(done, strong=True), Line(f"Was {shown(limit, float(old))}. Confirmed by {by}."))),
    )


async def cancel(services: Services, press: PressRequest) -> PressReply:
    return _over("Cancelled. Nothing was changed.")


def _over(text: str) -> PressReply:
    return PressReply(notice=text, replace=Message(blocks=(Line(text),)))


async def _show(services: Services, watched: Watched, limits: RiskLimits) -> Message:
    try:
        violations = await services.manager(watched.account_id).check_risk_limits()
    except (CannotAssess, ReadFailed) as exc:
        return cannot(services, watched, exc)
    broken = {violation.limit for violation in violations}
    rows = [(short(limit), shown(limit, getattr(limits, limit.value)), _state(limit, broken)) for limit in LimitName]
    count = len(violations)
    headline = f"{watched.nickname}: {count} limit breach{'' if count == 1 else 'es'}" if count else (
        f"{watched.nickname}: all checked limits hold"
    )  # fmt: skip
    details = [
        Line(
            f"{v.limit.value}{f' {name(v.market)}' if v.market else ''}:"
            f" {shown(v.limit, v.value)}, limit {shown(v.limit, v.threshold)}"
        )
        for v in violations
    ]
    return reply(
        services, watched, Line(headline, strong=True), *details, fit(rows, header=("limit", "value", "")),
        Line("Change: /limits NAME VALUE. '-' is not checked yet: it needs return statistics."),
    )  # fmt: skip


def short(limit: LimitName) -> str:
    """A limit's name without max_ or min_, as it may also be typed."""
    return limit.value.removeprefix("max_").removeprefix("min_")


def _state(limit: LimitName, broken: set[LimitName]) -> str:
    if limit not in CHECKED:
        return numbers.UNKNOWN
    return "OVER" if limit in broken else "ok"


def shown(limit: LimitName, value: float) -> str:
    """A limit or a measured value in the limit's own unit, a breach never rounded away."""
    if limit in _FRACTIONS:
        return numbers.percent_of_fraction(value, rounding=numbers.Rounding.UP)
    if limit is LimitName.MIN_HEALTH_RATIO:
        return numbers.health_ratio(value)
    if limit is LimitName.MAX_POSITION_SIZE_USD:
        return numbers.usd(value, rounding=numbers.Rounding.UP)
    return numbers.leverage(value)


COMMAND = Command(
    name="limits",
    usage="/limits [account] [NAME VALUE]",
    summary="show limits and breaches, or change one",
    run=run,
    presses={CONFIRM: confirm, CANCEL: cancel},
    press_role=Role.ADMIN,
)
