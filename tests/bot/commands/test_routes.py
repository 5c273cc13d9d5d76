"""/routes: who hears of what, what is wrong with it, and a test through a route."""

from bot.messages import Address, Command, Person, TryAgain, Unreachable
from storage import Grant, Receiver, Role
from tests.bot.alerts.routed_world import ANN, BOB, PAGER, RoutedWorld, routed_world
from tests.support.bot_world import bot_world
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport, Sent

DESK = (
    """
[[routes]]
name = "desk"
accounts = ["main"]
from = "HIGH"
kinds = ["health", "data"]
steps = [
    { to = ["telegram:-555/7", "person:Ann"] },
    { after = "5 min", to = ["person:Bob"] },
    { after = "1 h 30 min", to = ["service:pager"] },
]

[[routes]]
name = "fills"
kinds = ["event"]
steps = [{ to = ["discord:1400"] }]
"""
    + PAGER
)


async def ask(routed: RoutedWorld, text: str = "/routes", user: str = ANN) -> Sent:
    before = len(routed.telegram.sent)
    await routed.world.say(text, user=user, chat=user)
    (answer,) = routed.telegram.sent[before:]
    return answer


async def test_it_shows_who_hears_of_what_in_which_order() -> None:
    async with routed_world(DESK) as routed:
        assert (await ask(routed)).text.split("\n") == [
            "Routes: all in order",
            "desk: HIGH and worse, data, health only, main",
            "  at once: telegram:-555/7, person:Ann",
            "  after 5 min: person:Bob",
            "  after 1 h 30 min: service:pager",
            "fills: everything, event only, all accounts",
            "  at once: discord:1400",
            "Everything else: every linked chat at once.",
            "Not delivered for 10 s, CRITICAL goes round by: telegram, discord, discord-webhook, service:pager.",
            "This chat is telegram:1001.",
        ]


async def test_without_routes_it_says_that_everybody_hears_and_that_nothing_wakes_anybody() -> None:
    async with routed_world() as routed:
        assert (await ask(routed)).text.split("\n") == [
            "Routes: 1 thing to look at",
            "Everything: every linked chat at once.",
            "Not delivered for 10 s, CRITICAL goes round by: telegram, discord, discord-webhook.",
            "! CRITICAL has no route that rings through Do Not Disturb:"
            " add a service with rings_through_dnd = true to a step in ROUTES_FILE.",
            "This chat is telegram:1001.",
        ]


async def test_the_warning_stands_in_status_until_a_route_of_critical_rings_through() -> None:
    silent = DESK.replace("rings_through_dnd = true", "rings_through_dnd = false")
    for text, warned in ((DESK, False), (silent, True), ("", True), (DESK.replace('"HIGH"', '"LIQUIDATING"'), True)):
        async with routed_world(text) as routed:
            status = (await ask(routed, "/status")).text

            assert ("! CRITICAL has no route that rings through Do Not Disturb" in status) is warned


async def test_the_warning_names_the_accounts_that_lack_it() -> None:
    async with routed_world(DESK, "main", "hedge") as routed:
        assert "that rings through Do Not Disturb for hedge:" in (await ask(routed)).text


async def test_everything_that_is_wrong_is_said_with_what_to_do() -> None:
    text = DESK.replace('["main"]', '["main", "mian"]').replace("person:Bob", "person:Bobby")
    async with routed_world(text) as routed:
        routed.telegram.fail(ANN, Unreachable("Telegram refuses this chat (bot was blocked by the user)"))
        await routed.stand_at(140)
        await routed.look()
        answer = (await ask(routed)).text
        status = (await ask(routed, "/status")).text

    assert "! route desk: no account is called mian; watched: main." in answer
    assert "! route desk, step 2: nobody who is linked is called Bobby; linked: Ann, Bob." in answer
    assert "  after 5 min: person:Bobby (nobody)" in answer
    assert "things wrong with the routes: see /routes." in status


async def test_a_chat_that_takes_no_messages_is_marked_where_its_step_is() -> None:
    async with routed_world(DESK) as routed:
        routed.discord.fail("1400", Unreachable("this channel is gone"))
        routed.telegram.fail("-555", Unreachable("Telegram refuses this chat (bot was kicked)"))
        await routed.stand_at(140)
        await routed.look()
        answer = (await ask(routed)).text

        assert "  at once: telegram:-555/7 (takes no messages), person:Ann" in answer
        assert "! route desk, step 1: telegram:-555 takes no messages: Telegram refuses this chat" in answer


