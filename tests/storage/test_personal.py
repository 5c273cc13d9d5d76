"""What belongs to a person: names for accounts, settings, digests; and cards that wait for an answer."""

import asyncio
from datetime import date

import pytest

from storage import (
    DEFAULT_ACCOUNT,
    DIGEST_MINUTE,
    NUMBERS,
    TWELVE_HOURS,
    ZONE,
    BadRow,
    Cards,
    Digests,
    DigestState,
    Personal,
    Receiver,
    Setting,
    Store,
)
from tests.storage.builders import NOW, after

HOME = Receiver(transport="telegram", chat="1001")


async def test_everybody_calls_accounts_what_they_like(store: Store) -> None:
    personal = Personal(store)
    assert await personal.name_account("ann", "a", "Whale")
    assert await personal.name_account("bob", "b", "whale"), "Ann's names are hers"
    assert not await personal.name_account("ann", "b", "WHALE"), "whatever the case"
    assert await personal.name_account("ann", "a", "whale"), "her own may be written another way"
    assert await personal.nicknames("ann") == {"a": "whale"}
    assert await personal.all_nicknames() == {("ann", "a"): "whale", ("bob", "b"): "whale"}
    assert await personal.forget_nickname("ann", "a")
    assert not await personal.forget_nickname("ann", "a")
    assert await personal.nicknames("ann") == {}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (NUMBERS, "en_IN"), (ZONE, "Europe/Berlin"), (TWELVE_HOURS, True), (DIGEST_MINUTE, 0), (DIGEST_MINUTE, 1439),
        (DEFAULT_ACCOUNT, "a"),
    ],
)  # fmt: skip
async def test_a_setting_is_one_persons(store: Store, setting: Setting[object], value: object) -> None:
    personal = Personal(store)
    assert await personal.get(setting, "ann") is None
    await personal.put(setting, value, "ann", NOW)
    assert await personal.get(setting, "ann") == value
    assert await personal.get(setting, "bob") is None
    assert await personal.everybodys(setting) == {"ann": value}
    await personal.forget(setting, "ann")
    assert await personal.get(setting, "ann") is None


@pytest.mark.parametrize(("setting", "text"), [(DIGEST_MINUTE, "1440"), (DIGEST_MINUTE, "x"), (TWELVE_HOURS, "maybe")])
async def test_a_setting_this_version_does_not_understand_says_so(
    store: Store, setting: Setting[object], text: str
) -> None:
    personal = Personal(store)
    await personal.put(Setting(key=setting.key, default="", encode=str, decode=str), text, "ann", NOW)

    with pytest.raises(BadRow, match="set it again"):
        await personal.get(setting, "ann")
    assert await personal.everybodys(setting) == {}


async def test_a_card_is_taken_once(store: Store) -> None:
    cards = Cards(store)
    handle = await cards.put("{}", NOW, after(120))
    taken = await asyncio.gather(*(cards.take(handle, after(1)) for _ in range(8)))

    assert (taken.count("{}"), taken.count(None)) == (1, 7)
    assert len(handle.encode()) <= 24


async def test_a_card_expires_and_is_forgotten(store: Store) -> None:
    cards = Cards(store)
    handle = await cards.put("old", NOW, after(120))
    assert await cards.take("no such handle", NOW) is None
    await cards.put("new", after(121), after(240))

    assert await cards.take(handle, after(119)) is None, "the next card swept it away"
    late = await cards.put("late", NOW, after(120))
    assert await cards.take(late, after(121)) is None


async def test_a_digest_is_told_day_by_day(store: Store) -> None:
    digests = Digests(store)
    state = DigestState(person_id="ann", receiver=HOME, told=date(2026, 1, 4))
    await digests.put(state)
    await digests.trying("ann", date(2026, 1, 5))
    assert [one.trying for one in await digests.all()] == [date(2026, 1, 5)]
    await digests.told("ann", date(2026, 1, 5))
    assert await digests.all() == (DigestState(person_id="ann", receiver=HOME, told=date(2026, 1, 5)),)
    assert await digests.off("ann")
    assert not await digests.off("ann")
    assert await digests.all() == ()
