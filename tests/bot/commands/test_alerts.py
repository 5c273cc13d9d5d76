"""/alerts /ack /snooze and the buttons Ack, Snooze and Details."""

import pytest

from bot.messages import TryAgain, text_of
from risk.decisions.incidents import IncidentStatus
from storage import Role
from tests.support.bot_world import HOME, bot_world


async def test_without_an_alert_there_is_nothing_to_show_or_take_on() -> None:
    async with bot_world() as world:
        assert (await world.answer("/alerts")).text == "No open alert\nThere has been none yet."
        assert (await world.answer("/ack")).text == "Nothing to acknowledge: no alert waits for it."


async def test_the_last_alert_is_remembered() -> None:
    async with bot_world() as world:
        await world.check(140)
        await world.checks(65, 400)
        world.clock.pass_s(10)

        assert (await world.answer("/alerts")).text == "No open alert\nThe last one, #1, ended 10 s ago."


async def test_alerts_come_the_worst_first_with_who_was_told_and_who_has_them() -> None:
    async with bot_world("main", "second") as world:
        await world.link("bob", Role.VIEWER)
        world.put(190, "account-of-main")
        world.put(110, "account-of-second")
        await world.check()
        await world.answer("/ack 1")
        world.clock.pass_s(30)
        answer = await world.answer("/alerts")

        assert answer.text.split("\n") == [
            "2 open alerts, worst CRITICAL",
            "#2 CRITICAL second: health, for 30 s",
            "  told 2 chats",
            "#1 WARNING main: health, for 30 s",
            "  told 2 chats, acked by Owner at 12:00:05 UTC",
        ]
        assert [button.label for row in answer.message.buttons for button in row] == ["Ack #2"]


async def test_an_alert_that_reached_nobody_says_so() -> None:
    async with bot_world() as world:
        world.transport.fail(HOME, TryAgain("502"))
        await world.check(110)
        text = (await world.answer("/alerts")).text

        assert "told 0 chats" in text
        assert "Not delivered: 1 waiting, 0 given up." in text


async def test_more_alerts_than_fit_are_counted() -> None:
    names = [f"a{number}" for number in range(14)]
    async with bot_world(*names) as world:
        for name in names:
            world.put(140, f"account-of-{name}")
        await world.check()
        answer = await world.answer("/alerts")

        assert answer.first == "14 open alerts, worst HIGH"
        assert "and 4 more" in answer.text
        assert all(len(row) <= 5 for row in answer.message.buttons)


async def test_ack_without_a_number_takes_the_only_one_and_asks_where_there_are_several() -> None:
    async with bot_world("main", "second") as world:
        await world.check(140)
        assert (await world.answer("/ack")).first == "Acked alert #1. No repeats; it will ring if it gets worse."

        world.put(110)
        world.put(110, "account-of-second")
        await world.check()
        assert (await world.answer("/ack")).first == "Which one? #1, #2 are open."
        assert (await world.answer("/ack #2")).first.startswith("Acked alert #2.")


async def test_ack_shows_on_every_copy_in_every_chat() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.RESPONDER)
        await world.check(140)
        await world.check(110)
        await world.press(world.alerts[-1].data("Ack"), user="bob")

        assert {ref.message_id for ref, _ in world.transport.edits} == {sent.ref.message_id for sent in world.alerts}
        assert all("Acked by Bob at 12:00:10 UTC." in text_of(message) for _, message in world.transport.edits)
        assert all("Ack" not in [b.label for row in m.buttons for b in row] for _, m in world.transport.edits)


async def test_a_copy_that_cannot_be_edited_does_not_undo_the_ack() -> None:
    async with bot_world() as world:
        await world.check(140)
        world.transport.edit_error = TryAgain("502")

        assert (await world.press(world.alerts[0].data("Ack"))).startswith("Acked alert #1.")
        incident = await world.app.services.incidents.find(1)
        assert incident is not None
        assert incident.status is IncidentStatus.ACKED


async def test_what_is_over_or_taken_already_says_so() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.RESPONDER)
        await world.check(140)
        await world.answer("/ack 1")
        world.clock.pass_s(1)
        assert (await world.answer("/ack 1", user="bob")).first == "Alert #1 was acknowledged already."

        await world.checks(65, 400)
        assert (await world.answer("/ack 1")).first == "Alert #1 is over already."
        assert (await world.answer("/snooze 1")).first == "Alert #1 is over already."


@pytest.mark.parametrize(
    ("text", "span", "until"),
    [
        ("/snooze 1", "60 min", "13:00:05 UTC"),
        ("/snooze #1 30m", "30 min", "12:30:05 UTC"),
        ("/snooze 1 45", "45 min", "12:45:05 UTC"),
        ("/snooze 1 2H", "2 h", "14:00:05 UTC"),
        ("/snooze 1 24h", "24 h", "12:00:05 UTC"),
    ],
)
async def test_snooze_says_until_when(text: str, span: str, until: str) -> None:
    async with bot_world() as world:
        await world.check(110)
        answer = (await world.answer(text)).first

        assert answer == f"Alert #1 snoozed for {span}, until {until}. It still rings if worse."
        assert f"snoozed until {until}" in (await world.answer("/alerts")).text


async def test_the_snooze_button_is_one_hour() -> None:
    async with bot_world() as world:
        await world.check(110)

        assert "until 13:00:05 UTC" in await world.press(world.alerts[0].data("Snooze 1 h"))


async def test_details_show_the_account_behind_an_alert() -> None:
    async with bot_world("main", "second") as world:
        world.put(110, "account-of-second")
        await world.check()
        await world.press(world.alerts[0].data("Details"))
        text = world.transport.sent[-1].text

        assert text.startswith("second: health 9.0%, CRITICAL")
        assert "second: SOL 0.52% from liq" in text
        assert text.count("second · 0 s old") == 1


async def test_details_of_what_concerns_all_accounts_show_all() -> None:
    async with bot_world("main", "second") as world:
        await world.check()
        world.reader.freeze()
        await world.checks(15)
        await world.press(world.alerts[0].data("Details"))

        assert "2 accounts · STALE" in world.transport.sent[-1].text


async def test_details_of_an_account_nobody_watches_any_more_is_a_sentence() -> None:
    async with bot_world("main", "gone") as world:
        world.put(110, "account-of-gone")
        await world.check()
        roster = world.app.services.roster
        roster._by_id = {one.account_id: one for one in roster.all if one.nickname != "gone"}

        assert await world.press(world.alerts[0].data("Details")) == "This account is not watched any more."
