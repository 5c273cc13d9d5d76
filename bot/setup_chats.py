"""The part of keel setup that ends on a phone: a token, a link, an alarm that was acknowledged."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bot.alerts.desk import Finding
from bot.app import TEST_ALARM, App, assemble
from bot.commands.registry import hints
from bot.config import Settings
from bot.discord_parts import discord_transport
from bot.env_file import write_env
from bot.logs import setup_logging
from bot.messages import DeliveryError, Transport
from bot.roster import Roster, Watched
from bot.run import LINK_CODE_VALID_FOR
from bot.secret_settings import secrets_of
from bot.transports.discord import DiscordTransport
from risk.decisions.incidents import IncidentStatus
from risk.decisions.tiers import Tier
from risk.ports import AccountReader, Clock
from storage import Incidents, People, Role, Store

_LOOK_EVERY_S = 0.2
_LAST_WORDS_S = 10.0  # for the notice that the test is over; it does not keep anybody waiting


class Question(Protocol):
    """Asks somebody, without holding up what runs meanwhile."""

    def __call__(self, text: str, *, hidden: bool = False) -> Awaitable[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One platform in the words of the setup.

    Attributes:
        how: Where its token comes from.
        token: What one looks like.
        no_token: Said to what is none.
        send: How the code reaches the bot.
    """

    name: str
    variable: str
    how: str
    token: re.Pattern[str]
    no_token: str
    send: str


TELEGRAM: Final = Platform(
    name="Telegram",
    variable="TELEGRAM_TOKEN",
    how="Telegram: write to @BotFather, send /newbot, and paste the token it gives. Enter skips.",
    token=re.compile(r"\d{5,15}:[A-Za-z0-9_-]{30,60}"),
    no_token="That is no bot token: it is digits, a colon and about 35 letters. Copy it from @BotFather.",  # noqa: S106 - a sentence
    send="Open your bot in Telegram and send it: /start {code}",
)
DISCORD: Final = Platform(
    name="Discord",
    variable="DISCORD_TOKEN",
    how=(
        "Discord: on https://discord.com/developers/applications choose New Application, then Bot, then Reset Token,"
        " and paste the token. Enter skips."
    ),
    token=re.compile(r"[A-Za-z0-9_-]{18,40}\.[A-Za-z0-9_-]{5,8}\.[A-Za-z0-9_-]{20,60}"),
    no_token="That is no bot token: it is about 70 letters in three parts with dots between. Use Reset Token.",  # noqa: S106 - a sentence
    send="In a channel of that server, or in a direct message to the bot, send: /start {code}",
)


