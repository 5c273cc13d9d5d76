"""What a check finds of the chat platforms: tokens, and what the bot may do in each linked chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

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


async def ask_telegram(settings: Settings, chats: Sequence[LinkedChat]) -> Asked:
    """The bot and its chats on Telegram."""
    token = settings.telegram_token.get_secret_value()
    if not token:
        return Asked(facts=())
    base_url = checked_base_url(settings.telegram_base_url, allow_loopback=settings.allow_loopback_platforms)
    async with TelegramProbe(token, base_url) as probe:
        began = datetime.now(UTC)
        try:
            me = await probe.me()
        except telegram.ProbeFailed as exc:
            remedy = "check TELEGRAM_TOKEN with @BotFather" if "token" in str(exc) else "check the network"
            return Asked(facts=(wrong("telegram", str(exc), remedy),))
        witness = _witness("Telegram", me.date, began)
        facts = [ok("telegram", f"the token is good, the bot is @{name(me.username)}")]
        for chat in _of("telegram", chats):
            subject = f"telegram:{chat.chat}"
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


async def ask_discord(settings: Settings, chats: Sequence[LinkedChat]) -> Asked:
    """The bot and its channels on Discord."""
    token = settings.discord_token.get_secret_value()
    if not token:
        return Asked(facts=())
    async with DiscordProbe(token, settings.discord_api_url) as probe:
        began = datetime.now(UTC)
        try:
            me = await probe.me()
        except discord.ProbeFailed as exc:
            remedy = "check DISCORD_TOKEN on the bot's page" if "token" in str(exc) else "check the network"
            return Asked(facts=(wrong("discord", str(exc), remedy),))
        witness = _witness("Discord", me.date, began)
        facts = [ok("discord", f"the token is good, the bot is {name(me.username)}")]
        for chat in _of("discord", chats):
            subject = f"discord:{chat.thread or chat.chat}"
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
