"""The file of routes, read and checked as a whole: every mistake is named at once, with where it is and what to do."""

import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.alerts.routes import (
    FallbackRule,
    Platform,
    Routes,
    SenderRule,
    ServiceRule,
)
from bot.alerts.routes_grammar import (
    KNOWN_SENDERS,
    SENDER_NAME,
    duration_of,
    entry,
    route,
    switch,
    table,
    text,
)
from bot.alerts.routes_problems import Place, Problems
from bot.config import BadSettings
from bot.private_files import NotPrivate, secret_in
from bot.text.clean import name as shown

_LONGEST_FILE, _LONGEST_LINE = 500_000, 4_000  # the parser takes minutes for a name of many parts
_FILE_KEYS = ("routes", "services", "senders", "fallback", "escalation")

Look = Callable[[Path], str]
Trouble = Callable[[ServiceRule], str]


def no_trouble(service: ServiceRule) -> str:
    """Any URL will do."""
    return ""


class BadRoutes(BadSettings):
    """A file of routes that cannot be used. The text has a sentence for each mistake, and no secret.

    Attributes:
        problems: The sentences.
    """

    def __init__(self, where: str, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__(f"{where}: " + "; ".join(problems))


def load_routes(path: Path, *, environment: Mapping[str, str], required: bool, trouble: Trouble = no_trouble) -> Routes:
    """The routes of a file.

    Args:
        environment: Where tokens and URLs may be that the file only names.
        required: False where a file that is not there means none.
        trouble: What is wrong with the URL of a service, in a sentence without it; empty for nothing.

    Raises: BadRoutes.
    """
    try:
        written = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if required:
            raise BadRoutes(str(path), ("there is no such file; write one, or leave ROUTES_FILE out",)) from None
        return Routes()
    except UnicodeDecodeError:
        raise BadRoutes(str(path), ("it is not UTF-8 text; save it as such",)) from None
    except OSError as exc:
        raise BadRoutes(str(path), (f"it cannot be read ({exc.strerror}); check its permissions",)) from None
    readable = bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)) and os.name == "posix"
    return parse_routes(
        written, environment=environment, look=lambda one: secret_in(path.parent / one), where=str(path),
        readable=readable, trouble=trouble,
    )  # fmt: skip


def parse_routes(
    written: str,
    *,
    environment: Mapping[str, str] | None = None,
    look: Look | None = None,
    where: str = "routes",
    readable: bool = False,
    trouble: Trouble = no_trouble,
) -> Routes:
    """The routes in a text of TOML.

    Args:
        look: Reads a file the text names.
        where: What the text is called in errors.
        readable: Others on this machine can read it.
        trouble: See load_routes.

    Raises: BadRoutes.
    """
    if len(written) > _LONGEST_FILE or any(len(line) > _LONGEST_LINE for line in written.splitlines()):
        raise BadRoutes(where, (f"it has a line of more than {_LONGEST_LINE:,} characters, or too many; shorten it",))
    try:
        document = tomllib.loads(written)
    except tomllib.TOMLDecodeError as exc:
        raise BadRoutes(where, (f"this is no TOML: {exc}",)) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists in lists
        raise BadRoutes(where, ("this is no TOML anybody writes; look for what is nested or endless",)) from None
    problems = Problems(written)
    problems.unknown_keys(document, _FILE_KEYS, Place("the file"))
    secrets = _Secrets(problems, environment or {}, look or secret_in)
    services = _services(document, problems, secrets, trouble)
    senders = _senders(document, problems, secrets)
    known = dict(KNOWN_SENDERS) | {name: one.platform for name, one in senders.items()}
    routes = []
    named: set[str] = set()
    for number, one in enumerate(problems.tables(document, "routes"), start=1):
        _once(one, number, problems, named)
        found = route(one, number, problems, known, services)
        if found is not None:
            routes.append(found)
    fallback = _fallback(document, problems, known, services)
    escalation = table(document, "escalation", problems)
    place = Place("[escalation]", problems.line_of("escalation"), section=True)
    problems.unknown_keys(escalation, ("unanswered_after",), place)
    unanswered = duration_of(escalation, "unanswered_after", problems, place) or Routes().unanswered_after
    if problems.found:
        raise BadRoutes(where, problems.found)
    return Routes(
        routes=tuple(routes), services=services, senders=senders, fallback=fallback, unanswered_after=unanswered,
        exposed=readable and secrets.inline,
    )  # fmt: skip


def _once(given: Any, number: int, problems: Problems, named: set[str]) -> None:
    """No two routes may have one name, whatever else is wrong with them."""
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(name, str):
        return
    if name.strip().casefold() in named:
        place = Place(f"route {shown(name.strip())}", problems.line_of("routes", number), section=True)
        problems.add(problems.at(place, "name"), "two routes have this name; give each its own")
    named.add(name.strip().casefold())


