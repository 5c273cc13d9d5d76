"""Drains the outbox into one transport. Alerts arrive at least once: what is unknown is sent again under its number."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

import structlog

from bot.alerts.facts import from_json
from bot.alerts.view import alert_message
from bot.messages import Address, Message, Refused, RetryAfter, Transport, TryAgain, Unreachable
from risk.ports import Clock
from storage import Notice, Outbox, Receiver, StorageError

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
_BATCH = 50
_LONGEST_RETRY_S = 60.0
_PATIENCE_S = 1.0  # how long a round waits for slow chats; they go on, and the others are served again
_POISONED_AFTER = 5
_LAST_WORDS_S = 1.0
_IDLE_S = 1.0  # how long a notice that became due again may wait for the next look


class Delivery:
    """One loop for one transport. Chats are served side by side, each in order.

    Args:
        moved: Called when a platform says that a chat has a new address.
        jitter: Factor on every back-off, so that many bots do not come back at once.
    """

    def __init__(
        self,
        transport: Transport,
        outbox: Outbox,
        clock: Clock,
        *,
        moved: Callable[[Receiver, Receiver], Awaitable[None]] | None = None,
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311  # spreads load, guards nothing
    ) -> None:
        self._transport, self._outbox, self._clock = transport, outbox, clock
        self._moved, self._jitter = moved, jitter
        self._wake = asyncio.Event()
        self._not_before: dict[str, datetime] = {}
        self._serving: dict[tuple[str, str], asyncio.Task[None]] = {}
        self.delivered = 0
        self.last_error = ""

    def wake(self) -> None:
        """There is something to deliver."""
        self._wake.set()

    async def drain_if_woken(self) -> int:
        """One round where something was queued since the last, for a caller that runs no loop; as drain()."""
        if not self._wake.is_set():
            return 0
        self._wake.clear()
        return await self.drain()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    tried = await self.drain(patience_s=_PATIENCE_S)
                except StorageError as exc:
                    # The store says what is wrong; delivery goes on as soon as it works again.
                    log.error("delivery.storage_failed", transport=self._transport.name, error=str(exc))
                    tried = 0
                if not tried:
                    # Not wait_for: before Python 3.12 it swallows a cancellation that comes together with the event.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_IDLE_S):
                            await self._wake.wait()
        finally:
            serving = tuple(self._serving.values())
            if serving:
                # What a platform is just taking shall be noted as delivered, or it is said again after the restart.
                await asyncio.wait(serving, timeout=_LAST_WORDS_S)
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    async def drain(self, *, patience_s: float | None = None) -> int:
        """One round over what is due; how many notices were tried.

        Args:
            patience_s: How long to wait for slow chats; None waits for all of them.

        Raises: StorageError, where nothing could be claimed.
        """
        claimed = await self._outbox.claim_deliveries(self._clock.now(), _BATCH, LEASE, transport=self._transport.name)
        started: list[asyncio.Task[None]] = []
        tried = 0
        for chat, group in groupby(sorted(claimed, key=_chat_of), key=_chat_of):
            notices = list(group)
            if chat in self._serving:
                await self._put_back(notices)
                continue
            task = asyncio.create_task(self._serve_chat(notices), name=f"{self._transport.name}.deliver")
            self._serving[chat] = task
            task.add_done_callback(partial(self._served, chat))
            started.append(task)
            tried += len(notices)
        if started:
            await asyncio.wait(started, timeout=patience_s)
        return tried

    def _served(self, chat: tuple[str, str], task: asyncio.Task[None]) -> None:
        del self._serving[chat]
        if not task.cancelled() and (error := task.exception()) is not None:
            # What was sent and not written down is sent again when its lease runs out, under the same number.
            log.error("delivery.storage_failed", transport=self._transport.name, error=str(error))

    async def _put_back(self, notices: list[Notice]) -> None:
        """For a chat that an earlier round is still busy with."""
        for notice in notices:
            later = self._clock.now() + timedelta(seconds=_IDLE_S)
            await self._outbox.postpone(notice.outbox_id, notice.lease_epoch, later)

    async def _serve_chat(self, notices: list[Notice]) -> None:
        for notice in notices:
            wait_until = self._not_before.get(notice.receiver.chat)
            if wait_until is not None and self._clock.now() < wait_until:
                await self._outbox.postpone(notice.outbox_id, notice.lease_epoch, wait_until)
                continue
            try:
                await self._deliver(notice)
            except StorageError:
                raise
            except Exception as exc:
                # The top of a delivery: a notice that trips Keel itself must not silence the others.
                log.exception("delivery.failed", transport=self._transport.name, outbox_id=notice.outbox_id)
                await self._poisoned(notice, f"{type(exc).__name__} inside Keel; see its log")

    async def _deliver(self, notice: Notice) -> None:
        try:
            ref = await self._transport.send(_address_of(notice.receiver), self._worded(notice))
        except RetryAfter as exc:
            until = self._clock.now() + timedelta(seconds=exc.seconds)
            self._not_before[notice.receiver.chat] = until
            self.last_error = str(exc)
            await self._outbox.postpone(notice.outbox_id, notice.lease_epoch, until)
        except TryAgain as exc:
            await self._failed(notice, str(exc))
        except Unreachable as exc:
            self.last_error = str(exc)
            log.error(
                "delivery.unreachable", transport=self._transport.name, outbox_id=notice.outbox_id, error=str(exc)
            )
            if exc.moved_to is not None and self._moved is not None:
                await self._moved(notice.receiver, _receiver_at(exc.moved_to))
                await self._outbox.postpone(notice.outbox_id, notice.lease_epoch, self._clock.now())
            else:
                await self._outbox.dead_letter(notice.outbox_id, notice.lease_epoch, str(exc))
        except Refused as exc:
            self.last_error = str(exc)
            log.error("delivery.refused", transport=self._transport.name, outbox_id=notice.outbox_id, error=str(exc))
            await self._outbox.dead_letter(notice.outbox_id, notice.lease_epoch, str(exc))
        else:
            self.delivered += 1
            self.last_error = ""
            await self._outbox.delivered(notice.outbox_id, notice.lease_epoch, ref.message_id, self._clock.now())
            log.info(
                "alert.delivered", transport=self._transport.name, incident_id=notice.incident_id,
                reason=notice.reason.value, tier=notice.tier.name,
                latency_s=round((self._clock.now() - notice.created_at).total_seconds(), 3),
            )  # fmt: skip

    def _worded(self, notice: Notice) -> Message:
        return alert_message(from_json(notice.body_json), self._clock.now())

    async def _poisoned(self, notice: Notice, error: str) -> None:
        """A few more tries, then it makes way."""
        if notice.attempts + 1 < _POISONED_AFTER:
            await self._failed(notice, error)
            return
        self.last_error = error
        await self._outbox.dead_letter(notice.outbox_id, notice.lease_epoch, error)

    async def _failed(self, notice: Notice, error: str) -> None:
        self.last_error = error
        # A platform that is down says nothing about the notice: giving it up would lose an alert.
        delay_s = min(2.0 ** min(notice.attempts, 10), _LONGEST_RETRY_S) * self._jitter()
        log.warning("delivery.retry", transport=self._transport.name, outbox_id=notice.outbox_id, error=error)
        at = self._clock.now() + timedelta(seconds=delay_s)
        await self._outbox.retry_later(notice.outbox_id, notice.lease_epoch, at, error)


def _chat_of(notice: Notice) -> tuple[str, str]:
    return notice.receiver.chat, notice.receiver.thread


def _address_of(receiver: Receiver) -> Address:
    return Address(transport=receiver.transport, chat=receiver.chat, thread=receiver.thread)


def _receiver_at(address: Address) -> Receiver:
    return Receiver(transport=address.transport, chat=address.chat, thread=address.thread)
