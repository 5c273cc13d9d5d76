"""/alerts /ack /snooze and the buttons Ack, Snooze and Details."""

import pytest

from bot.messages import RetryAfter, TryAgain, Unreachable, text_of
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
            "#2 CRITICAL second: 0.52% to liq, +$45.00 fixes, for 30 s",
            "  Bob on chat 12:00:05 UTC; Owner on chat 12:00:05 UTC",
            "#1 WARNING main: 4.7% to liq, +$5.00 fixes, for 30 s",
            "  Bob on chat 12:00:05 UTC; Owner on chat 12:00:05 UTC, acked by Owner at 12:00:05 UTC",
            "figures · STALE 30 s old · slot 400,000,012",
        ]
        assert [button.label for row in answer.message.buttons for button in row] == ["Ack #2"]


async def test_an_alert_that_reached_nobody_says_so() -> None:
    async with bot_world() as world:
        world.transport.fail(HOME, TryAgain("502"))
        await world.check(110)
        text = (await world.answer("/alerts")).text

        assert "  Owner on chat waiting 0 s, 502" in text
        assert "Not delivered: 1 waiting, 0 given up." in text


async def test_a_chat_whose_platform_asked_to_wait_says_so() -> None:
    async with bot_world() as world:
        world.transport.fail(HOME, RetryAfter(30.0))
        await world.check(110)
        world.clock.pass_s(12)
        text = (await world.answer("/alerts")).text

        assert "  Owner on chat waiting 12 s, asked to wait 18 s more" in text


async def test_a_chat_that_is_gone_is_named_until_it_is_back() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.VIEWER)
        world.transport.fail("bob", Unreachable("blocked by the user"))
        await world.check(110)
        text = (await world.answer("/alerts")).text

        assert "Bob on chat GIVEN UP, blocked by the user" in text
        assert "! No alert reaches Bob on chat: blocked by the user" in text
        assert "! No alert reaches Bob on chat: blocked by the user" in (await world.answer("/status")).text

        await world.say("/status", user="bob", chat="bob")
        await world.check(110)
        assert "No alert reaches" not in (await world.answer("/alerts")).text
        assert [one.first for one in world.alerts if one.chat == "bob"] == [world.alerts[0].first]


async def test_ack_all_takes_on_what_is_open() -> None:
    async with bot_world("main", "second") as world:
        world.put(140)
        world.put(110, "account-of-second")
        await world.check()

        assert (await world.answer("/ack all")).first == "Acked #1, #2. No repeats; what gets worse will ring."
        assert (await world.answer("/ack all")).first == "Nothing to acknowledge: no alert waits for it."


async def test_the_button_of_a_message_takes_on_all_it_tells_of() -> None:
    async with bot_world("main", "second") as world:
        world.put(140)
        world.put(110, "account-of-second")
        await world.check()
        (message,) = world.alerts

        assert message.first == "CRITICAL second: 0.52% to liq, +$45.00 fixes"
        assert await world.press(message.data("Ack all")) == "Acked #1, #2. No repeats; what gets worse will ring."
        world.clock.pass_s(1)
        assert await world.press(message.data("Ack all")) == ("Nothing of this waits for an acknowledgement any more.")
        ((_, shown),) = world.transport.edits
        assert text_of(shown).lower().count("acked by owner") == 2
        assert [button.label for row in shown.buttons for button in row] == ["Snooze 1 h", "Details"]


async def test_one_of_several_can_be_taken_on_by_its_own_button() -> None:
    async with bot_world("main", "second") as world:
        world.put(140)
        world.put(110, "account-of-second")
        await world.check()
        (message,) = world.alerts
        await world.press(message.data("Ack #1"))

        ((_, shown),) = world.transport.edits
        labels = [button.label for row in shown.buttons for button in row]
        assert labels == ["Ack all", "Snooze 1 h", "Details"]
        assert "HIGH main: 2.1% to liq, +$30.00 fixes · acked by Owner · alert #1" in text_of(shown)


async def test_the_snooze_of_a_message_is_for_all_it_tells_of() -> None:
    async with bot_world("main", "second") as world:
        world.put(140)
        world.put(110, "account-of-second")
        await world.check()
        notice = await world.press(world.alerts[0].data("Snooze 1 h"))

        assert notice == "2 alerts snoozed until 13:00:05 UTC. What gets worse still rings."
        assert (await world.answer("/alerts")).text.count("snoozed until 13:00:05 UTC") == 2


@pytest.mark.parametrize(
    "data", ["acks:0123456789abcdef01234567", "snoozes:0123456789abcdef01234567:60", "acks:", "acks"]
)
async def test_a_button_of_no_message_does_nothing(data: str) -> None:
    async with bot_world() as world:
        await world.check(110)
        await world.press(data)

        incident = await world.app.services.incidents.find(1)
        assert incident is not None
        assert (incident.status, incident.snoozed_until) == (IncidentStatus.OPEN, None)


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
        assert (await world.answer("/ack")).first == "Which one? #1, #2 are open; /ack all takes them all."
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
        assert "second: SOL 0.52% lower liquidates" in text
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
