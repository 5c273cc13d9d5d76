"""From the file of routes and the people there are to who hears of what now."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.alerts.hearers import Hearers, KnownRoute
from bot.alerts.resolving import Resolver
from bot.alerts.routes import (
    CONSOLE,
    DEFAULT_ROUTE,
    SERVICE,
    WEBHOOK,
    ChatTarget,
    Entry,
    PersonTarget,
    Route,
    Routes,
    SenderChats,
    ServiceTarget,
    WebhookTarget,
)
from bot.alerts.routes_check import dnd_warning, standing_problems, without_dnd
from bot.roster import Roster, Watched
from risk.decisions.hearing import ChatPreferences, rings
from risk.decisions.incidents import Incident
from risk.decisions.tiers import Tier
from risk.ports import Clock
from storage import Audience, LinkedPerson, People, Preferences, Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Everything a routing was made from; as long as none of it changes, it stays good."""

    audience: Audience
    linked: tuple[LinkedPerson, ...]
    persons: Mapping[str, tuple[LinkedPerson, ...]]
    preferences: Mapping[Receiver, ChatPreferences]
    accounts: tuple[Watched, ...]
    unreachable: frozenset[Receiver]


class RouteBook:
    """Implements bot.alerts.routing.Router, and knows the file for those who want to read it.

    Args:
        senders: The platform of every sender there is, by its name, in the order in which they are preferred.
        console: The terminal as a receiver, where somebody sits at one.
        event_of: The kind of the event an incident is about; empty for what is none.

    Attributes:
        unreachable: Receivers whose last message was refused for good, and what was said.
    """

    def __init__(
        self,
        routes: Routes,
        *,
        people: People,
        preferences: Preferences,
        roster: Roster,
        senders: Mapping[str, str],
        console: Receiver | None = None,
        event_of: Callable[[Incident], str] = lambda incident: "",
    ) -> None:
        self.routes, self.senders = routes, senders
        self.unreachable: Mapping[Receiver, str] = {}
        self._people, self._preferences, self._roster = people, preferences, roster
        self._console, self._event_of = console, event_of
        targets = [target for route in routes.routes for step in route.steps for target in step.to]
        entries = (*targets, *routes.fallback.order)
        self._names = tuple(dict.fromkeys(one.name for one in entries if isinstance(one, PersonTarget)))
        self._look: _Look | None = None
        self._made: Hearers | None = None

    async def load(self) -> Hearers:
        """Who hears of what as things are now."""
        linked = await self._people.linked() if self._names else ()
        look = _Look(
            audience=await self._people.audience(),
            linked=linked,
            persons={name: await self._persons(name, linked) for name in self._names},
            preferences=await self._preferences.all(),
            accounts=self._roster.all,
            unreachable=frozenset(self.unreachable),
        )
        if self._made is None or look != self._look:
            self._made, self._look = self._make(look), look
        return self._made

    async def _persons(self, name: str, linked: tuple[LinkedPerson, ...]) -> tuple[LinkedPerson, ...]:
        """Whom the file means by a name."""
        platform, slash, user_id = name.partition("/")
        one = await self._people.person(platform.lower(), user_id) if slash else None
        if one is not None:
            return (one,)
        return tuple(person for person in linked if person.display_name.casefold() == name.casefold())

    def _make(self, look: _Look) -> Hearers:
        names = tuple(person.display_name for person in look.linked)
        resolver = Resolver(audience=look.audience, persons=look.persons, names=names, senders=self.senders)
        return Hearers(
            routes=tuple(
                KnownRoute(rule=rule, steps=tuple(resolver.step(step.to, step.after) for step in rule.steps))
                for rule in self.routes.routes
            ),
            everybody=resolver.everybody(f"{DEFAULT_ROUTE}/1"),
            always=(self._console,) if self._console is not None else (),
            ways=tuple(resolver.way(entry) for entry in self.fallback_order),
            called={one.account_id: frozenset((one.nickname.lower(), one.account_id.lower())) for one in look.accounts},
            preferences=look.preferences,
            unreachable=look.unreachable,
            event_of=self._event_of,
        )

    @property
    def accounts(self) -> tuple[Watched, ...]:
        """All accounts there are, by the names the file uses."""
        return self._roster.all

    def about(self, rule: Route) -> frozenset[str]:
        """Ids of the accounts a rule is about."""
        named = {account.lower() for account in rule.accounts}
        return frozenset(
            one.account_id
            for one in self._roster.all
            if not named or one.nickname.lower() in named or one.account_id.lower() in named
        )

    def told_in(self, sender: str, chat: str, thread: str = "") -> frozenset[str] | None:
        """Ids of the accounts of which the file tells a chat, or a topic of it; None for one that it does not name."""
        rules = [
            rule
            for rule in self.routes.routes
            for step in rule.steps
            for target in step.to
            if isinstance(target, ChatTarget)
            and (target.sender, target.chat) == (sender, chat)
            and target.thread in ("", thread)
        ]
        return frozenset().union(*map(self.about, rules)) if rules else None

    def names(self, sender: str, chats: Iterable[str]) -> bool:
        """Whether the file names one of these chats, or something in it: then the bot belongs there."""
        known = set(chats)
        return any(
            isinstance(target, ChatTarget) and target.sender == sender and target.chat in known
            for rule in self.routes.routes
            for step in rule.steps
            for target in step.to
        )

    async def problems(self, *, lost_chats: bool = True, before_anybody: bool = True) -> tuple[str, ...]:
        """What keeps alerts from arriving where the file sends them, in sentences without their ends; see
        standing_problems.

        Args:
            before_anybody: Whether to name people who are not linked yet also while nobody is.
        """
        hearers = await self.load()
        somebody = self._look is not None and bool(self._look.linked)
        return standing_problems(
            self.routes, hearers, self.accounts, self.unreachable, lost_chats=lost_chats,
            people=before_anybody or somebody,
        )  # fmt: skip

    async def warnings(self, accounts: Sequence[Watched], now: datetime) -> tuple[str, ...]:
        """What /status says of routes to somebody who sees these accounts; nothing where all is in order."""
        wrong = len(await self.problems())
        see = f"{wrong} thing{'s' if wrong != 1 else ''} wrong with the routes: see /routes"
        dnd = dnd_warning(without_dnd(self.routes, await self.load(), accounts, now), accounts)
        return tuple(text for text in (see if wrong else "", dnd) if text)

    @property
    def fallback_order(self) -> tuple[Entry, ...]:
        """Ways round a blocked platform: those of the file, or every one there is."""
        if self.routes.fallback.order:
            return self.routes.fallback.order
        chats = (SenderChats(sender=one) for one in self.senders if not _no_chats(one))
        webhook = (WebhookTarget(),) if WEBHOOK in self.senders else ()
        return (*chats, *webhook, *(ServiceTarget(name=one) for one in self.routes.services))


def platforms(senders: Iterable[str], routes: Routes) -> dict[str, str]:
    """The platform of every way out of alerts, by its name; the terminal is none."""
    return {
        name: routes.senders[name].platform.value if name in routes.senders else name
        for name in senders
        if name != CONSOLE
    }


async def rings_there(preferences: Preferences, clock: Clock, receiver: Receiver, tier: Tier, account_id: str) -> bool:
    """Whether a receiver wants a sound for a tier of an account now."""
    wanted = (await preferences.all()).get(receiver)
    return wanted is None or rings(wanted, tier, account_id, clock.now())


def _no_chats(sender: str) -> bool:
    return sender in (WEBHOOK, CONSOLE) or sender.startswith(f"{SERVICE}:")
