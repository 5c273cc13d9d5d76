"""What a check finds of the chat platforms: tokens, and what the bot may do in each linked chat."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.alerts.routes import Platform, Routes
from bot.checking.clock import Witness, date_of
from bot.checking.facts import Fact, advice, ok, wrong
from bot.config import Settings
from bot.text.clean import name
from bot.transports.discord import probe as discord
from bot.transports.discord.probe import DiscordProbe
from bot.transports.telegram import probe as telegram
from bot.transports.telegram.base_url import checked_base_url
from bot.transports.telegram.probe import TelegramProbe
from storage import LinkedChat


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a platform said. ``witness`` is the time on its answer."""

    facts: tuple[Fact, ...]
    witness: Witness | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot on a platform: the name addresses carry, and its token."""

    platform: Platform
    name: str
    token: str = field(repr=False)


def bots_of(settings: Settings, routes: Routes) -> list[Bot]:
    """Every bot the settings and the routes name."""
    own = {Platform.TELEGRAM: settings.telegram_token, Platform.DISCORD: settings.discord_token}
    found = [
        Bot(platform=platform, name=platform.value, token=token.get_secret_value())
        for platform, token in own.items()
        if token.get_secret_value()
    ]
    further = routes.senders.values()
    return found + [Bot(platform=one.platform, name=one.name, token=one.token.get_secret_value()) for one in further]


async def ask(bot: Bot, settings: Settings, chats: Sequence[LinkedChat]) -> Asked:
    """One bot and its chats."""
    asking = _ask_telegram if bot.platform is Platform.TELEGRAM else _ask_discord
    return await asking(bot, settings, chats)


async def _ask_telegram(bot: Bot, settings: Settings, chats: Sequence[LinkedChat]) -> Asked:
    base_url = checked_base_url(settings.telegram_base_url, allow_loopback=settings.allow_loopback_platforms)
    async with TelegramProbe(bot.token, base_url) as probe:
        began = datetime.now(UTC)
        try:
            me = await probe.me()
        except telegram.ProbeFailed as exc:
            remedy = "check its token with @BotFather" if "token" in str(exc) else "check the network"
            return Asked(facts=(wrong(bot.name, str(exc), remedy),))
        witness = _witness("Telegram", me.date, began)
        facts = [ok(bot.name, f"the token is good, the bot is @{name(me.username)}")]
        for chat in _of(bot.name, chats):
            subject = f"{bot.name}:{chat.chat}"
            try:
                rights = await probe.rights(chat.chat, me.user_id)
            except telegram.ProbeFailed as exc:
                remedy = "unblock or add the bot there, then send /start; or unlink it with /revoke"
                facts.append(wrong(subject, str(exc), remedy))
                continue
            facts.append(_telegram_chat(subject, rights))
        return Asked(facts=tuple(facts), witness=witness)


def _telegram_chat(subject: str, rights: telegram.ChatRights) -> Fact:
    title = name(rights.title)
    if not rights.may_write:
        return wrong(subject, f"the bot may not write in {title}", "give it the right to send messages there")
    if not rights.may_pin:
        remedy = "give the bot the right to pin messages, or send /pulse off there"
        return advice(subject, f"the bot may write in {title} and not pin its status", remedy)
    return ok(subject, f"the bot may write and pin in {title}")


async def _ask_discord(bot: Bot, settings: Settings, chats: Sequence[LinkedChat]) -> Asked:
    async with DiscordProbe(bot.token, settings.discord_api_url) as probe:
        began = datetime.now(UTC)
        try:
            me = await probe.me()
        except discord.ProbeFailed as exc:
            remedy = "check its token on the bot's page" if "token" in str(exc) else "check the network"
            return Asked(facts=(wrong(bot.name, str(exc), remedy),))
        witness = _witness("Discord", me.date, began)
        facts = [ok(bot.name, f"the token is good, the bot is {name(me.username)}")]
        for chat in _of(bot.name, chats):
            subject = f"{bot.name}:{chat.thread or chat.chat}"
            try:
                rights = await probe.rights(chat.thread or chat.chat, me.user_id)
            except discord.ProbeFailed as exc:
                facts.append(wrong(subject, str(exc), "add the bot there again, or unlink the channel with /revoke"))
                continue
            facts.append(_discord_channel(subject, rights))
        return Asked(facts=tuple(facts), witness=witness)


def _discord_channel(subject: str, rights: discord.ChannelRights) -> Fact:
    title, lacks = name(rights.title), ", ".join(rights.lacks)
    if not rights.lacks:
        return ok(subject, f"the bot has every permission it needs in {title}")
    remedy = f"give the bot's role in the channel {title}: {lacks}"
    if {"View Channel", "Send Messages"} & set(rights.lacks):
        return wrong(subject, f"the bot may not write in {title}", remedy)
    return advice(subject, f"the bot may write in {title} and lacks {lacks}", remedy)


def _of(transport: str, chats: Sequence[LinkedChat]) -> list[LinkedChat]:
    """The chats of a platform, each once whatever its topics."""
    return list({(one.chat, one.thread): one for one in chats if one.transport == transport}.values())


def _witness(who: str, header: str, began: datetime) -> Witness | None:
    said = date_of(header)
    return None if said is None else Witness(who=who, said=said, earliest=began, latest=datetime.now(UTC))
