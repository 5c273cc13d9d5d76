"""What the primary says to its standby every few seconds: signed, dated, counted. Pure.

A beat is a JSON object under an HMAC-SHA256 of exactly its bytes. Whoever listens can read it, so it holds no secret;
only who has the shared secret can make one, so nobody else can keep a standby silent. A recorded beat is too old or
was counted already.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from pydantic import TypeAdapter, ValidationError

from risk.decisions.tiers import Tier, TierThresholds

BEAT_PATH = "/keel/beat"
SIGNATURE_HEADER = "x-keel-signature"
LONGEST_BEAT_BYTES = 512 * 1024
_SCHEME = "v1="
_DEFAULT = TierThresholds()
_CLOCKS_APART = timedelta(seconds=30)  # what two machines without a common clock may differ by


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatTiers:
    """Where the tiers of an account begin, by their names, where that is not the default; see risk.decisions.tiers."""

    ratio_percent: Mapping[str, float]
    distance_frac: Mapping[str, float]
    distance_sigmas: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatAccount:
    """An account the primary watches, and what people call it. Without ``tiers`` it has the default ones."""

    account_id: str
    nickname: str
    tiers: BeatTiers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatChat:
    """A chat the primary talks to.

    Attributes:
        accounts: Ids of those it may hear of; None for all, those to come included.
    """

    transport: str
    chat: str
    thread: str = ""
    accounts: tuple[str, ...] | None = None

    def hears_of(self, account_id: str) -> bool:
        """Whether it may hear of an account; an empty id is what concerns everybody."""
        return not account_id or self.accounts is None or account_id in self.accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One sign of life.

    Attributes:
        counter: Rises with every beat, over restarts too.
        venue: The standby of another venue is none.
        accounts: What a standby has to watch.
        chats: Who hears it when it pages.
    """

    counter: int
    sent_at: datetime
    venue: str
    accounts: tuple[BeatAccount, ...] = ()
    chats: tuple[BeatChat, ...] = ()


class BadBeat(Exception):
    """A beat that counts for nothing. The text says what to look at, and holds nothing of the beat."""


class Counter:
    """Numbers that rise, whatever the clock does: microseconds since 1970, and one more where that is not more."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: datetime) -> int:
        self._last = max(self._last + 1, int(now.timestamp() * 1_000_000))
        return self._last


def tiers_of(thresholds: TierThresholds) -> BeatTiers | None:
    """What a standby needs to know of an account's thresholds; None where they are the default."""
    if replace(thresholds, ease_margin_frac=_DEFAULT.ease_margin_frac, ease_dwell=_DEFAULT.ease_dwell) == _DEFAULT:
        return None
    return BeatTiers(
        ratio_percent=_named(thresholds.ratio_percent), distance_frac=_named(thresholds.distance_frac),
        distance_sigmas=_named(thresholds.distance_sigmas),
    )  # fmt: skip


def thresholds_of(tiers: BeatTiers | None, default: TierThresholds) -> TierThresholds:
    """The thresholds a beat names, with the easing of ``default``. Raises: ValueError for some that cannot be."""
    if tiers is None:
        return default
    return replace(
        default, ratio_percent=_ladder(tiers.ratio_percent), distance_frac=_ladder(tiers.distance_frac),
        distance_sigmas=_ladder(tiers.distance_sigmas),
    )  # fmt: skip


def _named(ladder: Mapping[Tier, float]) -> dict[str, float]:
    return {tier.name: step for tier, step in ladder.items()}


def _ladder(named: Mapping[str, float]) -> dict[Tier, float]:
    if unknown := set(named) - set(Tier.__members__):
        raise ValueError(f"there are no tiers {sorted(unknown)}")
    return {Tier[name]: step for name, step in named.items()}


def encoded(beat: Beat) -> bytes:
    """The bytes that are signed and sent."""
    return _codec().dump_json(beat)


def signature(body: bytes, secret: str) -> str:
    """What stands in the signature header."""
    return _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def opened(body: bytes, headers: Mapping[str, str], secret: str) -> Beat:
    """A beat of somebody who knows the secret. Raises: BadBeat.

    Args:
        headers: By lower-case name.
    """
    given = headers.get(SIGNATURE_HEADER, "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), signature(body, secret).encode()):
        raise BadBeat("the signature is not of this secret; HEARTBEAT_SECRET must be the same on both machines")
    try:
        return _codec().validate_json(body)
    except ValidationError:
        raise BadBeat("the beat is of another version of Keel; run the same one on both machines") from None


@dataclass(slots=True)
class Newest:
    """The newest beat that counted; everything that does not come after it is refused.

    Args:
        tolerance: How old a beat may be when it arrives, and how far ahead of our clock.
    """

    tolerance: timedelta = _CLOCKS_APART
    counter: int = 0

    def accept(self, beat: Beat, now: datetime) -> None:
        """Raises: BadBeat for one that was seen before, is old, or comes from another time."""
        apart = now - beat.sent_at
        if abs(apart) > self.tolerance:
            side = "behind" if apart > timedelta() else "ahead of"
            raise BadBeat(
                f"the beat's clock is {abs(apart).total_seconds():.0f} s {side} this machine's; set both by NTP"
            )
        if beat.counter <= self.counter:
            raise BadBeat("the beat was heard before, or comes behind a later one")
        self.counter = beat.counter


def fitting(beat: Beat, most_bytes: int = LONGEST_BEAT_BYTES) -> Beat:
    """The beat, or as much of it as a standby takes: the chats with the longest lists are left out first."""
    if len(encoded(beat)) <= most_bytes:
        return beat
    chats = sorted(beat.chats, key=lambda chat: len(chat.accounts or ()))
    while chats:
        chats = chats[: len(chats) // 2]
        less = replace(beat, chats=tuple(chats))
        if len(encoded(less)) <= most_bytes:
            return less
    return replace(beat, chats=(), accounts=())


@cache
def _codec() -> TypeAdapter[Beat]:
    return TypeAdapter(Beat)
