"""Small settings that commands keep. Each is a typed name with a default, so a new one needs no new table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from storage.columns import to_us
from storage.errors import BadRow
from storage.store import Store

T = TypeVar("T")


class Theme(StrEnum):
    """Background of charts."""

    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Generic[T]):
    """One thing that can be set.

    Attributes:
        key: Never given to another meaning.
        encode: Value to text.
        decode: Text to value; raises ValueError for a text it does not know.
    """

    key: str
    default: T
    encode: Callable[[T], str]
    decode: Callable[[str], T]


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("neither yes nor no")
    return text == "yes"


def _minute(text: str) -> int:
    minute = int(text)
    if not 0 <= minute < 1440:
        raise ValueError("no minute of a day")
    return minute


THEME: Setting[Theme] = Setting(key="theme", default=Theme.DARK, encode=lambda theme: theme.value, decode=Theme)

# An account id; empty means the first one.
DEFAULT_ACCOUNT: Setting[str] = Setting(key="default_account", default="", encode=str, decode=str)

# Whose way of writing numbers somebody reads, where their clock stands, and whether it counts to twelve.
NUMBERS: Setting[str] = Setting(key="numbers", default="en", encode=str, decode=str)
ZONE: Setting[str] = Setting(key="zone", default="UTC", encode=str, decode=str)
TWELVE_HOURS: Setting[bool] = Setting(
    key="twelve_hours", default=False, encode=lambda on: "yes" if on else "no", decode=_yes_or_no
)

# Minute of the local day at which the digest is told.
DIGEST_MINUTE: Setting[int] = Setting(key="digest_minute", default=480, encode=str, decode=_minute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a setting holds for: one chat, or, with both empty, the whole process."""

    transport: str = ""
    chat: str = ""


PROCESS = Scope()


class Settings:
    """Values of settings, by scope."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, setting: Setting[T], scope: Scope = PROCESS) -> T:
        """The value for exactly this scope, or the setting's default.

        Raises: BadRow for a stored text that the setting does not know.
        """
        found = await self._store.run(
            lambda db: db.execute(
                "SELECT value FROM settings WHERE transport = ? AND chat = ? AND key = ?",
                [scope.transport, scope.chat, setting.key],
            ).fetchone()
        )
        if found is None:
            return setting.default
        try:
            return setting.decode(found[0])
        except ValueError as exc:
            raise BadRow(f"The stored setting {setting.key} reads {found[0]!r}; set it again.") from exc

    async def put(self, setting: Setting[T], value: T, now: datetime, scope: Scope = PROCESS) -> None:
        """Set a value for a scope."""
        row = {
            "transport": scope.transport,
            "chat": scope.chat,
            "key": setting.key,
            "value": setting.encode(value),
            "changed_at": to_us(now),
        }
        await self._store.atomic(lambda db: db.table("settings").upsert(row, pk=("transport", "chat", "key")))
