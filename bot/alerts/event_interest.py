"""What balances earned and cost, a row for each day, account and token, however often somebody looked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import structlog

from bot.alerts.event_codec import event_from
from risk.model.events import EventKind, InterestEvent
from storage import Events, LoggedEvent

log = structlog.get_logger()

Key = tuple[str, str, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Logged:
    event_id: int
    event: InterestEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestRows:
    """What is to be logged.

    Attributes:
        new: Of days and tokens of which nothing is logged.
        grown: The others, by the number of their row.
    """

    new: tuple[InterestEvent, ...]
    grown: Mapping[int, InterestEvent]


class DailyInterest:
    """Adds up. Its caller logs, one at a time, and says afterwards what was logged."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._rows: dict[Key, _Logged] = {}
        self._recalled: dict[str, date] = {}

    async def rows(self, earned: Iterable[InterestEvent]) -> InterestRows:
        """What events come to, with what is logged of the day already."""
        sums: dict[Key, InterestEvent] = {}
        for event in earned:
            await self._recall(event)
            key = _key(event)
            logged = self._rows.get(key)
            before = sums.get(key) or (None if logged is None else logged.event)
            sums[key] = event if before is None else _sum(before, event)
        return InterestRows(
            new=tuple(event for key, event in sums.items() if key not in self._rows),
            grown={self._rows[key].event_id: event for key, event in sums.items() if key in self._rows},
        )

    def logged(self, rows: Sequence[LoggedEvent]) -> None:
        """What stands in the log now; rows of other kinds are passed over."""
        for row in rows:
            if row.kind is not EventKind.INTEREST:
                continue
            try:
                event = event_from(row.body_json)
            except ValueError:
                log.error("events.unreadable", event_id=row.event_id)
                continue
            if isinstance(event, InterestEvent):
                self._rows[_key(event)] = _Logged(event_id=row.event_id, event=event)

    async def _recall(self, event: InterestEvent) -> None:
        """What an earlier process logged of an account on that day. Of other days nothing more is added."""
        account_id, day = event.account_id, _key(event)[2]
        if self._recalled.get(account_id) == day:
            return
        self._rows = {key: row for key, row in self._rows.items() if key[0] != account_id}
        begin = datetime.combine(day, time(), UTC)
        self.logged(await self._events.events_between(account_id, begin, begin + timedelta(days=1)))
        self._recalled[account_id] = day


def _key(event: InterestEvent) -> Key:
    return event.account_id, event.token, event.observed_at.astimezone(UTC).date()


def _sum(before: InterestEvent, event: InterestEvent) -> InterestEvent:
    known = before.amount_usd is not None and event.amount_usd is not None
    return replace(
        event, amount_tokens=before.amount_tokens + event.amount_tokens, since=before.since,
        amount_usd=(before.amount_usd or 0.0) + (event.amount_usd or 0.0) if known else None,
    )  # fmt: skip
