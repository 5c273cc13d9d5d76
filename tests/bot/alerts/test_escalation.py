"""Steps told in time, stopped by an answer, and the auditor that finds those that came to nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.alerts.desk import Finding
from bot.alerts.escalation import ROUTES, UNANSWERED, UNDELIVERED
from bot.messages import Address, Command, Membership, Person, Press, Refused, TryAgain, Unreachable
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.quiet_hours import QuietSpan
from risk.decisions.tiers import Tier
from storage import Receiver
from tests.bot.alerts.routed_world import ANN, BOB, PAGER, RoutedWorld, routed_world

STORY = (
    """
[[routes]]
name = "desk"
from = "HIGH"
steps = [
    { to = ["person:Ann"] },
    { after = "5 min", to = ["person:Bob"] },
    { after = "10 min", to = ["service:pager"] },
]
"""
    + PAGER
)


async def faults(routed: RoutedWorld) -> dict[Cause, str]:
    """What the auditor finds and raises, by cause."""
    await routed.world.app.routing.auditor.look()
    standing = await routed.world.app.services.incidents.open_incidents()
    return {one.cause: one.fact for one in standing if one.cause in (ROUTES, UNANSWERED, UNDELIVERED)}


async def test_high_that_nobody_answers_goes_to_the_next_person_on_the_other_platform() -> None:
    async with routed_world(STORY) as routed:
        await routed.stand_at(140)
        assert (routed.told(routed.telegram), routed.told(routed.discord)) == (["HIGH"], [])

        await routed.pass_s(299, step_s=13)
        assert routed.told(routed.discord) == []
        await routed.pass_s(1)
        assert routed.told(routed.discord) == ["HIGH"]
        await routed.pass_s(300, step_s=10)
        assert routed.told(routed.pager) == ["HIGH"]
        assert routed.told(routed.telegram) == ["HIGH"]


async def test_an_answer_on_one_platform_edits_what_the_other_shows_and_stops_the_steps_to_come() -> None:
    async with routed_world(STORY) as routed:
        await routed.stand_at(140)
        await routed.pass_s(300, step_s=10)
        (alert,) = routed.alerts(routed.discord)
        notice = await routed.press(routed.discord, BOB, alert, "Ack")

        assert notice.startswith("Acked alert #1.")
        await routed.pass_s(600, step_s=20)
        assert routed.told(routed.pager) == []
        (_, edited), *_ = routed.telegram.edits
        assert any("Acked by Bob at" in getattr(block, "text", "") for block in edited.blocks)


async def test_the_end_is_told_to_everybody_who_heard_and_to_nobody_else() -> None:
    async with routed_world(STORY) as routed:
        await routed.stand_at(140)
        await routed.pass_s(300, step_s=10)
        for _ in range(20):
            routed.world.clock.pass_s(5)
            await routed.stand_at(400)

        assert routed.told(routed.telegram) == routed.told(routed.discord) == ["HIGH", "RESOLVED"]
        assert routed.told(routed.pager) == []


async def test_something_that_happened_is_escalated_although_no_check_ever_looks_at_it_again() -> None:
    event = Cause(kind=CauseKind.EVENT, account_id="account-of-main", subject="withdrawal")
    async with routed_world(STORY) as routed:
        await routed.stand_at(400)
        await routed.world.app.desk.settle([Finding(cause=event, tier=Tier.CRITICAL, fact="withdrew everything")])
        await routed.deliver()
        await routed.pass_s(299, step_s=13)
        assert routed.told(routed.discord) == []
        await routed.pass_s(2)

        assert routed.told(routed.discord) == ["CRITICAL"]


async def test_when_nobody_of_a_step_can_be_reached_the_next_one_is_told_at_once() -> None:
    async with routed_world(STORY) as routed:
        routed.telegram.fail(ANN, Unreachable("Telegram refuses this chat (bot was blocked by the user)"))
        await routed.stand_at(140)
        await routed.pass_s(2)

        assert "HIGH" in routed.told(routed.discord)
        assert routed.told(routed.pager) == []


async def test_a_blocked_bot_is_shown_where_the_route_is_and_the_others_are_told() -> None:
    async with routed_world(STORY) as routed:
        routed.telegram.fail(ANN, Unreachable("Telegram refuses this chat (bot was blocked by the user)"))
        await routed.stand_at(140)
        await routed.pass_s(2)

        assert ROUTES not in await faults(routed)  # it is an alert of its own
        assert any("no alert reaches Ann on Telegram" in one.text for one in routed.discord.sent)
        (problem,) = await routed.world.app.services.book.problems()
        assert problem.startswith("route desk, step 1: telegram:1001 takes no messages: Telegram refuses this chat")


async def test_what_everybody_was_told_and_nobody_answered_is_told_as_a_fault_of_its_own() -> None:
    async with routed_world(STORY) as routed:
        await routed.stand_at(140)
        await routed.pass_s(600, step_s=20)
        assert UNANSWERED not in await faults(routed)
        routed.world.clock.pass_s(timedelta(minutes=15).total_seconds() + 1)

        assert (await faults(routed))[UNANSWERED] == (
            "everybody was told of alert #1 and nobody has acknowledged for 25 min"
        )
        await routed.deliver()
        (alert,) = [one for one in routed.alerts(routed.telegram) if "nobody has acknowledged for" in one.text]
        await routed.press(routed.telegram, ANN, routed.alerts(routed.telegram)[0], "Ack")
        assert UNANSWERED not in await faults(routed)
        assert alert.first.startswith("HIGH Keel: everybody was told")


async def test_a_step_that_nobody_got_is_told_as_a_fault_and_is_over_when_somebody_gets_it() -> None:
    async with routed_world(STORY) as routed:
        routed.discord.fail(BOB, *[TryAgain("Discord has trouble")] * 20)
        await routed.stand_at(140)
        await routed.pass_s(300, step_s=10)
        assert await faults(routed) == {}
        await routed.pass_s(61, step_s=61)

        assert (await faults(routed))[UNDELIVERED] == "nobody of desk/2 has got alert #1"
        await routed.press(routed.telegram, ANN, routed.alerts(routed.telegram)[0], "Ack")
        assert UNDELIVERED not in await faults(routed)


async def test_a_person_who_asked_for_quiet_is_not_a_step_that_failed() -> None:
    bob = Receiver(transport="discord", chat=BOB)
    night = QuietSpan(begins_minute=11 * 60, ends_minute=14 * 60)
    async with routed_world(STORY) as routed:
        preferences, now = routed.world.app.services.preferences, routed.world.clock.now()
        await preferences.change(bob, lambda before: replace(before, quiet=(night,)), now)
        await routed.stand_at(140)
        await routed.pass_s(370, step_s=10)

        assert routed.told(routed.discord) == []
        assert UNDELIVERED not in await faults(routed)


async def test_routes_that_point_nowhere_are_told_as_a_fault() -> None:
    nowhere = '[[routes]]\nname = "night"\naccounts = ["other"]\nsteps = [{ to = ["person:Carol"] }]\n'
    async with routed_world(nowhere) as routed:
        found = await faults(routed)

        assert found[ROUTES] == ("route night: no account is called other; watched: main, and 2 more; see /routes")
        await routed.link("telegram", "1003", "Carol")
        assert "no account is called other" in (await faults(routed))[ROUTES]


async def test_without_routes_the_auditor_has_nothing_to_say() -> None:
    async with routed_world() as routed:
        routed.telegram.fail(ANN, *[Refused("too long")] * 5)
        await routed.stand_at(140)
        await routed.pass_s(3_600, step_s=60)

        assert await faults(routed) == {}


async def test_a_quiet_clockwork_writes_nothing() -> None:
    async with routed_world(STORY) as routed:
        await routed.stand_at(140)
        await routed.pass_s(5)
        await faults(routed)
        before = await routed.world.writes()
        await routed.pass_s(30)
        await faults(routed)

        assert await routed.world.writes() == before


TEAM = """
[[routes]]
name = "team"
accounts = ["main"]
steps = [{ to = ["telegram:-555"] }]
"""


async def in_group(routed: RoutedWorld, incoming: Command | Press | Membership) -> None:
    routed.telegram.hear(incoming)
    routed.telegram.end()
    await routed.world.app.dispatcher.serve(routed.telegram)
    await routed.deliver()


async def test_in_a_group_that_the_file_names_people_answer_what_it_is_told_of_and_nothing_else() -> None:
    group = Address(transport="telegram", chat="-555")
    async with routed_world(TEAM, "main", "hedge") as routed:
        await routed.stand_at(140)
        (alert,) = [one for one in routed.alerts(routed.telegram) if one.chat == "-555"]
        now, ann = routed.world.clock.now(), Person(transport="telegram", user_id=ANN)
        press = Press(sender=ann, data=alert.data("Ack"), message=alert.ref, pressed_at=now, private=False)
        await in_group(routed, press)
        assert routed.telegram.answers[-1][1].startswith("Acked alert #1.")

        for text, first in (("/health main", "main: "), ("/health hedge", "hedge")):
            await in_group(routed, Command(sender=ann, address=group, text=text, sent_at=now, private=False))
            assert routed.telegram.sent[-1].first.startswith(first)
        assert "not spoken of here" in routed.telegram.sent[-1].text or "private" in routed.telegram.sent[-1].text
        stranger = Person(transport="telegram", user_id="666")
        await in_group(routed, Press(sender=stranger, data=alert.data("Details"), message=alert.ref, pressed_at=now))
        assert routed.telegram.answers[-1][1] == "This button is not for you."


async def test_the_bot_stays_in_a_group_that_the_file_names(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[str] = []

    async def leave(group: Address) -> None:
        left.append(group.chat)

    async with routed_world(TEAM) as routed:
        monkeypatch.setattr(routed.telegram, "leave", leave, raising=False)
        await routed.link("telegram", "1", "Owner", owner=True)
        named = Address(transport="telegram", chat="-555")
        other = Address(transport="telegram", chat="-666")
        mallory = Person(transport="telegram", user_id="666")
        for group in (named, other):
            await in_group(routed, Membership(group=group, joined=True, by=mallory))

        assert left == ["-666"]


async def test_a_route_to_people_is_no_fault_before_anybody_is_linked() -> None:
    async with routed_world(STORY, linked=False) as routed:
        assert ROUTES not in await faults(routed)
        problems = await routed.world.app.services.book.problems()
        assert "route desk, step 1: nobody who is linked is called Ann; linked: nobody yet" in problems

        await routed.link("telegram", ANN, "Ann")
        assert (await faults(routed))[ROUTES] == "route desk, step 2: nobody who is linked is called Bob; linked: Ann"


async def test_what_was_wrong_with_the_routes_is_looked_at_again_before_somebody_new_hears_of_it() -> None:
    async with routed_world(STORY, linked=False) as routed:
        wrong = Finding(cause=ROUTES, tier=Tier.WARNING, fact="nobody is called Ann")
        await raised_before(routed, wrong)
        await routed.link("telegram", ANN, "Ann")
        await routed.link("discord", BOB, "Bob")
        await routed.stand_at(400)

        assert routed.told(routed.telegram) == routed.told(routed.discord) == []
        assert await routed.world.app.services.incidents.open_incidents() == ()


async def raised_before(routed: RoutedWorld, finding: Finding) -> None:
    """By an earlier process, when nobody could hear of it."""
    await routed.world.app.desk.settle([finding])
    (incident,) = await routed.world.app.services.incidents.open_incidents()
    assert incident.cause == finding.cause
