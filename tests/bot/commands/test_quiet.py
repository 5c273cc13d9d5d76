"""/quiet: what can be said, what is refused and in which words, and what comes of it in the chat."""

import pytest

from bot.messages import Address, Tone, Unreachable
from storage import Role
from tests.support.bot_world import HOME, OWNER, BotWorld, bot_world
from tests.support.recording_transport import Sent
from venues.errors import VenueUnavailable

ROUND_NOON = "/quiet 11:00-13:00 UTC"  # the clock of these tests stands at noon
ONE = 3_600


async def told(world: BotWorld, seconds: float) -> list[Sent]:
    """What is delivered once so much time has passed and nothing new has happened."""
    before = len(world.alerts)
    world.clock.pass_s(seconds)
    await world.deliver()
    return world.alerts[before:]


async def press(world: BotWorld, card: Sent, label: str, *, user: str = OWNER) -> str:
    return await world.press(card.data(label), user=user, ref=card.ref)


SHOWN = {
    "22:00-07:00 Europe/Berlin": "Quiet hours: 22:00-07:00, Europe/Berlin.",
    "22-7": "Quiet hours: 22:00-07:00, UTC.",
    "10pm-7am new york": "Quiet hours: 22:00-07:00, America/New_York.",
    "22:00–7.30 utc": "Quiet hours: 22:00-07:30, UTC.",
    "22:00 - 07:00, 13:00 - 14:00": "Quiet hours: 13:00-14:00, 22:00-07:00, UTC.",
    "20:00-24:00": "Quiet hours: 20:00-00:00, UTC.",
    "22:00-07:00 06:00-09:00": "Quiet hours: 22:00-09:00, UTC.",
}  # fmt: skip


@pytest.mark.parametrize(("typed", "first"), SHOWN.items())
async def test_hours_are_understood_however_they_are_written(typed: str, first: str) -> None:
    async with bot_world() as world:
        answer = await world.answer(f"/quiet {typed}")

        assert answer.first == first
        assert [button.label for row in answer.message.buttons for button in row] == ["Undo"]


async def test_hours_that_overlap_become_one_and_that_is_said() -> None:
    async with bot_world() as world:
        answer = await world.answer("/quiet 22:00-07:00 06:00-09:00 07:00-07:30")

        assert "Times that overlap or touch became one." in answer.text


REFUSED = {
    "22:00-07:00 Europe/Berln": "There is no time zone Europe/Berln; did you mean Europe/Berlin",
    "22:00-07:00 Mars/Olympus": "There is no time zone Mars/Olympus; write it like Europe/Berlin, or UTC.",
    "22:00-07:00 +02:00": "There is no time zone +02:00; write it like Europe/Berlin, or UTC.",
    "22:00-07:00 UTC+2": "There is no time zone UTC+2; did you mean UTC?",
    "25:00-07:00": "25:00 is no time of day.",
    "22:00-07:61": "07:61 is no time of day.",
    "13pm-7am": "13pm is no time of day.",
    "22:00-22:00": "22:00-22:00 has no length. Quiet hours cannot cover the whole day",
    "00:00-12:00 12:00-24:00": "Quiet hours cannot cover the whole day: nothing held back would ever be told.",
    "22:00": "22:00 is no stretch of time; write it like 22:00-07:00.",
    "berlin": "Say from when to when, such as 22:00-07:00 Europe/Berlin.",
    "off now": "To end quiet hours say /quiet off and nothing more.",
    " ".join(f"{hour}:00-{hour}:30" for hour in range(9)): "At most 8 stretches of a day can be quiet.",
    "22:00-07:00 " + "x" * 500: "There is no time zone xxxxxxxxxxxxxxxxxxxxxxx…;",
}  # fmt: skip


@pytest.mark.parametrize(("typed", "sentence"), REFUSED.items())
async def test_what_cannot_be_is_refused_in_words_and_changes_nothing(typed: str, sentence: str) -> None:
    async with bot_world() as world:
        answer = await world.answer(f"/quiet {typed}")

        assert answer.first.startswith(sentence)
        assert answer.text.split("\n")[-1] == "Usage: /quiet [off | HH:MM-HH:MM ... [ZONE]]"
        assert (await world.answer("/quiet")).first == "No quiet hours here"


async def test_the_zone_is_that_of_whoever_asks_and_then_that_of_the_chat() -> None:
    async with bot_world() as world:
        await world.answer("/settings zone Asia/Tokyo")

        assert (await world.answer("/quiet 22:00-07:00")).first == "Quiet hours: 22:00-07:00, Asia/Tokyo."
        assert (await world.answer("/quiet 21:00-07:00 UTC")).first == "Quiet hours: 21:00-07:00, UTC."
        assert (await world.answer("/quiet 20:00-07:00")).first == "Quiet hours: 20:00-07:00, UTC."


async def test_more_than_half_the_day_is_asked_about_first() -> None:
    async with bot_world() as world:
        card = await world.answer("/quiet 08:00-22:00 UTC")

        assert card.first == "Quiet for 14 h of every day?"
        assert (await world.answer("/quiet 00:00-23:59 UTC")).first == "Quiet for 23 h 59 min of every day?"
        assert (await world.answer("/quiet")).first == "No quiet hours here"
        assert await press(world, card, "Confirm") == "Changed"
        assert (await world.answer("/quiet")).first == "Quiet until 22:00 UTC: 08:00-22:00"


