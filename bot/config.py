"""Settings, read once at start from the environment and a file ``.env``; passed down as plain values.

``.env.example`` lists every one of them with its meaning, unit, default and consequence; a test keeps the two equal.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

from bot.backup_plan import BackupPlan
from bot.data_url import DRIFT_DATA_URL, checked_data_url
from bot.env_lines import trouble_in
from bot.heartbeat_urls import HeartbeatUrl, heartbeat_urls
from bot.platform_roles import PlatformRoles, parse_granted
from bot.private_files import NotPrivate, require_private_env, secrets_from_files
from bot.redaction import know
from bot.secret_settings import secret_lists, secret_names, secrets_of
from bot.trading.settings import TradingSettings
from bot.transports.discord.pings import Pings, parse_pings
from bot.transports.discord.urls import checked_api_url, checked_gateway_url, checked_webhook
from bot.transports.telegram.base_url import checked_base_url


class BadSettings(Exception):
    """Settings that cannot be used. The text names each one and what would be accepted; never its value."""


class VenueName(StrEnum):
    """Venues this version can watch."""

    PAPER = "paper"
    DRIFT = "drift"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """An account as the settings name it: ``PUBKEY`` or ``AUTHORITY:SUB``, with a nickname where one was given."""

    reference: str
    nickname: str = ""


class Settings(TradingSettings, BaseSettings):
    """Everything that can be set from outside."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True,
        allow_inf_nan=False,
    )  # fmt: skip

    venue: VenueName = VenueName.PAPER
    rpc_urls: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    ws_url: SecretStr = SecretStr("")
    accounts: Annotated[tuple[AccountSpec, ...], NoDecode] = ()
    database_path: Path = Path("keel.sqlite3")
    telegram_token: SecretStr = SecretStr("")
    telegram_base_url: str = "https://api.telegram.org"
    discord_token: SecretStr = SecretStr("")
    discord_api_url: str = "https://discord.com/api/v10"
    discord_gateway_url: str = "wss://gateway.discord.gg"
    discord_webhook_url: SecretStr = SecretStr("")
    discord_guild_ids: Annotated[tuple[int, ...], NoDecode] = ()
    discord_public_commands: Annotated[tuple[str, ...], NoDecode] = ()
    discord_threads: bool = True
    discord_ping_role: str = ""
    discord_role_map: str = ""
    discord_require_role: Annotated[tuple[str, ...], NoDecode] = ()
    routes_file: Path = Path("routes.toml")
    allow_loopback_platforms: bool = False
    check_interval_s: float = Field(default=5.0, ge=0.05, le=300)
    stream: bool = True
    slot_stall_s: float = Field(default=10.0, gt=0, le=600)
    ease_dwell_s: float = Field(default=60.0, ge=0, le=3_600)
    log_level: LogLevel = LogLevel.INFO
    heartbeat_urls: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    heartbeat_secret: SecretStr = SecretStr("")
    heartbeat_every_s: float = Field(default=10.0, ge=0.1, le=300)
    standby_listen: str = "127.0.0.1:8787"
    standby_after_s: float = Field(default=30.0, ge=0.3, le=3_600)
    standby_telegram_token: SecretStr = SecretStr("")
    standby_discord_token: SecretStr = SecretStr("")
    standby_heartbeat_urls: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    metrics_port: int = Field(default=0, ge=0, le=65_535)
    data_url: str = DRIFT_DATA_URL
    history_dir: str = ""
    backup_dir: str = ""
    backup_every_h: float = Field(default=24.0, ge=0.1, le=24 * 365)
    backup_keep: int = Field(default=14, ge=1, le=10_000)

    @field_validator("rpc_urls", "heartbeat_urls", "standby_heartbeat_urls", mode="before")
    @classmethod
    def _urls(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("accounts", mode="before")
    @classmethod
    def _accounts(cls, value: object) -> object:
        return parse_accounts(value) if isinstance(value, str) else value

    @field_validator("discord_guild_ids", "discord_require_role", mode="before")
    @classmethod
    def _snowflakes(cls, value: object) -> object:
        return parse_ids(value) if isinstance(value, str) else value

    @field_validator("discord_public_commands", mode="before")
    @classmethod
    def _commands(cls, value: object) -> object:
        return parse_commands(value) if isinstance(value, str) else value

    @field_validator("discord_ping_role")
    @classmethod
    def _pings(cls, value: str) -> str:
        parse_pings(value)
        return value

    @field_validator("discord_role_map")
    @classmethod
    def _roles(cls, value: str) -> str:
        parse_granted(value)
        return value

    @field_validator("venue", "log_level", mode="before")
    @classmethod
    def _forgiving_case(cls, value: object, info: object) -> object:
        if not isinstance(value, str):
            return value
        return value.strip().upper() if getattr(info, "field_name", "") == "log_level" else value.strip().lower()

    @model_validator(mode="after")
    def _official(self) -> Self:
        checked_base_url(self.telegram_base_url, allow_loopback=self.allow_loopback_platforms)
        checked_api_url(self.discord_api_url, allow_loopback=self.allow_loopback_platforms)
        checked_gateway_url(self.discord_gateway_url, allow_loopback=self.allow_loopback_platforms)
        if webhook := self.discord_webhook_url.get_secret_value():
            try:
                checked_webhook(webhook, allow_loopback=self.allow_loopback_platforms)
            except ValueError as exc:
                raise ValueError(f"DISCORD_WEBHOOK_URL: {exc}") from None
        return self

    @field_validator("data_url")
    @classmethod
    def _data_url(cls, value: str) -> str:
        checked_data_url(value)
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.venue is not VenueName.PAPER:
            if not self.rpc_urls:
                raise ValueError("RPC_URLS is needed for this venue: set one or more Solana RPC URLs, comma separated")
            if not self.accounts:
                raise ValueError("ACCOUNTS is needed for this venue: run `keel setup WALLET`, or list PUBKEY=nickname")
        return self

    @model_validator(mode="after")
    def _beating(self) -> Self:
        _ = self.heartbeats, self.standby_heartbeats, self.standby_address  # reading them checks them
        return self

    @property
    def heartbeats(self) -> tuple[HeartbeatUrl, ...]:
        """HEARTBEAT_URLS, each with how it is beaten to."""
        return _heartbeats("HEARTBEAT_URLS", self.heartbeat_urls, self.heartbeat_secret)

    @property
    def standby_heartbeats(self) -> tuple[HeartbeatUrl, ...]:
        """STANDBY_HEARTBEAT_URLS, as above."""
        return _heartbeats("STANDBY_HEARTBEAT_URLS", self.standby_heartbeat_urls, self.heartbeat_secret)

    @property
    def data_service_url(self) -> str:
        """DATA_URL, read; empty where none is to be asked."""
        return checked_data_url(self.data_url)

    @property
    def history_folder(self) -> Path | None:
        """Where past prices lie as files; None where none was named."""
        return Path(self.history_dir.strip()) if self.history_dir.strip() else None

    @property
    def backup_plan(self) -> BackupPlan | None:
        """When and where the process backs itself up; None for never."""
        named = self.backup_dir.strip()
        if named.lower() == "off":
            return None
        # Named after the database, so that two bots in one folder never restore each other's memory.
        folder = Path(named) if named else self.database_path.with_name(f"{self.database_path.stem}-backups")
        return BackupPlan(folder=folder, every=timedelta(hours=self.backup_every_h), keep=self.backup_keep)

    @property
    def standby_address(self) -> tuple[str, int]:
        """STANDBY_LISTEN as host and port."""
        host, colon, port = self.standby_listen.strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not (port.isascii() and port.isdigit() and int(port) <= 65_535):
            raise ValueError("STANDBY_LISTEN is no address: write HOST:PORT, such as 127.0.0.1:8787")
        try:
            ip_address(host)
        except ValueError:
            raise ValueError("STANDBY_LISTEN needs the number of an interface: write 127.0.0.1:8787") from None
        return host, int(port)

    @property
    def discord_pings(self) -> Pings:
        """DISCORD_PING_ROLE, read."""
        return parse_pings(self.discord_ping_role)

    @property
    def discord_roles(self) -> PlatformRoles:
        """DISCORD_ROLE_MAP and DISCORD_REQUIRE_ROLE, read."""
        return PlatformRoles(
            platform="discord", granted=parse_granted(self.discord_role_map),
            required=frozenset(self.discord_require_role),
        )  # fmt: skip

    @property
    def check_interval(self) -> timedelta:
        return timedelta(seconds=self.check_interval_s)

    @property
    def websocket_url(self) -> SecretStr:
        """WS_URL, or the first RPC URL with a websocket scheme and the same port."""
        if self.ws_url.get_secret_value() or not self.rpc_urls:
            return self.ws_url
        parts = urlsplit(self.rpc_urls[0].get_secret_value())
        return SecretStr(urlunsplit(parts._replace(scheme="wss" if parts.scheme == "https" else "ws")))


def _heartbeats(variable: str, urls: Sequence[SecretStr], secret: SecretStr) -> tuple[HeartbeatUrl, ...]:
    texts = [url.get_secret_value() for url in urls]
    return heartbeat_urls(texts, secret.get_secret_value(), variable=variable)


class _WithoutVenue(Settings):
    """For what asks no venue, and so needs neither its address nor accounts on it."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        return self


def parse_accounts(text: str) -> tuple[AccountSpec, ...]:
    """``A=main,B:1`` into specs. Raises: ValueError for an empty reference or a nickname given twice.

    >>> parse_accounts("9xQe=main, 7yTr:1")
    (AccountSpec(reference='9xQe', nickname='main'), AccountSpec(reference='7yTr:1', nickname=''))
    """
    specs = []
    for number, part in enumerate((part.strip() for part in text.split(",")), start=1):
        if not part:
            continue
        reference, _, nickname = (piece.strip() for piece in part.partition("="))
        if not reference:
            raise ValueError(f"entry {number} has no address; write PUBKEY=nickname or AUTHORITY:SUB=nickname")
        specs.append(AccountSpec(reference=reference, nickname=nickname))
    names = [spec.nickname.lower() for spec in specs if spec.nickname]
    if len(set(names)) < len(names):
        raise ValueError("two accounts have one nickname; nicknames must differ")
    return tuple(specs)


def parse_ids(text: str) -> tuple[str, ...]:
    """Ids of a platform. Raises: ValueError.

    >>> parse_ids("12, 34")
    ('12', '34')
    """
    parts = [part.strip() for part in text.split(",")]
    for number, part in enumerate(parts, start=1):
        if part and not (part.isascii() and part.isdigit() and len(part) <= 20):
            raise ValueError(f"entry {number} is no id: turn on Discord's developer mode, then copy the id")
    return tuple(dict.fromkeys(part for part in parts if part))


def parse_commands(text: str) -> tuple[str, ...]:
    """Names of commands. Raises: ValueError.

    >>> parse_commands("/health, liq")
    ('health', 'liq')
    """
    parts = [part.strip().removeprefix("/").lower() for part in text.split(",")]
    for number, part in enumerate(parts, start=1):
        if part and not (part.isascii() and part.isidentifier()):
            raise ValueError(f"entry {number} is no name of a command: write such as health,liq")
    return tuple(dict.fromkeys(part for part in parts if part))


def environment(env_file: Path | None = Path(".env")) -> dict[str, str]:
    """Every variable of the process and of an env file, for what other files only name; the process wins."""
    return {**_in_file(env_file), **os.environ}


def _in_file(env_file: Path | None) -> dict[str, str]:
    found = DotEnvSettingsSource(Settings, env_file=env_file, case_sensitive=True).env_vars if env_file else {}
    return {name: value for name, value in found.items() if value is not None}


def load_settings(
    env_file: Path | None = Path(".env"), *, asks_venue: bool = True, guarded: bool = False, **known: object
) -> Settings:
    """The settings of this process. What of them is secret is never shown by it from now on.

    Args:
        asks_venue: Whether RPC_URLS and ACCOUNTS have to be there for a venue that needs them.
        guarded: Whether an env file that others can change, or read secrets in, is refused.
        known: Fields whose value is decided already, whatever the environment says.

    Raises: BadSettings, naming each variable and never its value.
    """
    try:
        files = {f"{name.upper()}_FILE" for name in secret_names(Settings)}
        if trouble := trouble_in(env_file, {name.upper() for name in Settings.model_fields}, files):
            raise BadSettings("; ".join(trouble))
        if guarded and env_file is not None:
            private = {name.upper() for name in secret_names(Settings)}
            inside = _in_file(env_file).items()
            require_private_env(env_file, [name for name, value in inside if value and name.upper() in private])
        decided = {**_from_files(env_file, known), **known}
        found = (Settings if asks_venue else _WithoutVenue)(_env_file=env_file, **decided)  # type: ignore[arg-type]  # pydantic checks them
    except NotPrivate as exc:
        raise BadSettings(str(exc)) from None
    except ValidationError as exc:
        problems = [
            "".join(f"{str(part).upper()}: " for part in error["loc"][:1]) + error["msg"].removeprefix("Value error, ")
            for error in exc.errors(include_input=False, include_url=False)
        ]
        raise BadSettings("; ".join(problems)) from None
    except (OSError, UnicodeDecodeError):
        raise BadSettings(f"{env_file} cannot be read as UTF-8 text; check the file and its permissions") from None
    know(secrets_of(found))
    return found


def _from_files(env_file: Path | None, known: Mapping[str, object]) -> dict[str, str]:
    """Secrets that NAME_FILE names."""
    given = {name.upper(): value for name, value in environment(env_file).items()}
    names = [name for name in secret_names(Settings) if name not in known]
    return secrets_from_files(names, secret_lists(Settings), given)
