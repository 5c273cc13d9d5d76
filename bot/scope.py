"""What somebody may see, where they ask. Commands are handed services cut to that, and need not know of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.commands.spec import Services
from bot.messages import Address
from bot.personal_roster import personal
from bot.sight import AllowedAnswers, SeenIncidents
from storage import DEFAULT_ACCOUNT, Audience, LinkedPerson


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is said.

    Attributes:
        own: Nobody but the person reads it.
        linked: An admin linked it.
        speaks_of: Whether a group may hear of an account.
    """

    own: bool
    linked: bool
    speaks_of: Callable[[str], bool]


OWN = Place(own=True, linked=True, speaks_of=lambda _: True)


class Scopes:
    """Cuts services down to a person and a place."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def place(self, address: Address, *, private: bool) -> Place:
        """What may be said at an address.

        An answer that its platform shows to nobody else is private wherever it was asked for. A topic that nobody
        linked may hear what its group may.
        """
        if private or (address.reply_to and not address.shared):
            return OWN
        people = self._services.people
        chat = await people.chat(address.transport, address.chat, address.thread)
        if chat is None and address.thread:
            chat = await people.chat(address.transport, address.chat)
        linker = None if chat is None else await people.by_id(chat.person_id)
        if chat is None or linker is None or linker.revoked_at is not None:
            told = self._services.book.told_in(address.transport, address.chat, address.thread)
            if told is None:
                return Place(own=False, linked=False, speaks_of=lambda _: False)
            # The file of routes tells this chat; what it is told of may be answered there.
            return Place(own=False, linked=True, speaks_of=lambda account_id: not account_id or account_id in told)
        if chat.private:
            return OWN
        audience = Audience(chats=(chat,), access={linker.person_id: linker.access})
        return Place(own=False, linked=True, speaks_of=lambda account_id: audience.may_hear(chat, account_id))

    async def services(self, person: LinkedPerson, place: Place = OWN) -> Services:
        """The services of the process as this person may use them there."""
        whole, access = self._services, person.access
        names = await whole.personal.nicknames(person.person_id)
        default = await whole.personal.get(DEFAULT_ACCOUNT, person.person_id) or ""
        speaks_of = None if place.own else place.speaks_of
        roster = personal(
            whole.roster, may_see=access.may_see, may_speak_of=speaks_of, nicknames=names, default_account=default
        )
        incidents = SeenIncidents(whole.incidents, access, speaks_of)
        return replace(
            whole, roster=roster, incidents=incidents, answers=AllowedAnswers(whole.answers, incidents, access)
        )
