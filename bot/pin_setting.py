"""keel pin: a PIN given or taken away at the machine itself, while the bot does not run."""

import unicodedata
from pathlib import Path

from bot.app import local_owner
from risk.ports import Clock
from storage import BadPin, LinkedPerson, People, Pins, Store

CONSOLE = "keel pin"


async def set_pin(database: Path, person: str, pin: str, clock: Clock) -> str:
    """Give somebody a PIN; a sentence that says so. Raises: BadPin, DatabaseLocked while the bot runs, StorageError."""
    async with await Store.open(database) as store:
        found = await _found(store, person, clock)
        await Pins(store).set(found.person_id, pin, clock.now(), by=CONSOLE)
    return f"{found.display_name} has a new PIN."


async def clear_pin(database: Path, person: str, clock: Clock) -> str:
    """Take somebody's PIN away; a sentence that says so. Raises: DatabaseLocked while the bot runs, StorageError."""
    async with await Store.open(database) as store:
        found = await _found(store, person, clock)
        had = await Pins(store).clear(found.person_id, clock.now(), by=CONSOLE)
    return f"{found.display_name} has no PIN any more." if had else f"{found.display_name} had no PIN."


async def _found(store: Store, person: str, clock: Clock) -> LinkedPerson:
    linked = (*await People(store).linked(), local_owner(clock))
    by_id = [one for one in linked if one.person_id == person]
    named = by_id or [one for one in linked if _folded(one.display_name) == _folded(person)]
    if len(named) == 1:
        return named[0]
    known = ", ".join(f"{one.display_name} ({one.person_id})" for one in named or linked)
    if named:
        raise BadPin(f"Several people are called {person}; give an id instead: {known}.")
    raise BadPin(f"Nobody is called {person}; the people Keel knows: {known}.")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()
