"""What a check finds of the ways out of Keel: routes, Do Not Disturb, heartbeats."""

import asyncio
import ssl
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from bot.alerts.router import RouteBook, platforms
from bot.alerts.routes import Routes
from bot.alerts.routes_file import BadRoutes
from bot.checking.facts import Fact, advice, ok, wrong
from bot.checking.machine import all_of, secret_file
from bot.config import Settings
from bot.heartbeat_urls import HeartbeatUrl, Way
from bot.roster import Roster, Watched
from bot.run import routes_of
from risk.decisions.tiers import TierThresholds
from storage import Accounts, People, Preferences, StorageError, Store

_CONNECT_S = 5.0


def routes(settings: Settings) -> tuple[list[Fact], Routes | None]:
    """The file of routes as it stands."""
    try:
        found = routes_of(settings)
    except BadRoutes as exc:
        remedy = f"put {settings.routes_file} right; keel run does not start with it"
        return [wrong("routes", f"{settings.routes_file}: {problem}", remedy) for problem in exc.problems], None
    file = settings.routes_file
    facts = [wrong("routes file", f"others can read the secrets in {file}", f"chmod 600 {file}")] * found.exposed
    if not found.routes:
        facts.append(ok("routes", "no routes are set: every linked chat hears of everything"))
    else:
        facts.append(ok("routes", f"{file} is valid, {len(found.routes)} routes"))
    return facts, found


async def reach(settings: Settings, found: Routes, now: datetime) -> list[Fact]:
    """Whether alerts arrive where the routes send them, and wake people there."""
    if not await asyncio.to_thread(settings.database_path.is_file):
        return []
    try:
        async with Store.looking(settings.database_path) as store:
            accounts = [
                Watched(account_id=one.account_id, nickname=one.nickname, thresholds=TierThresholds())
                for one in await Accounts(store).watched()
            ]
            book = RouteBook(
                found, people=People(store), preferences=Preferences(store), roster=Roster(accounts),
                senders=platforms(senders_of(settings, found), found), console=None,
            )  # fmt: skip
            problems = list(await book.problems())
            warnings = [one for one in await book.warnings(accounts, now) if "Do Not Disturb" in one]
    except StorageError:
        return []  # said of the database already
    # Who can read the file was said of the file.
    facts = [wrong("routes", problem, "see /routes") for problem in problems if "chmod" not in problem]
    facts += [advice("do not disturb", "no CRITICAL rings through it", warning) for warning in warnings]
    if not warnings and accounts:
        facts.append(ok("do not disturb", "CRITICAL has a way that rings through it"))
    return facts


def senders_of(settings: Settings, found: Routes) -> list[str]:
    """Names of the ways out that the settings and the routes give."""
    named = {
        "telegram": settings.telegram_token, "discord": settings.discord_token,
        "discord-webhook": settings.discord_webhook_url,
    }  # fmt: skip
    given = [name for name, secret in named.items() if secret.get_secret_value()]
    return [*given, *found.senders, *(service.sender for service in found.services.values())]


async def heartbeats(settings: Settings) -> list[Fact]:
    """Whether somebody outside hears of Keel's life. No beat is made: it would vouch for a process that may be dead."""
    if not settings.heartbeats:
        remedy = "set HEARTBEAT_URLS to a dead-man service, to a keel standby, or to both"
        return [advice("heartbeat", "none is configured: nobody outside notices when Keel dies", remedy)]
    facts = list(await asyncio.gather(*(_reachable(url) for url in settings.heartbeats)))
    if not any(url.way is Way.SIGNED for url in settings.heartbeats):
        facts.append(advice("standby", "none is configured", "docs/operations.md says what it is good for"))
    return facts


async def _reachable(url: HeartbeatUrl) -> Fact:
    parts = urlsplit(url.url)
    subject, secure = f"heartbeat {url.name}", parts.scheme == "https"
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(
                parts.hostname,
                parts.port or (443 if secure else 80),
                ssl=ssl.create_default_context() if secure else None,
            )
        writer.close()
    except ssl.SSLError:
        return wrong(subject, "its certificate is not accepted", "check the URL, or the certificate of the standby")
    except (OSError, TimeoutError):
        return wrong(subject, "it cannot be reached", "check the URL, the network and, of a standby, that it runs")
    return ok(subject, "it can be reached")


def env_file_facts(path: Path) -> list[Fact]:
    """The file of settings as a file."""
    return all_of([secret_file(path, "settings file")])
