"""What routing does by the clock: the next step, another way, and a look at whether it all worked."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from bot.alerts.desk import IncidentDesk
from bot.alerts.escalation import AUDIT_EVERY_S, ESCALATE_EVERY_S, Auditor, Escalation
from bot.alerts.fallback import EVERY_S, Fallback
from bot.alerts.router import RouteBook
from bot.messages import Transport
from risk.ports import Clock
from storage import Fallbacks, Incidents, Outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingJobs:
    """The jobs of one process."""

    escalation: Escalation
    fallback: Fallback
    auditor: Auditor

    @classmethod
    def of(
        cls,
        *,
        book: RouteBook,
        fallbacks: Fallbacks,
        incidents: Incidents,
        outbox: Outbox,
        desk: IncidentDesk,
        transports: Mapping[str, Transport],
        clock: Clock,
        wake: Callable[[], None],
    ) -> Self:
        """Wire them."""
        return cls(
            escalation=Escalation(book=book, incidents=incidents, desk=desk, clock=clock),
            fallback=Fallback(
                book=book, fallbacks=fallbacks, outbox=outbox, transports=transports, clock=clock, wake=wake
            ),
            auditor=Auditor(book=book, incidents=incidents, outbox=outbox, desk=desk, clock=clock),
        )

    def __iter__(self) -> Iterator[tuple[float, str, Callable[[], Awaitable[None]]]]:
        """Seconds between two runs, name and job of each."""
        yield EVERY_S, "fallback", self.fallback.look
        yield ESCALATE_EVERY_S, "escalation", self.escalation.look
        yield AUDIT_EVERY_S, "audit", self.auditor.look