async def test_high_waits_for_the_morning_critical_does_not() -> None:
    async with bot_world() as world:
        await world.answer(ROUND_NOON)

        assert await world.check(140) == []
        assert await world.check(110) == ["CRITICAL"]
        assert world.alerts[-1].message.tone is Tone.URGENT
        assert await told(world, ONE) == []  # the newest word has taken the place of what was held


async def test_what_is_held_is_told_when_quiet_ends() -> None:
    async with bot_world() as world:
        await world.answer(ROUND_NOON)
        await world.check(140)

        assert await told(world, ONE - 60) == []
        (alert,) = await told(world, 60)
        assert alert.first.startswith("HIGH main: ")
        assert "Kept for you since 12:00:05 UTC." in alert.text
        assert alert.message.tone is Tone.NORMAL


async def test_what_is_over_before_quiet_ends_is_not_told_at_all() -> None:
    async with bot_world() as world:
        await world.answer(ROUND_NOON)
        await world.checks(10, 140)
        await world.checks(90, 400)

        assert await told(world, ONE) == []


async def test_unknown_comes_at_once_without_a_sound() -> None:
    async with bot_world() as world:
        await world.check(400)
        await world.answer(ROUND_NOON)
        world.reader.error = VenueUnavailable("no endpoint answers; try later")
        heard = await world.checks(60)

        assert "UNKNOWN" in heard
        assert world.alerts[-1].message.tone is Tone.QUIET


async def test_what_was_held_comes_as_soon_as_quiet_is_switched_off_and_undo_brings_it_back() -> None:
    async with bot_world() as world:
        await world.answer(ROUND_NOON)
        await world.check(140)
        off = await world.answer("/quiet off")

        assert off.text == "No quiet hours any more.\nWhat was held comes now."
        (alert,) = await told(world, 1)
        assert alert.first.startswith("HIGH main: ")
        assert await press(world, off, "Undo") == "Taken back"
        assert (await world.answer("/quiet")).first == "Quiet until 13:00 UTC: 11:00-13:00"
        assert await press(world, off, "Undo") == "This can no longer be taken back here; say it anew."


async def test_one_chat_sleeps_and_another_does_not() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.RESPONDER, chat="office")
        await world.answer(ROUND_NOON)
        await world.check(140)

        assert [alert.chat for alert in world.alerts] == ["office"]


async def test_in_a_group_whoever_may_answer_alerts_decides_and_a_viewer_does_not() -> None:
    async with bot_world() as world:
        await world.link(OWNER, Role.ADMIN, chat="group", private=False)
        await world.link("vera", Role.VIEWER)
        await world.link("rob", Role.RESPONDER)

        (refusal,) = await world.say("/quiet 22-7", user="vera", chat="group", private=False)
        assert refusal.text == "This needs the role responder to change what a group hears; yours is viewer."
        (granted,) = await world.say("/quiet 22-7", user="rob", chat="group", private=False)
        assert granted.first == "Quiet hours: 22:00-07:00, UTC."
        (own,) = await world.say("/quiet 23-6", user="vera", chat="vera")
        assert own.first == "Quiet hours: 23:00-06:00, UTC."
        assert (await world.answer("/quiet")).first == "No quiet hours here"


async def test_a_card_means_nothing_in_another_chat_after_its_time_or_from_somebody_who_may_not() -> None:
    async with bot_world() as world:
        await world.link(OWNER, Role.ADMIN, chat="group", private=False)
        await world.link("vera", Role.VIEWER)
        (card,) = await world.say("/quiet 08:00-22:00 UTC", chat="group", private=False)

        assert await press(world, card, "Confirm", user="vera") == (
            "This needs the role responder to change what a group hears; yours is viewer."
        )
        assert (await world.press(card.data("Confirm"))).startswith("This card has expired.")  # pressed at home
        (card,) = await world.say("/quiet 08:00-22:00 UTC", chat="group", private=False)
        world.clock.pass_s(121)
        assert (await press(world, card, "Confirm")).startswith("This card has expired.")
        (shown,) = await world.say("/quiet", chat="group", private=False)
        assert shown.first == "No quiet hours here"


@pytest.mark.parametrize("data", ["hear:", "hear:nonsense", "hear", "hear-undo:", "hear-undo:x", "hear:" + "A" * 16])
async def test_a_forged_button_changes_nothing(data: str) -> None:
    async with bot_world() as world:
        notice = await world.press(data)

        assert notice.startswith(("This card has expired", "This can no longer", "This button is too old"))
        assert await world.app.services.preferences.all() == {}
        assert HOME in {chat.chat for chat in await world.app.services.people.chats()}


async def test_a_chat_that_moves_takes_its_quiet_hours_along() -> None:
    async with bot_world() as world:
        await world.answer(ROUND_NOON)
        moved = Address(transport=world.transport.name, chat="-1002")
        world.transport.fail(HOME, Unreachable("the group became a supergroup", moved_to=moved))
        await world.check(110)
        await world.deliver()

        assert [alert.chat for alert in world.alerts] == ["-1002"]
        wanted = await world.app.services.preferences.all()
        assert [receiver.chat for receiver in wanted] == ["-1002"]
