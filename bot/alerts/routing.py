"""Who hears of what: what the desk asks, and is told. bot.alerts.router answers it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from risk.decisions.incidents import Incident
from storage import Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A receiver of an incident now.

    Attributes:
        hold_until: What they are told waits until then; None for at once.
        follow_up: They hear how it goes on if they were told of it before, and nothing otherwise.
    """

    receiver: Receiver
    hold_until: datetime | None = None
    follow_up: bool = False


class Routing(Protocol):
    """Who hears of what, as it stands at one moment. Pure."""

    def recipients(self, incident: Incident, market: str, now: datetime) -> tuple[Recipient, ...]:
        """Everybody who is to know of an incident now, each once. Grows while nobody answers."""
        ...


class Router(Protocol):
    """Where routings come from."""

    async def load(self) -> Routing:
        """One consistent look; good for one settling."""
        ...
