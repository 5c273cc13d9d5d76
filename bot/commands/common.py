"""What several commands need: which account is meant, and the line that says where numbers come from."""

from collections.abc import Sequence

from bot.commands.spec import Services, Usage
from bot.messages import Block, Line, Message
from bot.roster import UnknownNickname, Watched
from bot.text.clean import name
from bot.text.provenance import provenance
from risk.errors import CannotAssess, ReadFailed


def account_of(services: Services, args: Sequence[str]) -> tuple[Watched, tuple[str, ...]]:
    """The account a command is about and the remaining arguments: the first one if it names an account, else the
    only or first account. Raises: Usage when nothing is watched."""
    if not len(services.roster):
        raise Usage("No account is watched. Set ACCOUNTS, or run keel setup.")
    if args:
        try:
            return services.roster.find(args[0]), tuple(args[1:])
        except UnknownNickname:
            pass
    return services.roster.all[0], tuple(args)


def require_named(services: Services, args: Sequence[str], rest: Sequence[str]) -> None:
    """For changes: where several accounts are watched, the account must be named. Raises: Usage."""
    if len(services.roster) > 1 and len(rest) == len(args):
        known = ", ".join(account.nickname for account in services.roster.all)
        raise Usage(f"Say which account: {known}.")


def only_account(services: Services, args: Sequence[str]) -> Watched:
    """As account_of, for commands without further arguments. Raises: Usage, naming the accounts there are."""
    watched, rest = account_of(services, args)
    if rest:
        known = ", ".join(account.nickname for account in services.roster.all)
        raise Usage(f"No account is called {name(rest[0])}. Accounts: {known}.")
    return watched


def origin(services: Services, account: str) -> Line:
    """Account, age of the data, slot."""
    view = services.fleet.latest
    return Line(
        provenance(
            account=account,
            age_s=services.fleet.age_s(),
            slot=view.book.slot if view else None,
            stale=bool(services.fleet.why_stale()),
        )
    )


def doubtful(services: Services, watched: Watched, answer: str) -> str:
    """The first line of an answer with figures: what cannot be trusted now says so before its first figure."""
    known = not services.fleet.problems(watched.account_id)
    return f"{watched.nickname}: {answer}" if known else f"{watched.nickname}: UNKNOWN, last {answer}"


def reply(services: Services, watched: Watched, *blocks: Block) -> Message:
    """An answer about one account: the blocks, what must be known to believe them, and where they come from."""
    warnings = [Line(f"! {reason}") for reason in services.fleet.problems(watched.account_id)]
    return Message(blocks=(*blocks, *warnings, *_notices(services), origin(services, watched.nickname)))


def reply_of_all(services: Services, *blocks: Block) -> Message:
    """An answer about all accounts, as reply() for one."""
    stale, view = services.fleet.why_stale(), services.fleet.latest
    warnings = [Line(f"! {stale}")] if stale else []
    for watched in services.roster.all if view else ():
        own = [reason for reason in services.fleet.problems(watched.account_id) if reason != stale]
        warnings += [Line(f"! {watched.nickname}: {reason}") for reason in own]
    source = origin(services, f"{len(services.roster)} accounts")
    return Message(blocks=(*blocks, *warnings, *_notices(services), source))


def _notices(services: Services) -> list[Block]:
    """What the venue says of itself."""
    view = services.fleet.latest
    return [Line(f"note: {notice}") for notice in view.book.notices] if view else []


def cannot(services: Services, watched: Watched, error: CannotAssess | ReadFailed) -> Message:
    """The answer when there is none: the reasons, never a number."""
    # What is wrong with the data says more than that a figure is missing because of it.
    known = services.fleet.problems(watched.account_id) if services.fleet.latest else ()
    reasons = known or (error.reasons if isinstance(error, CannotAssess) else (str(error),))
    lines: list[Block] = [Line(f"{watched.nickname}: cannot be assessed now", strong=True)]
    lines += [Line(f"! {reason}") for reason in reasons]
    return Message(blocks=(*lines, origin(services, watched.nickname)))
