"""The whole check, in an order in which what is said first explains what is said later."""

import asyncio
from datetime import datetime
from pathlib import Path

from bot import posture
from bot.alerts.routes import NO_ROUTES
from bot.checking import clock, machine, memory, past, platforms, reaching, signing, trading, venue
from bot.checking.facts import Fact, advice, ok, wrong
from bot.clock import SystemClock
from bot.config import BadSettings, Settings, environment, load_settings
from bot.logs import setup_logging
from bot.secret_settings import secrets_of


async def look(env_file: Path, *, patience_s: float = 6.0) -> list[Fact]:
    """Everything there is to find. Slow things are asked side by side.

    Args:
        patience_s: How long a slot may stand still before it counts as stuck.
    """
    facts = reaching.env_file_facts(env_file)
    try:
        settings = load_settings(env_file)
    except BadSettings as exc:
        remedy = "put it right as .env.example says; the rest cannot be looked at before"
        return [*facts, *(wrong("settings", problem, remedy) for problem in str(exc).split("; "))]
    routes_facts, routes = reaching.routes(settings)
    setup_logging("ERROR", secrets=secrets_of(settings, *(() if routes is None else (routes,))))
    facts += [*_settings(settings), *_steps(settings), *signing.left_over(environment(env_file)), *routes_facts]
    now = SystemClock().now()
    known = await memory.remembered(settings.database_path, now)
    facts += known.facts
    facts.append(await asyncio.to_thread(memory.backups, settings.backup_plan, now))
    facts += [machine.room(settings.database_path), machine.time_zones(now)]
    chats = known.chats or ()
    bots = platforms.bots_of(settings, routes or NO_ROUTES)
    rpc, history, beats, orders, *asked = await asyncio.gather(
        venue.ask_venue(settings, patience_s), past.ask_past(settings, patience_s), _beats(settings),
        _trading(settings, now, patience_s),
        *(platforms.ask(bot, settings, chats) for bot in bots),
    )  # fmt: skip
    facts += [*rpc.facts, *history.facts, *orders.facts, *(fact for one in asked for fact in one.facts)]
    dated = [one.witness for one in asked if one.witness is not None]
    # A Date header is exact to a second, a block is some seconds old: it is asked where nobody else says.
    facts.append(clock.clock(dated or [one for one in (rpc.witness,) if one is not None]))
    if routes is not None:
        facts += await reaching.reach(settings, routes, now)
    return [*facts, *beats.facts]


async def _beats(settings: Settings) -> platforms.Asked:
    return platforms.Asked(facts=tuple(await reaching.heartbeats(settings)))


async def _trading(settings: Settings, now: datetime, patience_s: float) -> platforms.Asked:
    return platforms.Asked(facts=tuple(await trading.look(settings, now, patience_s)))


def _steps(settings: Settings) -> list[Fact]:
    """How far this is from read-only, on paper, on this machine."""
    found = posture.steps(settings)
    return [ok("towards money", f"{one.setting}: {one.means}") for one in found] or [
        ok("towards money", "no step was taken: read-only, on paper, on this machine")
    ]


def _settings(settings: Settings) -> list[Fact]:
    accounts = len(settings.accounts)
    named = f"{accounts} account{'s' if accounts != 1 else ''} named" if accounts else "accounts of its own"
    facts = [
        ok("settings", f"valid: venue {settings.venue.value}, {named}, a check every {settings.check_interval_s:g} s")
    ]
    if not (settings.telegram_token.get_secret_value() or settings.discord_token.get_secret_value()):
        facts.append(
            wrong("chat", "no chat is configured: alerts go to a terminal alone", "set TELEGRAM_TOKEN or DISCORD_TOKEN")
        )
    if settings.allow_loopback_platforms:
        facts.append(advice("settings", "ALLOW_LOOPBACK_PLATFORMS is on", "it is for tests; take it out"))
    return facts
