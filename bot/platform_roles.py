"""What the roles of a chat platform add to, and take from, what a linked person may do. Decided at every press.

A platform's role never makes a stranger known, never shows anybody an account they may not see, and never makes an
admin: it can only raise what somebody may do with the accounts that were given to them, or hold it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.messages import Person
from storage import EVERYWHERE, Access, LinkedPerson, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRoles:
    """The rules of one platform.

    Attributes:
        platform: Whose people they concern.
        granted: What a role of the platform, by its id, lets linked people do at least.
        required: Who holds none of these may only look; nothing is required where it is empty. Where the platform says
            nothing of roles, as in direct messages, nobody holds one.
    """

    platform: str
    granted: Mapping[str, Role] = field(default_factory=dict)
    required: frozenset[str] = frozenset()

    def applied(self, person: LinkedPerson, sender: Person) -> LinkedPerson:
        """The person as they may act here and now.

        Args:
            sender: As the platform vouches for them with this very command or press.
        """
        if sender.transport != self.platform:
            return person
        if self.hold_back(sender):
            return replace(person, access=_at_most(person.access, Role.VIEWER))
        given = [role for held, role in self.granted.items() if held in sender.roles]
        access = person.access
        for role in given:
            access = _at_least(access, role)
        return person if access is person.access else replace(person, access=access)

    def hold_back(self, sender: Person) -> bool:
        """Whether a role is missing that has to be there."""
        return sender.transport == self.platform and bool(self.required) and not self.required & sender.roles

    def hint(self, sender: Person) -> str:
        """Why somebody may do less here than elsewhere, as a sentence that can follow a refusal."""
        return f" Here it takes a role of {self.platform.title()}'s besides." if self.hold_back(sender) else ""


def parse_granted(text: str) -> Mapping[str, Role]:
    """``ROLE_ID=responder`` with commas between.

    Raises: ValueError, also for admin: that is given by Keel itself, with /people.

    >>> parse_granted("77=responder")
    {'77': <Role.RESPONDER: 'responder'>}
    """
    found: dict[str, Role] = {}
    known = ", ".join(role.value for role in Role if role is not Role.ADMIN)
    for number, part in enumerate((part.strip() for part in text.split(",")), start=1):
        if not part:
            continue
        held, _, given = (piece.strip() for piece in part.partition("="))
        if not (held.isascii() and held.isdigit() and len(held) <= 20):
            raise ValueError(f"entry {number} must be a role's id, =, and one of {known}")
        try:
            role = Role(given.lower())
        except ValueError:
            raise ValueError(f"entry {number} must give one of {known}") from None
        if role is Role.ADMIN:
            raise ValueError(f"entry {number} makes admins; those are named with /people. Give one of {known}")
        if held in found:
            raise ValueError(f"entry {number} names a role a second time")
        found[held] = role
    return found


def _at_least(access: Access, role: Role) -> Access:
    """Raised where somebody has a role at all; no account is added."""
    if access.owner or all(held.includes(role) for held in access.roles.values()):
        return access
    return Access(roles={one: held if held.includes(role) else role for one, held in access.roles.items()})


def _at_most(access: Access, role: Role) -> Access:
    roles = {EVERYWHERE: Role.ADMIN} if access.owner else access.roles
    return Access(roles={one: role if held.includes(role) else held for one, held in roles.items()})
