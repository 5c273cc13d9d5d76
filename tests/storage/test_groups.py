"""Chats: what groups may hear of, topics, moves, and groups nobody has linked."""

from datetime import timedelta

import pytest

from storage import (
    EVERYWHERE,
    Digests,
    DigestState,
    Groups,
    LinkedChat,
    LinkedPerson,
    People,
    Receiver,
    Role,
    Store,
    UnlinkedGroup,
)
from tests.storage.builders import NOW, after, make_claim

A, B = "account-a", "account-b"


async def boss(store: Store) -> LinkedPerson:
    people = People(store)
    code = await people.issue_link_code(NOW, Role.ADMIN, timedelta(days=1), owner=True)
    person = await people.redeem_link_code(code, make_claim(), NOW)
    assert isinstance(person, LinkedPerson)
    return person


def group(*accounts: str, chat: str = "-100", thread: str = "", person: str = "p1") -> LinkedChat:
    return LinkedChat(
        transport="telegram", chat=chat, thread=thread, person_id=person, private=False, linked_at=after(1),
        accounts=frozenset(accounts),
    )  # fmt: skip


async def test_a_group_and_its_topics_are_linked_apart(store: Store) -> None:
    people = People(store)
    await boss(store)
    await people.link_chat(group(A))
    await people.link_chat(group(B, thread="7"))

    assert await people.chat("telegram", "-100") == group(A)
    assert await people.chat("telegram", "-100", "7") == group(B, thread="7")
    assert await people.chat("telegram", "-100", "8") is None
    assert set(await people.chats_of("p1")) > {group(A), group(B, thread="7")}


async def test_linking_again_replaces_what_a_group_hears_of(store: Store) -> None:
    people = People(store)
    await boss(store)
    await people.link_chat(group(A, B))
    await people.link_chat(group(EVERYWHERE))

    assert await people.chat("telegram", "-100") == group(EVERYWHERE)


async def test_a_group_that_became_another_one_keeps_what_it_hears_of(store: Store) -> None:
    people, digests = People(store), Digests(store)
    await boss(store)
    await people.link_chat(group(A, B))
    old, new = Receiver(transport="telegram", chat="-100"), Receiver(transport="telegram", chat="-100123")
    await digests.put(DigestState(person_id="p1", receiver=old, told=NOW.date()))
    await people.move_chat(old, new)

    assert await people.chat("telegram", "-100123") == group(A, B, chat="-100123")
    assert await people.chat("telegram", "-100") is None
    assert [state.receiver for state in await digests.all()] == [new]


async def test_a_group_the_bot_was_removed_from_is_marked_and_hears_nothing(store: Store) -> None:
    people, groups = People(store), Groups(store)
    await boss(store)
    await people.link_chat(group(A))
    await people.link_chat(group(B, thread="7"))
    assert await groups.left("telegram", "-100", after(5))

    assert [chat.chat for chat in await people.chats()] == ["1001"]
    marked = [chat.removed_at for chat in await people.chats_of("p1") if not chat.private]
    assert marked == [after(5), after(5)]
    assert not await groups.knows("telegram", {"-100"})
    assert not await groups.left("telegram", "-999", after(5))

    assert await groups.back("telegram", "-100")
    assert len(await people.chats()) == 3
    assert await groups.knows("telegram", {"-100"})


async def test_a_group_of_somebody_revoked_does_not_come_back(store: Store) -> None:
    people, groups = People(store), Groups(store)
    await boss(store)
    code = await people.issue_link_code(NOW, Role.ADMIN, timedelta(days=1))
    await people.redeem_link_code(code, make_claim("78", person_id="p2", chat="1002"), NOW)
    await people.link_chat(group(A, person="p2"))
    await groups.left("telegram", "-100", after(5))
    await people.revoke("p2", after(6))

    assert not await groups.back("telegram", "-100")


async def test_a_group_that_nobody_links_is_left_at_its_hour(store: Store) -> None:
    groups = Groups(store)
    unlinked = UnlinkedGroup(transport="telegram", chat="-100", leave_at=after(3600))
    await groups.leave_later(unlinked)
    await groups.leave_later(UnlinkedGroup(transport="telegram", chat="-100", leave_at=after(9999)))

    assert await groups.overdue(after(3599)) == ()
    assert await groups.overdue(after(3600)) == (unlinked,), "the first hour counts, however often it is told"
    await groups.forget("telegram", "-100")
    assert await groups.overdue(after(99999)) == ()


@pytest.mark.parametrize("chat", ["-100", "inside-2"])
async def test_a_group_that_somebody_linked_is_not_left(store: Store, chat: str) -> None:
    people, groups = People(store), Groups(store)
    await boss(store)
    inside = frozenset({"inside-1", "inside-2"})
    await groups.leave_later(UnlinkedGroup(transport="telegram", chat="-100", leave_at=after(3600), inside=inside))
    await people.link_chat(group(A, chat=chat))

    assert await groups.overdue(after(9999)) == ()
