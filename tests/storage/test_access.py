"""Roles per account: what they allow, and what a group may hear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import EVERYTHING, EVERYWHERE, NO_ACCESS, Access, Audience, Grant, LinkedChat, Role
from tests.storage.builders import NOW

A, B = "account-a", "account-b"
VIEWER, RESPONDER, TRADER, ADMIN = Role


def access(**roles: Role) -> Access:
    names = {"a": A, "b": B, "all": EVERYWHERE}
    return Access(roles={names[name]: role for name, role in roles.items()})


@pytest.mark.parametrize(
    ("who", "account", "role", "why"),
    [
        (NO_ACCESS, A, None, "nothing was given"),
        (access(a=VIEWER), A, VIEWER, "given for it"),
        (access(a=VIEWER), B, None, "given for another"),
        (access(all=RESPONDER), B, RESPONDER, "given for all"),
        (access(all=VIEWER, a=ADMIN), A, ADMIN, "the better one of two counts"),
        (access(all=ADMIN, a=VIEWER), A, ADMIN, "a lesser one for one account takes nothing away"),
        (access(all=VIEWER, a=ADMIN), B, VIEWER, "what one account gives, another does not"),
        (EVERYTHING, B, ADMIN, "the owner"),
        (Access(owner=True, roles={A: VIEWER}), A, ADMIN, "the owner, whatever the roles say"),
        (access(a=RESPONDER), "", RESPONDER, "what concerns no single account"),
        (NO_ACCESS, "", None, "not even that without any role"),
    ],
)
def test_the_role_for_an_account(who: Access, account: str, role: Role | None, why: str) -> None:
    assert who.role(account) is role, why
    assert who.may_see(account) is (role is not None)
    for needed in Role:
        assert who.may(needed, account) is (role is not None and role.includes(needed))


@pytest.mark.parametrize(
    ("who", "grant", "may", "why"),
    [
        (access(all=ADMIN), Grant(account_id=EVERYWHERE, role=ADMIN), True, "an admin of all"),
        (access(a=ADMIN), Grant(account_id=A, role=ADMIN), True, "of what they are admin of"),
        (access(a=ADMIN), Grant(account_id=B, role=VIEWER), False, "not of another"),
        (access(a=ADMIN, b=ADMIN), Grant(account_id=EVERYWHERE, role=VIEWER), False, "all means those to come too"),
        (access(all=TRADER), Grant(account_id=A, role=VIEWER), False, "no admin at all"),
        (EVERYTHING, Grant(account_id=EVERYWHERE, role=ADMIN), True, "the owner"),
    ],
)
def test_who_may_give_which_role(who: Access, grant: Grant, may: bool, why: str) -> None:
    assert who.may_give(grant) is may, why


@pytest.mark.parametrize(
    ("who", "other", "governs", "why"),
    [
        (access(all=ADMIN), access(all=ADMIN), True, "admins of all govern each other"),
        (access(all=ADMIN), EVERYTHING, False, "nobody governs the owner"),
        (EVERYTHING, EVERYTHING, True, "but the owner"),
        (access(a=ADMIN), access(a=VIEWER), True, "all their roles are for what one is admin of"),
        (access(a=ADMIN), access(a=VIEWER, b=VIEWER), False, "one is not"),
        (access(a=ADMIN), access(all=VIEWER), False, "all accounts are more than one"),
        (access(a=ADMIN), NO_ACCESS, False, "somebody without roles is nobody's in particular"),
        (access(all=ADMIN), NO_ACCESS, True, "but an admin's of all"),
    ],
)
def test_who_decides_about_whom(who: Access, other: Access, governs: bool, why: str) -> None:
    assert who.governs(other) is governs, why


accesses = st.builds(
    Access, owner=st.booleans(), roles=st.dictionaries(st.sampled_from([A, B, "c", EVERYWHERE]), st.sampled_from(Role))
)
grants = st.builds(Grant, account_id=st.sampled_from([A, B, "c", EVERYWHERE]), role=st.sampled_from(Role))


@given(who=accesses, more=st.lists(grants), account=st.sampled_from([A, B, "c", "unheard of", ""]))
def test_more_roles_never_take_any_right_away(who: Access, more: list[Grant], account: str) -> None:
    after = who.with_grants(more)
    for needed in Role:
        assert after.may(needed, account) or not who.may(needed, account)


@given(who=accesses, grant=grants, account=st.sampled_from([A, B, "c"]))
def test_nobody_gives_a_right_they_do_not_hold_themselves(who: Access, grant: Grant, account: str) -> None:
    given_to = NO_ACCESS.with_grants([grant])
    if who.may_give(grant):
        assert all(who.may(needed, account) for needed in Role if given_to.may(needed, account))


def chat(person: str, *accounts: str, private: bool = False) -> LinkedChat:
    return LinkedChat(
        transport="telegram", chat=f"chat of {person}", thread="", person_id=person, private=private, linked_at=NOW,
        accounts=frozenset(accounts),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "account", "hears", "why"),
    [
        (chat("boss", private=True), B, True, "in private, what the person may see"),
        (chat("of-a", private=True), A, True, "likewise"),
        (chat("of-a", private=True), B, False, "and no more"),
        (chat("boss", A), A, True, "a group hears what it was linked for"),
        (chat("boss", A), B, False, "and no more, whoever linked it"),
        (chat("boss", EVERYWHERE), B, True, "all"),
        (chat("of-a", A, B), A, True, "whoever linked it is admin of it"),
        (chat("of-a", A, B), B, False, "and of this one no more"),
        (chat("viewer", A), A, False, "somebody who is no admin now has linked it when they were"),
        (chat("gone", A), A, False, "whoever linked it is a stranger now"),
        (chat("gone", private=True), A, False, "likewise in private"),
        (chat("boss", A), "", True, "what concerns everybody"),
        (chat("viewer", private=True), "", True, "likewise"),
        (chat("nobody", private=True), "", False, "but who may see nothing hears nothing"),
    ],
)
def test_what_a_chat_may_hear(one: LinkedChat, account: str, hears: bool, why: str) -> None:
    people = {
        "boss": access(all=ADMIN), "of-a": access(a=ADMIN), "viewer": access(a=VIEWER), "nobody": NO_ACCESS,
    }  # fmt: skip
    audience = Audience(chats=(one,), access=people)

    assert audience.may_hear(one, account) is hears, why
    assert audience.hearing(account) == ((one,) if hears else ())
