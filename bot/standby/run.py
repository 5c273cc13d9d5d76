"""keel standby: from settings to exit code."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog
from pydantic import SecretStr

from bot.app import App, Pace, assemble
from bot.clock import SystemClock
from bot.config import BadSettings, Settings
from bot.hardening import harden, look_around
from bot.heartbeat_urls import SHORTEST_SECRET
from bot.history.sources import begun_anew, close, past_of
from bot.limited_executor import LimitedExecutor
from bot.logs import setup_logging
from bot.messages import Transport
from bot.metrics import Metrics
from bot.operations import Care, Operations
from bot.run import (
    connected_transports,
    default_thresholds,
    reader_of,
    roster_of,
    routes_of,
    show_link_code,
)
from bot.secret_settings import same, secrets_of
from bot.standby.adoption import Adoption
from bot.standby.listening import Listener
from bot.standby.primary import Primary, PrimaryWatch
from bot.standby.routing import StandbyRouter
from bot.standby.voice import StandbyVoice
from bot.suggestions import Suggestions
from bot.transports.console import CONSOLE_CHAT
from risk.ports import Clock
from storage import People, Receiver, Store

log = structlog.get_logger()

_LOOKS_A_SILENCE = 30  # looks at the primary in the time it may be silent


async def run(settings: Settings) -> None:
    """Watch in silence until the primary is silent, and until a signal.

    Raises: VenueRejected, StorageError, BadSettings before the first check.
    """
    problems = harden()
    own, routes = own_tokens(settings), routes_of(settings)
    settings = speaking_with(settings, own)
    secret = settings.heartbeat_secret.get_secret_value()
    if len(secret) < SHORTEST_SECRET:
        raise BadSettings(
            f"HEARTBEAT_SECRET is needed to know the primary by: set the same {SHORTEST_SECRET} or more characters"
            " there and here"
        )
    setup_logging(settings.log_level.value, secrets=secrets_of(settings, routes), interpreter=True)
    look_around(settings, problems)
    clock, stop, metrics = SystemClock(), asyncio.Event(), Metrics()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    primary = Primary(clock=clock, venue=settings.venue.value, silent_after_s=settings.standby_after_s)
    with LimitedExecutor(workers=2) as executor:
        reader = reader_of(settings, clock)
        past = past_of(settings, reader, clock)
        try:
            async with await Store.open(settings.database_path) as store:
                await begun_anew(store, past)
                if own:
                    await show_link_code(People(store), clock)
                roster = await roster_of(settings, reader, store, clock)
                suggestions = Suggestions()
                found, console = connected_transports(
                    settings,
                    clock,
                    store,
                    suggestions,
                    routes,
                    listens=lambda token: any(same(token, one) for one in own.values()),
                )
                transports, lent = voices(found, own)
                app = assemble(
                    store=store, reader=reader, roster=roster, transports=transports, clock=clock,
                    venue=settings.venue.value, executor=executor, console=console,
                    pace=Pace(
                        check_interval=settings.check_interval, slot_stall=timedelta(seconds=settings.slot_stall_s)
                    ),
                    thresholds=default_thresholds(settings), platform_roles=settings.discord_roles, routes=routes,
                    observer=metrics, stream=settings.stream, history_dir=settings.history_folder, candles=past,
                    quiet=lambda: not primary.speaks,
                    through=lambda inner: StandbyRouter(
                        inner, speaks=lambda: primary.speaks, chats=lambda: primary.chats, reachable=lent
                    ),
                )  # fmt: skip
                suggestions.open(app.services)
                care = care_of(settings, console)
                async with Operations(app, store=store, care=care, metrics=metrics) as operations:
                    _beside(operations, app, primary, settings, secret, clock)
                    await app.serve(stop, beside=operations.run)
        finally:
            await reader.close()
            await close(past)


def _beside(operations: Operations, app: App, primary: Primary, settings: Settings, secret: str, clock: Clock) -> None:
    """What a standby does beside watching."""
    host, port = settings.standby_address
    listener = Listener(primary.hear, secret=secret)
    watch = PrimaryWatch(
        primary, clock=clock, settle=app.desk.settle, speak_up=operations.catch_up,
        every_s=min(1.0, settings.standby_after_s / _LOOKS_A_SILENCE),
    )  # fmt: skip
    adoption = Adoption(
        primary, watching=app.services.watching, roster=app.services.roster, clock=clock,
        default=default_thresholds(settings),
    )  # fmt: skip

    async def listen() -> None:
        async with listener.server(host, port) as server:
            log.info("standby.listening", host=host, port=server.port)
            await asyncio.Event().wait()

    operations.beside("listening", listen)
    operations.beside("primary", watch.run)
    operations.beside("adoption", adoption.run)
    app.services.process.about.append(primary.lines)


def own_tokens(settings: Settings) -> Mapping[str, str]:
    """The tokens nobody else listens on, by platform."""
    pairs = {
        "telegram": (settings.standby_telegram_token, settings.telegram_token),
        "discord": (settings.standby_discord_token, settings.discord_token),
    }
    values = {name: (own.get_secret_value(), shared.get_secret_value()) for name, (own, shared) in pairs.items()}
    return {name: own for name, (own, shared) in values.items() if own and not same(own, shared)}


def speaking_with(settings: Settings, own: Mapping[str, str]) -> Settings:
    """The settings with the standby's own tokens in the place of those it would borrow."""
    return settings.model_copy(update={f"{name}_token": SecretStr(token) for name, token in own.items()})


def voices(found: Sequence[Transport], own: Mapping[str, str]) -> tuple[list[Transport], frozenset[str]]:
    """The transports as the standby uses them, and the names of those whose bot is the primary's."""
    lent = frozenset(transport.name for transport in found if transport.name not in (*own, CONSOLE_CHAT))
    return [StandbyVoice(transport, borrowed=transport.name in lent) for transport in found], lent


def care_of(settings: Settings, console: Receiver | None) -> Care:
    """What is looked after while the standby runs. It keeps no status messages: the primary's stands there."""
    return Care(
        heartbeats=settings.standby_heartbeats, secret=settings.heartbeat_secret.get_secret_value(),
        beat_every_s=settings.heartbeat_every_s, metrics_port=settings.metrics_port, backups=settings.backup_plan,
        pulse=False, console=console,
    )  # fmt: skip
