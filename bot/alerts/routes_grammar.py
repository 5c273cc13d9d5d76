"""The parts of a file of routes: what each may say, and the sentence for what it may not."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.alerts.routes import (
    DEFAULT_ROUTE,
    DISCORD,
    PERSON,
    SERVICE,
    TELEGRAM,
    WEBHOOK,
    ChatTarget,
    Entry,
    PersonTarget,
    Platform,
    Route,
    SenderChats,
    ServiceRule,
    ServiceTarget,
    Step,
    Target,
    WebhookTarget,
)
from bot.alerts.routes_problems import Place, Problems
from bot.text.clean import name as shown
from bot.text.durations import BadDuration, duration
from risk.decisions.incidents import CauseKind
from risk.decisions.tiers import LADDER, Tier

KNOWN_SENDERS: Mapping[str, Platform] = {TELEGRAM: Platform.TELEGRAM, DISCORD: Platform.DISCORD}
SENDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_ROUTE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,31}")
_RESERVED = (DEFAULT_ROUTE, "fallback", "linked", "terminal")
_CHAT = {Platform.TELEGRAM: re.compile(r"-?[0-9]{1,20}"), Platform.DISCORD: re.compile(r"[0-9]{1,20}")}
_THREAD = re.compile(r"[0-9]{1,20}")
_LONGEST = timedelta(days=7)
_EXAMPLES = "telegram:CHAT/TOPIC, discord:CHANNEL/THREAD, person:NAME, service:NAME or discord-webhook"


def table(document: Mapping[str, Any], key: str, problems: Problems) -> dict[str, Any]:
    """A table of the file; empty where there is none."""
    given = document.get(key, {})
    if isinstance(given, dict):
        return given
    problems.add(Place(key), f"this is a table: [{key}]")
    return {}


def text(given: Mapping[str, Any], key: str, problems: Problems, place: Place) -> str | None:
    value = given.get(key)
    if isinstance(value, str) and value.strip():
        return value.strip()
    sentence = f'{key} is missing; write {key} = "..."' if value is None else f"{key} is a text in quotes"
    problems.add(problems.at(place, key), sentence)
    return None


def switch(given: Mapping[str, Any], key: str, problems: Problems, place: Place) -> bool:
    value = given.get(key, False)
    if isinstance(value, bool):
        return value
    problems.add(problems.at(place, key), f"{key} is true or false, without quotes")
    return False


def duration_of(given: Mapping[str, Any], key: str, problems: Problems, place: Place) -> timedelta | None:
    value = given.get(key)
    if value is None:
        return None
    place = problems.at(place, key)
    if not isinstance(value, str):
        problems.add(place, f'{key} is a time in quotes, such as "5 min"')
        return None
    try:
        found = duration(value, longest=_LONGEST)
    except BadDuration as exc:
        problems.add(place, f"{key}: {exc}")
        return None
    if not found:
        problems.add(place, f"{key} is nothing; leave it out, or give a time such as 5 min")
        return None
    return found


def route(
    given: Any, number: int, problems: Problems, known: Mapping[str, Platform], services: Mapping[str, ServiceRule]
) -> Route | None:
    """One ``[[routes]]``; None where it says nothing that could be used."""
    place = Place(f"route number {number}", problems.line_of("routes", number), section=True)
    if not isinstance(given, dict):
        problems.add(place, "a route is a table: [[routes]] with a name and steps")
        return None
    problems.unknown_keys(given, ("name", "accounts", "from", "kinds", "steps"), place)
    name = text(given, "name", problems, place)
    if name is not None:
        place = replace(place, what=f"route {shown(name)}")
        if not _ROUTE_NAME.fullmatch(name):
            problems.add(problems.at(place, "name"), "a name has letters, digits, spaces, '.', '-' and '_', at most 32")
        if name.lower() in _RESERVED:
            problems.add(problems.at(place, "name"), "this name is Keel's own; choose another")
    steps = _steps(given.get("steps"), problems, place, known, services)
    accounts = _texts(given, "accounts", "nicknames", problems, place)
    least = _tier(given, problems, place)
    kinds = _kinds(given, problems, place)
    if name is None or not steps:
        return None
    return Route(name=name, steps=steps, accounts=accounts, least=least, kinds=kinds)


def _texts(given: Mapping[str, Any], key: str, what: str, problems: Problems, place: Place) -> tuple[str, ...]:
    if key not in given:
        return ()
    value = given[key]
    if isinstance(value, list) and value and all(isinstance(one, str) and one.strip() for one in value):
        return tuple(one.strip() for one in value)
    problems.add(problems.at(place, key), f"{key} is a list of {what}; leave it out for all of them")
    return ()


def _tier(given: Mapping[str, Any], problems: Problems, place: Place) -> Tier:
    said = str(given.get("from", Tier.WATCH.name)).strip().upper()
    found = [tier for tier in LADDER if tier.name == said]
    if not found:
        known = ", ".join(tier.name for tier in LADDER)
        problems.add(problems.at(place, "from"), f"from is one of {known}; UNKNOWN counts as HIGH")
    return found[0] if found else Tier.WATCH


def _kinds(given: Mapping[str, Any], problems: Problems, place: Place) -> frozenset[CauseKind]:
    said = _texts(given, "kinds", f"{', '.join(CauseKind)}", problems, place)
    for one in said:
        if one.lower() not in tuple(CauseKind):
            known = ", ".join(CauseKind)
            problems.add(problems.at(place, "kinds"), f"{shown(one)} is no kind of alert; kinds are {known}")
    return frozenset(kind for kind in CauseKind if kind.value in {one.lower() for one in said})


def _steps(
    given: Any, problems: Problems, place: Place, known: Mapping[str, Platform], services: Mapping[str, ServiceRule]
) -> tuple[Step, ...]:
    if not isinstance(given, list) or not given:
        problems.add(problems.at(place, "steps"), 'it points nowhere: give it steps = [{ to = ["telegram:CHAT"] }]')
        return ()
    steps: list[Step] = []
    told: dict[Target, int] = {}
    for number, one in enumerate(given, start=1):
        here = Place(f"{place.what}, step {number}", problems.line_of_step(place, number))
        step = _step(one, problems, here, known, services)
        if step is None:
            continue
        if steps and step.after <= steps[-1].after:
            problems.add(here, "its after must be longer than that of the step before; both count from the alert")
        for target in step.to:
            if target in told:
                problems.add(here, f"{target} is told in step {told[target]} already; name it once in a route")
            told.setdefault(target, number)
        steps.append(step)
    return tuple(steps)


def _step(
    given: Any, problems: Problems, place: Place, known: Mapping[str, Platform], services: Mapping[str, ServiceRule]
) -> Step | None:
    if not isinstance(given, dict):
        problems.add(place, 'a step is written { after = "5 min", to = ["person:ann"] }')
        return None
    problems.unknown_keys(given, ("after", "to"), place)
    after = duration_of(given, "after", problems, place) or timedelta(0)
    to = given.get("to")
    if isinstance(to, str):
        to = [to]
    if not isinstance(to, list) or not to:
        problems.add(place, f"it points nowhere: to is a list of {_EXAMPLES}")
        return None
    targets = [_target(one, problems, place, known, services) for one in to]
    return Step(to=tuple(dict.fromkeys(one for one in targets if one is not None)), after=after)


def entry(
    said: Any, problems: Problems, place: Place, known: Mapping[str, Platform], services: Mapping[str, ServiceRule]
) -> Entry | None:
    """One way of a fallback: a target, or all chats of a sender."""
    if isinstance(said, str) and said.strip() in known:
        return SenderChats(sender=said.strip())
    return _target(said, problems, place, known, services)


def _target(
    said: Any, problems: Problems, place: Place, known: Mapping[str, Platform], services: Mapping[str, ServiceRule]
) -> Target | None:
    if not isinstance(said, str):
        problems.add(place, f"a receiver is a text: {_EXAMPLES}")
        return None
    if said.strip() == WEBHOOK:
        return WebhookTarget()
    sender, colon, rest = (part.strip() for part in said.partition(":"))
    if not colon or not rest:
        problems.add(place, f"{shown(said)} points nowhere; write {_EXAMPLES}")
        return None
    if sender == PERSON:
        return PersonTarget(name=rest)
    if sender == SERVICE:
        if rest not in services:
            names = ", ".join(services) or "none yet"
            problems.add(place, f"there is no service {shown(rest)}; add [services.{shown(rest)}], or use {names}")
        return ServiceTarget(name=rest)
    if sender not in known:
        close = difflib.get_close_matches(sender, (*known, PERSON, SERVICE), n=1, cutoff=0.6)
        hint = f"did you mean {close[0]}?" if close else f"senders are {', '.join(known)}; add one under [senders]"
        problems.add(place, f"{shown(said)}: there is no sender {shown(sender)}; {hint}")
        return None
    chat, slash, thread = rest.partition("/")
    if not _CHAT[known[sender]].fullmatch(chat) or (slash and not _THREAD.fullmatch(thread)):
        problems.add(place, f"{shown(said)}: chats and threads are numbers; /routes in a chat shows its own")
        return None
    return ChatTarget(sender=sender, chat=chat, thread=thread)
