"""Groups that let the bot in: which it stays in, which it leaves, and who hears that it was thrown out.

An unknown group learns nothing. Where a linked admin let the bot in, it stays for an hour for them to link the group;
likewise where nobody owns the bot yet, for the owner may be linking it there, and where the platform does not say who
let it in. Every other group is left at once. A group it was removed from is marked, and only an admin brings it back.
"""

from datetime import timedelta

import structlog

from bot.commands.spec import Services
from bot.messages import Address, DeliveryError, Guest, Membership, Message, Transport, lines
from bot.notify import tell
from storage import Role, UnlinkedGroup

log = structlog.get_logger()

PATIENCE = timedelta(hours=1)
_LINK_ME = "An admin links this group with /here and the accounts it may hear of. In an hour I leave."


class Guests:
    """Answers what a transport says of groups."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def heard(self, transport: Transport, membership: Membership) -> None:
        """The bot was let in or removed. Raises: DeliveryError, where it could not leave."""
        if membership.joined:
            await self._joined(transport, membership)
        else:
            await self._removed(transport, membership)

    async def leave_overdue(self) -> None:
        """Leave groups whose hour is over; for the schedule."""
        groups, now = self._services.groups, self._services.clock.now()
        for group in await groups.overdue(now):
            transport = self._services.process.transports.get(group.transport)
            if transport is not None:
                try:
                    await _leave(transport, Address(transport=group.transport, chat=group.chat))
                except DeliveryError as exc:
                    log.warning("group.not_left", transport=group.transport, chat=group.chat, error=str(exc))
                    continue
            await groups.forget(group.transport, group.chat)

    async def _joined(self, transport: Transport, membership: Membership) -> None:
        groups, people, group = self._services.groups, self._services.people, membership.group
        by = membership.by
        person = await people.person(by.transport, by.user_id) if by is not None else None
        welcome = person is not None and person.access.strongest is Role.ADMIN
        chats = {group.chat, *membership.chats}
        if await groups.knows(transport.name, chats) or self._services.book.names(transport.name, chats):
            return
        if welcome and await groups.back(transport.name, group.chat):
            return
        if welcome or by is None or not await people.has_owner():
            leave_at = self._services.clock.now() + PATIENCE
            await groups.leave_later(
                UnlinkedGroup(transport=transport.name, chat=group.chat, inside=membership.chats, leave_at=leave_at)
            )
            log.info("group.joined", transport=transport.name, chat=group.chat)
            if welcome:
                await transport.send(group, Message(blocks=lines(_LINK_ME, first_strong=False)))
            return
        log.warning("group.unknown", transport=transport.name, chat=group.chat)
        await _leave(transport, group)

    async def _removed(self, transport: Transport, membership: Membership) -> None:
        groups, people, group = self._services.groups, self._services.people, membership.group
        linked = [one for one in await people.chats() if (one.transport, one.chat) == (transport.name, group.chat)]
        if not await groups.left(transport.name, group.chat, self._services.clock.now()):
            return
        log.warning("group.removed", transport=transport.name, chat=group.chat)
        text = f"I was removed from the group {group.chat} on {transport.name}: it hears of nothing any more."
        again = "Add me again and link it with /here, or see that somebody else hears."
        for person_id in dict.fromkeys(one.person_id for one in linked):
            await tell(self._services, person_id, Message(blocks=lines(text, again)))


async def _leave(transport: Transport, group: Address) -> None:
    if isinstance(transport, Guest):
        await transport.leave(group)
        log.info("group.left", transport=transport.name, chat=group.chat)
