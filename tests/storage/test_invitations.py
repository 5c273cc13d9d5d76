"""Codes that people give: invitations with roles, and codes that make somebody the same person elsewhere."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storage import (
    EVERYWHERE,
    Audience,
    Grant,
    LinkClaim,
    LinkedPerson,
    LinkRefusal,
    People,
    Personal,
    Role,
    Store,
)
from storage.settings import NUMBERS
from tests.storage.builders import NOW, after

A, B = "account-a", "account-b"
DAY = timedelta(days=1)


def claim(user: str, *, platform: str = "telegram", chat: str = "", private: bool = True) -> LinkClaim:
    return LinkClaim(
        person_id=f"new-{platform}-{user}", transport=platform, user_id=user, display_name=user.title(),
        chat=chat or f"chat-{user}", private=private,
    )  # fmt: skip


async def owner(people: People) -> LinkedPerson:
    code = await people.issue_link_code(NOW, Role.ADMIN, DAY, owner=True)
    return await linked(people, code, claim("boss"))


async def linked(people: People, code: str, one: LinkClaim) -> LinkedPerson:
    person = await people.redeem_link_code(code, one, NOW)
    assert isinstance(person, LinkedPerson)
    return person


async def invited(people: People, by: LinkedPerson, user: str, *grants: Grant, called: str = "") -> LinkedPerson:
    code = await people.invite(grants, by=by.person_id, now=NOW, ttl=DAY, called=called)
    return await linked(people, code, claim(user))


def of(account: str, role: Role) -> Grant:
    return Grant(account_id=account, role=role)


async def test_an_invitation_gives_its_roles_and_a_name(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    ann = await invited(people, boss, "ann", of(A, Role.RESPONDER), of(B, Role.VIEWER), called="Night shift")

    assert ann.display_name == "Night shift"
    assert ann.access.roles == {A: Role.RESPONDER, B: Role.VIEWER}
    assert ann.role is Role.VIEWER, "where no account is concerned they may only look"
    assert await people.person("telegram", "ann") == ann


async def test_a_second_invitation_adds_roles_and_takes_none_away(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    await invited(people, boss, "ann", of(A, Role.ADMIN))
    ann = await invited(people, boss, "ann", of(A, Role.VIEWER), of(EVERYWHERE, Role.VIEWER))

    assert ann.access.roles == {A: Role.ADMIN, EVERYWHERE: Role.VIEWER}


@pytest.mark.parametrize(
    ("when", "refusal"), [(after(DAY.total_seconds()), LinkRefusal.INVITATION_EXPIRED), (NOW, None)]
)
async def test_an_invitation_holds_for_a_day(store: Store, when: object, refusal: LinkRefusal | None) -> None:
    people = People(store)
    boss = await owner(people)
    code = await people.invite([of(A, Role.VIEWER)], by=boss.person_id, now=NOW, ttl=DAY)
    outcome = await people.redeem_link_code(code, claim("ann"), when)  # type: ignore[arg-type]  # one of the moments

    assert (outcome is refusal) if refusal else isinstance(outcome, LinkedPerson)


async def test_an_invitation_works_once(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    code = await people.invite([of(A, Role.VIEWER)], by=boss.person_id, now=NOW, ttl=DAY)
    await linked(people, code, claim("ann"))

    assert await people.redeem_link_code(code, claim("eve"), NOW) is LinkRefusal.INVITATION_USED
    assert await people.person("telegram", "eve") is None


async def test_codes_of_somebody_revoked_are_void(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    ann = await invited(people, boss, "ann", of(A, Role.ADMIN))
    for_bob = await people.invite([of(A, Role.ADMIN)], by=ann.person_id, now=NOW, ttl=DAY)
    for_ann = await people.identity_code(ann.person_id, by=ann.person_id, now=NOW, ttl=DAY)
    assert await people.revoke(ann.person_id, after(1))

    for code in (for_bob, for_ann):
        assert await people.redeem_link_code(code, claim("eve"), after(2)) is LinkRefusal.INVITATION_WITHDRAWN
    assert await people.person("telegram", "eve") is None


async def test_an_invitation_is_worth_what_its_giver_may_give_when_it_is_shown(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    ann = await invited(people, boss, "ann", of(A, Role.ADMIN))
    code = await people.invite([of(A, Role.ADMIN)], by=ann.person_id, now=NOW, ttl=DAY)
    await people.give(ann.person_id, [of(A, Role.VIEWER)])

    assert await people.redeem_link_code(code, claim("eve"), NOW) is LinkRefusal.INVITATION_WITHDRAWN


async def test_the_owner_cannot_be_revoked(store: Store) -> None:
    people = People(store)
    boss = await owner(people)

    assert not await people.revoke(boss.person_id, after(1))
    assert await people.person("telegram", "boss") is not None


async def test_roles_are_given_and_taken(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    ann = await invited(people, boss, "ann", of(A, Role.VIEWER))
    await people.give(ann.person_id, [of(A, Role.TRADER), of(B, Role.VIEWER)])
    assert await people.take(ann.person_id, B)
    assert not await people.take(ann.person_id, B)

    found = await people.by_id(ann.person_id)
    assert found is not None
    assert found.access.roles == {A: Role.TRADER}


# One person on several platforms.


async def test_whoever_shows_an_identity_code_is_that_person(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    ann = await invited(people, boss, "ann", of(A, Role.RESPONDER))
    code = await people.identity_code(ann.person_id, by=ann.person_id, now=NOW, ttl=DAY)
    there = await linked(people, code, claim("ann#77", platform="discord"))

    assert there.person_id == ann.person_id
    assert (there.transport, there.user_id) == ("discord", "ann#77")
    assert there.access == ann.access
    assert [one.platform for one in await people.identities(ann.person_id)] == ["telegram", "discord"]
    owners = sorted(chat.person_id for chat in await people.chats())
    assert owners == sorted([boss.person_id, ann.person_id, ann.person_id])
    assert len(await people.linked()) == 2


async def test_two_bots_on_one_platform_see_the_same_person_and_reach_two_chats(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    code = await people.identity_code(boss.person_id, by=boss.person_id, now=NOW, ttl=DAY)
    again = await linked(people, code, replace(claim("boss", chat="chat-boss"), via="telegram-desk2"))

    assert again.person_id == boss.person_id
    assert await people.person("telegram", "boss") == again
    assert {(chat.transport, chat.chat) for chat in await people.chats()} == {
        ("telegram", "chat-boss"), ("telegram-desk2", "chat-boss"),
    }  # fmt: skip


async def test_only_the_last_identity_code_of_a_person_works(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    old = await people.identity_code(boss.person_id, by=boss.person_id, now=NOW, ttl=DAY)
    await people.identity_code(boss.person_id, by=boss.person_id, now=NOW, ttl=DAY)

    assert await people.redeem_link_code(old, claim("x"), NOW) is LinkRefusal.UNKNOWN


async def test_somebody_linked_as_another_is_asked_before_both_become_one(store: Store) -> None:
    """Or who gets somebody to type a code would have all that they may."""
    people, personal = People(store), Personal(store)
    boss = await owner(people)
    eve = await invited(people, boss, "eve", of(A, Role.VIEWER))
    await personal.name_account(boss.person_id, B, "whale")
    await personal.put(NUMBERS, "de", boss.person_id, NOW)
    await personal.put(NUMBERS, "fr", eve.person_id, NOW)
    code = await people.identity_code(eve.person_id, by=eve.person_id, now=NOW, ttl=DAY)
    asked = await people.redeem_link_code(code, claim("boss"), NOW)

    assert asked is LinkRefusal.LINKED_AS_ANOTHER
    unchanged = await people.by_id(eve.person_id)
    assert unchanged is not None
    assert not unchanged.owner

    merged = await linked(people, code, replace(claim("boss"), merge=True))
    assert merged.person_id == eve.person_id
    assert merged.owner
    assert merged.access.roles == {A: Role.VIEWER, EVERYWHERE: Role.ADMIN}
    assert [person.person_id for person in await people.linked()] == [eve.person_id]
    assert {chat.person_id for chat in await people.chats()} == {eve.person_id}
    assert await personal.nicknames(eve.person_id) == {B: "whale"}
    assert await personal.get(NUMBERS, eve.person_id) == "fr", "where both chose, who stays has their own"
    assert await people.by_id(boss.person_id) is None


async def test_a_question_is_no_wrong_attempt(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    eve = await invited(people, boss, "eve", of(A, Role.VIEWER))
    code = await people.identity_code(eve.person_id, by=eve.person_id, now=NOW, ttl=DAY)
    for _ in range(20):
        assert await people.redeem_link_code(code, claim("boss"), NOW) is LinkRefusal.LINKED_AS_ANOTHER


async def test_who_acknowledged_stays_who_they_are_when_two_become_one(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    ann = await invited(people, boss, "ann", of(A, Role.VIEWER))
    await store.atomic(
        lambda db: db.execute(
            "INSERT INTO incidents (incident_id, kind, account_id, subject, tier, peak, status, opened_at, changed_at,"
            " fact, acked_by) VALUES (1, 'health', 'a', '', 1, 1, 'acked', 0, 0, '', ?)",
            [ann.person_id],
        )
    )
    code = await people.identity_code(boss.person_id, by=boss.person_id, now=NOW, ttl=DAY)
    await linked(people, code, replace(claim("ann"), merge=True))

    assert await store.run(lambda db: db.execute("SELECT acked_by FROM incidents").fetchone()[0]) == boss.person_id


# Groups.


async def test_a_group_is_linked_for_what_its_code_gives_to_an_admin(store: Store) -> None:
    people = People(store)
    boss = await owner(people)
    admins = await people.invite([of(A, Role.ADMIN)], by=boss.person_id, now=NOW, ttl=DAY)
    viewers = await people.invite([of(A, Role.VIEWER)], by=boss.person_id, now=NOW, ttl=DAY)
    await linked(people, admins, claim("ann", chat="-100", private=False))
    await linked(people, viewers, claim("bob", chat="-200", private=False))

    audience: Audience = await people.audience()
    assert [(chat.chat, chat.accounts) for chat in audience.chats if not chat.private] == [("-100", frozenset({A}))]


async def test_a_code_shown_in_a_linked_group_leaves_its_link_alone(store: Store) -> None:
    """Or the group would no longer hear of what it was linked for."""
    people = People(store)
    code = await people.issue_link_code(NOW, Role.ADMIN, DAY, owner=True)
    boss = await linked(people, code, claim("boss", chat="-100", private=False))
    admins = await people.invite([of(A, Role.ADMIN)], by=boss.person_id, now=NOW, ttl=DAY)
    await linked(people, admins, claim("ann", chat="-100", private=False))

    (group,) = await people.chats()
    assert (group.person_id, group.accounts) == (boss.person_id, frozenset({EVERYWHERE}))