async def test_somebody_in_a_step_who_may_not_see_the_account_is_pointed_out() -> None:
    async with routed_world(DESK, linked=False) as routed:
        await routed.link("telegram", ANN, "Ann")
        bob = await routed.link("discord", BOB, "Bob", Role.VIEWER)
        await routed.world.app.services.people.take(bob.person_id, "")
        await routed.world.app.services.people.give(bob.person_id, [Grant(account_id="another", role=Role.VIEWER)])

        assert "! route desk, step 2: nobody in it may see main; see /people." in (await ask(routed)).text


async def test_two_people_of_one_name_are_both_told_and_that_is_pointed_out() -> None:
    async with routed_world(DESK) as routed:
        await routed.link("telegram", "1009", "ann")
        answer = (await ask(routed)).text

        assert "person:Ann (2 chats)" in answer
        assert "2 people are called Ann, all are told; name one as PLATFORM/USER_ID." in answer
        await routed.stand_at(140)
        assert {one.chat for one in routed.alerts(routed.telegram)} == {"-555", ANN, "1009"}


async def test_a_person_can_be_named_by_what_the_platform_vouches_for() -> None:
    async with routed_world(DESK.replace("person:Ann", "person:telegram/1001")) as routed:
        await routed.link("telegram", "1009", "Ann")
        await routed.stand_at(140)

        assert {one.chat for one in routed.alerts(routed.telegram)} == {"-555", ANN}


async def test_people_see_the_routes_of_accounts_they_may_see() -> None:
    async with routed_world(DESK, "main", "hedge") as routed:
        guest = await routed.link("telegram", "1005", "Guest", Role.VIEWER)
        people = routed.world.app.services.people
        await people.take(guest.person_id, "")
        await people.give(guest.person_id, [Grant(account_id="account-of-hedge", role=Role.VIEWER)])
        answer = (await ask(routed, user="1005")).text

        assert "desk" not in answer
        assert "main" not in answer
        assert "fills: everything, event only, all accounts" in answer


async def test_a_test_goes_through_every_step_and_says_what_arrived() -> None:
    async with routed_world(DESK) as routed:
        routed.discord.fail(BOB, TryAgain("Discord has trouble"))
        answer = await ask_for_test(routed, "desk")

        assert answer.text.split("\n") == [
            "Route desk: 3 of 4 taken",
            "step 1, telegram:-555/7: taken",
            "step 1, telegram:1001: taken",
            "step 2, discord:3001: Discord has trouble",
            "step 3, service:pager:pager: taken",
        ]
        (paged,) = routed.pager.sent
        assert paged.text == (
            "TEST of route desk: this would be an alert\n"
            "Sent by hand at 12:00:00 UTC as step 3, service:pager:pager. Nothing is wrong."
        )


async def test_the_default_route_of_a_terminal_alone_can_be_tested() -> None:
    clock = FakeClock()
    terminal = RecordingTransport(now=clock.now, name="console")
    console = Receiver(transport="console", chat="console", route="terminal")
    async with bot_world(clock=clock, transport=terminal, console=console, linked=False) as world:
        typed = Command(
            sender=Person(transport="console", user_id="local"),
            address=Address(transport="console", chat="console"), text="/routes test default", sent_at=clock.now(),
        )  # fmt: skip
        await world.serve(typed)
        assert terminal.sent[-1].first == "Route default: 1 of 1 taken"


async def ask_for_test(routed: RoutedWorld, name: str) -> Sent:
    """The answer, which comes behind the test itself where both go to one chat."""
    await routed.world.say(f"/routes test {name}", user=ANN, chat=ANN)
    return routed.telegram.sent[-1]


async def test_everybody_and_the_fallback_can_be_tested_as_well() -> None:
    async with routed_world(DESK) as routed:
        assert (await ask_for_test(routed, "default")).first == "Route default: 2 of 2 taken"
        assert (await ask_for_test(routed, "fallback")).first == "Route fallback: 4 of 4 taken"
        assert (await ask_for_test(routed, "")).first == "Say which route: desk, fills, default, fallback."
        assert (await ask_for_test(routed, "x" * 300)).first == "Say which route: desk, fills, default, fallback."
        assert (await ask(routed, "/routes now")).first == "Ask /routes, or /routes test and the name of a route."


async def test_only_an_admin_of_everything_may_send_tests() -> None:
    async with routed_world(DESK) as routed:
        await routed.link("telegram", "1005", "Trader", Role.TRADER)
        answer = await ask(routed, "/routes test desk", user="1005")

        assert answer.text == "This needs the role admin for all accounts; yours is trader."
        assert routed.pager.sent == []
