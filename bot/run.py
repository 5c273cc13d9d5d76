"""keel run: the bot as a process, from settings to exit code."""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import venues
from bot import posture
from bot.accounts import watched_accounts
from bot.alerts.routes import NO_ROUTES, Routes
from bot.alerts.routes_check import missing_senders
from bot.alerts.routes_file import BadRoutes, load_routes
from bot.app import Pace, assemble
from bot.clock import SystemClock
from bot.config import AccountSpec, BadSettings, Settings, VenueName, environment
from bot.discord_parts import discord_transport
from bot.hardening import harden, look_around
from bot.history.sources import begun_anew, close, past_of
from bot.limited_executor import LimitedExecutor
from bot.logs import setup_logging
from bot.messages import Transport
from bot.metrics import Metrics
from bot.operations import Care, Operations
from bot.rescue import begin_again, findings_of, open_memory
from bot.roster import Roster
from bot.secret_settings import secrets_of
from bot.suggestions import Suggestions
from bot.trading.connecting import trading_setup
from bot.transports.console import CONSOLE_CHAT, ConsoleTransport
from bot.ways_out import trouble_of, ways_out
from risk.decisions.tiers import TierThresholds
from risk.ports import AccountReader, Clock
from storage import Accounts, People, Receiver, Role, Store

_BOOKS_A_STALL = 4  # that a stream shows at least while SLOT_STALL_S passes
_STARTED_S = 10.0  # by then the libraries of the platforms are loaded
LINK_CODE_VALID_FOR = timedelta(hours=24)


async def run(settings: Settings) -> None:
    """Watch until a signal. Raises: VenueRejected, StorageError, BadSettings before the first check."""
    problems = harden()
    routes = routes_of(settings)
    setup_logging(settings.log_level.value, secrets=secrets_of(settings, routes), interpreter=True)
    look_around(settings, problems)
    clock, stop, metrics = SystemClock(), asyncio.Event(), Metrics()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with LimitedExecutor(workers=2) as executor:
        memory: Store | None = None
        reader = reader_of(settings, clock)
        past = past_of(settings, reader, clock)
        try:
            memory, rescue = await open_memory(settings.database_path, settings.backup_plan, clock)
            async with memory as store, contextlib.AsyncExitStack() as resources:
                await begun_anew(store, past)
                await show_link_code(People(store), clock)
                roster = await roster_of(settings, reader, store, clock)
                suggestions = Suggestions()
                transports, console = connected_transports(settings, clock, store, suggestions, routes)
                trading = await trading_setup(settings, venue_settings(settings), reader, roster, store, clock)
                if trading is not None:
                    resources.push_async_callback(trading.close)
                app = assemble(
                    store=store, reader=reader, roster=roster, transports=transports, clock=clock,
                    venue=settings.venue.value, executor=executor, console=console,
                    pace=Pace(
                        check_interval=settings.check_interval, slot_stall=timedelta(seconds=settings.slot_stall_s)
                    ),
                    trading=trading, thresholds=default_thresholds(settings),
                    platform_roles=settings.discord_roles, routes=routes, observer=metrics, stream=settings.stream,
                    history_dir=settings.history_folder, candles=past,
                )  # fmt: skip
                app.services.process.about.append(lambda: [posture.told(posture.steps(settings))])
                suggestions.open(app.services)
                async with Operations(
                    app, store=store, care=care_of(settings, console), metrics=metrics, give_up=stop.set,
                    first=findings_of(rescue),
                ) as operations:  # fmt: skip
                    # What the start made stays. Left to the collector, its passes would hold everybody up for 0.1 s.
                    asyncio.get_running_loop().call_later(_STARTED_S, gc.freeze)
                    await app.serve(stop, beside=operations.run)
        finally:
            await reader.close()
            await close(past)
            if memory is not None and memory.damage:
                begin_again(settings.database_path, memory.damage)


def care_of(settings: Settings, console: Receiver | None) -> Care:
    """What is looked after while the bot runs."""
    return Care(
        heartbeats=settings.heartbeats, secret=settings.heartbeat_secret.get_secret_value(),
        beat_every_s=settings.heartbeat_every_s, metrics_port=settings.metrics_port, backups=settings.backup_plan,
        console=console,
    )  # fmt: skip


