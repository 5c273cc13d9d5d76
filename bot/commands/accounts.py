"""/accounts: what may be seen, how each fares, what it is called, and which one is meant where none is named."""

from bot.commands.common import reply_of_all
from bot.commands.health import health_now
from bot.commands.spec import Command, Denied, PressReply, PressRequest, Request, Services, Usage
from bot.commands.watch import nickname_of
from bot.messages import Button, Line, Message
from bot.roster import UnknownNickname, Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.tables import fit
from storage import DEFAULT_ACCOUNT, LinkedPerson, Role

PAGE = "accounts"
_ON_A_PAGE = 20
_OFF = ("-", "off")


async def run(services: Services, request: Request) -> Message:
    words = list(request.args)
    if not words:
        return await _page(services, request.person, 0)
    if request.person is None:
        raise Denied("Only linked people may do that.")
    match words[0].lower():
        case "name" if len(words) == 3:
            return await _name(services, request.person, words[1], words[2])
        case "default" if len(words) == 2:
            return await _default(services, request.person, words[1])
        case number if number.isascii() and number.isdigit() and len(number) < 5 and len(words) == 1:
            return await _page(services, request.person, int(number) - 1)
        case _:
            raise Usage(
                "To change what you call one: /accounts name main whale. To choose one: /accounts default main."
            )


async def page(services: Services, press: PressRequest) -> PressReply:
    return PressReply(replace=await _page(services, press.person, int(press.args[0])))


async def _page(services: Services, person: LinkedPerson | None, number: int) -> Message:
    everything = services.roster.all
    if not everything:
        return Message(blocks=(Line(services.roster.why_empty),))
    pages = -(-len(everything) // _ON_A_PAGE)
    number = min(max(number, 0), pages - 1)
    here = everything[number * _ON_A_PAGE : (number + 1) * _ON_A_PAGE]
    chosen = (await services.personal.get(DEFAULT_ACCOUNT, person.person_id) or "") if person else ""
    rows = [_row(services, watched, chosen=watched.account_id == chosen) for watched in here]
    where = f", page {number + 1} of {pages}" if pages > 1 else ""
    first = f"{numbers.count(len(everything))} account{'' if len(everything) == 1 else 's'}{where}"
    turns = [(number - 1, "Back")] * (number > 0) + [(number + 1, "More")] * (number < pages - 1)
    buttons = tuple(Button(label, f"{PAGE}:{to}") for to, label in turns)
    meant = f"Without a name {everything[0].nickname} is meant{', your default (*)' if chosen else ''}."
    how = "Change: /accounts name ACCOUNT NEW, /accounts default ACCOUNT."
    table = fit(rows, header=("account", "tier", "ratio", "health"))
    message = reply_of_all(services, Line(first, strong=True), table, Line(meant), Line(how))
    return Message(blocks=message.blocks, buttons=(buttons,) if buttons else ())


def _row(services: Services, watched: Watched, *, chosen: bool) -> tuple[str, str, str, str]:
    tier, ratio, health = health_now(services, watched)
    return f"{watched.nickname}{'*' if chosen else ''}", tier.name, ratio, health


async def _name(services: Services, person: LinkedPerson, text: str, wanted: str) -> Message:
    watched = _find(services, text)
    if wanted.lower() in _OFF:
        await services.personal.forget_nickname(person.person_id, watched.account_id)
        return Message(blocks=(Line(f"You call {watched.nickname} again what everybody does."),))
    nickname = nickname_of(wanted)
    others = {one.nickname.lower() for one in services.roster.all if one != watched}
    if nickname.lower() in others or nickname.lower() in {one.lower() for one in _reserved()}:
        raise Usage(f"{nickname} means something else already; choose another name.")
    if not await services.personal.name_account(person.person_id, watched.account_id, nickname):
        raise Usage(f"You call another account {nickname}; choose another name.")
    return Message(
        blocks=(Line(f"You call {watched.nickname} {nickname} from now on.", strong=True),
                Line("Others call it what they did. Both names are understood when you write them."))
    )  # fmt: skip


async def _default(services: Services, person: LinkedPerson, text: str) -> Message:
    if text.lower() in _OFF:
        await services.personal.forget(DEFAULT_ACCOUNT, person.person_id)
        return Message(blocks=(Line("You have no default account any more: the first one is meant."),))
    watched = _find(services, text)
    await services.personal.put(DEFAULT_ACCOUNT, watched.account_id, person.person_id, services.clock.now())
    return Message(blocks=(Line(f"{watched.nickname} is meant from now on where you name none."),))


def _find(services: Services, text: str) -> Watched:
    try:
        return services.roster.find(text)
    except UnknownNickname as exc:
        raise Usage(f"No account is called {name(text)}. Accounts: {services.roster.names}.") from exc


def _reserved() -> tuple[str, ...]:
    """Words that commands give a meaning of their own where an account may be named."""
    return ("all", "off", "none", "for", "-")


COMMAND = Command(
    name="accounts", usage="/accounts [name ACCOUNT NEW | default ACCOUNT]",
    summary="your accounts, each with its health", run=run, presses={PAGE: page}, press_role=Role.VIEWER,
)  # fmt: skip
