"""Who hears the standby: of its own faults always, of everything else only while the primary is silent."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from bot.alerts.routing import Recipient, Router, Routing
from bot.beats import BeatChat
from risk.decisions.incidents import CauseKind, Incident
from storage import Receiver

_ROUTE = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyRouting:
    """One look; implements bot.alerts.routing.Routing.

    Attributes:
        inner: By the standby's own routes, people and chats.
        speaks: Whether the standby speaks in the primary's place.
        learnt: Chats the primary talks to that can be reached from here, as its beats told.
    """

    inner: Routing
    speaks: bool
    learnt: tuple[BeatChat, ...]

    def recipients(self, incident: Incident, market: str, now: datetime) -> tuple[Recipient, ...]:
        if not self.speaks and not own_fault(incident):
            return ()
        found = {one.receiver: one for one in self.inner.recipients(incident, market, now)}
        for chat in self.learnt:
            if chat.hears_of(incident.cause.account_id):
                receiver = Receiver(transport=chat.transport, chat=chat.chat, thread=chat.thread, route=_ROUTE)
                found.setdefault(receiver, Recipient(receiver=receiver))
        return tuple(found.values())


class StandbyRouter:
    """Implements bot.alerts.routing.Router.

    Args:
        chats: Those the primary last named.
        reachable: Transports whose bot is the primary's own, so that it may write where that one may.
    """

    def __init__(
        self,
        inner: Router,
        *,
        speaks: Callable[[], bool],
        chats: Callable[[], tuple[BeatChat, ...]],
        reachable: Collection[str],
    ) -> None:
        self._inner, self._speaks, self._chats, self._reachable = inner, speaks, chats, frozenset(reachable)

    async def load(self) -> Routing:
        learnt = tuple(chat for chat in self._chats() if chat.transport in self._reachable)
        return StandbyRouting(inner=await self._inner.load(), speaks=self._speaks(), learnt=learnt)


def own_fault(incident: Incident) -> bool:
    """Whether an incident is about the standby itself: its process, its way to the venue."""
    cause = incident.cause
    return cause.kind is CauseKind.SYSTEM or (cause.kind is CauseKind.DATA and not cause.account_id)