def connected_transports(
    settings: Settings,
    clock: Clock,
    store: Store,
    suggestions: Suggestions,
    routes: Routes = NO_ROUTES,
    *,
    listens: Callable[[str], bool] = lambda _: True,
) -> tuple[Sequence[Transport], Receiver | None]:
    """The chats of this process, and the terminal as a receiver where there is one. Raises: BadSettings.

    Args:
        listens: Whether this process hears what people say to the bot of a token; only one may.
    """

    def telegram(token: str) -> Transport:
        from bot.transports.telegram import TelegramTransport, checked_base_url

        base_url = checked_base_url(settings.telegram_base_url, allow_loopback=settings.allow_loopback_platforms)
        return TelegramTransport(token, now=clock.now, base_url=base_url, listens=listens(token))

    def discord(token: str) -> Transport:
        return discord_transport(
            token, settings, clock, store, suggest=suggestions.suggest, listens=listens(token)
        )  # fmt: skip

    found: list[Transport] = []
    token = settings.telegram_token.get_secret_value()
    if token:
        found.append(telegram(token))
    if settings.discord_token.get_secret_value():
        found.append(discord(settings.discord_token.get_secret_value()))
    found += ways_out(routes, settings, clock, telegram=telegram, discord=discord)
    if missing := missing_senders(routes, {one.name for one in found}):
        raise BadRoutes(str(settings.routes_file), missing)
    if found and not sys.stdin.isatty():
        return found, None
    found.append(ConsoleTransport(now=clock.now))
    return found, Receiver(transport="console", chat=CONSOLE_CHAT, route="terminal")


def routes_of(settings: Settings) -> Routes:
    """The file of routes; none where none was named and none is there. Raises: BadRoutes."""
    named = "routes_file" in settings.model_fields_set
    return load_routes(settings.routes_file, environment=environment(), required=named, trouble=trouble_of)


def reader_of(settings: Settings, clock: Clock) -> AccountReader:
    """The venue the settings name. Raises: VenueRejected when its extra is not installed."""
    return venues.connect(settings.venue.value, venue_settings(settings), clock=clock)


def venue_settings(settings: Settings) -> Any:
    """How the venue is reached. Raises: VenueRejected for a URL that may not be asked."""
    if settings.venue is VenueName.PAPER:
        from venues.paper import PaperSettings

        return PaperSettings()
    found = solana_settings(
        [url.get_secret_value() for url in settings.rpc_urls],
        settings.websocket_url.get_secret_value(),
        profile=settings.venue.value,
    )
    # A stream that tells of slots alone must be heard well before they count as standing still, or it is UNKNOWN and
    # back with every one of its books while the checks fail.
    return replace(
        found,
        slot_pace_s=min(found.slot_pace_s, settings.slot_stall_s / _BOOKS_A_STALL),
        allow_owner_key=settings.allow_owner_key,
        priority_fee_floor_micro=settings.priority_fee_floor_micro,
        priority_fee_cap_micro=settings.priority_fee_cap_micro,
    )


def ledger_reader(rpc_urls: Sequence[str], venue: str, clock: Clock) -> AccountReader:
    """A venue that is asked over RPC. Raises: VenueRejected for a venue or URL there is none of; BadSettings."""
    if venue == VenueName.PAPER:
        raise BadSettings("the paper venue lives inside keel run and keel demo; name a venue that has an RPC")
    return venues.connect(venue, solana_settings(rpc_urls, profile=venue), clock=clock)


def solana_settings(rpc_urls: Sequence[str], ws_url: str = "", *, profile: str = "drift") -> Any:
    """Settings of a Solana venue. Raises: VenueRejected for a URL that may not be asked."""
    from venues.solana import SolanaSettings

    return SolanaSettings(rpc_urls=tuple(rpc_urls), ws_url=ws_url, profile=profile)


async def roster_of(settings: Settings, reader: AccountReader, store: Store, clock: Clock) -> Roster:
    specs = settings.accounts or (AccountSpec(reference="demo:0", nickname="main"),)
    return await watched_accounts(
        specs, reader=reader, accounts=Accounts(store), venue=settings.venue.value, clock=clock,
        thresholds=default_thresholds(settings),
    )  # fmt: skip


def default_thresholds(settings: Settings) -> TierThresholds:
    """Tiers of accounts for which nobody set any."""
    return TierThresholds(ease_dwell=timedelta(seconds=settings.ease_dwell_s))


async def show_link_code(people: People, clock: Clock) -> None:
    if await people.has_owner():
        return
    code = await people.issue_link_code(clock.now(), Role.ADMIN, LINK_CODE_VALID_FOR, owner=True)
    print(f"link code: {code}", flush=True)  # noqa: T201  # the one line of the process that is not a log
