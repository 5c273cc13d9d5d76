"""What Discord's roles add to what linked people may do, and hold back. Never more than that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Person
from bot.platform_roles import PlatformRoles, parse_granted
from storage import EVERYWHERE, Access, Grant, LinkedPerson, Role
from tests.support.clock import FakeClock

DESK, RISK = "1400000000000000007", "1400000000000000008"
MAPPED = PlatformRoles(platform="discord", granted={DESK: Role.RESPONDER, RISK: Role.TRADER})
NEEDED = PlatformRoles(platform="discord", granted={DESK: Role.TRADER}, required=frozenset({RISK}))


def linked(*grants: Grant, owner: bool = False) -> LinkedPerson:
    return LinkedPerson(
        person_id="p", transport="discord", user_id="1", display_name="ann", owner=owner,
        linked_at=FakeClock().now(), access=Access.of(grants, owner=owner),
    )  # fmt: skip


def sender(*roles: str, transport: str = "discord") -> Person:
    return Person(transport=transport, user_id="1", roles=frozenset(roles))


VIEWER = linked(Grant(account_id="a", role=Role.VIEWER))


@pytest.mark.parametrize(
    ("rules", "person", "who", "role"),
    [
        (MAPPED, VIEWER, sender(DESK), Role.RESPONDER),
        (MAPPED, VIEWER, sender(DESK, RISK), Role.TRADER),
        (MAPPED, VIEWER, sender(), Role.VIEWER),
        (MAPPED, VIEWER, sender("9"), Role.VIEWER),
        (MAPPED, VIEWER, sender(DESK, transport="telegram"), Role.VIEWER),
        (MAPPED, linked(Grant(account_id="a", role=Role.ADMIN)), sender(DESK), Role.ADMIN),
        (MAPPED, linked(owner=True), sender(DESK), Role.ADMIN),
        (NEEDED, linked(Grant(account_id="a", role=Role.ADMIN)), sender(DESK), Role.VIEWER),
        (NEEDED, linked(Grant(account_id="a", role=Role.ADMIN)), sender(RISK), Role.ADMIN),
        (NEEDED, VIEWER, sender(DESK, RISK), Role.TRADER),
        (NEEDED, linked(owner=True), sender(), Role.VIEWER),
        (NEEDED, linked(owner=True), sender(RISK), Role.ADMIN),
        (NEEDED, linked(owner=True), sender(transport="telegram"), Role.ADMIN),
    ],
)
def test_a_role_of_the_platform_raises_and_one_that_is_missing_holds_back(
    rules: PlatformRoles, person: LinkedPerson, who: Person, role: Role
) -> None:
    assert rules.applied(person, who).access.role("a") is role


def test_who_is_held_back_is_told_why() -> None:
    assert NEEDED.hint(sender()) == " Here it takes a role of Discord's besides."
    assert NEEDED.hint(sender(RISK)) == NEEDED.hint(sender(transport="telegram")) == MAPPED.hint(sender()) == ""


@given(
    st.dictionaries(st.sampled_from(["a", "b", EVERYWHERE]), st.sampled_from(list(Role))),
    st.booleans(),
    st.sets(st.sampled_from([DESK, RISK, "9"])),
    st.booleans(),
)
def test_nobody_sees_more_accounts_and_nobody_becomes_an_admin_by_it(
    roles: dict[str, Role], owner: bool, held: set[str], needed: bool
) -> None:
    person = linked(*(Grant(account_id=one, role=role) for one, role in roles.items()), owner=owner)
    after = (NEEDED if needed else MAPPED).applied(person, sender(*held)).access
    for account in ("a", "b", "c"):
        assert after.may_see(account) is person.access.may_see(account)
        assert not after.may(Role.ADMIN, account) or person.access.may(Role.ADMIN, account)
    assert not after.owner or person.access.owner


@pytest.mark.parametrize(
    ("text", "granted"),
    [("", {}), (" , ", {}), ("7=Responder , 8 = viewer", {"7": Role.RESPONDER, "8": Role.VIEWER})],
)
def test_a_map_is_ids_and_roles(text: str, granted: dict[str, Role]) -> None:
    assert parse_granted(text) == granted


@pytest.mark.parametrize(
    "text", ["7", "7=", "=viewer", "x=viewer", "7=boss", "7=admin", "7=viewer,7=trader", "\u0661=viewer"]
)
def test_what_is_none_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"^entry \d "):
        parse_granted(text)
