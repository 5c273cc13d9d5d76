"""/digest: the day in one message, now or every day at somebody's own time."""

import re
from datetime import time

from bot.charts import Theme
from bot.commands.spec import Command, Denied, Request, Services, Usage, Where
from bot.digests.compose import compose
from bot.digests.days import newest_day
from bot.messages import Address, Line, Message
from bot.text.ages import clock, zone_name
from bot.text.reader import reader
from storage import DIGEST_MINUTE, THEME, DigestState, LinkedPerson, Receiver

_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?(am|pm)?", re.ASCII)
_NOON = 12


async def run(services: Services, request: Request) -> Message:
    if request.person is None:
        raise Denied("Only linked people get a digest.")
    words = " ".join(request.args).lower()
    if not words:
        return await _standing(services, request.person)
    if words == "now":
        theme = await services.personal.get(THEME, request.person.person_id) or THEME.default
        return await compose(services, theme=Theme(theme.value))
    if words == "off":
        await switch_off(services, request.person)
    else:
        await set_time(services, request.person, request.address if request.private else None, words)
    return await _standing(services, request.person)


async def set_time(services: Services, person: LinkedPerson, address: Address | None, text: str) -> None:
    """A digest every day at a time, beginning with the next one.

    Args:
        address: A chat that only they read; None where it was asked for elsewhere.

    Raises: Usage; Denied.
    """
    minute = minute_of(text)
    if await services.people.by_id(person.person_id) is None:
        raise Denied("The terminal has no day of its own: ask /digest now, or link a chat and ask there.")
    own = [one for one in await services.people.chats() if one.person_id == person.person_id and one.private]
    where = next((one for one in own if address is not None and (one.transport, one.chat) == (
        address.transport, address.chat)), own[-1] if own else None)  # fmt: skip
    if where is None:
        raise Denied("Write to me in private first: a digest goes to a chat that only you read.")
    now = services.clock.now()
    await services.personal.put(DIGEST_MINUTE, minute, person.person_id, now)
    receiver = Receiver(transport=where.transport, chat=where.chat, thread=where.thread)
    told = newest_day(minute, reader().zone, now)
    await services.digests.put(DigestState(person_id=person.person_id, receiver=receiver, told=told))


async def switch_off(services: Services, person: LinkedPerson) -> None:
    """No digest any more."""
    await services.digests.off(person.person_id)


async def digest_time(services: Services, person: LinkedPerson) -> time | None:
    """When somebody's digest comes; None where it does not."""
    if not any(state.person_id == person.person_id for state in await services.digests.all()):
        return None
    minute = await services.personal.get(DIGEST_MINUTE, person.person_id)
    minute = DIGEST_MINUTE.default if minute is None else minute
    return time(minute // 60, minute % 60)


def minute_of(text: str) -> int:
    """Minute of the day: ``8``, ``08:00``, ``7.30``, ``7:30 pm``. Raises: Usage."""
    match = _TIME.fullmatch(text.lower().replace(" ", ""))
    hour = int(match[1]) if match else -1
    if match and match[3]:
        hour = hour % _NOON + (_NOON if match[3] == "pm" else 0) if 1 <= hour <= _NOON else -1
    minute = int(match[2] or 0) if match else 0
    if not (0 <= hour < 24 and minute < 60):
        raise Usage("A time of day is written like 08:00 or 7:30 pm.")
    return hour * 60 + minute


async def _standing(services: Services, person: LinkedPerson) -> Message:
    at = await digest_time(services, person)
    if at is None:
        return Message(blocks=(
            Line("You get no digest.", strong=True), Line("/digest 08:00 sends one every day, /digest now at once."),
        ))  # fmt: skip
    zone = zone_name(services.clock.now())
    return Message(blocks=(
        Line(f"Your digest comes every day at {clock(at)} {zone}.", strong=True),
        Line("/digest now shows one at once, /digest off ends it. Your time zone is set with /settings zone."),
    ))  # fmt: skip


COMMAND = Command(
    name="digest", usage="/digest [now | HH:MM | off]", summary="the day in one message", run=run, where=Where.PRIVATE
)
