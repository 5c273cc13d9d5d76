"""From the receivers a file names to those there are: chats, the private chats of people, services. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.alerts.hearers import KnownStep, Way
from bot.alerts.reach import Hearer, Reach
from bot.alerts.routes import (
    SERVICE,
    WEBHOOK,
    ChatTarget,
    Entry,
    PersonTarget,
    SenderChats,
    ServiceTarget,
    Target,
    WebhookTarget,
)
from bot.text.clean import name as shown
from storage import Audience, LinkedPerson, Receiver

WEBHOOK_RECEIVER = Receiver(transport=WEBHOOK, chat="channel")
FALLBACK_ROUTE = "fallback"
_NAMES_SHOWN = 5


def service_receiver(name: str) -> Receiver:
    """A service of the file as a receiver."""
    return Receiver(transport=f"{SERVICE}:{name}", chat=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Finds receivers as things are now.

    Attributes:
        persons: Who is meant by each name in the file.
        names: What people who are linked are called, for sentences.
        senders: The platform of every sender there is, by its name.
    """

    audience: Audience
    persons: Mapping[str, tuple[LinkedPerson, ...]]
    names: tuple[str, ...]
    senders: Mapping[str, str]

    def step(self, targets: Sequence[Target], after: timedelta) -> KnownStep:
        """One step of a route."""
        found = [(str(target), self.hearers(target)) for target in targets]
        return KnownStep(
            after=after,
            reach=Reach((hearer for _, of_target in found for hearer in of_target), self.audience),
            targets=tuple(found),
            troubles=tuple(trouble for target in targets for trouble in self._troubles(target)),
        )

    def way(self, entry: Entry) -> Way:
        """One entry of a fallback."""
        hearers = (replace(one, receiver=replace(one.receiver, route=FALLBACK_ROUTE)) for one in self.hearers(entry))
        return Way(name=str(entry), reach=Reach(hearers, self.audience))

    def everybody(self, route: str) -> Reach:
        """All linked chats of the senders there are."""
        return Reach(self._linked(None, route), self.audience)

    def hearers(self, entry: Entry) -> tuple[Hearer, ...]:
        """Whom an entry comes to, each once; nobody where its sender is not there."""
        found: Iterable[Hearer] = ()
        match entry:
            case ChatTarget(sender=sender, chat=chat, thread=thread):
                found = [Hearer(receiver=Receiver(transport=sender, chat=chat, thread=thread))]
            case ServiceTarget(name=service):
                found = [Hearer(receiver=service_receiver(service))]
            case WebhookTarget():
                found = [Hearer(receiver=WEBHOOK_RECEIVER)]
            case SenderChats(sender=sender):
                found = self._linked(sender)
            case PersonTarget(name=called):
                found = self._private_chats({person.person_id for person in self.persons.get(called, ())})
        return tuple(one for one in found if one.receiver.transport in self.senders)

    def _linked(self, sender: str | None, route: str = "") -> Iterable[Hearer]:
        for chat in self.audience.chats:
            if chat.transport in self.senders and sender in (None, chat.transport):
                receiver = Receiver(transport=chat.transport, chat=chat.chat, thread=chat.thread, route=route)
                yield Hearer(receiver=receiver, chat=chat)

    def _private_chats(self, person_ids: set[str]) -> Iterable[Hearer]:
        return (one for one in self._linked(None) if one.chat and one.chat.private and one.chat.person_id in person_ids)

    def _troubles(self, target: Target) -> Iterable[str]:
        if not isinstance(target, PersonTarget):
            return
        found = self.persons.get(target.name, ())
        if not found:
            known = ", ".join(shown(one) for one in self.names[:_NAMES_SHOWN]) or "nobody yet"
            yield f"nobody who is linked is called {shown(target.name)}; linked: {known}"
        elif not self.hearers(target):
            yield f"{shown(target.name)} has no private chat with the bot; let them write /start to it"
        if len(found) > 1:
            yield f"{len(found)} people are called {shown(target.name)}, all are told; name one as PLATFORM/USER_ID"
