"""What each chat wants to hear: kept, changed by one at a time, forgotten when it is over, moved with its chat."""

import asyncio
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from risk.decisions.hearing import EVERYTHING, ChatPreferences, DigestPlan, Verbosity
from risk.decisions.quiet_hours import QuietSpan
from risk.decisions.tiers import Tier
from storage import Outbox, Preferences, Receiver, Store
from storage.columns import moment
from tests.storage.builders import NOW, after, make_notice, open_with_notices

HOME = Receiver(transport="telegram", chat="1001")
TOPIC = Receiver(transport="telegram", chat="1001", thread="7")
DESK = Receiver(transport="telegram-desk2", chat="1001")
RICH = ChatPreferences(
    zone=ZoneInfo("Europe/Berlin"),
    quiet=(QuietSpan(begins_minute=780, ends_minute=840), QuietSpan(begins_minute=1320, ends_minute=1860)),
    verbosity=Verbosity.IMPORTANT,
    digest=DigestPlan(at_minute=450, every_h=6),
    muted={"SOL-PERP": after(3_600)},
    silenced={"account": after(60)},
    events={"deposit": False, "order_placed": True},
)


async def test_a_chat_nobody_asked_wants_everything(store: Store) -> None:
    assert await Preferences(store).of(HOME) == EVERYTHING


async def test_everything_a_chat_wants_is_there_after_a_restart(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.db") as store:
        assert await Preferences(store).change(HOME, lambda _: RICH, NOW) == RICH
    async with await Store.open(tmp_path / "keel.db") as store:
        again = Preferences(store)

        assert await again.of(HOME) == RICH
        assert await again.all() == {HOME: RICH}


async def test_chats_threads_and_senders_have_wishes_of_their_own(store: Store) -> None:
    preferences = Preferences(store)
    await preferences.change(TOPIC, lambda _: RICH, NOW)

    assert await preferences.of(TOPIC) == RICH
    assert await preferences.of(HOME) == await preferences.of(DESK) == EVERYTHING


async def test_a_change_is_made_of_what_is_stored_and_not_of_what_was_read_before(store: Store) -> None:
    preferences = Preferences(store)

    def mute(number: int, before: ChatPreferences) -> ChatPreferences:
        return replace(before, muted={**before.muted, f"M{number}": after(60)})

    await asyncio.gather(*(preferences.change(HOME, partial(mute, number), NOW) for number in range(8)))

    assert sorted((await preferences.of(HOME)).muted) == [f"M{number}" for number in range(8)]


async def test_what_is_over_is_forgotten_at_the_next_change(store: Store) -> None:
    preferences = Preferences(store)
    await preferences.change(HOME, lambda _: RICH, NOW)
    later = await preferences.change(HOME, lambda before: before, after(60))

    assert later.silenced == {}
    assert later.muted == RICH.muted


async def test_a_zone_this_machine_does_not_know_any_more_is_utc_and_silences_nobody(store: Store) -> None:
    await Preferences(store).change(HOME, lambda _: RICH, NOW)
    await store.run(lambda db: db.execute("UPDATE chat_preferences SET zone = 'Atlantis/Lost'"))

    found = await Preferences(store).of(HOME)

    assert found == replace(RICH, zone=ZoneInfo("UTC"))


async def test_a_chat_that_moves_takes_its_wishes_along(store: Store) -> None:
    preferences = Preferences(store)
    moved = Receiver(transport="telegram", chat="-1002")
    await preferences.change(HOME, lambda _: RICH, NOW)
    await preferences.change(moved, lambda before: replace(before, verbosity=Verbosity.CRITICAL), NOW)
    await preferences.move_chat(HOME, moved)

    assert await preferences.all() == {moved: RICH}
    await preferences.move_chat(HOME, DESK)
    await preferences.move_chat(moved, moved)
    assert await preferences.all() == {moved: RICH}


async def test_what_is_held_for_a_chat_can_be_brought_forward_and_never_pushed_back(store: Store) -> None:
    night, soon = after(8 * 3_600), after(600)
    await open_with_notices(
        store,
        replace(make_notice("held", receiver=HOME, tier=Tier.HIGH), hold_until=night),
        replace(make_notice("elsewhere", receiver=DESK, tier=Tier.HIGH), hold_until=night),
    )
    preferences, outbox = Preferences(store), Outbox(store)

    async def due() -> dict[str, datetime]:
        rows = await store.run(lambda db: list(db.query("SELECT outbox_id, due_at FROM outbox")))
        return {row["outbox_id"]: moment(row, "due_at") for row in rows}

    assert await preferences.bring_forward(HOME, {Tier.WARNING.value: NOW}) == 0
    assert await preferences.bring_forward(HOME, {Tier.HIGH.value: soon}) == 1
    assert await preferences.bring_forward(HOME, {Tier.HIGH.value: night}) == 0
    assert await due() == {"held": soon, "elsewhere": night}
    assert (await outbox.counts()).dead == 0
