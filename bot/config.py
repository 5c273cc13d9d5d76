"""Settings, read once at start from the environment and a file ``.env``; passed down as plain values.

``.env.example`` lists every one of them with its meaning, unit, default and consequence; a test keeps the two equal.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.transports.discord.urls import checked_api_url, checked_gateway_url
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


class Settings(BaseSettings):
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
    allow_loopback_platforms: bool = False
    check_interval_s: float = Field(default=5.0, ge=0.05, le=300)
    slot_stall_s: float = Field(default=10.0, gt=0, le=600)
    ease_dwell_s: float = Field(default=60.0, ge=0, le=3_600)
    trading_enabled: bool = False
    log_level: LogLevel = LogLevel.INFO

    @field_validator("rpc_urls", mode="before")
    @classmethod
    def _urls(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("accounts", mode="before")
    @classmethod
    def _accounts(cls, value: object) -> object:
        return parse_accounts(value) if isinstance(value, str) else value

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
        return self

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.venue is not VenueName.PAPER:
            if not self.rpc_urls:
                raise ValueError("RPC_URLS is needed for this venue: set one or more Solana RPC URLs, comma separated")
            if not self.accounts:
                raise ValueError("ACCOUNTS is needed for this venue: run `keel setup WALLET`, or list PUBKEY=nickname")
        return self

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


def load_settings(env_file: Path | None = Path(".env"), **known: object) -> Settings:
    """The settings of this process.

    Args:
        known: Fields whose value is decided already, whatever the environment says.

    Raises: BadSettings, naming each variable and never its value.
    """
    try:
        return Settings(_env_file=env_file, **known)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as exc:
        problems = [
            "".join(f"{str(part).upper()}: " for part in error["loc"][:1]) + error["msg"].removeprefix("Value error, ")
            for error in exc.errors(include_input=False, include_url=False)
        ]
        raise BadSettings("; ".join(problems)) from None
    except (OSError, UnicodeDecodeError):
        raise BadSettings(f"{env_file} cannot be read as UTF-8 text; check the file and its permissions") from None
