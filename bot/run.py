"""keel run: the bot as a process, from settings to exit code."""

import asyncio
import re
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import venues
from bot.accounts import watched_accounts
from bot.app import Pace, assemble
from bot.clock import SystemClock
from bot.config import AccountSpec, BadSettings, Settings, VenueName
from bot.logs import setup_logging
from bot.messages import Transport
from bot.roster import Roster
from bot.suggestions import Suggestions
from bot.transports.console import CONSOLE_CHAT, ConsoleTransport
from risk.decisions.tiers import TierThresholds
from risk.ports import AccountReader, Clock
from storage import Accounts, People, Receiver, Role, Store

_A_KEY = 16  # characters; shorter parts of URLs are words
LINK_CODE_VALID_FOR = timedelta(hours=24)


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Every text that must never be shown: tokens, URLs, and the parts of a URL that are long enough to be its key."""
    tokens = [one.get_secret_value() for one in (settings.telegram_token, settings.discord_token)]
    urls = [one.get_secret_value() for one in (settings.ws_url, *settings.rpc_urls)]
    parts = [part for url in urls for part in re.split(r"[/?&=#:@]+", url.partition("://")[2].partition("/")[2])]
    parts += [part for token in tokens for part in re.split(r"[:.]", token)]
    return tuple(text for text in (*tokens, *urls, *(part for part in parts if len(part) >= _A_KEY)) if text)


async def run(settings: Settings) -> None:
    """Watch until a signal. Raises: VenueRejected, StorageError, BadSettings before the first check."""
    setup_logging(settings.log_level.value, secrets=secrets_of(settings))
    clock, stop = SystemClock(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="work") as executor:
        reader = reader_of(settings, clock)
        try:
            async with await Store.open(settings.database_path) as store:
                await _show_link_code(People(store), clock)
                roster = await _roster(settings, reader, store, clock)
                transports, console = connected_transports(settings, clock, Suggestions(People(store), roster))
                app = assemble(
                    store=store, reader=reader, roster=roster, transports=transports, clock=clock,
                    venue=settings.venue.value, executor=executor, console=console,
                    pace=Pace(
                        check_interval=settings.check_interval, slot_stall=timedelta(seconds=settings.slot_stall_s)
                    ),
                    trading_enabled=settings.trading_enabled,
                )  # fmt: skip
                await app.serve(stop)
        finally:
            await reader.close()


def connected_transports(
    settings: Settings, clock: Clock, suggestions: Suggestions
) -> tuple[Sequence[Transport], Receiver | None]:
    """The chats of this process, and the terminal as a receiver where there is one. Raises: BadSettings."""
    found: list[Transport] = []
    token = settings.telegram_token.get_secret_value()
    if token:
        from bot.transports.telegram import TelegramTransport, checked_base_url

        base_url = checked_base_url(settings.telegram_base_url, allow_loopback=settings.allow_loopback_platforms)
        found.append(TelegramTransport(token, now=clock.now, base_url=base_url))
    if settings.discord_token.get_secret_value():
        found.append(_discord(settings, clock, suggestions))
    if found and not sys.stdin.isatty():
        return found, None
    found.append(ConsoleTransport(now=clock.now))
    return found, Receiver(transport="console", chat=CONSOLE_CHAT, route="terminal")


def _discord(settings: Settings, clock: Clock, suggestions: Suggestions) -> Transport:
    from bot.transports.discord import DiscordTransport, checked_urls

    try:
        urls = checked_urls(
            settings.discord_api_url, settings.discord_gateway_url, allow_loopback=settings.allow_loopback_platforms
        )
    except ValueError as exc:
        raise BadSettings(str(exc)) from None
    return DiscordTransport(
        settings.discord_token.get_secret_value(), now=clock.now, urls=urls, suggest=suggestions.suggest
    )


def reader_of(settings: Settings, clock: Clock) -> AccountReader:
    """The venue the settings name. Raises: VenueRejected when its extra is not installed."""
    return venues.connect(settings.venue.value, _venue_settings(settings), clock=clock)


def _venue_settings(settings: Settings) -> Any:
    if settings.venue is VenueName.PAPER:
        from venues.paper import PaperSettings

        return PaperSettings()
    return solana_settings(
        [url.get_secret_value() for url in settings.rpc_urls],
        settings.websocket_url.get_secret_value(),
        profile=settings.venue.value,
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


async def _roster(settings: Settings, reader: AccountReader, store: Store, clock: Clock) -> Roster:
    specs = settings.accounts or (AccountSpec(reference="demo:0", nickname="main"),)
    return await watched_accounts(
        specs, reader=reader, accounts=Accounts(store), venue=settings.venue.value, clock=clock,
        thresholds=TierThresholds(ease_dwell=timedelta(seconds=settings.ease_dwell_s)),
    )  # fmt: skip


async def _show_link_code(people: People, clock: Clock) -> None:
    if await people.has_owner():
        return
    code = await people.issue_link_code(clock.now(), Role.ADMIN, LINK_CODE_VALID_FOR, owner=True)
    print(f"link code: {code}", flush=True)  # noqa: T201  # the one line of the process that is not a log
