"""What somebody may do in a channel, computed as Discord does it. Pure.

Rules: https://discord.com/developers/docs/topics/permissions
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

ADMINISTRATOR = 1 << 3
VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
EMBED_LINKS = 1 << 14
ATTACH_FILES = 1 << 15
PIN_MESSAGES = 1 << 51
_ALL = (1 << 53) - 1

NEEDED: Mapping[str, int] = {
    "View Channel": VIEW_CHANNEL,
    "Send Messages": SEND_MESSAGES,
    "Embed Links": EMBED_LINKS,
    "Attach Files": ATTACH_FILES,
    "Pin Messages": PIN_MESSAGES,
}
# Without these there are no threads of incidents, and nothing is lost.
FOR_THREADS: Mapping[str, int] = {
    "Read Message History": 1 << 16,
    "Create Public Threads": 1 << 35,
    "Send Messages in Threads": 1 << 38,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwrite:
    """What a channel changes for one role or one member. ``allow`` and ``deny`` are sets of bits."""

    target: int
    allow: int
    deny: int


def permissions(
    *, guild: int, member: int, roles: Collection[int], by_role: Mapping[int, int], overwrites: Sequence[Overwrite]
) -> int:
    """Bits of everything a member may do in a channel.

    Args:
        guild: Also the id of the role that everybody has.
        roles: Ids of the member's others.
        by_role: Bits each role gives.
    """
    base = by_role.get(guild, 0)
    for role in roles:
        base |= by_role.get(role, 0)
    if base & ADMINISTRATOR:
        return _ALL
    by_target = {one.target: one for one in overwrites}
    if (everybody := by_target.get(guild)) is not None:
        base = base & ~everybody.deny | everybody.allow
    held = [by_target[role] for role in roles if role in by_target]
    denied = allowed = 0
    for one in held:
        denied |= one.deny
        allowed |= one.allow
    base = base & ~denied | allowed
    if (own := by_target.get(member)) is not None:
        base = base & ~own.deny | own.allow
    return base


def missing(bits: int) -> tuple[str, ...]:
    """Names of what is needed and not there."""
    return tuple(name for name, bit in NEEDED.items() if not bits & bit)
