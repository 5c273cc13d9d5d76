"""What a bot may do in a chat, by the platforms' own rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.transports.discord.permissions import (
    ADMINISTRATOR,
    EMBED_LINKS,
    NEEDED,
    PIN_MESSAGES,
    SEND_MESSAGES,
    VIEW_CHANNEL,
    Overwrite,
    missing,
    permissions,
)
from bot.transports.telegram.probe import ChatRights, _group_rights

GUILD, BOT, DESK, NIGHT = 1, 2, 3, 4
NEEDS = sum(NEEDED.values())


def deny(target: int, bits: int) -> Overwrite:
    return Overwrite(target=target, allow=0, deny=bits)


def allow(target: int, bits: int) -> Overwrite:
    return Overwrite(target=target, allow=bits, deny=0)


CASES = {
    "everybody may": ({GUILD: NEEDS}, (), ()),
    "a role may": ({GUILD: 0, DESK: NEEDS}, (), ()),
    "two roles together": ({GUILD: 0, DESK: VIEW_CHANNEL | SEND_MESSAGES, NIGHT: NEEDS & ~VIEW_CHANNEL}, (), ()),
    "an administrator may all": ({GUILD: 0, DESK: ADMINISTRATOR}, (deny(GUILD, NEEDS), deny(BOT, NEEDS)), ()),
    "nobody may": ({GUILD: 0}, (), tuple(NEEDED)),
    "the channel takes it from everybody": ({GUILD: NEEDS}, (deny(GUILD, EMBED_LINKS),), ("Embed Links",)),
    "and gives it back to a role": ({GUILD: NEEDS}, (deny(GUILD, EMBED_LINKS), allow(DESK, EMBED_LINKS)), ()),
    "a role that gives wins over one that takes": (
        {GUILD: NEEDS}, (deny(DESK, PIN_MESSAGES), allow(NIGHT, PIN_MESSAGES)), (),
    ),
    "what is taken from the bot itself is taken": (
        {GUILD: NEEDS}, (allow(DESK, PIN_MESSAGES), deny(BOT, PIN_MESSAGES)), ("Pin Messages",),
    ),
    "what is given to the bot itself is given": ({GUILD: 0}, (deny(GUILD, NEEDS), allow(BOT, NEEDS)), ()),
    "a role it does not have": ({GUILD: NEEDS, 9: 0}, (deny(9, NEEDS),), ()),
}  # fmt: skip


@pytest.mark.parametrize(("by_role", "overwrites", "lacks"), CASES.values(), ids=CASES)
def test_permissions_are_computed_as_discord_does(
    by_role: dict[int, int], overwrites: tuple[Overwrite, ...], lacks: tuple[str, ...]
) -> None:
    bits = permissions(guild=GUILD, member=BOT, roles=(DESK, NIGHT), by_role=by_role, overwrites=overwrites)

    assert missing(bits) == lacks


bits = st.integers(0, (1 << 53) - 1)


@given(bits, bits, bits, bits)
def test_what_the_member_is_given_it_has_and_what_is_taken_from_it_it_has_not(
    base: int, role: int, given_bits: int, taken: int
) -> None:
    own = Overwrite(target=BOT, allow=given_bits, deny=taken)
    found = permissions(
        guild=GUILD, member=BOT, roles=(DESK,), by_role={GUILD: base & ~ADMINISTRATOR, DESK: role & ~ADMINISTRATOR},
        overwrites=(own,),
    )  # fmt: skip

    assert found & given_bits == given_bits
    assert found & taken & ~given_bits == 0


MEMBERS: dict[str, tuple[dict[str, object], dict[str, object], tuple[bool, bool]]] = {
    "its creator": ({"status": "creator"}, {}, (True, True)),
    "an administrator": ({"status": "administrator", "can_pin_messages": True}, {}, (True, True)),
    "an administrator who may not pin": ({"status": "administrator"}, {}, (True, False)),
    "an administrator of a channel": (
        {"status": "administrator", "can_post_messages": True, "can_edit_messages": True}, {}, (True, True),
    ),
    "an administrator of a channel who may not post": (
        {"status": "administrator", "can_post_messages": False}, {}, (False, False),
    ),
    "a member": ({"status": "member"}, {"can_send_messages": True, "can_pin_messages": True}, (True, True)),
    "a member of a quiet group": ({"status": "member"}, {"can_send_messages": False}, (False, False)),
    "a member of an old group": ({"status": "member"}, {}, (True, False)),
    "a restricted member": (
        {"status": "restricted", "is_member": True, "can_send_messages": True}, {}, (True, False),
    ),
    "a silenced member": ({"status": "restricted", "is_member": True, "can_send_messages": False}, {}, (False, False)),
    "somebody restricted who has left": (
        {"status": "restricted", "is_member": False, "can_send_messages": True}, {}, (False, False),
    ),
    "somebody who left": ({"status": "left"}, {"can_send_messages": True}, (False, False)),
    "somebody who was removed": ({"status": "kicked"}, {"can_send_messages": True}, (False, False)),
    "something new": ({"status": "astronaut"}, {}, (False, False)),
}  # fmt: skip


@pytest.mark.parametrize(("member", "everybody", "expected"), MEMBERS.values(), ids=MEMBERS)
def test_rights_in_a_group_of_telegram(
    member: dict[str, object], everybody: dict[str, object], expected: tuple[bool, bool]
) -> None:
    assert _group_rights("Desk", member, everybody) == ChatRights(
        title="Desk", may_write=expected[0], may_pin=expected[1]
    )