class _Secrets:
    """Secrets stand in the file, in a file of their own, or in the environment."""

    def __init__(self, problems: Problems, environment: Mapping[str, str], look: Look) -> None:
        self._problems, self._environment, self._look = problems, environment, look
        self.inline = False

    def of(self, given: Mapping[str, Any], key: str, place: Place, *, inline: bool) -> SecretStr | None:
        ways = [f"{key}_file", f"{key}_env", *([key] if inline else [])]
        used = [way for way in ways if way in given]
        if len(used) != 1:
            choice = " or ".join(ways)
            self._problems.add(place, f"it needs exactly one of {choice}")
            return None
        said = text(given, used[0], self._problems, place)
        if said is None:
            return None
        place = self._problems.at(place, used[0])
        if used[0] == key:
            self.inline = True
            return SecretStr(said)
        found = self._from_file(said, place) if used[0].endswith("_file") else self._from_environment(said, place)
        return None if found is None else SecretStr(found)

    def _from_environment(self, variable: str, place: Place) -> str | None:
        found = self._environment.get(variable, "").strip()
        if not found:
            self._problems.add(place, f"the variable {variable} is not set; set it in the environment or in .env")
        return found or None

    def _from_file(self, path: str, place: Place) -> str | None:
        try:
            found = self._look(Path(path))
        except NotPrivate as exc:
            self._problems.add(place, str(exc))
            return None
        return found


def _services(
    document: Mapping[str, Any], problems: Problems, secrets: _Secrets, trouble: Trouble
) -> dict[str, ServiceRule]:
    found: dict[str, ServiceRule] = {}
    for name, given in table(document, "services", problems).items():
        place = Place(f"service {name}", problems.line_of(f"services.{name}"), section=True)
        if not SENDER_NAME.fullmatch(name):
            problems.add(place, "a name has letters, digits, '-' and '_', at most 32")
        if not isinstance(given, dict):
            problems.add(place, f"it is a table of its own: [services.{name}] with a url in it")
            continue
        problems.unknown_keys(given, ("url", "url_file", "url_env", "rings_through_dnd"), place)
        url = secrets.of(given, "url", place, inline=True)
        if url is not None:
            rings = switch(given, "rings_through_dnd", problems, place)
            found[name] = ServiceRule(name=name, url=url, rings_through_dnd=rings)
            if wrong := trouble(found[name]):
                key = next(one for one in ("url", "url_file", "url_env") if one in given)
                problems.add(problems.at(place, key), wrong)
    return found


def _senders(document: Mapping[str, Any], problems: Problems, secrets: _Secrets) -> dict[str, SenderRule]:
    found: dict[str, SenderRule] = {}
    for name, given in table(document, "senders", problems).items():
        place = Place(f"sender {name}", problems.line_of(f"senders.{name}"), section=True)
        if not SENDER_NAME.fullmatch(name):
            problems.add(place, "a name has letters, digits, '-' and '_', at most 32")
        if name in (*KNOWN_SENDERS, "console", "discord-webhook", "person", "service"):
            problems.add(place, "this name is taken by Keel itself; choose another, such as telegram-desk2")
        if not isinstance(given, dict):
            problems.add(place, f"it is a table of its own: [senders.{name}] with a platform and a token_env in it")
            continue
        problems.unknown_keys(given, ("platform", "token_file", "token_env"), place)
        platform = str(given.get("platform", ""))
        if platform not in tuple(Platform):
            problems.add(problems.at(place, "platform"), f"platform is one of {', '.join(Platform)}")
        token = secrets.of(given, "token", place, inline=False)
        if token is not None and platform in tuple(Platform):
            found[name] = SenderRule(name=name, platform=Platform(platform), token=token)
    return found


def _fallback(
    document: Mapping[str, Any],
    problems: Problems,
    known: Mapping[str, Platform],
    services: Mapping[str, ServiceRule],
) -> FallbackRule:
    given = table(document, "fallback", problems)
    place = Place("[fallback]", problems.line_of("fallback"), section=True)
    problems.unknown_keys(given, ("order", "after"), place)
    after = duration_of(given, "after", problems, place) or FallbackRule().after
    order = given.get("order", [])
    if not isinstance(order, list):
        example = 'order is a list, such as ["telegram", "discord", "discord-webhook", "service:pager"]'
        problems.add(problems.at(place, "order"), example)
        order = []
    entries = [entry(one, problems, problems.at(place, "order"), known, services) for one in order]
    return FallbackRule(order=tuple(one for one in entries if one is not None), after=after)
