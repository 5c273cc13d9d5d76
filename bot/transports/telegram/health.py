"""What /status says about Telegram. A state is logged when it begins, not each time it is seen."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.messages import DeliveryError, TransportHealth
from bot.transports.telegram.errors import PolledElsewhere

# Two pollers take turns in succeeding: only after a while without a conflict is it over.
_CONFLICT_LASTS = timedelta(seconds=60)
_WELL = "connected to Telegram"

log = structlog.get_logger()


class HealthRecord:
    """Follows the polls: the one request that is always under way."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._conflict_at: datetime | None = None
        self.current = TransportHealth(connected=False, detail="connecting to Telegram", since=now())

    def worked(self) -> None:
        if self._conflict_at is not None and self._now() - self._conflict_at < _CONFLICT_LASTS:
            return
        self._conflict_at = None
        self._become(connected=True, detail=_WELL)

    def failed(self, error: DeliveryError) -> None:
        if isinstance(error, PolledElsewhere):
            self._conflict_at = self._now()
        self._become(connected=isinstance(error, PolledElsewhere), detail=str(error))

    def left(self) -> None:
        self.current = TransportHealth(connected=False, detail="stopped", since=self._now())

    def _become(self, *, connected: bool, detail: str) -> None:
        before = self.current
        if (connected, detail) == (before.connected, before.detail):
            return
        # While it is down the reason may change with every attempt; since when it is down does not.
        since = before.since if not connected and not before.connected else self._now()
        self.current = TransportHealth(connected=connected, detail=detail, since=since)
        level = log.info if detail == _WELL else log.warning
        level("telegram.health", connected=connected, detail=detail)
