"""What several commands need: which account is meant, and the line that says where numbers come from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.commands.spec import Denied, Services, Usage
from bot.last_good import health_from
from bot.messages import Block, Line, Message
from bot.roster import UnknownNickname, Watched
from bot.text.ages import age
from bot.text.clean import name
from bot.text.numbers import health_percent
from bot.text.provenance import provenance
from risk.errors import CannotAssess, ReadFailed
from risk.fleet import FleetView
from storage import LinkedPerson, Role

MOST_WARNINGS = 6


def account_of(services: Services, args: Sequence[str]) -> tuple[Watched, tuple[str, ...]]:
    """The account a command is about and the remaining arguments: the first one if it names an account, else the
    only or first account, which is the default of whoever asks. Raises: Usage when there is none; NotHere."""
    if not len(services.roster):
        raise Usage(services.roster.why_empty)
    if args:
        try:
            return services.roster.find(args[0]), tuple(args[1:])
        except UnknownNickname:
            pass
    return services.roster.all[0], tuple(args)


def require_named(services: Services, args: Sequence[str], rest: Sequence[str]) -> None:
    """For changes: where several accounts are watched, the account must be named. Raises: Usage."""
    if len(services.roster) > 1 and len(rest) == len(args):
        raise Usage(f"Say which account: {services.roster.names}.")


def require_role(person: LinkedPerson | None, needed: Role, watched: Watched) -> None:
    """For what is done to one account. Raises: Denied, unless somebody holds the role for it."""
    held = None if person is None else person.access.role(watched.account_id)
    if held is None or not held.includes(needed):
        raise Denied.role(needed, held, f"for {watched.nickname}")


def only_account(services: Services, args: Sequence[str]) -> Watched:
    """As account_of, for commands without further arguments. Raises: Usage, naming the accounts there are."""
    watched, rest = account_of(services, args)
    if rest:
        raise Usage(f"No account is called {name(rest[0])}. Accounts: {services.roster.names}.")
    return watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The newest figures of an account that could be trusted when they were read.

    Attributes:
        problems: Why nothing newer can be said; empty where these hold now.
    """

    view: FleetView
    watched: Watched
    problems: tuple[str, ...]

    def first(self, answer: str) -> str:
        """The first line of an answer: what does not hold now says so before its first figure."""
        return f"{self.watched.nickname}: {f'UNKNOWN, last {answer}' if self.problems else answer}"


async def sight(services: Services, watched: Watched) -> Sight:
    """What can be shown of an account.

    Raises: ReadFailed before the first reading; CannotAssess, with every reason, where nothing good is remembered.
    """
    await services.view()
    problems = services.fleet.problems(watched.account_id)
    good = services.fleet.last_good(watched.account_id)
    if good is None:
        raise CannotAssess(problems)
    return Sight(view=good, watched=watched, problems=problems)


def seen(services: Services, sight: Sight, *blocks: Block) -> Message:
    """An answer from a sight: the blocks, why nothing newer is known, and where they come from."""
    warnings = [Line(f"! {reason}") for reason in sight.problems]
    if sight.view is services.fleet.latest:
        source = origin(services, sight.watched.nickname)
    else:
        age_s = (services.clock.now() - sight.view.book.observed_at).total_seconds()
        slot = sight.view.book.slot
        source = Line(provenance(account=sight.watched.nickname, age_s=age_s, slot=slot, stale=True))
    return Message(blocks=(*blocks, *warnings, *_notices(services), source))


async def nothing_good(services: Services, watched: Watched, error: CannotAssess) -> Message:
    """As cannot(), with the last health that an earlier process knew."""
    message = cannot(services, watched, error)
    last = await services.snapshots.last_good(watched.account_id)
    if last is None:
        return message
    ago = age((services.clock.now() - last.observed_at).total_seconds())
    known = Line(f"Its last known health was {health_percent(health_from(last).health_percent)}, {ago} ago.")
    return Message(blocks=(*message.blocks[:-1], known, message.blocks[-1]))


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


def perp_markets(services: Services, view: FleetView) -> tuple[str, ...]:
    """Perp markets of a view in which accounts that whoever asks may see have something; what others hold is theirs."""
    rows, at = view.book.perps, [view.position_of(one) for one in services.roster.account_ids if one in view]
    touched = set(rows.market[np.isin(rows.account, at)].tolist())
    return tuple(one for market, one in enumerate(view.book.perp_markets.names) if market in touched)


def reply(services: Services, watched: Watched, *blocks: Block) -> Message:
    """An answer about one account: the blocks, what must be known to believe them, and where they come from."""
    warnings = [Line(f"! {reason}") for reason in services.fleet.problems(watched.account_id)]
    return Message(blocks=(*blocks, *warnings, *_notices(services), origin(services, watched.nickname)))


def reply_of_all(services: Services, *blocks: Block) -> Message:
    """An answer about all accounts, as reply() for one."""
    stale, view = services.fleet.why_stale(), services.fleet.latest
    warnings = [Line(f"! {stale}")] if stale else []
    own: list[Block] = []
    for watched in services.roster.all if view else ():
        reasons = [reason for reason in services.fleet.problems(watched.account_id) if reason != stale]
        own += [Line(f"! {watched.nickname}: {reason}") for reason in reasons]
    if len(own) > MOST_WARNINGS:
        own = [*own[:MOST_WARNINGS], Line(f"! and {len(own) - MOST_WARNINGS} more like these")]
    number = len(services.roster)
    source = origin(services, f"{number} account{'' if number == 1 else 's'}")
    return Message(blocks=(*blocks, *warnings, *own, *_notices(services), source))


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
