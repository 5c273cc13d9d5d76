"""Ways to go on typing behind a command, where a platform offers them: what fits, and what whoever types may see."""

import shlex
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Final
from zoneinfo import available_timezones

import numpy as np

from bot.alerts.event_names import GROUPS, NAMES
from bot.alerts.limit_words import shown as shown_limit
from bot.commands.arguments import arguments_of
from bot.commands.registry import all_commands
from bot.commands.routes import UNNAMED_ROUTES
from bot.commands.spec import Services
from bot.messages import ArgumentHint, Person, Suggestion, Typing
from bot.roster import Watched
from bot.scope import Place, Scopes
from bot.text.clean import name
from bot.text.numbers import health_ratio
from risk.decisions.incidents import severity
from risk.decisions.tiers import LADDER
from risk.margin.book import FleetBook
from risk.model.event_kinds import EventKind
from risk.model.limits import LimitName
from risk.model.metrics import VaRMethod
from storage import LinkedPerson, Role

_SPANS: Final = ("15m", "30m", "1h", "2h", "4h", "8h", "12h", "24h", "2d", "7d")
_SETTINGS: Final[Mapping[str, Sequence[str]]] = {
    "numbers": ("en", "de", "fr", "in"),
    "clock": ("24", "12"),
    "theme": ("dark", "light"),
    "digest": ("08:00", "off"),
}
_MOST: Final = 25
_HOLDERS_SHOWN: Final = 3
_OWN: Final = Place(own=True, linked=True, speaks_of=lambda _: True)  # only whoever types sees what is offered

Find = Callable[[Services, LinkedPerson, Typing], Awaitable[Iterable[Suggestion]]]


class Suggestions:
    """Nothing before it is opened, and nothing to strangers: what is watched is private."""

    def __init__(self) -> None:
        self._services: Services | None = None
        self._arguments: Mapping[tuple[str, str], ArgumentHint] = {
            (command.name, argument.name): argument
            for command in all_commands().values()
            for argument in arguments_of(command.usage)
        }

    def open(self, services: Services) -> None:
        """From now on, what these know."""
        self._services = services

    async def suggest(self, person: Person, typing: Typing) -> Sequence[Suggestion]:
        """What can stand where somebody types, the most fitting first.

        Where several words can stand there, the last one is completed and those before it are kept.
        """
        services, argument = self._services, self._arguments.get((typing.command, typing.argument))
        if services is None or argument is None:
            return ()
        linked = await services.people.person(person.transport, person.user_id)
        if linked is None:
            return ()
        cut = await Scopes(services).services(linked, _OWN)
        found = [Suggestion(text=choice, label=choice) for choice in argument.choices]
        for kind in argument.takes:
            if (find := _finder(typing.command, kind)) is not None:
                found += await find(cut, linked, typing)
        if argument.name in ("time", "span"):
            found += [Suggestion(text=span, label=span) for span in _SPANS]
        return matching(found, typing.typed)


def matching(found: Iterable[Suggestion], typed: str) -> tuple[Suggestion, ...]:
    """Those that begin with what was typed, then those that have it anywhere, each once.

    >>> [one.text for one in matching([Suggestion(text=t, label=t) for t in ("alt", "main")], "al")]
    ['alt']
    """
    offered = tuple({one.text: one for one in reversed(tuple(found))}.values())[::-1]
    for kept, begun in _ways_to_read(typed):
        low = begun.lower()
        first = [one for one in offered if one.text.lower().startswith(low)]
        rest = [one for one in offered if one not in first and (low in one.text.lower() or low in one.label.lower())]
        if first or rest:
            return tuple(
                Suggestion(text=f"{kept}{one.text}", label=f"{kept}{one.label}") for one in (first + rest)[:_MOST]
            )
    return ()


def _ways_to_read(typed: str) -> tuple[tuple[str, str], ...]:
    """What stays and what is completed: the whole, or its last word."""
    before, blank, last = typed.rpartition(" ")
    return (("", typed), (before + blank, last)) if blank else (("", typed),)


