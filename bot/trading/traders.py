"""Where the people are who may trade an account."""

from collections.abc import Sequence

from storage import CardPlace, People, Receiver, Role


class Traders:
    """Chats in which a card may be shown.

    Args:
        always: Receivers beside the linked chats: the terminal.
    """

    def __init__(self, people: People, always: Sequence[Receiver] = ()) -> None:
        self._people = people
        self._always = tuple(CardPlace(transport=one.transport, chat=one.chat, thread=one.thread) for one in always)

    async def places(self, account_id: str) -> tuple[CardPlace, ...]:
        """Private chats of traders of an account, and the groups that hear of it."""
        audience = await self._people.audience()
        found = [
            CardPlace(transport=chat.transport, chat=chat.chat, thread=chat.thread)
            for chat in audience.hearing(account_id)
            if not chat.private or audience.access[chat.person_id].may(Role.TRADER, account_id)
        ]
        return tuple(dict.fromkeys([*found, *self._always]))
