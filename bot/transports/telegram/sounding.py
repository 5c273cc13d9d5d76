"""Knowing whether Telegram can be reached without reading what people write: for a bot that another process polls."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NoReturn

import structlog

from bot.messages import DeliveryError, RetryAfter, TryAgain
from bot.transports.telegram.health import HealthRecord

if TYPE_CHECKING:
    from bot.transports.telegram.wire import Wire

_EVERY_S = 30.0
_AGAIN_S = 5.0

log = structlog.get_logger()


async def run(wire: "Wire", health: HealthRecord, *, sleep: Callable[[float], Awaitable[None]]) -> NoReturn:
    """Asks who the bot is, now and then, until cancelled."""
    while True:
        wait_s = _EVERY_S
        try:
            await wire.me()
        except DeliveryError as error:
            health.failed(error)
            wait_s = error.seconds if isinstance(error, RetryAfter) else _AGAIN_S
        except Exception as error:  # noqa: BLE001 - the top of the task, which must go on
            log.error("telegram.sounding_failed", error=type(error).__name__)
            health.failed(TryAgain("asking Telegram failed: see the log"))
        else:
            health.worked()
        await sleep(wait_s)
