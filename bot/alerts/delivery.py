"""Drains the outbox into one sender. Alerts arrive at least once: what is unknown is sent again under its number.

A turn is taken first and the most urgent message claimed then, so that nothing waits behind what has become less
urgent, and hardly anything is in doubt when the process dies.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from bot.alerts.budgets import Ticket
from bot.alerts.findings import Finding
from bot.alerts.lost import dead_letter, reachable, unreachable
from bot.alerts.sender import Sender
from bot.alerts.showing import Showing
from bot.alerts.wording import Wording
from bot.messages import Address, Refused, RetryAfter, TryAgain, Unreachable
from bot.observing import Nobody, Observer, Outcome
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier
from risk.ports import Clock
from storage import Batch, Outbox, Receiver, StorageError

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
_AT_ONCE = 24  # chats served side by side; a transport has a few more connections, for answers
_LONGEST_RETRY_S, _LONGEST_URGENT_RETRY_S = 60.0, 10.0
_POISONED_AFTER = 5
_BACK_AFTER = 3  # failures in a row, of whichever chats: what works then says that the platform is back
_LAST_WORDS_S = 1.0
_IDLE_S = 1.0  # how long a notice that became due again may wait for the next look
_GATHER_S = 0.03  # what is found at one look is settled in steps: it becomes one message
_EDITS_EVERY = 8  # turns, of which one shows who has answered

Report = Callable[[Sequence[Finding]], Awaitable[None]]
NameOf = Callable[[Receiver], Awaitable[str]]


async def _to_nobody(findings: Sequence[Finding]) -> None:
    """Where nobody minds the reports."""


async def _by_address(receiver: Receiver) -> str:
    return f"{receiver.chat} on {receiver.transport}"


class Delivery:
    """One loop for one sender. Chats are served side by side, each in order.

    Args:
        showing: Edits what shows an incident as it is not any more.
        moved: Called when a platform says that a chat has a new address.
        report: Takes what the operators should know: chats that are gone, notices that were given up.
        name_of: What people call a chat.
        jitter: Factor on every back-off, so that many bots do not come back at once.
    """

    def __init__(
        self,
        sender: Sender,
        outbox: Outbox,
        clock: Clock,
        *,
        wording: Wording,
        showing: Showing,
        moved: Callable[[Receiver, Receiver], Awaitable[None]] | None = None,
        report: Report = _to_nobody,
        name_of: NameOf = _by_address,
        observer: Observer | None = None,
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311  # spreads load, guards nothing
    ) -> None:
        self._sender, self._outbox, self._clock, self._wording, self._showing = sender, outbox, clock, wording, showing
        self._moved, self._report, self._name_of, self._jitter = moved, report, name_of, jitter
        self._observer = observer or Nobody()
        self._wake = asyncio.Event()
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._lost: set[Receiver] | None = None
        self._heard: set[Receiver] = set()
        self._failures = self._turns = 0
        self._connected = True
        self.delivered = 0
        self.last_error = ""
        sender.when_heard(self._answered)

    def wake(self) -> None:
        """There is something to deliver, or to show."""
        self._wake.set()

    async def drain_if_woken(self) -> int:
        """One round where something was queued since the last, for a caller that runs no loop; as drain()."""
        if not self._wake.is_set():
            return 0
        self._wake.clear()
        return await self.drain()

    async def drain(self, *, patience_s: float | None = None) -> int:
        """Everything that is due; how many messages were tried.

        Args:
            patience_s: How long to wait for slow chats; None waits for all of them.

        Raises: StorageError, where nothing could be claimed.
        """
        tried = 0
        while started := await self._round():
            tried += started
            if (await asyncio.wait(tuple(self._serving.values()), timeout=patience_s))[1]:
                break
        return tried

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._wake.clear()
                started, idle_s = 0, _IDLE_S
                try:
                    started = await self._round()
                    if not started:
                        idle_s = await self._quiet_for_s()
                except StorageError as exc:
                    # The store says what is wrong; delivery goes on as soon as it works again.
                    log.error("delivery.storage_failed", transport=self._sender.name, error=str(exc))
                if not started and await self._woken(idle_s):
                    await self._clock.sleep(_GATHER_S)
        finally:
            serving = tuple(self._serving.values())
            if serving:
                # What a platform is just taking shall be noted as delivered, or it is said again after the restart.
                await asyncio.wait(serving, timeout=_LAST_WORDS_S)
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    async def _woken(self, seconds: float) -> bool:
        # Not wait_for: before Python 3.12 it swallows a cancellation that comes together with the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
                return True
        return False

    async def _quiet_for_s(self) -> float:
        """How long nothing will fall due, as far as is known."""
        now, found = self._clock.now(), [_IDLE_S]
        due_at = await self._outbox.next_due_at(self._sender.name, now)
        if due_at is not None:
            found.append((due_at - now).total_seconds())
        if busy := self._sender.busy():
            found.append(self._sender.free_in_s(busy))
        await self._favour(busy)
        return max(min(found), 0.001)

    async def _favour(self, busy: frozenset[str]) -> None:
        """Let alerts that wait for a busy chat go before the answers that keep it busy."""
        waiting = await self._outbox.due_chats(self._clock.now(), self._sender.name) if busy else ()
        places = {self._sender.place_of(address_of(receiver)) for receiver in waiting}
        self._sender.favour(busy & places)

    async def _round(self) -> int:
        """Take a turn, and start what is most urgent then; how many messages were started."""
        await self._note_what_is_back()
        if len(self._serving) >= _AT_ONCE:
            await asyncio.wait(tuple(self._serving.values()), return_when=asyncio.FIRST_COMPLETED)
        tickets = await self._sender.turn(most=max(1, _AT_ONCE - len(self._serving)))
        self._turns += 1
        started = 0
        try:
            edits_first = self._turns % _EDITS_EVERY == 0
            starts = (self._start_edits, self._start_alerts) if edits_first else (self._start_alerts, self._start_edits)
            for start in starts:
                if tickets:
                    started += await start(tickets)
        finally:
            for ticket in tickets:
                self._sender.give_back(ticket)
        return started

    async def _start_alerts(self, tickets: list[Ticket]) -> int:
        claimed = await self._outbox.claim(
            self._clock.now(), self._sender.name, most=len(tickets), lease=LEASE, busy=self._busy(),
            threads_apart=self._sender.threads_apart,
        )  # fmt: skip
        started = 0
        for batch in claimed:
            address = address_of(batch.receiver)
            place, ticket = self._sender.place_of(address), tickets.pop()
            if not self._sender.take(ticket, address):  # an answer went there meanwhile
                await self._outbox.postpone(batch, self._clock.now())
                continue
            self._start(place, self._serve(batch, ticket))
            started += 1
        return started

    async def _start_edits(self, tickets: list[Ticket]) -> int:
        started = 0
        for stale in await self._showing.due(self._sender.name, len(tickets) + len(self._serving)):
            address = address_of(stale.receiver)
            place = self._sender.place_of(address)
            if not tickets or place in self._busy():
                continue
            ticket = tickets.pop()
            if self._sender.take(ticket, address):
                self._start(place, self._showing.show(stale, self._sender, ticket))
                started += 1
        return started

    def _busy(self) -> frozenset[str]:
        return self._sender.busy() | self._serving.keys()

    def _start(self, place: str, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work, name=f"{self._sender.name}.deliver")
        self._serving[place] = task
        task.add_done_callback(partial(self._served, place))

    def _served(self, place: str, task: asyncio.Task[None]) -> None:
        del self._serving[place]
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # What was sent and not written down is sent again when its lease runs out, under the same number.
            log.error("delivery.storage_failed", transport=self._sender.name, error=str(error))

    async def _serve(self, batch: Batch, ticket: Ticket) -> None:
        try:
            worded = await self._wording.of(batch)
            ref = await self._sender.say(ticket, address_of(batch.receiver), worded.message, key=batch.key)
        except StorageError:
            raise
        except RetryAfter as exc:
            await self._told_to_wait(batch, exc)
        except TryAgain as exc:
            await self._failed(batch, exc)
        except Unreachable as exc:
            await self._gone(batch, exc)
        except Refused as exc:
            await self._refused(batch, str(exc))
        except Exception as exc:
            # The top of a delivery: a notice that trips Keel itself must not silence the others.
            log.exception("delivery.failed", transport=self._sender.name, key=batch.key)
            await self._refused(batch, f"{type(exc).__name__} inside Keel; see its log")
        else:
            self.delivered += 1
            self.last_error = ""
            await self._outbox.delivered(
                batch, ref.message_id, self._clock.now(), acked=worded.acked, bodies=worded.bodies
            )
            await self._arrived(batch)

    async def _arrived(self, batch: Batch) -> None:
        now = self._clock.now()
        for notice in batch.notices:
            late_s = (now - max(notice.created_at, notice.due_at if notice.held else notice.created_at)).total_seconds()
            self._observer.delivery(self._sender.name, Outcome.SENT, notice.tier, latency_s=late_s)
            log.info(
                "alert.delivered", transport=self._sender.name, incident_id=notice.incident_id,
                reason=notice.reason.value, tier=notice.tier.name, together=len(batch.notices),
                latency_s=round((now - notice.created_at).total_seconds(), 3),
            )  # fmt: skip
        failures, self._failures = self._failures, 0
        if failures >= _BACK_AFTER:
            await self._outbox.hurry(self._sender.name, now)
            self.wake()
        await self._back(batch.receiver)

    async def _told_to_wait(self, batch: Batch, error: RetryAfter) -> None:
        self.last_error = str(error)
        self._count(batch, Outcome.POSTPONED)
        until = self._clock.now() + timedelta(seconds=error.seconds)
        await self._outbox.postpone(batch, until, f"{self._sender.name} {error}")

    async def _failed(self, batch: Batch, error: TryAgain) -> None:
        """A platform that is down says nothing about the notice: giving it up would lose an alert."""
        self.last_error = str(error)
        self._failures += 1
        self._count(batch, Outcome.RETRY)
        urgent = any(severity(notice.tier) >= severity(Tier.CRITICAL) for notice in batch.notices)
        delay_s = self._back_off_s(batch, _LONGEST_URGENT_RETRY_S if urgent else _LONGEST_RETRY_S)
        log.warning("delivery.retry", transport=self._sender.name, key=batch.key, error=str(error))
        at = self._clock.now() + timedelta(seconds=delay_s)
        await self._outbox.retry_later(batch, at, str(error), unknown=error.unknown)

    async def _gone(self, batch: Batch, error: Unreachable) -> None:
        self.last_error = str(error)
        receiver = batch.receiver
        log.error("delivery.unreachable", transport=self._sender.name, key=batch.key, error=str(error))
        if error.moved_to is not None and self._moved is not None:
            await self._outbox.postpone(batch, self._clock.now())
            await self._moved(receiver, replace(receiver, chat=error.moved_to.chat))
            return
        self._count(batch, Outcome.GIVEN_UP)
        self._known_lost().add(receiver)
        if await self._outbox.lost(receiver, str(error), self._clock.now()):
            await self._report([unreachable(receiver, await self._name_of(receiver), str(error))])

    async def _refused(self, batch: Batch, error: str) -> None:
        """A few more tries, each notice by itself, then it makes way."""
        self.last_error = error
        log.error("delivery.refused", transport=self._sender.name, key=batch.key, error=error)
        at = self._clock.now() + timedelta(seconds=self._back_off_s(batch, _LONGEST_RETRY_S))
        if not await self._outbox.refused(batch, at, error, most=_POISONED_AFTER):
            return
        dead = [notice for notice in batch.notices if notice.refusals + 1 >= _POISONED_AFTER]
        self._count(batch, Outcome.GIVEN_UP if dead else Outcome.RETRY)
        if dead:
            called = await self._name_of(batch.receiver)
            await self._report([dead_letter(notice, called, error) for notice in dead])

    def _back_off_s(self, batch: Batch, longest_s: float) -> float:
        attempts = max(notice.attempts for notice in batch.notices)
        return min(2.0 ** min(attempts, 10), longest_s) * self._jitter()

    def _count(self, batch: Batch, outcome: Outcome) -> None:
        for notice in batch.notices:
            self._observer.delivery(self._sender.name, outcome, notice.tier)

    # What was lost and is back.

    def _answered(self, address: Address) -> None:
        receiver = Receiver(transport=address.transport, chat=address.chat, thread=address.thread)
        if self._lost and receiver in self._lost:
            self._heard.add(receiver)
            self.wake()

    async def _note_what_is_back(self) -> None:
        if self._lost is None:
            known = await self._outbox.unreachable()
            self._lost = {one.receiver for one in known if one.receiver.transport == self._sender.name}
        while self._heard:
            await self._back(self._heard.pop())
        before, self._connected = self._connected, self._sender.health().connected
        if self._connected and not before:
            await self._outbox.hurry(self._sender.name, self._clock.now())

    async def _back(self, receiver: Receiver) -> None:
        if receiver in self._known_lost() and await self._outbox.reached(receiver):
            self._known_lost().discard(receiver)
            await self._report([reachable(receiver, await self._name_of(receiver))])

    def _known_lost(self) -> set[Receiver]:
        if self._lost is None:
            self._lost = set()
        return self._lost


def address_of(receiver: Receiver) -> Address:
    """Where a receiver is."""
    return Address(transport=receiver.transport, chat=receiver.chat, thread=receiver.thread)
