"""Knowing whether Discord can be reached without listening: for a bot whose token another process listens on.

Two gateways on one token would both hear every command, and answer it twice.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NoReturn

import structlog

from bot.messages import DeliveryError, RetryAfter
from bot.transports.discord.health import HealthRecord

if TYPE_CHECKING:
    from bot.transports.discord.wire import Wire

_EVERY_S = 30.0
_AGAIN_S = 5.0

log = structlog.get_logger()


async def run(wire: "Wire", health: HealthRecord, *, sleep: Callable[[float], Awaitable[None]]) -> NoReturn:
    """Asks who the bot is, now and then, until cancelled."""
    while True:
        wait_s = _EVERY_S
        try:
            await wire.ask("GET", "/users/@me", {})
        except DeliveryError as error:
            health.lost(str(error))
            wait_s = error.seconds if isinstance(error, RetryAfter) else _AGAIN_S
        except Exception as error:  # noqa: BLE001 - the top of the task, which must go on
            log.error("discord.sounding_failed", error=type(error).__name__)
            health.lost("asking Discord failed: see the log")
        else:
            health.sends()
        await sleep(wait_s)
