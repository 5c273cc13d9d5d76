"""Roles in words, for whoever may know of the accounts they are for."""

from collections.abc import Callable, Iterable

from bot.roster import listed
from bot.text.clean import name
from storage import EVERYWHERE, Access, Grant, Role

ALL_ACCOUNTS = "all"
NO_ROLE = "none"


def roles(access: Access, label: Callable[[str], str | None]) -> str:
    """What somebody may do.

    Args:
        label: What whoever reads this calls an account; None for one they may not see, which is then left out.
    """
    if access.owner:
        return "the owner"
    parts = [access.roles[EVERYWHERE].value] if EVERYWHERE in access.roles else []
    for role in reversed(Role):
        called = [label(one) for one, held in access.roles.items() if held is role and one != EVERYWHERE]
        known = sorted(name(one) for one in called if one is not None)
        if known:
            parts.append(f"{role.value} of {listed(known)}")
    return ", ".join(parts) or "no role"


def grants(given: Iterable[Grant], label: Callable[[str], str]) -> str:
    """Roles that are given together, all the same one: ``viewer of main, whale``, ``admin of all accounts``."""
    known = tuple(given)
    if any(grant.account_id == EVERYWHERE for grant in known):
        return f"{known[0].role.value} of all accounts"
    return f"{known[0].role.value} of {listed(name(label(grant.account_id)) for grant in known)}"


def role_of(text: str) -> Role | None:
    """The role somebody typed; None for what is none."""
    return next((role for role in Role if role.value == text.lower()), None)
