"""Groups: who is answered where, what is said there, and the groups the bot leaves."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.commands.registry import all_commands
from bot.commands.spec import Where
from bot.guests import PATIENCE
from bot.messages import Address, Membership, Person, TryAgain
from storage import Role
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.bot_world import OWNER, BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport, Sent
from tests.support.team import group, member

DESK = "-100"
NOT_LINKED = "Nobody has linked this group. Ask me in private, or have an admin link it with /here."
IN_PRIVATE = "Ask me this in private: others read along here."


async def said(world: BotWorld, text: str, *, user: str = OWNER, chat: str = DESK) -> list[Sent]:
    return await world.say(text, user=user, chat=chat, private=False)


async def first(world: BotWorld, text: str, *, user: str = OWNER) -> str:
    (answer,) = await said(world, text, user=user)
    return answer.first


@pytest.mark.parametrize("command", sorted(all_commands()))
async def test_a_group_nobody_linked_hears_no_byte_of_an_account(command: str) -> None:
    async with bot_world("alpha") as world:
        await world.check(110)
        where, secret = all_commands()[command].where, all_commands()[command].typed_aloud
        for words in ("", "alpha", "1"):
            (answer,) = await said(world, f"/{command} {words}")
            assert "alpha" not in answer.text.replace(words or "-", "")
            assert "%" not in answer.text
            if where is not Where.ANYWHERE:
                assert answer.text == (f"{secret} {IN_PRIVATE}" if secret and words else NOT_LINKED)


async def test_a_linked_group_is_answered_for_its_accounts_and_for_others_in_private() -> None:
    async with bot_world("alpha", "bravo") as world:
        await world.check(240)
        await group(world, DESK, "alpha")

        assert await first(world, "/health") == "alpha: health 58%, WATCH"
        for text in ("/health bravo", "/liq account-of-bravo", "/portfolio BRAVO", "/tiers bravo"):
            assert await first(world, text) == "bravo is not spoken of here. Ask me in private."
        (answer,) = await said(world, "/accounts")
        assert "bravo" not in answer.text


@pytest.mark.parametrize("text", ["/people", "/invite viewer", "/settings", "/digest now", "/revoke bob", "/link"])
async def test_what_is_for_one_person_alone_is_said_to_them_alone(text: str) -> None:
    async with bot_world("alpha") as world:
        await group(world, DESK)
        assert await first(world, text) == IN_PRIVATE


async def test_in_a_group_everybody_is_answered_within_their_own_roles() -> None:
    async with bot_world("alpha", "bravo") as world:
        world.put(240, "account-of-bravo")
        await world.check()
        await group(world, DESK)
        await member(world, "bob", Role.VIEWER, "bravo")

        assert await first(world, "/health", user="bob") == "bravo: health 58%, WATCH"
        assert (await first(world, "/health alpha", user="bob")).startswith("No account is called alpha.")
        assert await said(world, "/health", user="eve") == [], "a member who is not linked"


async def test_being_in_a_linked_group_is_no_authority() -> None:
    async with bot_world("alpha") as world:
        await group(world, DESK)
        await world.check(110)
        alert = next(one for one in world.alerts if one.chat == DESK)
        for label in ("Ack", "Details"):
            assert await world.press(alert.data(label), user="eve", ref=alert.ref) == "This button is not for you."


async def test_the_details_of_an_alert_stay_out_of_a_group_that_may_not_hear_of_it() -> None:
    async with bot_world("alpha", "bravo") as world:
        await world.check(110)
        await group(world, DESK, "bravo")
        before = len(world.transport.sent)
        card = world.pressed("details:1", ref=world.alerts[0].ref)
        there = Address(transport="chat", chat=DESK)
        await world.serve(type(card)(
            sender=card.sender, message=type(card.message)(address=there, message_id="m"), data="details:1",
            pressed_at=world.clock.now(), private=False,
        ))  # fmt: skip

        assert not [one for one in world.transport.sent[before:] if "alpha" in one.text]


async def test_a_topic_is_linked_for_itself_or_by_its_group() -> None:
    async with bot_world("alpha", "bravo") as world:
        for account in ("account-of-alpha", "account-of-bravo"):
            world.put(240, account)
        await world.check()
        await group(world, DESK, "bravo", thread="7")

        async def there(thread: str) -> str:
            written = world.written("/health", chat=DESK, private=False)
            place = Address(transport="chat", chat=DESK, thread=thread)
            before = len(world.transport.sent)
            await world.serve(type(written)(
                sender=written.sender, address=place, text="/health", sent_at=written.sent_at, private=False
            ))  # fmt: skip
            (answer,) = world.transport.sent[before:]
            assert answer.ref.address == place
            return answer.first

        assert await there("7") == "bravo: health 58%, WATCH"
        assert await there("8") == NOT_LINKED
        await group(world, DESK, "alpha")
        assert await there("8") == "alpha: health 58%, WATCH"


async def test_a_group_whose_admin_is_one_no_more_is_silent() -> None:
    async with bot_world("alpha") as world:
        ann = await member(world, "ann", Role.ADMIN, "alpha")
        await group(world, DESK, "alpha", by=ann.person_id)
        await world.check(240)
        assert await first(world, "/health") == "alpha: health 58%, WATCH"
        await world.app.services.people.take(ann.person_id, "account-of-alpha")

        assert (await first(world, "/health")).startswith("No account is spoken of here.")


async def test_an_answer_only_its_asker_sees_may_be_given_anywhere() -> None:
    async with bot_world("alpha") as world:
        await world.check(240)
        written = world.written("/health", chat=DESK, private=False)
        hidden = Address(transport="chat", chat=DESK, reply_to="i1")
        await world.serve(type(written)(
            sender=written.sender, address=hidden, text="/health", sent_at=written.sent_at, private=False
        ))  # fmt: skip

        assert world.transport.sent[-1].first == "alpha: health 58%, WATCH"


async def test_a_stranger_whose_platform_waits_for_an_answer_gets_one_each_time() -> None:
    """Or it shows for a quarter of an hour that the bot is thinking."""
    async with bot_world("alpha") as world:
        for number in range(3):
            written = world.written("/health alpha", user="eve", chat=DESK, private=False)
            hidden = Address(transport="chat", chat=DESK, reply_to=f"i{number}")
            await world.serve(type(written)(
                sender=written.sender, address=hidden, text=written.text, sent_at=written.sent_at, private=False
            ))  # fmt: skip

        heard = [one.text for one in world.transport.sent if one.chat == DESK]
        assert heard == ["This is a private bot. If it is yours, send /start with the code from its console."] * 3


# Groups the bot is let into, and thrown out of.


class Guesthouse(RecordingTransport):
    """A platform with groups. ``left`` are those the bot has left; ``leave_error`` keeps it in."""

    left: list[str]
    leave_error: Exception | None = None

    async def leave(self, address: Address) -> None:
        if self.leave_error is not None:
            raise self.leave_error
        self.left = [*getattr(self, "left", []), address.chat]


def invited(world: BotWorld, by: str | None, *, joined: bool = True, chats: frozenset[str] = frozenset()) -> Membership:
    return Membership(
        group=Address(transport="chat", chat=DESK), joined=joined, chats=chats,
        by=Person(transport="chat", user_id=by) if by else None,
    )  # fmt: skip


async def hear(world: BotWorld, membership: Membership) -> None:
    world.transport.hear(membership)
    world.transport.end()
    await world.app.dispatcher.serve(world.transport)


def guesthouse(world: BotWorld) -> Guesthouse:
    assert isinstance(world.transport, Guesthouse)
    world.transport.left = []
    return world.transport


@contextlib.asynccontextmanager
async def hosted(*nicknames: str, linked: bool = True) -> AsyncIterator[BotWorld]:
    """A bot whose platform has groups."""
    clock = FakeClock()
    async with bot_world(*nicknames, clock=clock, transport=Guesthouse(now=clock.now), linked=linked) as world:
        yield world


async def test_a_group_of_strangers_is_left_at_once_and_nothing_is_said_there(figure: Gauge) -> None:
    async with hosted("alpha") as world:
        there = guesthouse(world)
        for by in ("eve", "bob"):
            if by == "bob":
                await member(world, "bob", Role.TRADER)
            await hear(world, invited(world, by))

        assert there.left == [DESK, DESK]
        figure(Measure.OVERHEARD, sum(one.chat == DESK for one in there.sent))


async def test_a_group_an_admin_let_it_into_is_left_after_an_hour_unless_it_is_linked() -> None:
    async with hosted("alpha") as world:
        there = guesthouse(world)
        await hear(world, invited(world, OWNER))
        (hello,) = [one.text for one in there.sent if one.chat == DESK]
        assert hello.startswith("An admin links this group with /here")
        assert "alpha" not in hello
        world.clock.pass_s(PATIENCE.total_seconds() - 1)
        await world.app.dispatcher.guests.leave_overdue()
        assert there.left == []
        world.clock.pass_s(1)
        await world.app.dispatcher.guests.leave_overdue()
        await world.app.dispatcher.guests.leave_overdue()

        assert there.left == [DESK]


async def test_a_group_that_was_linked_in_time_is_not_left() -> None:
    async with hosted("alpha") as world:
        there = guesthouse(world)
        await hear(world, invited(world, OWNER))
        assert (await first(world, "/here alpha")).startswith("This group hears of alpha")
        world.clock.pass_s(2 * PATIENCE.total_seconds())
        await world.app.dispatcher.guests.leave_overdue()
        await hear(world, invited(world, "eve"))

        assert there.left == []


async def test_a_group_that_cannot_be_left_now_is_left_later() -> None:
    async with hosted("alpha") as world:
        there = guesthouse(world)
        await hear(world, invited(world, OWNER))
        world.clock.pass_s(PATIENCE.total_seconds())
        there.leave_error = TryAgain("down")
        await world.app.dispatcher.guests.leave_overdue()
        there.leave_error = None
        await world.app.dispatcher.guests.leave_overdue()

        assert there.left == [DESK]


async def test_where_the_platform_does_not_say_who_let_it_in_there_is_an_hour_too() -> None:
    async with hosted("alpha") as world:
        there = guesthouse(world)
        await hear(world, invited(world, None, chats=frozenset({"inside"})))
        assert there.left == []
        assert not [one for one in there.sent if one.chat == DESK]
        world.clock.pass_s(PATIENCE.total_seconds())
        await world.app.dispatcher.guests.leave_overdue()

        assert there.left == [DESK]


async def test_a_group_without_an_owner_to_be_waits_for_the_owner() -> None:
    async with hosted("alpha", linked=False) as world:
        there = guesthouse(world)
        await hear(world, invited(world, "somebody"))
        assert there.left == []
        people = world.app.services.people
        code = await people.issue_link_code(world.clock.now(), Role.ADMIN, timedelta(hours=1), owner=True)
        await said(world, f"/start {code}", user="somebody")
        world.clock.pass_s(PATIENCE.total_seconds())
        await world.app.dispatcher.guests.leave_overdue()

        assert there.left == [], "the owner linked it"


async def test_being_thrown_out_is_marked_and_told_and_only_an_admin_brings_it_back() -> None:
    async with hosted("alpha") as world:
        there = guesthouse(world)
        await group(world, DESK, "alpha")
        await hear(world, invited(world, "eve", joined=False))
        await world.check(110)

        assert [one.chat for one in world.alerts] == ["home"]
        assert f"I was removed from the group {DESK}" in there.sent[0].text
        assert "1 I was removed from" in (await world.answer("/people")).text
        await hear(world, invited(world, "eve"))
        assert there.left == [DESK]
        await hear(world, invited(world, OWNER))
        await world.check(90)
        assert {one.chat for one in world.alerts} == {"home", DESK}
