"""Whether Keel is doing its work: the rule behind the heartbeat, the service manager's watchdog and /status. Pure.

A process that is up and does nothing looks well from outside. So each organ is asked for progress, not for existence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.text.ages import age


class Organ(StrEnum):
    """What must make progress."""

    CHECKS = "checks"
    STREAM = "stream"
    DELIVERY = "delivery"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksSign:
    """The health check. One that finds the venue silent has done its work; one that hangs or fails has not.

    Attributes:
        last_succeeded: None before the first.
    """

    interval_s: float
    last_succeeded: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSign:
    """The venue's stream. ``since`` is when it was connected, or when it was lost."""

    connected: bool
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySign:
    """One way to people.

    Attributes:
        connected: As the transport itself says.
        since: Since when that is so.
        unheard_since: Since when the oldest alert waits for it that nobody has heard by any way; None for none.
        progressed_at: When it last delivered something; None for never.
    """

    transport: str
    connected: bool
    since: datetime
    unheard_since: datetime | None = None
    progressed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known of the process at one moment.

    Attributes:
        stream: None where the venue does not stream; the checks are all there is then.
        memory_failed_since: Since when nothing could be stored; None while that works.
    """

    now: datetime
    started_at: datetime
    checks: ChecksSign
    stream: StreamSign | None = None
    deliveries: Sequence[DeliverySign] = ()
    memory_failed_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an organ may make no progress.

    Attributes:
        checks: At least; never less than three intervals.
        stream: The checks bridge it meanwhile.
        delivery: For an alert that nobody has heard, and for all ways being down at once.
    """

    checks: timedelta = timedelta(seconds=15)
    stream: timedelta = timedelta(seconds=60)
    delivery: timedelta = timedelta(seconds=60)
    memory: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    """Why an organ counts as stopped.

    Attributes:
        text: A clause for people, free of secrets.
        restart_helps: Whether the cause lies inside this process, so that starting it anew may end it.
    """

    organ: Organ
    text: str
    restart_helps: bool


def ailments(signs: Signs, patience: Patience | None = None) -> tuple[Ailment, ...]:
    """Everything that makes no progress, empty while Keel does its work."""
    patience = patience or Patience()
    found = (*_checks(signs, patience), *_stream(signs, patience), *_delivery(signs, patience))
    return (*found, *_memory(signs, patience))


def said(found: Sequence[Ailment]) -> str:
    """All of them in one line; empty for none."""
    return "; ".join(ailment.text for ailment in found)


def _checks(signs: Signs, patience: Patience) -> list[Ailment]:
    silent = signs.now - (signs.checks.last_succeeded or signs.started_at)
    if silent <= max(patience.checks, timedelta(seconds=3 * signs.checks.interval_s)):
        return []
    return [Ailment(organ=Organ.CHECKS, text=f"no health check for {_span(silent)}", restart_helps=True)]


def _stream(signs: Signs, patience: Patience) -> list[Ailment]:
    if signs.stream is None or signs.stream.connected:
        return []
    lost = signs.now - signs.stream.since
    if lost <= patience.stream:
        return []
    text = f"no stream of the venue for {_span(lost)}"
    return [Ailment(organ=Organ.STREAM, text=text, restart_helps=False)]


def _delivery(signs: Signs, patience: Patience) -> list[Ailment]:
    found = []
    for sign in signs.deliveries:
        waiting = _waiting(sign, signs.now)
        if waiting is not None and waiting > patience.delivery:
            text = f"an alert for {sign.transport} has waited for {_span(waiting)} and nobody has heard it"
            # A platform that takes nothing takes nothing from a new process either.
            found.append(Ailment(organ=Organ.DELIVERY, text=text, restart_helps=sign.connected))
    down = [sign for sign in signs.deliveries if not sign.connected]
    if down and len(down) == len(signs.deliveries):
        since = max(sign.since for sign in down)  # until then there was one way
        if signs.now - since > patience.delivery:
            names = ", ".join(sign.transport for sign in down)
            text = f"no way to people for {_span(signs.now - since)}: {names} down"
            found.append(Ailment(organ=Organ.DELIVERY, text=text, restart_helps=False))
    return found


def _waiting(sign: DeliverySign, now: datetime) -> timedelta | None:
    """How long nothing has moved although something waits: a long queue that drains is progress."""
    if sign.unheard_since is None:
        return None
    return now - max(sign.unheard_since, sign.progressed_at or sign.unheard_since)


def _memory(signs: Signs, patience: Patience) -> list[Ailment]:
    if signs.memory_failed_since is None:
        return []
    failing = signs.now - signs.memory_failed_since
    if failing <= patience.memory:
        return []
    text = f"nothing could be stored for {_span(failing)}"
    return [Ailment(organ=Organ.MEMORY, text=text, restart_helps=False)]


def _span(stretch: timedelta) -> str:
    return age(stretch.total_seconds())
