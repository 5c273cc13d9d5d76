"""Tells every person their digest once for each of their local days, late rather than never."""

import asyncio

import structlog

from bot.charts import Theme
from bot.commands.spec import Services
from bot.digests.compose import compose
from bot.digests.days import due_day
from bot.messages import Address, DeliveryError, Refused, RetryAfter, Unreachable
from bot.reading import Styles
from bot.scope import Scopes
from bot.text.reader import reading_as
from storage import DIGEST_MINUTE, THEME, DigestState, LinkedPerson

log = structlog.get_logger()


class DigestTeller:
    """Runs on the schedule. What was told is remembered, so a restart repeats nothing and misses nothing."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._scopes, self._styles = Scopes(services), Styles(services.personal, services.people)
        self._turn = asyncio.Lock()
        self._not_before: dict[str, float] = {}  # by person: where a platform asked to wait

    async def tell_due(self) -> None:
        """One look at everybody."""
        async with self._turn:
            for state in await self._services.digests.all():
                try:
                    await self._tell_if_due(state)
                except Exception:
                    # The top of one person's digest: what trips it must not keep the others from theirs.
                    log.exception("digest.failed", person_id=state.person_id)

    async def _tell_if_due(self, state: DigestState) -> None:
        services = self._services
        person = await services.people.by_id(state.person_id)
        if person is None or person.revoked_at is not None:
            await services.digests.off(state.person_id)
            return
        minute = await services.personal.get(DIGEST_MINUTE, person.person_id)
        style = await self._styles.of_person(person.person_id)
        day = due_day(state.told, DIGEST_MINUTE.default if minute is None else minute, style.zone, services.clock.now())
        if day is None or services.clock.monotonic_s() < self._not_before.get(person.person_id, 0.0):
            return
        again = state.trying == day
        theme = await services.personal.get(THEME, person.person_id) or THEME.default
        with reading_as(style):
            message = await compose(await self._scopes.services(person), theme=Theme(theme.value), again=again)
        await services.digests.trying(person.person_id, day)
        for address in await self._addresses(state, person):
            transport = services.process.transports.get(address.transport)
            if transport is None:
                continue
            try:
                await transport.send(address, message)
            except (Unreachable, Refused) as exc:
                log.warning("digest.refused", person_id=person.person_id, transport=address.transport, error=str(exc))
                continue
            except DeliveryError as exc:
                # Later: the day is not told yet.
                seconds = exc.seconds if isinstance(exc, RetryAfter) else 60.0
                self._not_before[person.person_id] = services.clock.monotonic_s() + seconds
                log.info("digest.later", person_id=person.person_id, transport=address.transport, error=str(exc))
                return
            log.info("digest.told", person_id=person.person_id, day=day.isoformat())
            break
        else:
            log.warning("digest.unreachable", person_id=person.person_id)
        await services.digests.told(person.person_id, day)

    async def _addresses(self, state: DigestState, person: LinkedPerson) -> list[Address]:
        """Where they wanted it first, then their other private chats, the one linked last first."""
        wanted = Address(transport=state.receiver.transport, chat=state.receiver.chat, thread=state.receiver.thread)
        chats = [
            one for one in await self._services.people.chats() if one.person_id == person.person_id and one.private
        ]
        own = [Address(transport=one.transport, chat=one.chat, thread=one.thread) for one in reversed(chats)]
        return [one for one in own if one == wanted] + [one for one in own if one != wanted]
