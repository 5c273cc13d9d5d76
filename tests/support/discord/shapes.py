"""The JSON that Discord writes, as far as a bot reads it."""

from typing import TYPE_CHECKING, Any

from tests.support.discord.model import APPLICATION, BOT, Channel, Guild, Interaction, SentMessage

if TYPE_CHECKING:
    from tests.support.discord.api import Api

Json = dict[str, Any]  # of the wire

_AT = "2026-01-02T03:04:05.000000+00:00"


_EVERYTHING_BUT_ADMIN = str((2**31 - 1 | 1 << 51) & ~(1 << 3))


def _overwrites(channel: Channel) -> list[Json]:
    """What the channel takes from everybody."""
    bits = {1 << 14: channel.may_embed, 1 << 35: channel.may_thread, 1 << 51: channel.may_pin}
    denied = sum(bit for bit, allowed in bits.items() if not allowed)
    return [{"id": str(channel.guild), "type": 0, "allow": "0", "deny": str(denied)}] if denied else []


class Shapes:
    """Objects of the wire."""

    def __init__(self, api: "Api") -> None:
        self._api = api

    def me(self) -> Json:
        return self._user(BOT, "keel", bot=True) | {"verified": True, "mfa_enabled": True, "flags": 0, "locale": None}

    def application(self) -> Json:
        return {
            "id": str(APPLICATION),
            "name": "Keel",
            "icon": None,
            "description": "",
            "bot_public": False,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": 0,
            "rpc_origins": [],
            "owner": self._user(1001, "ann"),
            "summary": "",
            "team": None,
        }

    def user(self, user_id: int) -> Json:
        return self._user(user_id, self._api.names.get(user_id, "ann"))

    def member(self, guild: Guild, user_id: int) -> Json:
        return {
            "user": self.user(user_id),
            "roles": [str(role) for role in guild.roles.get(user_id, ())],
            "joined_at": _AT,
            "nick": None,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "permissions": "2147483647",
        }

    def guild(self, guild: Guild) -> Json:
        mine = [one for one in self._api.channels.values() if one.guild == guild.guild_id]
        roles = {guild.guild_id, *(role for held in guild.roles.values() for role in held)}
        return {
            "id": str(guild.guild_id),
            "name": guild.name,
            "unavailable": False,
            "owner_id": "1001",
            "member_count": 2,
            "roles": [self._role(role, guild) for role in sorted(roles)],
            "members": [],
            "emojis": [],
            "stickers": [],
            "features": [],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
            "channels": [self.channel(one) for one in mine if one.parent is None],
            "threads": [self.channel(one) for one in mine if one.parent is not None and not one.archived],
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "premium_progress_bar_enabled": False,
            "preferred_locale": "en-US",
            "system_channel_flags": 0,
            "afk_timeout": 300,
            "joined_at": _AT,
            "large": False,
        }

    def roles(self, guild: Guild) -> list[Json]:
        roles = {guild.guild_id, *(role for held in guild.roles.values() for role in held)}
        return [self._role(role, guild) for role in sorted(roles)]

    def channel(self, channel: Channel) -> Json:
        base: Json = {"id": str(channel.channel_id), "type": channel.kind, "name": channel.name, "flags": 0}
        if channel.guild is None:
            return base | {"recipients": [self.user(channel.recipient or 0)], "last_message_id": None}
        base |= {"guild_id": str(channel.guild), "position": 0, "nsfw": False}
        base |= {"permission_overwrites": _overwrites(channel)}
        if channel.parent is None:
            return base | {"parent_id": None, "topic": None, "rate_limit_per_user": 0}
        about = {
            "archived": channel.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": _AT,
            "locked": channel.locked,
        }
        return base | {
            "parent_id": str(channel.parent),
            "owner_id": str(BOT),
            "message_count": 0,
            "member_count": 1,
            "rate_limit_per_user": 0,
            "thread_metadata": about,
        }

    def message(self, message: SentMessage) -> Json:
        rows = [
            {
                "type": 1,
                "id": number,
                "components": [
                    {"type": 2, "style": 2, "label": key.label, "custom_id": key.custom_id, "id": 10 * number + at}
                    for at, key in enumerate(row)
                ],
            }
            for number, row in enumerate(message.keyboard, start=1)
        ]
        files = [
            {"id": str(message.message_id + 1), "filename": name, "size": len(data), "url": "", "proxy_url": ""}
            for name, data in zip(message.file_names, message.files, strict=True)
        ]
        return self._text(message.message_id, message.channel, self.me(), message.source) | {
            "components": rows,
            "attachments": files,
            "embeds": [
                {"type": "rich", "description": embed.source, "color": embed.colour} for embed in message.embeds
            ],
            "flags": message.flags | (1 << 6 if message.only_for is not None else 0),
        }

    def written(self, message_id: int, channel: Channel, user_id: int, text: str, *, bot: bool) -> Json:
        author = self.user(user_id) | ({"bot": True} if bot else {})
        return self._text(message_id, channel.channel_id, author, text) | {"channel_type": channel.kind}

    def interaction(self, interaction: Interaction, data: Json, message: SentMessage | None) -> Json:
        channel = self._api.channels[interaction.channel]
        shape: Json = {
            "id": str(interaction.interaction_id),
            "application_id": str(APPLICATION),
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "channel_id": str(channel.channel_id),
            "channel": self.channel(channel),
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {},
            "context": 1 if channel.guild is None else 0,
            "attachment_size_limit": 10_485_760,
            "app_permissions": "2147483647",
        }
        if message is not None:
            shape["message"] = self.message(message)
        if channel.guild is None:
            return shape | {"user": self.user(interaction.user)}
        guild = self._api.guilds[channel.guild]
        return shape | {
            "guild_id": str(guild.guild_id),
            "guild_locale": "en-US",
            "guild": {"id": str(guild.guild_id), "locale": "en-US", "features": []},
            "member": self.member(guild, interaction.user),
        }

    def callback(self, interaction: Interaction) -> Json:
        return {
            "interaction": {
                "id": str(interaction.interaction_id),
                "type": interaction.kind,
                "response_message_loading": interaction.loading,
                "response_message_ephemeral": interaction.only_for_asker,
            },
            "resource": {"type": interaction.acknowledged},
        }

    @staticmethod
    def _text(message_id: int, channel: int, author: Json, text: str) -> Json:
        return {
            "id": str(message_id),
            "channel_id": str(channel),
            "author": author,
            "content": text,
            "timestamp": _AT,
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "components": [],
            "pinned": False,
            "type": 0,
            "flags": 0,
        }

    @staticmethod
    def _user(user_id: int, name: str, *, bot: bool = False) -> Json:
        return {
            "id": str(user_id),
            "username": name,
            "discriminator": "0",
            "global_name": name,
            "avatar": None,
            "bot": bot,
            "public_flags": 0,
        }

    @staticmethod
    def _role(role: int, guild: Guild) -> Json:
        return {
            "id": str(role),
            "name": "@everyone" if role == guild.guild_id else f"role {role}",
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "position": 0,
            "permissions": _EVERYTHING_BUT_ADMIN,
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }
