"""The one way to a platform: alerts, answers and edits pass through here, so that together they keep to its limits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self, TypeVar

import structlog

from bot import redaction
from bot.alerts.budgets import Budgets, Ticket
from bot.alerts.shown import shown
from bot.messages import (
    Address,
    CommandHint,
    DeliveryError,
    Guest,
    Incoming,
    InParts,
    Limits,
    Message,
    MessageRef,
    Press,
    RetryAfter,
    Transport,
    TransportHealth,
    TryAgain,
    Unreachable,
)
from risk.ports import Clock

log = structlog.get_logger()
T = TypeVar("T")

_PATIENCE_S = 30.0  # how long an answer waits for a chat that the platform wants left alone
_LONGEST_S = 45.0  # after that nobody knows what became of a message; less than the lease of an alert
_FAIR_AFTER_S = 0.5  # whoever waited longer than that gets one turn in
_FAIR_EVERY = 4
_YIELDS_S = 5.0  # how long an answer lets alerts to its chat go first
_DOWN_AFTER = 3  # chats in a row that failed: then it is the platform, and one a second finds out when it is back
_PROBE_S = 1.0


class Lane(IntEnum):
    """Who goes first."""

    ALERT = 0
    ANSWER = 1
    EDIT = 2


@dataclass(slots=True, eq=False)
class _Waiter:
    lane: Lane
    place: str
    since: float


class Sender:
    """A transport that keeps to its limits; implements bot.messages.Transport.

    What is sent and edited through its methods is an answer: it waits its turn behind alerts, of which one in four
    turns is kept for it. Delivery takes a turn first and then decides what is most urgent: see turn() and said().
    """

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport, self._clock = transport, clock
        self._budgets = Budgets(transport.limits, parts_known=isinstance(transport, InParts))
        self._waiting: list[_Waiter] = []
        self._alerts_in_a_row = 0
        self._favoured: frozenset[str] = frozenset()
        self._failing: set[str] = set()
        self._changed = asyncio.Event()
        self._heard: list[Callable[[Address], None]] = []

    @property
    def name(self) -> str:
        return self._transport.name

    @property
    def limits(self) -> Limits:
        return self._transport.limits

    @property
    def threads_apart(self) -> bool:
        return self._budgets.threads_apart

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._transport.__aexit__(*exc)

    def incoming(self) -> AsyncIterator[Incoming]:
        return self._transport.incoming()

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        return await self._patiently(
            Lane.ANSWER,
            address,
            lambda: self._transport.send(address, shown(message), key=key),
            parts=self.parts(message),
        )

    async def edit(self, ref: MessageRef, message: Message) -> None:
        await self._patiently(Lane.ANSWER, ref.address, lambda: self._transport.edit(ref, shown(message)))

    async def pin(self, ref: MessageRef) -> None:
        await self._patiently(Lane.EDIT, ref.address, lambda: self._transport.pin(ref))

    async def answer(self, press: Press, text: str = "") -> None:
        await self._transport.answer(press, redaction.clean(text))

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        await self._transport.announce(hints)

    def health(self) -> TransportHealth:
        return self._transport.health()

    async def leave(self, group: Address) -> None:
        """See bot.messages.Guest; nothing where groups cannot be left."""
        if isinstance(self._transport, Guest):
            await self._transport.leave(group)

    def parts(self, message: Message) -> int:
        """See bot.messages.InParts; one where the platform does not say."""
        return self._transport.parts(message) if isinstance(self._transport, InParts) else 1

    # For delivery.

    def when_heard(self, call: Callable[[Address], None]) -> None:
        """Call with the address of every answer that arrived: its chat is there."""
        self._heard.append(call)

    async def turn(self, lane: Lane = Lane.ALERT, *, most: int = 1) -> list[Ticket]:
        """Wait until something may leave, to whichever chat has room: one turn or more, at most so many. Each is to be
        taken or given back."""
        tickets = [await self._turn(_Waiter(lane=lane, place="", since=self._clock.monotonic_s()))]
        while len(tickets) < most and self._budgets.slots(now := self._clock.monotonic_s(), 2) > 1:
            tickets.append(self._budgets.leaves(now))
        return tickets

    def take(self, ticket: Ticket, address: Address) -> bool:
        """Use a turn for this chat; False, and given back, where the chat has no room any more."""
        place, now = self.place_of(address), self._clock.monotonic_s()
        if self._budgets.free_at(place, now) > now:
            self.give_back(ticket)
            return False
        self._budgets.goes_to(ticket, place)
        return True

    def give_back(self, ticket: Ticket) -> None:
        """Nobody has anything to say."""
        self._budgets.given_back(ticket)
        self._notify()

    def busy(self) -> frozenset[str]:
        """Places that have no room now."""
        return self._budgets.busy(self._clock.monotonic_s())

    def place_of(self, address: Address) -> str:
        return self._budgets.place_of(address)

    def favour(self, places: frozenset[str]) -> None:
        """Alerts wait for these places: whoever asks one question after the other must not keep them from arriving."""
        if places != self._favoured:
            self._favoured = places
            self._notify()

    def free_in_s(self, places: frozenset[str]) -> float:
        """How long until the first of these has room; 0 for none of them."""
        now = self._clock.monotonic_s()
        return max(0.0, self._budgets.next_free_at(places, now) - now)

    def held_s(self, address: Address) -> float:
        """How long the platform wants a chat left alone yet; 0 where it does not."""
        return self._budgets.held_s(self.place_of(address), self._clock.monotonic_s())

    async def say(self, ticket: Ticket, address: Address, message: Message, *, key: str) -> MessageRef:
        """Send an alert whose turn was taken. Raises: DeliveryError."""
        self._budgets.further_parts(ticket, self.parts(message) - 1)
        return await self._counted(ticket, address, lambda: self._transport.send(address, shown(message), key=key))

    async def correct(self, ticket: Ticket, ref: MessageRef, message: Message) -> None:
        """Edit an alert whose turn was taken. Raises: DeliveryError."""
        await self._counted(ticket, ref.address, lambda: self._transport.edit(ref, shown(message)))

    async def _patiently(self, lane: Lane, address: Address, call: Callable[[], Awaitable[T]], *, parts: int = 1) -> T:
        give_up_at = self._clock.monotonic_s() + _PATIENCE_S
        while True:
            place = self.place_of(address)
            ticket = await self._turn(_Waiter(lane=lane, place=place, since=self._clock.monotonic_s()))
            self._budgets.goes_to(ticket, place)
            self._budgets.further_parts(ticket, parts - 1)
            try:
                done = await self._counted(ticket, address, call)
            except RetryAfter as wait:
                if self._clock.monotonic_s() + wait.seconds > give_up_at:
                    raise
            else:
                for heard in self._heard:
                    heard(address)
                return done

    async def _turn(self, waiter: _Waiter) -> Ticket:
        self._waiting.append(waiter)
        try:
            while (wait_s := self._wait_s(waiter)) > 0:
                await self._pause(wait_s)
        finally:
            self._waiting.remove(waiter)
            self._notify()
        self._alerts_in_a_row = self._alerts_in_a_row + 1 if waiter.lane is Lane.ALERT else 0
        return self._budgets.leaves(self._clock.monotonic_s())

    def _wait_s(self, waiter: _Waiter) -> float:
        """How long until this one may go, as far as is known; infinite behind another one."""
        now = self._clock.monotonic_s()
        ready_at = max(self._budgets.slot_at(now), self._budgets.free_at(waiter.place, now))
        if ready_at > now:
            return ready_at - now
        if (yields_s := self._yields_s(waiter, now)) > 0:
            return yields_s
        ready = [
            other
            for other in self._waiting
            if self._budgets.free_at(other.place, now) <= now and self._yields_s(other, now) <= 0
        ]
        return 0.0 if min(ready, key=lambda other: self._order(other, now)) is waiter else float("inf")

    def _yields_s(self, waiter: _Waiter, now: float) -> float:
        """How long an answer leaves its chat to alerts that wait for it; it holds up nobody else meanwhile."""
        if waiter.lane is Lane.ALERT or waiter.place not in self._favoured:
            return 0.0
        return max(0.0, _YIELDS_S - (now - waiter.since))

    def _order(self, waiter: _Waiter, now: float) -> tuple[bool, int, float]:
        long_enough = waiter.lane is not Lane.ALERT and now - waiter.since >= _FAIR_AFTER_S
        favoured = long_enough and self._alerts_in_a_row >= _FAIR_EVERY - 1
        return not favoured, waiter.lane, waiter.since

    async def _pause(self, seconds: float) -> None:
        """Until somebody left or was answered, at most so long."""
        awaited: set[asyncio.Task[object]] = {asyncio.create_task(self._changed.wait())}
        if seconds != float("inf"):
            awaited.add(asyncio.create_task(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in awaited:
                one.cancel()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _counted(self, ticket: Ticket, address: Address, call: Callable[[], Awaitable[T]]) -> T:
        place = self.place_of(address)
        try:
            async with asyncio.timeout(_LONGEST_S):
                done = await call()
        except RetryAfter as wait:
            self._answered(ticket)
            if wait.everywhere:
                self._budgets.hold_all(wait.seconds, self._clock.monotonic_s())
            else:
                self._budgets.hold(place, wait.seconds, self._clock.monotonic_s())
            log.warning(
                "sender.held", transport=self.name, seconds=wait.seconds, everywhere=wait.everywhere, chat=place
            )
            raise
        except TryAgain:
            self._failed(ticket, place)
            raise
        except TimeoutError:
            self._failed(ticket, place)
            raise TryAgain(f"no answer within {_LONGEST_S:g} s", unknown=True) from None
        except Unreachable:
            self._answered(ticket)
            raise
        except DeliveryError:
            self._well(ticket)
            raise
        self._well(ticket)
        return done

    def _answered(self, ticket: Ticket) -> None:
        self._budgets.answered(ticket, self._clock.monotonic_s())
        self._notify()

    def _well(self, ticket: Ticket) -> None:
        self._failing.clear()
        self._budgets.taken()
        self._answered(ticket)

    def _failed(self, ticket: Ticket, place: str) -> None:
        self._failing.add(place)
        if len(self._failing) >= _DOWN_AFTER:
            self._budgets.hold_all(_PROBE_S, self._clock.monotonic_s())
        self._answered(ticket)