class ChatSetup:
    """Links chats to accounts that were found before.

    Args:
        question: See Question.
        say: Shows a line.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        env_file: Path,
        venue: str,
        reader: AccountReader,
        watched: Sequence[Watched],
        question: Question,
        say: Callable[[str], object],
        clock: Clock,
    ) -> None:
        self._settings, self._env_file, self._venue = settings, env_file, venue
        self._reader, self._watched = reader, watched
        self._question, self._say, self._clock = question, say, clock

    async def run(self) -> None:
        """Every platform in turn; those that are skipped can be added by another setup."""
        telegram, discord = self._settings.telegram_token, self._settings.discord_token
        linked = [
            await self._platform(TELEGRAM, telegram.get_secret_value()),
            await self._platform(DISCORD, discord.get_secret_value()),
        ]
        if not any(linked):
            self._say("No chat is linked: alerts go to the terminal only.")

    async def _platform(self, platform: Platform, known: str) -> bool:
        token = known or await self._ask_for_token(platform)
        if not token:
            self._say(f"Skipped: run keel setup again to add {platform.name}.")
            return False
        setup_logging("ERROR", secrets=[*secrets_of(self._settings), token, *token.split(".")])
        with ThreadPoolExecutor(max_workers=1) as executor:
            async with await Store.open(self._settings.database_path) as store:
                transport = self._transport(platform, token, store)
                app = assemble(
                    store=store, reader=self._reader, roster=Roster(self._watched), transports=[transport],
                    clock=self._clock, venue=self._venue, executor=executor,
                )  # fmt: skip
                async with transport, _served(app, transport):
                    await self._link(platform, People(store), transport)
                    if not known:
                        # Only now: a token that does not work would be taken for good at the next setup.
                        write_env(self._env_file, {platform.variable: token})
                    await self._test_alarm(app, Incidents(store))
        return True

    def _transport(self, platform: Platform, token: str, store: Store) -> Transport:
        if platform is DISCORD:
            return discord_transport(token, self._settings, self._clock, store)
        from bot.transports.telegram import TelegramTransport, checked_base_url

        settings = self._settings
        base_url = checked_base_url(settings.telegram_base_url, allow_loopback=settings.allow_loopback_platforms)
        return TelegramTransport(token, now=self._clock.now, base_url=base_url)

    async def _ask_for_token(self, platform: Platform) -> str:
        """What was pasted, or nothing."""
        self._say(platform.how)
        while token := await self._question(f"{platform.name} token", hidden=True):
            if platform.token.fullmatch(token):
                return token
            self._say(platform.no_token)
        return ""

    async def _link(self, platform: Platform, people: People, transport: Transport) -> None:
        if any(chat.transport == transport.name for chat in await people.chats()):
            self._say(f"{platform.name} is linked already.")
            return
        if platform is DISCORD:
            await self._invite(transport)
        code = await self._code(people)
        self._say(f"link code: {code}")
        self._say(platform.send.format(code=code))
        told, directed = "", False
        while True:
            known = await self._known_on(people, transport)  # asked first: what links a chat makes its person known
            if any(chat.transport == transport.name for chat in await people.chats()):
                break
            health = transport.health()
            if not health.connected and health.detail != told:
                told = health.detail
                self._say(f"{platform.name}: {told}")
            if known and not directed:
                # A code that only says who somebody is links no channel: others read there.
                directed = True
                self._say("You are known there now. Send /here all in the channel that is to hear alerts,")
                self._say("or /start in a direct message.")
            await self._clock.sleep(_LOOK_EVERY_S)
        self._say("Linked.")

    @staticmethod
    async def _known_on(people: People, transport: Transport) -> bool:
        for person in await people.linked():
            if any(one.platform == transport.name for one in await people.identities(person.person_id)):
                return True
        return False

    async def _code(self, people: People) -> str:
        """Makes whoever sends it the owner; who owns the bot already is known by it on one more platform."""
        now = self._clock.now()
        owner = next((person for person in await people.linked() if person.owner), None)
        if owner is None:
            return await people.issue_link_code(now, Role.ADMIN, LINK_CODE_VALID_FOR, owner=True)
        return await people.identity_code(owner.person_id, by=owner.person_id, now=now, ttl=LINK_CODE_VALID_FOR)

    async def _invite(self, transport: Transport) -> None:
        told = ""
        while isinstance(transport, DiscordTransport):
            try:
                url = await transport.invitation()
            except DeliveryError as error:
                if str(error) != told:
                    told = str(error)
                    self._say(f"Discord: {told}")
                await self._clock.sleep(_LOOK_EVERY_S)
                continue
            self._say(f"Invite your bot to a server of yours, if it is in none yet: {url}")
            return

    async def _test_alarm(self, app: App, incidents: Incidents) -> None:
        self._say("Test my alarm: an alert is on its way. Press Ack on your phone.")
        fact = "this is a test: press Ack so that I know you hear me"
        await app.desk.settle([Finding(cause=TEST_ALARM, tier=Tier.CRITICAL, fact=fact)])
        told = ""
        while not any(
            one.cause == TEST_ALARM and one.status is IncidentStatus.ACKED for one in await incidents.open_incidents()
        ):
            for delivery in app.deliveries.values():
                if delivery.last_error not in ("", told):
                    told = delivery.last_error
                    self._say(f"The alert is not through yet: {told}")
            await self._clock.sleep(_LOOK_EVERY_S)
        self._say("Acknowledged on your phone. The alarm works.")
        await app.desk.settle([Finding(cause=TEST_ALARM, tier=Tier.OK, fact="the test alarm was acknowledged")])
        give_up_s = self._clock.monotonic_s() + _LAST_WORDS_S
        while (await app.services.outbox.counts()).waiting_since and self._clock.monotonic_s() < give_up_s:
            await self._clock.sleep(_LOOK_EVERY_S)


@contextlib.asynccontextmanager
async def _served(app: App, transport: Transport) -> AsyncIterator[None]:
    """Answers and deliveries of one transport, without the schedule."""
    await app.prepare()
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(app.dispatcher.serve(transport)),
            tasks.create_task(app.deliveries[transport.name].run()),
            tasks.create_task(transport.announce(hints(app.dispatcher.commands))),
        ]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
