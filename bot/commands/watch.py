"""/watch and /unwatch: accounts that join and leave while the bot runs. Each is looked at first, then confirmed."""

from dataclasses import dataclass

from bot.commands import cards, pending
from bot.commands.spec import Command, PressReply, PressRequest, Request, Services, Usage, Where
from bot.messages import Block, Line, Message
from bot.roster import UnknownNickname, short
from bot.text import numbers
from bot.text.clean import name, sentence
from bot.text.tables import fit
from bot.watching import MOST_ACCOUNTS, Found, Watching
from risk.errors import ReadFailed
from storage import AccountSource, Role

WATCH, NO_WATCH, UNWATCH, NO_UNWATCH = "watch", "watch-no", "unwatch", "unwatch-no"
_LONGEST_NICKNAME = 24
_IN_FILE = "It stands in the setting ACCOUNTS: take it out there and restart. Chat cannot overrule the file."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a card is about."""

    account_id: str
    nickname: str


async def run(services: Services, request: Request) -> Message:
    if not 1 <= len(request.args) <= 2:
        raise Usage("Say which account: an address, or a wallet and a number such as WALLET:0.")
    try:
        found = await services.watching.look(request.args[0])
    except ReadFailed as exc:
        raise Usage(f"{sentence(str(exc))}.") from exc
    if found.watched:
        return Message(
            blocks=(
                Line(f"{short(found.account_id)} is watched already, as {services.roster.label(found.account_id)}."),
            )
        )
    nickname = _nickname(services, request.args[1:], found)
    return Message(
        blocks=(
            Line(f"Watch {short(found.account_id)} as {nickname}?", strong=True),
            Line(found.account_id),
            *_sight(found),
            Line(cards.HOLDS),
        ),
        buttons=await pending.buttons(
            services, WATCH, NO_WATCH, Wish(account_id=found.account_id, nickname=nickname)
        ),
    )  # fmt: skip


def _nickname(services: Services, words: tuple[str, ...], found: Found) -> str:
    if words:
        wanted = nickname_of(words[0])
        if services.watching.free_nickname(wanted) != wanted:
            raise Usage(f"An account is called {wanted} already; choose another nickname.")
        return wanted
    own = "-".join(name(found.chain_name, columns=_LONGEST_NICKNAME, fallback="").split())
    return services.watching.free_nickname(own or found.account_id[:4])


def nickname_of(text: str) -> str:
    """A nickname as it may be kept: visible, in one word, not too long. Raises: Usage."""
    wanted = "-".join(name(text, columns=len(text) + 1, fallback="").split())
    if not wanted or name(wanted, columns=_LONGEST_NICKNAME) != wanted:
        raise Usage(f"A nickname is one word that can be seen, of at most {_LONGEST_NICKNAME} columns.")
    return wanted


def _sight(found: Found) -> list[Block]:
    """What was found there."""
    if found.problems:
        return [Line(f"! {reason}") for reason in found.problems]
    summary = found.summary
    return [
        fit(
            [
                ("Equity", numbers.usd(summary.total_value)),
                ("Leverage", numbers.leverage(summary.leverage)),
                ("Health ratio", numbers.health_ratio(summary.health_ratio)),
                ("Positions", numbers.count(len(summary.positions))),
            ]
        )
    ]


async def watch(services: Services, press: PressRequest) -> PressReply:
    wish = await pending.taken(services, Wish, press.args[0])
    if wish is None:
        return cards.over("This card does not hold any more. Nothing was changed; ask again with /watch.")
    match await services.watching.watch(wish.account_id, wish.nickname):
        case Watching.DONE:
            first = Line(f"{wish.nickname} is watched from now on.", strong=True)
            rest = f"{cards.confirmed_by(press)} /tiers {wish.nickname} shows when it warns, /limits its limits."
            return PressReply(notice="Watched", replace=Message(blocks=(first, Line(rest))))
        case Watching.TOO_MANY:
            return cards.over(f"{numbers.count(MOST_ACCOUNTS)} accounts are watched, and that is the most.")
        case Watching.NICKNAME_TAKEN:
            return cards.over(f"An account is called {wish.nickname} by now. Nothing was changed; choose another name.")
        case _:
            return cards.over("It is watched already.")


async def ask_unwatch(services: Services, request: Request) -> Message:
    if len(request.args) != 1:
        raise Usage(f"Say which account: {services.roster.names}.")
    try:
        watched = services.roster.find(request.args[0])
    except UnknownNickname as exc:
        raise Usage(f"No account is called {name(exc.text)}. Accounts: {services.roster.names}.") from exc
    entry = await services.accounts.find(watched.account_id)
    if entry is not None and entry.source is AccountSource.FILE:
        return Message(blocks=(Line(f"{watched.nickname} cannot be taken off from here.", strong=True), Line(_IN_FILE)))
    return Message(
        blocks=(
            Line(f"Watch {watched.nickname} no longer?", strong=True),
            Line("Nobody is warned of it then. Its history, limits and tiers stay for when it comes back."),
            Line(cards.HOLDS),
        ),
        buttons=await pending.buttons(
            services, UNWATCH, NO_UNWATCH, Wish(account_id=watched.account_id, nickname=watched.nickname)
        ),
    )  # fmt: skip


async def unwatch(services: Services, press: PressRequest) -> PressReply:
    wish = await pending.taken(services, Wish, press.args[0])
    if wish is None:
        return cards.over("This card does not hold any more. Nothing was changed; ask again with /unwatch.")
    match await services.watching.unwatch(wish.account_id):
        case Watching.DONE:
            first = Line(f"{wish.nickname} is watched no longer.", strong=True)
            return PressReply(notice="Done", replace=Message(blocks=(first, Line(cards.confirmed_by(press)))))
        case Watching.IN_FILE:
            return cards.over(f"{wish.nickname} cannot be taken off from here. {_IN_FILE}")
        case _:
            return cards.over("It was not watched any more.")


COMMAND = Command(
    name="watch", usage="/watch ADDRESS|WALLET:NUMBER [nickname]", summary="watch one more account", run=run,
    role=Role.ADMIN, press_role=Role.ADMIN, where=Where.PRIVATE, presses={WATCH: watch, NO_WATCH: cards.cancel},
)  # fmt: skip

UNWATCH_COMMAND = Command(
    name="unwatch", usage="/unwatch ACCOUNT", summary="watch an account no longer", run=ask_unwatch, role=Role.ADMIN,
    press_role=Role.ADMIN, where=Where.PRIVATE, presses={UNWATCH: unwatch, NO_UNWATCH: cards.cancel},
)  # fmt: skip
