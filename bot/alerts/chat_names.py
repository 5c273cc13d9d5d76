"""What people call the chats that alerts go to."""

from collections.abc import Mapping

from bot.text.clean import name
from storage import People, Personal, Receiver

_CONSOLE, _SERVICE = "console", "service:"  # whoever sits at the terminal is a person of that id
_PLATFORMS = {"telegram": "Telegram", "discord": "Discord"}


class ChatNames:
    """Names chats by who reads them: a person, or a group somebody linked.

    Args:
        personal: The names people gave accounts; None where nobody did.
    """

    def __init__(self, people: People, personal: Personal | None = None) -> None:
        self._people, self._personal = people, personal

    async def of(self, receiver: Receiver) -> str:
        """Such as ``Ann on Telegram`` or ``group -1001 on Telegram``."""
        if receiver.transport == _CONSOLE:
            return "the console"
        if receiver.transport.startswith(_SERVICE):
            return f"the service {name(receiver.transport.removeprefix(_SERVICE))}"
        where = _PLATFORMS.get(receiver.transport, receiver.transport)
        chat = await self._people.chat(receiver.transport, receiver.chat, receiver.thread)
        if chat is None or not chat.private:
            topic = f", topic {receiver.thread}" if receiver.thread else ""
            return f"group {name(receiver.chat)}{topic} on {where}"
        return f"{await self.of_person(chat.person_id)} on {where}"

    async def accounts(self, receiver: Receiver) -> Mapping[str, str]:
        """What whoever reads a private chat calls accounts, by id; nothing where they go by the name everybody uses."""
        chat = await self._people.chat(receiver.transport, receiver.chat, receiver.thread)
        if self._personal is None or chat is None or not chat.private:
            return {}
        return await self._personal.nicknames(chat.person_id)

    async def of_person(self, person_id: str) -> str:
        """The name somebody goes by."""
        if person_id == _CONSOLE:
            return "the console"
        person = await self._people.by_id(person_id)
        return name(person.display_name or person.user_id) if person is not None else "somebody"
