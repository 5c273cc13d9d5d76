"""What is CRITICAL and does not get through goes another way, once for each step of a route and state of an alert."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import structlog

from bot.alerts.facts import from_json, to_json
from bot.alerts.hearers import Hearers, Way
from bot.alerts.router import RouteBook
from bot.messages import Transport
from bot.text.clean import sentence
from risk.decisions.tiers import Tier
from risk.ports import Clock
from storage import Blocked, Fallbacks, NewNotice, Outbox, OutboxState, Receiver

log = structlog.get_logger()

EVERY_S = 1.0
_MOST = 1_000
_LOOK_AGAIN = timedelta(seconds=10)  # where no way was left: somebody may have been linked meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Detour:
    """A way round, and who is told there."""

    way: str
    receivers: tuple[Receiver, ...]


def detour(
    ways: Sequence[Way],
    blocked: Blocked,
    *,
    told: Collection[Receiver],
    deaf: Collection[Receiver],
    platforms: Mapping[str, str],
    up: Callable[[str], bool],
) -> Detour | None:
    """The first way with somebody who has not been told; one that is up before one that is down. Pure.

    A chat that is gone says nothing about its platform, and others on it may be told. A message that just does not get
    through says that its platform is of no use now.

    Args:
        told: Who was told of this state of the incident, or is about to be.
        deaf: Receivers that take no messages.
        platforms: By the name of the sender.
        up: Whether a sender can deliver now, as far as is known.
    """
    own = blocked.notice.receiver
    gone = blocked.notice.state is OutboxState.DEAD

    def useful(one: Receiver) -> bool:
        if one == own or one in told or one in deaf:
            return False
        return gone or platforms.get(one.transport) != platforms.get(own.transport)

    found = [
        Detour(way=way.name, receivers=receivers)
        for way in ways
        if (receivers := tuple(filter(useful, way.reach.of(blocked.incident.cause.account_id))))
    ]
    return next((one for one in found if any(up(it.transport) for it in one.receivers)), found[0] if found else None)


class Fallback:
    """Looks every second.

    Args:
        wake: Called when something was queued.
    """

    def __init__(
        self,
        *,
        book: RouteBook,
        fallbacks: Fallbacks,
        outbox: Outbox,
        transports: Mapping[str, Transport],
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._book, self._fallbacks, self._outbox, self._transports = book, fallbacks, outbox, transports
        self._clock, self._wake = clock, wake
        self._no_way_until: dict[str, float] = {}

    async def look(self) -> None:
        """One look at what is blocked."""
        self._book.unreachable = {one.receiver: one.reason for one in await self._outbox.unreachable()}
        now, monotonic_s = self._clock.now(), self._clock.monotonic_s()
        blocked = await self._fallbacks.blocked(now - self._book.routes.fallback.after, Tier.CRITICAL, _MOST)
        self._no_way_until = {key: until for key, until in self._no_way_until.items() if until > monotonic_s}
        queued = False
        hearers = await self._book.load() if blocked else None
        for one in blocked:
            if hearers is not None and one.notice.outbox_id not in self._no_way_until:
                queued = await self._go_round(one, hearers) or queued
        if queued:
            self._wake()

    async def _go_round(self, blocked: Blocked, hearers: Hearers) -> bool:
        incident = blocked.incident
        told = await self._fallbacks.heard(incident.incident_id, incident.rang_at)
        found = detour(
            hearers.ways, blocked, told=told, deaf=hearers.unreachable, platforms=self._book.senders, up=self._up
        )  # fmt: skip
        if found is None:
            wait_s = _LOOK_AGAIN.total_seconds()
            self._no_way_until[blocked.notice.outbox_id] = self._clock.monotonic_s() + wait_s
            return False
        notices = [self._notice(blocked, found, receiver) for receiver in found.receivers]
        if not await self._fallbacks.go_round(blocked, found.way, notices, self._clock.now()):
            return False
        log.warning(
            "alert.goes_round", incident_id=incident.incident_id, blocked=blocked.notice.receiver.transport,
            way=found.way, receivers=len(notices),
        )  # fmt: skip
        return True

    def _notice(self, blocked: Blocked, found: Detour, receiver: Receiver) -> NewNotice:
        notice = blocked.notice
        facts = replace(from_json(notice.body_json), detour=_why(blocked))
        # The name of the way becomes part of the route, so that this notice may go round as well if it is blocked.
        return NewNotice(
            outbox_id=uuid4().hex, incident_id=notice.incident_id,
            receiver=replace(receiver, route=f"{notice.receiver.route}>{found.way}"), reason=notice.reason,
            tier=notice.tier, body_json=to_json(facts), rank=notice.rank,
        )  # fmt: skip

    def _up(self, sender: str) -> bool:
        transport = self._transports.get(sender)
        return transport is not None and transport.health().connected


def _why(blocked: Blocked) -> str:
    """Why an alert comes by another way, one sentence without its end."""
    notice = blocked.notice
    said = f" ({sentence(notice.last_error)})" if notice.last_error else ""
    if notice.state is OutboxState.DEAD:
        return f"Comes this way because a chat of {notice.receiver.transport} does not take it{said}"
    return f"Comes this way because it does not get through on {notice.receiver.transport}{said}"
