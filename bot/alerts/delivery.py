"""Drains the outbox into one transport. Alerts arrive at least once: what is unknown is sent again under its number."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from bot.alerts.facts import from_json
from bot.alerts.view import alert_message
from bot.messages import Address, RetryAfter, Transport, TryAgain, Unreachable
from risk.ports import Clock
from storage import Notice, Outbox, Receiver, StorageError

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
_BATCH = 50
_LONGEST_RETRY_S = 60.0
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
        self.delivered = 0
        self.last_error = ""

    def wake(self) -> None:
        """There is something to deliver."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                sent = await self.drain()
            except StorageError as exc:
                # The store says what is wrong; delivery goes on as soon as it works again.
                log.error("delivery.storage_failed", transport=self._transport.name, error=str(exc))
                sent = 0
            if not sent:
                self._wake.clear()
                with_timeout = asyncio.wait_for(self._wake.wait(), _IDLE_S)
                await asyncio.gather(with_timeout, return_exceptions=True)

    async def drain(self) -> int:
        """One round over what is due; how many notices were tried."""
        claimed = await self._outbox.claim_deliveries(self._clock.now(), _BATCH, LEASE, transport=self._transport.name)
        by_chat = [list(notices) for _, notices in groupby(sorted(claimed, key=_chat_of), key=_chat_of)]
        await asyncio.gather(*(self._serve_chat(notices) for notices in by_chat))
        return len(claimed)

    async def _serve_chat(self, notices: list[Notice]) -> None:
        for notice in notices:
            wait_until = self._not_before.get(notice.receiver.chat)
            if wait_until is not None and self._clock.now() < wait_until:
                await self._outbox.postpone(notice.outbox_id, notice.lease_epoch, wait_until)
                continue
            await self._deliver(notice)

    async def _deliver(self, notice: Notice) -> None:
        facts = from_json(notice.body_json)
        try:
            ref = await self._transport.send(_address_of(notice.receiver), alert_message(facts, self._clock.now()))
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
        else:
            self.delivered += 1
            self.last_error = ""
            await self._outbox.delivered(notice.outbox_id, notice.lease_epoch, ref.message_id, self._clock.now())
            log.info(
                "alert.delivered", transport=self._transport.name, incident_id=notice.incident_id,
                reason=notice.reason.value, tier=notice.tier.name,
                latency_s=round((self._clock.now() - notice.created_at).total_seconds(), 3),
            )  # fmt: skip

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
