"""/start CODE: how a stranger becomes known."""

from datetime import timedelta

import pytest

from storage import Role
from tests.support.bot_world import BotWorld, bot_world

DAY = timedelta(hours=24)


async def code_of(world: BotWorld, *, owner: bool = True, valid_for: timedelta = DAY) -> str:
    people, now = world.app.services.people, world.clock.now()
    return await people.issue_link_code(now, Role.ADMIN if owner else Role.VIEWER, valid_for, owner=owner)


async def start(world: BotWorld, text: str, user: str = "ann") -> str:
    (answer,) = await world.say(f"/start {text}", user=user, chat=user)
    return answer.first


@pytest.mark.parametrize("typed", [str, str.lower, lambda code: code.replace("-", ""), lambda code: f"  {code}  "])
async def test_the_code_links_the_owner_however_it_is_typed(typed: object) -> None:
    async with bot_world(linked=False) as world:
        code = await code_of(world)
        answer = await start(world, typed(code))  # type: ignore[operator]  # one of the functions above

        assert answer == "Linked. You are the owner."
        assert await world.app.services.people.has_owner()


async def test_whoever_is_linked_hears_alerts_and_may_ask_at_once() -> None:
    async with bot_world(linked=False) as world:
        await world.say("/health", user="ann", chat="ann")
        await start(world, await code_of(world))
        await world.check(110)

        assert [sent.chat for sent in world.alerts] == ["ann"]
        (answer,) = await world.say("/health", user="ann", chat="ann")
        assert answer.first == "main: health 9.0%, CRITICAL"


async def test_the_welcome_names_the_accounts() -> None:
    async with bot_world("main", "second", linked=False) as world:
        code = await code_of(world)
        (answer,) = await world.say(f"/start {code}", user="ann", chat="ann")

        assert "This chat hears of every alert. Accounts: main, second." in answer.text


async def test_a_second_person_gets_the_role_of_their_code() -> None:
    async with bot_world() as world:
        assert await start(world, await code_of(world, owner=False), "bob") == "Linked. You are viewer."


async def test_a_code_works_once() -> None:
    async with bot_world(linked=False) as world:
        code = await code_of(world)
        await start(world, code)

        assert (await start(world, code, "eve")).startswith("This code was used already.")
        assert await world.app.services.people.person("chat", "eve") is None


async def test_the_same_person_may_show_their_code_again() -> None:
    async with bot_world(linked=False) as world:
        code = await code_of(world)
        await start(world, code)

        assert await start(world, code) == "Linked. You are the owner."


async def test_a_wrong_code_links_nobody_and_says_where_the_right_one_stands() -> None:
    async with bot_world(linked=False) as world:
        await code_of(world)

        assert await start(world, "AAAA-AAAA") == (
            "This code is not right. It stands on Keel's console as 'link code: XXXX-XXXX'."
        )
        assert await world.say("/health", user="ann", chat="ann")
        assert not await world.app.services.people.linked()


async def test_a_code_expires() -> None:
    async with bot_world(linked=False) as world:
        code = await code_of(world)
        world.clock.pass_s(DAY.total_seconds() + 1)

        assert await start(world, code) == "This code has expired. Restart Keel for a new one."


async def test_ten_wrong_codes_lock_out_for_an_hour_good_ones_included() -> None:
    async with bot_world(linked=False) as world:
        code = await code_of(world)
        for number in range(10):
            await start(world, f"AAAA-AAA{number}")

        assert await start(world, code) == "Too many wrong codes. Try again in an hour."
        assert await start(world, code, "bob") == "Linked. You are the owner.", "only who guessed is locked out"


async def test_the_lockout_ends() -> None:
    async with bot_world(linked=False) as world:
        code = await code_of(world)
        for number in range(10):
            await start(world, f"AAAA-AAA{number}")
        world.clock.pass_s(3_601)

        assert await start(world, code) == "Linked. You are the owner."


async def test_a_group_is_linked_by_whoever_shows_a_code_in_it() -> None:
    async with bot_world(linked=False) as world:
        code = await code_of(world)
        await world.say(f"/start {code}", user="ann", chat="group", private=False)
        await world.check(110)

        assert [sent.chat for sent in world.alerts] == ["group"]


async def test_somebody_linked_who_starts_again_is_told_so() -> None:
    async with bot_world() as world:
        assert (await world.answer("/start")).first == "You are linked already. You are the owner."
