"""Who is known, as what, from where: the facts People takes and gives."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

EVERYWHERE = ""  # stands for all accounts, those to come included

_NOTHING: Mapping[str, "Role"] = MappingProxyType({})


class Role(StrEnum):
    """What a person may do; each role includes those before it."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    TRADER = "trader"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether everything the other role may do is allowed to this one."""
        return _ROLES.index(self) >= _ROLES.index(other)


_ROLES = tuple(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role for one account, or for all of them: EVERYWHERE."""

    account_id: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What one person may do, account by account. Pure.

    Attributes:
        owner: Admin of everything, whatever the roles say.
        roles: By account id; EVERYWHERE for all of them.
    """

    owner: bool = False
    roles: Mapping[str, Role] = field(default_factory=lambda: _NOTHING)

    @classmethod
    def of(cls, grants: Iterable[Grant], *, owner: bool = False) -> "Access":
        return cls(owner=owner, roles={grant.account_id: grant.role for grant in grants})

    def role(self, account_id: str) -> Role | None:
        """The role for an account; for what concerns no single one, an empty id, the strongest held anywhere."""
        if self.owner:
            return Role.ADMIN
        if not account_id:
            return self.strongest
        held = [self.roles[one] for one in (account_id, EVERYWHERE) if one in self.roles]
        return max(held, key=_ROLES.index, default=None)

    def may(self, needed: Role, account_id: str) -> bool:
        """Whether they hold a role for an account."""
        held = self.role(account_id)
        return held is not None and held.includes(needed)

    def may_see(self, account_id: str) -> bool:
        """Whether anything of an account may be shown to them. What concerns all of them, an empty id, may be."""
        return self.role(account_id) is not None

    @property
    def everywhere(self) -> Role | None:
        """The role for all accounts, those to come included."""
        return Role.ADMIN if self.owner else self.roles.get(EVERYWHERE)

    def everywhere_includes(self, needed: Role) -> bool:
        held = self.everywhere
        return held is not None and held.includes(needed)

    @property
    def strongest(self) -> Role | None:
        """The best role for any account."""
        return Role.ADMIN if self.owner else max(self.roles.values(), key=_ROLES.index, default=None)

    def may_give(self, grant: Grant) -> bool:
        """Whether they may give such a role to somebody, or take it away: admins may, for what they are admins of."""
        if grant.account_id == EVERYWHERE:
            return self.everywhere_includes(Role.ADMIN)
        return self.may(Role.ADMIN, grant.account_id)

    def governs(self, other: "Access") -> bool:
        """Whether they may decide about somebody with such rights altogether. Only the owner governs the owner."""
        if other.owner:
            return self.owner
        if self.everywhere_includes(Role.ADMIN):
            return True
        return bool(other.roles) and all(
            self.may_give(Grant(account_id=account_id, role=role)) for account_id, role in other.roles.items()
        )

    def with_grants(self, more: Iterable[Grant]) -> "Access":
        """With roles added; none is taken away."""
        roles = dict(self.roles)
        for grant in more:
            held = roles.get(grant.account_id)
            if held is None or not held.includes(grant.role):
                roles[grant.account_id] = grant.role
        return Access(owner=self.owner, roles=roles)


NO_ACCESS = Access()
EVERYTHING = Access(owner=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedPerson:
    """Somebody the bot knows.

    Attributes:
        transport: The platform on which they were met this time, and ``user_id`` who they are there.
        owner: The one who started the bot; stays an admin of everything.
        revoked_at: From then on a stranger; None while linked.
        access: What they may do.
    """

    person_id: str
    transport: str
    user_id: str
    display_name: str
    owner: bool
    linked_at: datetime
    revoked_at: datetime | None = None
    access: Access = NO_ACCESS

    @property
    def role(self) -> Role:
        """What they may do where no single account is concerned. Of somebody with roles for some accounts only: see."""
        return self.access.everywhere or Role.VIEWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person on one platform. ``user_id`` is the platform's own and decides; the name is decoration."""

    platform: str
    user_id: str
    person_id: str
    display_name: str
    linked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedChat:
    """A chat somebody linked.

    Attributes:
        transport: The sender that reaches it: two bots on one platform are two senders.
        private: Only that person reads it; it hears of what they may see.
        accounts: What a group may hear of, EVERYWHERE for all; means nothing in a private chat.
        removed_at: Since when the bot is not in it any more.
    """

    transport: str
    chat: str
    thread: str
    person_id: str
    private: bool
    linked_at: datetime
    accounts: frozenset[str] = frozenset()
    removed_at: datetime | None = None

    def allows(self, account_id: str) -> bool:
        """Whether a group may hear of an account, or of what concerns all of them, an empty id."""
        return not account_id or EVERYWHERE in self.accounts or account_id in self.accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlinkedGroup:
    """A group the bot is in and nobody has linked.

    Attributes:
        inside: Its chats, where it is made of several.
        leave_at: When the bot leaves it, unless somebody links it.
    """

    transport: str
    chat: str
    leave_at: datetime
    inside: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who is there to hear, and what they may: one look, good for one decision. Pure.

    Attributes:
        chats: Those of people who are linked, where the bot still is.
        access: By person id, of everybody who is linked.
    """

    chats: tuple[LinkedChat, ...] = ()
    access: Mapping[str, Access] = field(default_factory=dict)

    def may_see(self, person_id: str, account_id: str) -> bool:
        """Whether a person may see an account; an empty id is what concerns everybody."""
        return self.access.get(person_id, NO_ACCESS).may_see(account_id)

    def may_hear(self, chat: LinkedChat, account_id: str) -> bool:
        """Whether a chat may hear of an account.

        A private chat hears what its person may see. A group hears what it was linked for, as long as whoever linked it
        is still an admin of that.
        """
        access = self.access.get(chat.person_id, NO_ACCESS)
        if chat.private:
            return access.may_see(account_id)
        return chat.allows(account_id) and access.may(Role.ADMIN, account_id)

    def hearing(self, account_id: str) -> tuple[LinkedChat, ...]:
        """The chats that may hear of an account."""
        return tuple(chat for chat in self.chats if self.may_hear(chat, account_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkClaim:
    """Somebody shows a link code.

    Attributes:
        person_id: For somebody new; one who was linked before keeps the old one.
        transport: The platform.
        via: The sender that heard them, where it is not called as the platform is.
        merge: They are linked as somebody else and want to be one person with whom the code is for.
    """

    person_id: str
    transport: str
    user_id: str
    display_name: str
    chat: str
    thread: str = ""
    private: bool = True
    via: str = ""
    merge: bool = False

    @property
    def sender(self) -> str:
        return self.via or self.transport


class LinkRefusal(StrEnum):
    """Why a link code was not accepted. Those that begin with INVITATION are about codes that people gave."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    LOCKED_OUT = "locked_out"
    INVITATION_EXPIRED = "invitation_expired"
    INVITATION_USED = "invitation_used"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    LINKED_AS_ANOTHER = "linked_as_another"
