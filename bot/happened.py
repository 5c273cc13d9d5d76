"""What happened to accounts while nobody watched, in sentences."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.alerts.event_codec import event_from
from bot.alerts.event_words import told
from risk.ports import Clock
from storage import Events

log = structlog.get_logger()

_WORTH_READING = 200
_A_LITTLE = timedelta(seconds=10)  # the last sign of life is not quite the end
_FIRST_READING = timedelta(seconds=30)  # what only readings show is dated by the first one after the start


class Happened:
    """Reads the log of events: what was learned since, of what happened then. See bot.lifetime.Events."""

    def __init__(self, events: Events, clock: Clock) -> None:
        self._events, self._clock = events, clock

    async def __call__(self, since: datetime, until: datetime) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        learned = await self._events.logged_between(since, self._clock.now() + _A_LITTLE, limit=_WORTH_READING)
        for logged in sorted(learned, key=lambda one: one.happened_at):
            if not since - _A_LITTLE <= logged.happened_at <= until + _FIRST_READING:
                continue
            try:
                found.setdefault(logged.account_id, []).append(told(event_from(logged.body_json)))
            except ValueError:
                # Of a version that knew other events; it is one line less.
                log.warning("event.unreadable", event_id=logged.event_id)
        return found
