"""/settings: how somebody reads, which account they mean, when their digest comes. Theirs alone, in every chat."""

from collections.abc import Sequence

from bot.commands.digest import digest_time, set_time, switch_off
from bot.commands.spec import Command, Denied, PressReply, PressRequest, Request, Services, Usage, Where
from bot.messages import Address, Button, Line, Message
from bot.reading import Styles
from bot.roster import UnknownNickname
from bot.text.ages import clock, day_and_moment
from bot.text.clean import name
from bot.text.locales import UnknownNumbers, number_style
from bot.text.numbers import price
from bot.text.reader import reading_as
from bot.text.tables import fit
from bot.text.zones import UnknownZone, zone
from storage import (
    DEFAULT_ACCOUNT,
    NUMBERS,
    THEME,
    TWELVE_HOURS,
    ZONE,
    LinkedPerson,
    Role,
    Theme,
)

SET = "set"
_EXAMPLE = 1_234_567.5
_OFF = ("off", "none", "-")
_BUTTONS = (
    (("1,234.5", "numbers:en"), ("1.234,5", "numbers:de"), ("1 234,5", "numbers:fr"), ("12,34,567", "numbers:in")),
    (("UTC", "zone:UTC"), ("New York", "zone:America/New_York"), ("London", "zone:Europe/London"),
     ("Berlin", "zone:Europe/Berlin"), ("Singapore", "zone:Asia/Singapore")),
    (("24 h", "clock:24"), ("12 h", "clock:12"), ("dark", "theme:dark"), ("light", "theme:light")),
    (("Digest 8:00", "digest:08=00"), ("No digest", "digest:off")),
)  # fmt: skip


async def run(services: Services, request: Request) -> Message:
    if request.person is None:
        raise Denied("Only linked people have settings.")
    if request.args:
        if len(request.args) < 2:
            raise Usage("Say what it is to be, such as /settings numbers de.")
        own = request.address if request.private else None
        await _set(services, request.person, own, request.args[0].lower(), request.args[1:])
    return await _shown(services, request.person, changed=bool(request.args))


async def press(services: Services, press: PressRequest) -> PressReply:
    what, value = press.args
    await _set(services, press.person, press.address if press.private else None, what, [value.replace("=", ":")])
    return PressReply(notice="Set", replace=await _shown(services, press.person, changed=True))


async def _set(
    services: Services, person: LinkedPerson, address: Address | None, what: str, words: Sequence[str]
) -> None:
    """Raises: Usage, saying what would do."""
    personal, now, value = services.personal, services.clock.now(), " ".join(words)
    try:
        match what:
            case "numbers":
                await personal.put(NUMBERS, number_style(value).locale, person.person_id, now)
            case "zone" | "timezone":
                await personal.put(ZONE, zone(value).key, person.person_id, now)
            case "clock":
                await personal.put(TWELVE_HOURS, _clock(value), person.person_id, now)
            case "theme":
                await personal.put(THEME, _theme(value), person.person_id, now)
            case "account":
                await _account(services, person, value)
            case "digest" if value.lower() in _OFF:
                await switch_off(services, person)
            case "digest":
                # In the zone as it is set, not as it was when the question came.
                with reading_as(await Styles(personal, services.people).of_person(person.person_id)):
                    await set_time(services, person, address, value)
            case _:
                raise Usage(f"{name(what)} is no setting. There is numbers, zone, clock, account, digest and theme.")
    except (UnknownNumbers, UnknownZone) as exc:
        raise Usage(f"{str(exc)[:1].upper()}{str(exc)[1:]}") from exc


def _clock(value: str) -> bool:
    hours = value.lower().removesuffix("h").strip()
    if hours not in ("12", "24"):
        raise Usage("A clock counts to 12 or to 24.")
    return hours == "12"


def _theme(value: str) -> Theme:
    try:
        return Theme(value.lower())
    except ValueError as exc:
        raise Usage(f"A theme is {' or '.join(Theme)}.") from exc


async def _account(services: Services, person: LinkedPerson, value: str) -> None:
    if value.lower() in _OFF:
        await services.personal.forget(DEFAULT_ACCOUNT, person.person_id)
        return
    try:
        watched = services.roster.find(value)
    except UnknownNickname as exc:
        raise Usage(f"No account is called {name(value)}. Accounts: {services.roster.names}.") from exc
    await services.personal.put(DEFAULT_ACCOUNT, watched.account_id, person.person_id, services.clock.now())


async def _shown(services: Services, person: LinkedPerson, *, changed: bool) -> Message:
    """All settings, in the way they say."""
    style = await Styles(services.personal, services.people).of_person(person.person_id)
    with reading_as(style):
        chosen = await services.personal.get(DEFAULT_ACCOUNT, person.person_id) or ""
        known = chosen in services.roster.account_ids
        account = services.roster.label(chosen) if known else "the first"
        at = await digest_time(services, person)
        theme = await services.personal.get(THEME, person.person_id) or THEME.default
        rows = [
            ("numbers", f"{style.numbers.locale}: {price(_EXAMPLE)}"),
            ("zone", str(style.zone)),
            ("clock", f"{12 if style.twelve_hours else 24} h"),
            ("account", account),
            ("digest", clock(at) if at else "off"),
            ("theme", theme.value),
        ]
        now = day_and_moment(services.clock.now())
    return Message(
        blocks=(
            Line("Set." if changed else "Your settings", strong=True),
            fit(rows, shrink=(1,)),
            Line(f"It is {now}."),
            Line(
                "Change: /settings numbers de, zone Europe/Berlin, clock 12, account main, digest 08:00, theme light."
            ),
            Line("Any language or country does for numbers, any name of the IANA database for the zone."),
        ),
        buttons=tuple(tuple(Button(label, f"{SET}:{value}") for label, value in row) for row in _BUTTONS),
    )


COMMAND = Command(
    name="settings", usage="/settings [numbers|zone|clock|account|digest|theme VALUE]", summary="how you like to read",
    run=run, presses={SET: press}, press_role=Role.VIEWER, where=Where.PRIVATE,
)  # fmt: skip
