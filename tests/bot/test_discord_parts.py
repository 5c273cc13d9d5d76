"""What Discord is given besides its token."""

from datetime import timedelta

import pytest

from bot.discord_parts import Audiences, KeptTopics
from bot.messages import Address, Person
from storage import LinkClaim, LinkedPerson, People, Role, Store, TopicThreads
from tests.support.clock import FakeClock

ANN, BOB = (Person(transport="discord", user_id=one) for one in ("1001", "1002"))


async def linked(people: People, person: Person, clock: FakeClock, chat: str, *, private: bool) -> LinkedPerson:
    code = await people.issue_link_code(clock.now(), Role.ADMIN, timedelta(hours=1))
    claim = LinkClaim(
        person_id=f"p{person.user_id}", transport=person.transport, user_id=person.user_id, display_name="x",
        chat=chat, private=private,
    )  # fmt: skip
    found = await people.redeem_link_code(code, claim, clock.now())
    assert isinstance(found, LinkedPerson)
    return found


@pytest.mark.parametrize(
    ("person", "address", "public"),
    [
        (ANN, Address(transport="discord", chat="5"), True),
        (ANN, Address(transport="discord", chat="5", thread="51"), True),
        (BOB, Address(transport="discord", chat="5"), False),
        (ANN, Address(transport="discord", chat="6"), False),
        (ANN, Address(transport="discord", chat="7"), False),
        (ANN, Address(transport="telegram", chat="5"), False),
    ],
    ids=["both linked", "a thread in it", "a stranger", "a channel nobody linked", "private", "another platform"],
)
async def test_an_answer_may_be_public_where_both_are_linked(person: Person, address: Address, public: bool) -> None:
    clock = FakeClock()
    async with await Store.open(":memory:") as store:
        people = People(store)
        await linked(people, ANN, clock, "5", private=False)
        await linked(people, Person(transport="discord", user_id="1003"), clock, "7", private=True)
        assert await Audiences(people).may_be_public(person, address) is public


async def test_acquaintances_are_those_who_are_linked_on_discord_now() -> None:
    clock = FakeClock()
    async with await Store.open(":memory:") as store:
        people = People(store)
        await linked(people, ANN, clock, "5", private=True)
        gone = await linked(people, BOB, clock, "6", private=True)
        await linked(people, Person(transport="telegram", user_id="7"), clock, "7", private=True)
        await people.revoke(gone.person_id, clock.now())
        assert await Audiences(people).acquaintances() == ("1001",)


async def test_a_memory_that_fails_has_no_thread_and_raises_nothing() -> None:
    clock = FakeClock()
    async with await Store.open(":memory:") as store:
        topics = KeptTopics(TopicThreads(store, "discord"), clock.now)
        await topics.remember("1", "2", "3")
        assert await topics.find("1", "2") == "3"
        await topics.forget("1", "2")
        assert await topics.find("1", "2") is None
    await topics.remember("1", "2", "3")
    assert await topics.find("1", "2") is None
    await topics.forget("1", "2")