async def _accounts(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    return [
        Suggestion(text=_typed(one.nickname), label=_with_state(services, one)) for one in services.roster.all
    ]  # fmt: skip


async def _markets(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    """Of the account that was named, or of all that may be seen."""
    return _held_in(services, typing, _markets_of)


async def _positions(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    """The same of perps in which something is open: what can be closed, and protected."""
    return _held_in(services, typing, _positions_of)


def _held_in(
    services: Services, typing: Typing, markets_of: Callable[[FleetBook, int], Iterable[str]]
) -> list[Suggestion]:
    view = services.fleet.latest
    if view is None:
        return []
    account = typing.others.get("account", "").lower()
    watched = [one for one in services.roster.all if not account or one.nickname.lower() == account]
    holders: dict[str, list[str]] = {}
    for one in watched:
        if one.account_id in view:
            for market in markets_of(view.book, view.position_of(one.account_id)):
                holders.setdefault(market, []).append(one.nickname)
    return [
        Suggestion(text=_typed(market), label=f"{name(market)} ({', '.join(map(name, who[:_HOLDERS_SHOWN]))})")
        for market, who in holders.items()
    ]


def _positions_of(book: FleetBook, position: int) -> Iterable[str]:
    first, last = np.searchsorted(book.perps.account, [position, position + 1])
    yield from (
        book.perp_markets.names[book.perps.market[row]] for row in range(first, last) if book.perps.base_1e9[row]
    )


def _markets_of(book: FleetBook, position: int) -> Iterable[str]:
    """Where an account has something; its rows stand together."""
    for rows, table in ((book.perps, book.perp_markets), (book.spots, book.spot_markets)):
        first, last = np.searchsorted(rows.account, [position, position + 1])
        yield from (table.names[at] for at in rows.market[first:last])


async def _assets(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    names = dict.fromkeys(one.text.removesuffix("-PERP") for one in await _markets(services, person, typing))
    return [Suggestion(text=one, label=one) for one in names]


async def _alerts(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    standing = await services.incidents.open_incidents()
    found = []
    for one in sorted(standing, key=lambda incident: (-severity(incident.tier), incident.incident_id)):
        account = services.roster.label(one.cause.account_id) if one.cause.account_id else "all accounts"
        what = one.fact or one.cause.kind.value
        found.append(
            Suggestion(text=str(one.incident_id), label=f"#{one.incident_id} {one.tier.name} {name(account)}: {what}")
        )
    return found


async def _people(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    return [
        Suggestion(text=_typed(one.display_name), label=name(one.display_name))
        for one in await services.people.linked()
        if one.display_name and (one.person_id == person.person_id or person.access.governs(one.access))
    ]


async def _limits(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    watched = _named(services, typing)
    limits = await services.manager(watched.account_id).get_risk_limits() if watched is not None else None
    return [
        Suggestion(
            text=limit.value.removeprefix("max_").removeprefix("min_"),
            label=f"{limit.value}, now {shown_limit(limit, getattr(limits, limit.value))}" if limits else limit.value,
        )
        for limit in LimitName
    ]


async def _tiers(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    watched = _named(services, typing)
    at = watched.thresholds.ratio_percent if watched is not None else {}
    return [
        Suggestion(
            text=tier.name.lower(),
            label=f"{tier.name}, now below {health_ratio(at[tier])}" if tier in at else tier.name,
        )
        for tier in LADDER
    ]


async def _roles(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    return [Suggestion(text=role.value, label=role.value) for role in Role]


async def _methods(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    return [Suggestion(text=method.value, label=method.value) for method in VaRMethod]


async def _kinds(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    groups = [Suggestion(text=group, label=f"{group}, {len(kinds)} kinds") for group, kinds in GROUPS.items()]
    return [*groups, *(Suggestion(text=kind.value, label=f"{kind.value}: {NAMES[kind]}") for kind in EventKind)]


async def _values(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    """What the setting that was named can be."""
    match typing.others.get("setting", "").lower():
        case "zone":
            return await _zones(services, person, typing)
        case "account":
            return await _accounts(services, person, typing)
        case setting:
            return [Suggestion(text=one, label=one) for one in _SETTINGS.get(setting, ())]


async def _commands(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    return [Suggestion(text=one.name, label=f"{one.name}: {one.summary}") for one in all_commands().values()]


async def _zones(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    return [Suggestion(text=zone, label=zone) for zone in _zone_names()]


@cache
def _zone_names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


async def _routes(services: Services, person: LinkedPerson, typing: Typing) -> Iterable[Suggestion]:
    if not person.access.everywhere_includes(Role.ADMIN):
        return ()
    named = (route.name for route in services.book.routes.routes)
    return [Suggestion(text=one, label=one) for one in (*named, *UNNAMED_ROUTES)]


_FINDERS: Final[Mapping[str, Find]] = {
    "account": _accounts,
    "market": _markets,
    "number": _alerts,
    "role": _roles,
    "tier": _tiers,
    "command": _commands,
    "method": _methods,
    "asset": _assets,
    "kind": _kinds,
    "zone": _zones,
}

_FINDERS_OF_ONE: Final[Mapping[tuple[str, str], Find]] = {
    ("routes", "name"): _routes,
    ("people", "name"): _people,
    ("revoke", "name"): _people,
    ("link", "name"): _people,
    ("settings", "value"): _values,
    ("limits", "name"): _limits,
    **{(command, "market"): _positions for command in ("close", "stop", "tp", "bracket")},
}


def _finder(command: str, kind: str) -> Find | None:
    return _FINDERS_OF_ONE.get((command, kind)) or _FINDERS.get(kind)


def _named(services: Services, typing: Typing) -> Watched | None:
    """The account a command would take."""
    wanted = typing.others.get("account", "").lower()
    known = services.roster.all
    return next((one for one in known if one.nickname.lower() == wanted), known[0] if known and not wanted else None)


def _with_state(services: Services, watched: Watched) -> str:
    state = services.watch.settled().get(watched.account_id)
    return f"{name(watched.nickname)} ({state.tier.name})" if state is not None else name(watched.nickname)


def _typed(text: str) -> str:
    """As one word of a command."""
    return shlex.quote(text) if len(text.split()) != 1 or any(mark in text for mark in "'\"\\") else text
