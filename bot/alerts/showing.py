"""Edits messages that show an incident as it is not any more: somebody has taken it on. An edit never rings."""

import random
from collections.abc import Callable, Collection
from datetime import timedelta

import structlog

from bot.alerts.budgets import Ticket
from bot.alerts.sender import Sender
from bot.alerts.wording import Wording
from bot.messages import Address, DeliveryError, MessageRef, RetryAfter, TryAgain
from risk.ports import Clock
from storage import Copies, StaleMessage, StorageError

log = structlog.get_logger()

_LONGEST_RETRY_S = 60.0
_GIVE_UP_AFTER = 20  # attempts: the answer itself is stored, such a copy only looks older than it is


class Showing:
    """Keeps the copies of alerts up to date, as turns allow."""

    def __init__(
        self,
        *,
        copies: Copies,
        wording: Wording,
        clock: Clock,
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311  # spreads load, guards nothing
    ) -> None:
        self._copies, self._wording, self._clock, self._jitter = copies, wording, clock, jitter

    async def due(self, transport: str, most: int) -> Collection[StaleMessage]:
        """Messages of a transport that are to be edited now, the longest stale first."""
        return await self._copies.stale(self._clock.now(), transport, most)

    async def show(self, stale: StaleMessage, sender: Sender, ticket: Ticket) -> None:
        """Edit one."""
        receiver = stale.receiver
        address = Address(transport=receiver.transport, chat=receiver.chat, thread=receiver.thread)
        worded = await self._wording.again(stale)
        try:
            await sender.correct(ticket, MessageRef(address=address, message_id=stale.message_id), worded.message)
        except (RetryAfter, TryAgain) as exc:
            if stale.attempts < _GIVE_UP_AFTER:
                await self._copies.edit_later(stale, self._clock.now() + timedelta(seconds=self._wait_s(stale, exc)))
                return
            log.warning("copy.edit_given_up", transport=sender.name, error=str(exc))
        except StorageError:
            raise
        except DeliveryError as exc:
            # The message is gone, or the chat is: there is nothing left that could look wrong.
            log.info("copy.not_edited", transport=sender.name, error=str(exc))
        except Exception:
            # The top of a task: a message that trips Keel itself must not be tried for ever.
            log.exception("copy.edit_failed", transport=sender.name)
        await self._copies.shown(stale)

    def _wait_s(self, stale: StaleMessage, error: DeliveryError) -> float:
        if isinstance(error, RetryAfter):
            return error.seconds
        return min(2.0 ** min(stale.attempts, 10), _LONGEST_RETRY_S) * self._jitter()
