"""What /status says about Discord. A state is logged when it begins, not each time it is seen."""

from collections.abc import Callable
from datetime import datetime

import structlog

from bot.messages import TransportHealth

WELL = "connected to Discord"
SENDS = "sends to Discord; another process listens there"
RESUMING = "the connection to Discord broke: resuming it. Alerts are still sent, presses come when it is back"

log = structlog.get_logger()


class HealthRecord:
    """Follows the gateway: without it nothing that people write or press arrives."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.current = TransportHealth(connected=False, detail="connecting to Discord", since=now())

    def worked(self) -> None:
        self._become(connected=True, detail=WELL)

    def sends(self) -> None:
        self._become(connected=True, detail=SENDS)

    def lost(self, detail: str) -> None:
        self._become(connected=False, detail=detail)

    def left(self) -> None:
        self.current = TransportHealth(connected=False, detail="stopped", since=self._now())

    def _become(self, *, connected: bool, detail: str) -> None:
        before = self.current
        if (connected, detail) == (before.connected, before.detail):
            return
        # While it is down the reason may change with every attempt; since when it is down does not.
        since = before.since if connected == before.connected else self._now()
        self.current = TransportHealth(connected=connected, detail=detail, since=since)
        level = log.info if connected else log.warning
        level("discord.health", connected=connected, detail=detail)
