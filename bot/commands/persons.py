"""Who is meant, where somebody names a person, and what a person may know of the others."""

import hashlib
from collections.abc import Callable, Sequence

from bot.commands.role_words import ALL_ACCOUNTS
from bot.commands.spec import Denied, Services, Usage
from bot.roster import UnknownNickname, listed
from bot.text.clean import name
from storage import EVERYWHERE, Access, Grant, LinkedPerson, Role

_MARK_DIGITS = 6


def mark(person: LinkedPerson) -> str:
    """Tells persons of one name apart, and names them in buttons."""
    return hashlib.sha256(person.person_id.encode()).hexdigest()[:_MARK_DIGITS]


def shown(person: LinkedPerson) -> str:
    """What a person is called."""
    return name(person.display_name or person.user_id)


async def known_to(services: Services, asker: LinkedPerson) -> tuple[LinkedPerson, ...]:
    """The persons an admin may know of: everybody, or those with a role for an account they are admin of."""
    everybody = await services.people.linked()
    return tuple(one for one in everybody if one.person_id == asker.person_id or shares(asker.access, one.access))


def shares(asker: Access, other: Access) -> bool:
    """Whether an admin is admin of something that somebody has a role for."""
    if asker.everywhere_includes(Role.ADMIN):
        return True
    return any(account_id != EVERYWHERE and asker.may(Role.ADMIN, account_id) for account_id in other.roles)


async def find(services: Services, asker: LinkedPerson, text: str) -> LinkedPerson:
    """The person somebody names: by what they are called, by their mark, or by their id on a platform.

    Raises: Usage, where nobody or more than one is called so.
    """
    known = await known_to(services, asker)
    wanted = text.removeprefix("#").lower()
    exact = [one for one in known if wanted in (shown(one).lower(), mark(one), one.user_id.lower())]
    found = exact or [one for one in known if wanted and shown(one).lower().startswith(wanted)]
    if not found:
        raise Usage(f"Nobody is called {name(text)}. There is {listed(shown(one) for one in known)}.")
    if len(found) > 1:
        several = ", ".join(f"{shown(one)} #{mark(one)}" for one in found[:6])
        raise Usage(f"{name(text)} may be several: {several}. Use the number.")
    return found[0]


def label_for(services: Services) -> Callable[[str], str | None]:
    """What whoever asks calls an account; None for one they may not see."""
    names = {watched.account_id: watched.nickname for watched in services.roster.all}
    return names.get


def accounts_named(services: Services, words: Sequence[str], *, overheard: bool = False) -> tuple[str, ...]:
    """Ids of the accounts that are named, EVERYWHERE for none or for "all".

    Args:
        overheard: Others read along who may not know of the accounts there are.

    Raises: Usage; NotHere.
    """
    if not words or [word.lower() for word in words] == [ALL_ACCOUNTS]:
        return (EVERYWHERE,)
    found: dict[str, None] = {}
    for word in words:
        try:
            found[services.roster.find(word.rstrip(",")).account_id] = None
        except UnknownNickname as exc:
            known = "" if overheard else f" Accounts: {services.roster.names}."
            raise Usage(f"No account is called {name(word)}.{known}") from exc
    return tuple(found)


def require_givable(services: Services, asker: LinkedPerson, grants: Sequence[Grant]) -> None:
    """Raises: Denied, unless an admin may give, and take, such roles."""
    for grant in grants:
        if not asker.access.may_give(grant):
            if grant.account_id == EVERYWHERE:
                raise Denied("Only an admin of all accounts may do that for all of them: name the accounts.")
            raise Denied(f"Only an admin of {name(services.roster.label(grant.account_id))} may do that.")
