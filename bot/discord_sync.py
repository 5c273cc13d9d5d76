"""keel discord-sync: the slash commands Discord shows, brought in line with this version, and what changed."""

from collections.abc import Sequence

from bot.commands.registry import all_commands, hints
from bot.config import BadSettings, Settings
from bot.discord_parts import discord_urls
from bot.transports.discord.registration import Registration, register


async def sync(settings: Settings, *, guild_id: int | None = None, remove: bool = False) -> Sequence[Registration]:
    """Registers, or removes, the commands of one guild, or of all that the settings mean and of direct messages.

    Raises: BadSettings; DeliveryError, where nothing at all could be done.
    """
    token = settings.discord_token.get_secret_value().strip()
    if not token:
        raise BadSettings("DISCORD_TOKEN is empty: set the token of the bot's page in Discord's developer portal")
    return await register(
        token, discord_urls(settings), hints(all_commands()),
        guild_ids=settings.discord_guild_ids if guild_id is None else (guild_id,), direct=guild_id is None,
        remove=remove,
    )  # fmt: skip


def line(done: Registration) -> str:
    """One of them in words."""
    where = "direct messages"
    if done.guild_id is not None:
        where = f"{done.guild_name} ({done.guild_id})" if done.guild_name else f"server {done.guild_id}"
    if done.problem:
        return f"{where}: nothing was done. {done.problem}"
    parts = [
        f"{len(names)} {what} ({', '.join(names)})"
        for names, what in ((done.added, "added"), (done.changed, "changed"), (done.removed, "removed"))
        if names
    ]
    return f"{where}: {', '.join(parts) or f'nothing to change, {len(done.kept)} commands'}"
