"""Cards whose meaning is too long for a button: it is stored, and goes with the first press that takes it."""

from typing import TypeVar

from pydantic import TypeAdapter

from bot.commands.cards import VALID_FOR
from bot.commands.spec import Services
from bot.messages import Button

T = TypeVar("T")


async def buttons(services: Services, prefix: str, cancel: str, meaning: object) -> tuple[tuple[Button, ...], ...]:
    """Confirm and Cancel for a card.

    Args:
        prefix: Of the button that confirms.
        meaning: A frozen dataclass that says all there is to do.
    """
    now = services.clock.now()
    body = TypeAdapter(type(meaning)).dump_json(meaning).decode()
    handle = await services.cards.put(body, now, now + VALID_FOR)
    return ((Button("Confirm", f"{prefix}:{handle}"), Button("Cancel", cancel)),)


async def taken(services: Services, kind: type[T], handle: str) -> T | None:
    """What a card means, for one press; None where it does not hold any more.

    Raises: ValueError, for what a card of this kind never means.
    """
    body = await services.cards.take(handle, services.clock.now())
    return None if body is None else TypeAdapter(kind).validate_json(body)
