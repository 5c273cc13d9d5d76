"""One pinned status message in every linked chat, edited in place, silent, and always behind the alerts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.messages import Address, DeliveryError, Message, MessageRef, Refused, RetryAfter, Unreachable
from bot.places import Place, plainly
from bot.pulse_view import AT_LEAST_APART, Gist, PulseFacts, due, gist, off_message, pulse_message, refresh_every
from bot.text.reader import ReadingStyle, reading_as
from risk.ports import Clock
from storage import PulseMessage, Pulses, Receiver

log = structlog.get_logger()

LOOK_EVERY_S = 5.0
_PER_S = 4.0  # edits to one platform; the rest of what it takes belongs to alerts
_MOST_A_LOOK = int(_PER_S * LOOK_EVERY_S)
_COMPARED_A_LOOK = 200
_AGAIN_S = 60.0
_UNREACHABLE_FOR_S = 3_600.0


class Way(Protocol):
    """To a platform, for what may wait; see bot.messages.Transport."""

    async def send(self, address: Address, message: Message) -> MessageRef: ...

    async def edit(self, ref: MessageRef, message: Message) -> None: ...

    async def pin(self, ref: MessageRef) -> None: ...


@dataclass(frozen=True, slots=True)
class _Said:
    """What a chat's message says, as far as this process knows.

    Attributes:
        revision: Of the process's state when it was last compared with it.
        not_before_s: Monotonic; after a failure.
    """

    gist: Gist | None = None
    at: datetime | None = None
    revision: int = -1
    not_before_s: float = 0.0

    def surely_current(self, now: datetime, revision: int, refreshed: timedelta) -> bool:
        """Whether nothing is to be done, as can be told without looking through its accounts."""
        if self.at is None or now < self.at:
            return False
        passed = now - self.at
        return passed < AT_LEAST_APART or (passed < refreshed and self.revision == revision)


class Pulse:
    """Keeps the messages.

    Args:
        ways: Unhurried ones to the platforms that have something to pin to; a terminal has not.
        facts: The state of the process now.
        style_of: How a chat reads.
    """

    def __init__(
        self,
        *,
        pulses: Pulses,
        ways: Mapping[str, Way],
        places: Callable[[], Awaitable[Sequence[Place]]],
        facts: Callable[[], Awaitable[PulseFacts]],
        clock: Clock,
        style_of: Callable[[Receiver], Awaitable[ReadingStyle]] = plainly,
    ) -> None:
        self._pulses, self._ways, self._places = pulses, ways, places
        self._facts, self._clock, self._style_of = facts, clock, style_of
        self._known: dict[Receiver, PulseMessage] | None = None
        self._said: dict[Receiver, _Said] = {}
        self._state: Gist | None = None
        self._revision = 0

    async def run(self) -> None:
        """Keep them until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """One round: what is due is edited, the longest unedited first."""
        if self._known is None:
            self._known = dict(await self._pulses.all())
        off = await self._pulses.off()
        places = [place for place in await self._places() if place.receiver.transport in self._ways]
        await self._switch_off([place for place in places if place.receiver in off])
        wanted = [place for place in places if place.receiver not in off]
        facts = await self._facts()
        state = gist(facts, {account_id: account_id for account_id in facts.tiers})
        if state != self._state:
            self._state, self._revision = state, self._revision + 1
        refreshed = refresh_every(len(wanted), _PER_S)
        by_transport: dict[str, list[Place]] = {}
        for place in sorted(wanted, key=self._oldest):
            by_transport.setdefault(place.receiver.transport, []).append(place)
        # Side by side: a platform that is slow holds up nobody on another.
        await asyncio.gather(*(self._round(there, facts, refreshed) for there in by_transport.values()))

    def _oldest(self, place: Place) -> float:
        said = self._said.get(place.receiver)
        return 0.0 if said is None or said.at is None else said.at.timestamp()

    async def _round(self, places: Sequence[Place], facts: PulseFacts, refreshed: timedelta) -> None:
        edited = compared = 0
        for place in places:
            said = self._said.get(place.receiver, _Said())
            if self._clock.monotonic_s() < said.not_before_s:
                continue
            if said.surely_current(facts.as_of, self._revision, refreshed):
                continue
            if edited >= _MOST_A_LOOK or compared >= _COMPARED_A_LOOK:
                return
            compared += 1
            labels = place.labels()
            now_gist = gist(facts, labels)
            await asyncio.sleep(0)  # with a thousand accounts that was a millisecond or two
            if not due(said.gist, said.at, now_gist, facts.as_of, refreshed):
                self._said[place.receiver] = replace(said, revision=self._revision)
                continue
            edited += 1
            try:
                await self._say(place, facts, labels, refreshed)
            except DeliveryError as error:
                self._said[place.receiver] = _Said(not_before_s=self._clock.monotonic_s() + _pause_s(error))
                log.info("pulse.not_said", transport=place.receiver.transport, error=str(error))
            else:
                self._said[place.receiver] = _Said(now_gist, facts.as_of, self._revision)

    async def _say(self, place: Place, facts: PulseFacts, labels: Mapping[str, str], refreshed: timedelta) -> None:
        """Edit the message that is there; where it is gone, a new one. Raises: DeliveryError."""
        with reading_as(await self._style_of(place.receiver)):
            message = pulse_message(facts, labels, refreshed)
        way = self._ways[place.receiver.transport]
        known = (self._known or {}).get(place.receiver)
        if known is not None:
            try:
                await way.edit(MessageRef(address=place.address, message_id=known.message_id), message)
                return
            except Refused:
                await self._forget(place.receiver)  # somebody deleted it
        ref = await way.send(place.address, message)
        await self._remember(PulseMessage(receiver=place.receiver, message_id=ref.message_id, pinned=False))
        try:
            await way.pin(ref)
        except DeliveryError as error:
            # It is kept up to date all the same; in a group pinning is a right of its own.
            log.warning("pulse.not_pinned", transport=place.receiver.transport, error=str(error))
        else:
            await self._remember(PulseMessage(receiver=place.receiver, message_id=ref.message_id, pinned=True))

    async def _switch_off(self, places: Sequence[Place]) -> None:
        for place in places:
            known = (self._known or {}).get(place.receiver)
            if known is None:
                continue
            await self._forget(place.receiver)
            ref = MessageRef(address=place.address, message_id=known.message_id)
            try:
                await self._ways[place.receiver.transport].edit(ref, off_message())
            except DeliveryError as error:
                log.info("pulse.not_said", transport=place.receiver.transport, error=str(error))

    async def _remember(self, pulse: PulseMessage) -> None:
        if self._known is not None:
            self._known[pulse.receiver] = pulse
        await self._pulses.save(pulse)

    async def _forget(self, receiver: Receiver) -> None:
        if self._known is not None:
            self._known.pop(receiver, None)
        self._said.pop(receiver, None)
        await self._pulses.forget(receiver)


def _pause_s(error: DeliveryError) -> float:
    if isinstance(error, RetryAfter):
        return error.seconds
    return _UNREACHABLE_FOR_S if isinstance(error, Unreachable) else _AGAIN_S
