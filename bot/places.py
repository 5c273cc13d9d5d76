"""The chats Keel talks to of its own accord, each with the accounts it may hear of and the names used there."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from bot.messages import Address
from bot.personal_roster import personal
from bot.roster import Roster
from bot.text.reader import PLAIN, ReadingStyle
from storage import EVERYWHERE, NO_ACCESS, Audience, LinkedChat, People, Personal, Receiver, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One chat. ``labels`` are found when they are asked for: with many chats and accounts that is most of the work."""

    receiver: Receiver
    find_labels: Callable[[], Mapping[str, str]] = field(compare=False, repr=False)

    @property
    def address(self) -> Address:
        one = self.receiver
        return Address(transport=one.transport, chat=one.chat, thread=one.thread)

    def labels(self) -> Mapping[str, str]:
        """What accounts are called there, by account id: those it may hear of, in their order."""
        return self.find_labels()


async def plainly(receiver: Receiver) -> ReadingStyle:
    """How a chat reads where nobody set it."""
    return PLAIN


class Places:
    """Every linked chat whose transport is there, and the terminal where somebody sits at one.

    Args:
        own_names: What people call accounts; None where nobody calls them anything else.
        console: The terminal; it hears of everything.
    """

    def __init__(
        self,
        *,
        people: People,
        own_names: Personal,
        roster: Roster,
        transports: Collection[str],
        console: Receiver | None = None,
    ) -> None:
        self._people, self._own_names, self._roster = people, own_names, roster
        self._transports, self._console = transports, console

    async def all(self) -> tuple[Place, ...]:
        """As they are now."""
        audience = await self._people.audience()
        names: dict[str, dict[str, str]] = {}
        for (person_id, account_id), nickname in (await self._own_names.all_nicknames()).items():
            names.setdefault(person_id, {})[account_id] = nickname
        found: dict[Receiver, Place] = {}
        for chat in audience.chats:
            if chat.transport in self._transports:
                own = names.get(chat.person_id, {}) if chat.private else {}
                find = partial(self._labels, audience, chat, own)
                receiver = Receiver(transport=chat.transport, chat=chat.chat, thread=chat.thread, route="linked")
                found.setdefault(receiver, Place(receiver=receiver, find_labels=find))
        if self._console is not None:
            found.setdefault(self._console, Place(receiver=self._console, find_labels=self._everything))
        return tuple(found.values())

    async def heard(self) -> tuple[tuple[Receiver, tuple[str, ...] | None], ...]:
        """Every linked chat with the ids of the accounts it may hear of; None for all, those to come included.

        Quick with many chats and accounts: what is allowed for everything is not looked through account by account.
        """
        audience = await self._people.audience()
        known = frozenset(self._roster.account_ids)
        found: dict[Receiver, tuple[str, ...] | None] = {}
        for chat in audience.chats:
            if chat.transport in self._transports:
                receiver = Receiver(transport=chat.transport, chat=chat.chat, thread=chat.thread)
                found.setdefault(receiver, _hears(audience, chat, known))
        return tuple(found.items())

    def _labels(self, audience: Audience, chat: LinkedChat, own: Mapping[str, str]) -> Mapping[str, str]:
        seen = personal(self._roster, may_see=partial(audience.may_hear, chat), nicknames=own)
        return {one.account_id: one.nickname for one in seen.all}

    def _everything(self) -> Mapping[str, str]:
        return {one.account_id: one.nickname for one in self._roster.all}


def _hears(audience: Audience, chat: LinkedChat, known: frozenset[str]) -> tuple[str, ...] | None:
    access = audience.access.get(chat.person_id, NO_ACCESS)
    everywhere = access.everywhere is not None if chat.private else access.everywhere_includes(Role.ADMIN)
    if everywhere and (chat.private or EVERYWHERE in chat.accounts):
        return None
    # Nothing is held for an account that stands neither in the roles nor in what the group was linked for.
    named = frozenset(access.roles) | chat.accounts
    candidates = known if EVERYWHERE in named else known & named
    return tuple(sorted(account_id for account_id in candidates if audience.may_hear(chat, account_id)))
