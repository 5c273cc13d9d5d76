"""A change to what a chat wants to hear: made, told, asked about, and taken back. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from risk.decisions.hearing import ChatPreferences, DigestPlan, Verbosity
from risk.decisions.quiet_hours import QuietSpan
from storage import Receiver

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What becomes different; everything that is None or not named stays.

    Attributes:
        zone: Name of a time zone.
        muted: Until when, by market; None for no longer.
        silenced: Likewise, by account id.
        events: Kinds of events: whether they are told; None for as it is unless somebody says so.
    """

    zone: str | None = None
    quiet: tuple[QuietSpan, ...] | None = None
    verbosity: Verbosity | None = None
    digest: DigestPlan | None = None
    muted: Mapping[str, datetime | None] = field(default_factory=dict)
    silenced: Mapping[str, datetime | None] = field(default_factory=dict)
    events: Mapping[str, bool | None] = field(default_factory=dict)

    def applied(self, before: ChatPreferences) -> ChatPreferences:
        """Preferences with this wish."""
        return replace(
            before,
            zone=before.zone if self.zone is None else ZoneInfo(self.zone),
            quiet=before.quiet if self.quiet is None else self.quiet,
            verbosity=self.verbosity or before.verbosity,
            digest=self.digest or before.digest,
            muted=_merged(before.muted, self.muted),
            silenced=_merged(before.silenced, self.silenced),
            events=_merged(before.events, self.events),
        )

    def undone(self, before: ChatPreferences) -> "Wish":
        """What takes this wish back, where it was made on these preferences."""
        return Wish(
            zone=None if self.zone is None else before.zone.key,
            quiet=None if self.quiet is None else before.quiet,
            verbosity=self.verbosity and before.verbosity,
            digest=self.digest and before.digest,
            muted={key: before.muted.get(key) for key in self.muted},
            silenced={key: before.silenced.get(key) for key in self.silenced},
            events={kind: before.events.get(kind) for kind in self.events},
        )


def _merged(before: Mapping[str, T], wished: Mapping[str, T | None]) -> dict[str, T]:
    after = {key: value for key, value in before.items() if key not in wished}
    return after | {key: value for key, value in wished.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class WishCard:
    """A wish that waits for a press.

    Attributes:
        chat: The chat it is for; a card that was forwarded means nothing elsewhere.
        done: What is said once it is granted.
    """

    wish: Wish
    chat: Receiver
    done: tuple[str, ...]


@cache
def _codec() -> TypeAdapter[WishCard]:
    return TypeAdapter(WishCard)


def to_json(card: WishCard) -> str:
    """A card as it is stored."""
    return json.dumps(_codec().dump_python(card, mode="json"))


def from_json(text: str) -> WishCard:
    """Back from storage. Raises: ValueError for a text this version does not understand."""
    return _codec().validate_python(json.loads(text))
