"""How people and chats read, as they set it."""

from dataclasses import replace

import structlog

from bot.text.locales import number_style
from bot.text.reader import PLAIN, ReadingStyle
from bot.text.zones import zone
from storage import NUMBERS, TWELVE_HOURS, ZONE, People, Personal, Receiver

log = structlog.get_logger()

_CONSOLE = "console"  # the terminal as a transport, and whoever sits at it as a person: nobody links it


class Styles:
    """Reading styles of persons, and of the chats they linked: a group reads as whoever linked it."""

    def __init__(self, personal: Personal, people: People) -> None:
        self._personal, self._people = personal, people

    async def of_person(self, person_id: str) -> ReadingStyle:
        """How one person reads."""
        stored = await self._personal.stored(person_id)
        style = PLAIN
        try:
            style = replace(style, numbers=number_style(stored.get(NUMBERS.key, NUMBERS.default)))
            style = replace(style, zone=zone(stored.get(ZONE.key, ZONE.default)))
            if TWELVE_HOURS.key in stored:
                style = replace(style, twelve_hours=TWELVE_HOURS.decode(stored[TWELVE_HOURS.key]))
        except ValueError as exc:
            # Set where another machine's data was at hand; nothing may fall silent over how it is written.
            log.warning("reading.unknown_style", error=str(exc))
        return style

    async def of(self, receiver: Receiver) -> ReadingStyle:
        """How a chat reads; plainly where nobody linked it. The terminal reads as whoever sits at it."""
        if receiver.transport == _CONSOLE:
            return await self.of_person(_CONSOLE)
        linked = await self._people.chat(receiver.transport, receiver.chat, receiver.thread)
        return PLAIN if linked is None else await self.of_person(linked.person_id)
