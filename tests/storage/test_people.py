"""People: strangers stay strangers until they show a code, and a code works once."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from storage import (
    EVERYWHERE,
    Access,
    LinkedChat,
    LinkedPerson,
    LinkRefusal,
    People,
    Receiver,
    Role,
    Scope,
    Settings,
    Store,
    Theme,
)
from storage.link_codes import ALPHABET, WRONG_ATTEMPTS_ALLOWED
from storage.settings import THEME
from tests.storage.builders import NOW, PHONE, after, claim_ids, make_claim, make_notice, open_with_notices

TTL = timedelta(minutes=15)


async def link(store: Store, role: Role = Role.TRADER, user_id: str = "77", person_id: str = "p1") -> LinkedPerson:
    people = People(store)
    code = await people.issue_link_code(NOW, role, TTL)
    person = await people.redeem_link_code(code, make_claim(user_id, person_id=person_id, chat=user_id), NOW)
    assert isinstance(person, LinkedPerson)
    return person


async def test_the_owner_is_linked_with_the_chat_they_wrote_from(store: Store) -> None:
    people = People(store)
    assert not await people.has_owner()
    code = await people.issue_link_code(NOW, Role.ADMIN, TTL, owner=True)
    person = await people.redeem_link_code(code, make_claim(), after(60))
    assert isinstance(person, LinkedPerson)
    expected = LinkedPerson(
        person_id="p1",
        transport="telegram",
        user_id="77",
        display_name="Ada",
        owner=True,
        linked_at=after(60),
        access=Access(owner=True, roles={EVERYWHERE: Role.ADMIN}),
    )
    assert person.role is Role.ADMIN
    assert person == expected
    assert await people.has_owner()
    assert await people.person("telegram", "77") == expected
    assert await people.person("discord", "77") is None
    assert await people.chats() == (
        LinkedChat(transport="telegram", chat="1001", thread="", person_id="p1", private=True, linked_at=after(60)),
    )


async def test_a_code_is_easy_to_read_and_unlike_the_last_one(store: Store) -> None:
    codes = {await People(store).issue_link_code(NOW, Role.VIEWER, TTL) for _ in range(50)}
    assert len(codes) == 50
    assert all(re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", code) for code in codes)
    assert not set("01OIL") & set(ALPHABET)


async def test_a_code_is_nowhere_in_the_database(store: Store) -> None:
    code = await People(store).issue_link_code(NOW, Role.VIEWER, TTL)
    dump = await store.run(lambda db: "\n".join(db.conn.iterdump()))
    assert code not in dump
    assert code.replace("-", "") not in dump


@pytest.mark.parametrize("spoil", [str.lower, lambda code: code.replace("-", ""), lambda code: f"  {code} "])
async def test_a_code_may_be_typed_carelessly(store: Store, spoil: Callable[[str], str]) -> None:
    code = await People(store).issue_link_code(NOW, Role.VIEWER, TTL)
    assert isinstance(await People(store).redeem_link_code(spoil(code), make_claim(), NOW), LinkedPerson)


@pytest.mark.parametrize("code", ["", "AAAA-AAAA", "\ud800", "x" * 5000])
async def test_an_unknown_code_links_nobody(store: Store, code: str) -> None:
    await People(store).issue_link_code(NOW, Role.ADMIN, TTL)
    assert await People(store).redeem_link_code(code, make_claim(), NOW) is LinkRefusal.UNKNOWN
    assert await People(store).linked() == ()
    assert await People(store).chats() == ()


async def test_an_expired_code_says_so(store: Store) -> None:
    people = People(store)
    code = await people.issue_link_code(NOW, Role.ADMIN, TTL)
    assert await people.redeem_link_code(code, make_claim(), NOW + TTL) is LinkRefusal.EXPIRED
    assert isinstance(
        await people.redeem_link_code(code, make_claim(), NOW + TTL - timedelta(microseconds=1)), LinkedPerson
    )


async def test_of_eight_who_show_one_code_at_once_one_is_linked(store: Store) -> None:
    people = People(store)
    code = await people.issue_link_code(NOW, Role.ADMIN, TTL)
    outcomes = await asyncio.gather(
        *(people.redeem_link_code(code, make_claim(str(n), person_id=f"p{n}"), NOW) for n in range(8))
    )
    assert sum(isinstance(outcome, LinkedPerson) for outcome in outcomes) == 1
    assert sum(outcome is LinkRefusal.USED for outcome in outcomes) == 7
    assert len(await people.linked()) == 1


async def test_the_same_code_from_the_same_person_again_is_no_mistake(store: Store) -> None:
    people = People(store)
    code = await people.issue_link_code(NOW, Role.ADMIN, TTL)
    first = await people.redeem_link_code(code, make_claim(), NOW)
    assert await people.redeem_link_code(code, make_claim(person_id="p2"), after(5)) == first


async def test_a_new_owners_code_makes_the_one_before_it_worthless(store: Store) -> None:
    people = People(store)
    old = await people.issue_link_code(NOW, Role.ADMIN, TTL, owner=True)
    new = await people.issue_link_code(NOW, Role.ADMIN, TTL, owner=True)
    assert await people.redeem_link_code(old, make_claim(), NOW) is LinkRefusal.UNKNOWN
    assert isinstance(await people.redeem_link_code(new, make_claim(), NOW), LinkedPerson)


async def test_ten_wrong_codes_lock_a_person_out_for_an_hour_even_with_a_good_one(store: Store) -> None:
    people = People(store)
    code = await people.issue_link_code(NOW, Role.ADMIN, timedelta(days=1))
    for _ in range(WRONG_ATTEMPTS_ALLOWED):
        assert await people.redeem_link_code("wrong", make_claim(), NOW) is LinkRefusal.UNKNOWN
    assert await people.redeem_link_code(code, make_claim(), after(3599)) is LinkRefusal.LOCKED_OUT
    # Nobody else is concerned, and the code is still good.
    assert await people.redeem_link_code("wrong", make_claim("78"), NOW) is LinkRefusal.UNKNOWN
    assert isinstance(await people.redeem_link_code(code, make_claim(), after(3600)), LinkedPerson)


async def test_concurrent_wrong_attempts_are_all_counted(store: Store) -> None:
    people = People(store)
    outcomes = await asyncio.gather(
        *(people.redeem_link_code(f"wrong {n}", make_claim(), NOW) for n in range(WRONG_ATTEMPTS_ALLOWED + 5))
    )
    assert outcomes.count(LinkRefusal.LOCKED_OUT) == 5


async def test_a_good_code_forgives_wrong_ones(store: Store) -> None:
    people = People(store)
    for _ in range(WRONG_ATTEMPTS_ALLOWED - 1):
        await people.redeem_link_code("wrong", make_claim(), NOW)
    await link(store)
    assert await people.redeem_link_code("wrong", make_claim(), NOW) is LinkRefusal.UNKNOWN


async def test_a_code_adds_rights_to_somebody_linked_and_takes_none_away(store: Store) -> None:
    people = People(store)
    owner_code = await people.issue_link_code(NOW, Role.ADMIN, TTL, owner=True)
    await people.redeem_link_code(owner_code, make_claim(), NOW)
    again = await link(store, Role.VIEWER, person_id="p9")
    assert (again.person_id, again.role, again.owner) == ("p1", Role.ADMIN, True)
    await link(store, Role.VIEWER, user_id="5", person_id="p5")
    raised = await link(store, Role.TRADER, user_id="5", person_id="p6")
    assert (raised.person_id, raised.role) == ("p5", Role.TRADER)


async def test_somebody_revoked_is_a_stranger_whose_chats_hear_nothing(store: Store) -> None:
    people = People(store)
    await link(store, Role.ADMIN)
    await link(store, Role.VIEWER, user_id="5", person_id="p5")
    assert await people.revoke("p1", after(10))
    assert not await people.revoke("p1", after(11))
    assert await people.person("telegram", "77") is None
    assert [chat.person_id for chat in await people.chats()] == ["p5"]
    assert [person.person_id for person in await people.linked()] == ["p5"]
    named = await people.by_id("p1")
    assert named is not None
    assert named.revoked_at == after(10)
    # Coming back, they get what the new code gives and not what they had.
    back = await link(store, Role.VIEWER, person_id="p9")
    assert (back.person_id, back.role, back.revoked_at) == ("p1", Role.VIEWER, None)


async def test_a_stranger_is_refused_politely_once(store: Store) -> None:
    people = People(store)
    assert await people.refused_once("telegram", "666", NOW)
    assert not await people.refused_once("telegram", "666", after(1))
    assert await people.refused_once("discord", "666", after(1))


async def test_a_chat_can_be_linked_and_unlinked(store: Store) -> None:
    people = People(store)
    await link(store)
    group = LinkedChat(transport="telegram", chat="-100", thread="7", person_id="p1", private=False, linked_at=after(1))
    await people.link_chat(group)
    assert group in await people.chats()
    assert not await people.unlink_chat("telegram", "-100")
    assert await people.unlink_chat("telegram", "-100", "7")
    assert group not in await people.chats()


async def test_a_chat_that_moved_takes_its_link_its_settings_and_its_notices_along(store: Store) -> None:
    people, settings = People(store), Settings(store)
    await link(store)
    old, new = Receiver(transport="telegram", chat="77"), Receiver(transport="telegram", chat="-1077")
    await settings.put(THEME, Theme.LIGHT, NOW, Scope(transport="telegram", chat="77"))
    await open_with_notices(store, make_notice("moves", receiver=old), make_notice("stays", receiver=PHONE))
    await people.move_chat(old, new)
    assert [chat.chat for chat in await people.chats()] == ["-1077"]
    assert await settings.get(THEME, Scope(transport="telegram", chat="-1077")) is Theme.LIGHT
    waiting = {
        row["outbox_id"]: row["chat"] for row in await store.run(lambda db: list(db.query("SELECT * FROM outbox")))
    }
    assert waiting == {"moves": "-1077", "stays": "1001"}
    assert len(await claim_ids(store)) == 2


@pytest.mark.parametrize(
    ("role", "other", "included"),
    [
        (Role.ADMIN, Role.VIEWER, True),
        (Role.TRADER, Role.TRADER, True),
        (Role.RESPONDER, Role.TRADER, False),
        (Role.VIEWER, Role.ADMIN, False),
    ],
)
def test_a_role_includes_those_before_it(role: Role, other: Role, included: bool) -> None:
    assert role.includes(other) is included
