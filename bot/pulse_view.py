"""How the status message of a chat reads, and when it has something new to say. Pure.

It is edited in place and never rings, so it says moments and not ages: whoever looks later must see how old it is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.messages import Line, Message, Tone
from bot.text.ages import age, moment
from bot.text.clean import name, sentence
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier

AT_LEAST_APART = timedelta(seconds=30)
_REFRESHED = timedelta(seconds=60)
_NAMED = 6
_WORST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseFacts:
    """What is true of the whole process at one moment.

    Attributes:
        ailing: What makes no progress; empty while all does.
        stale: Why the venue's data cannot be trusted; empty while it can.
        observed_at: Moment of the newest data; None before the first.
        streaming: Whether the venue tells of changes by itself; None where it cannot.
        waiting: Alerts on their way, ``waiting_since`` the oldest of them.
        beaten_at: When somebody outside last took a heartbeat; None for never.
        beats: Whether anybody is to take them.
    """

    as_of: datetime
    tiers: Mapping[str, Tier]
    ailing: str = ""
    stale: str = ""
    checked_at: datetime | None = None
    observed_at: datetime | None = None
    streaming: bool | None = None
    waiting: int = 0
    waiting_since: datetime | None = None
    beaten_at: datetime | None = None
    beats: bool = False


@dataclass(frozen=True, slots=True)
class Gist:
    """What a change of is worth an edit; the passing of time alone is not."""

    tiers: tuple[tuple[str, Tier], ...]
    sorrows: tuple[bool, bool, bool | None, bool]


def gist(facts: PulseFacts, labels: Mapping[str, str]) -> Gist:
    """What a chat's message says, times aside."""
    tiers = tuple((label, facts.tiers.get(account_id, Tier.UNKNOWN)) for account_id, label in labels.items())
    return Gist(tiers, (bool(facts.ailing), bool(facts.stale), facts.streaming, facts.waiting > 0))


def due(said: Gist | None, said_at: datetime | None, now_gist: Gist, now: datetime, refreshed: timedelta) -> bool:
    """Whether a message is to be edited now.

    Args:
        said: What it says; None where that is not known, as after a restart.
        refreshed: How old it may be while nothing changes.
    """
    if said_at is None:
        return True
    passed = now - said_at
    if passed < timedelta():
        return True  # the clock was set back
    return passed >= (AT_LEAST_APART if said != now_gist else refreshed)


def refresh_every(chats: int, per_s: float) -> timedelta:
    """How often a message is edited while nothing changes: with very many chats less often, for edits cost too.

    >>> refresh_every(10, 4.0), refresh_every(1_000, 4.0)
    (datetime.timedelta(seconds=60), datetime.timedelta(seconds=250))
    """
    return max(_REFRESHED, timedelta(seconds=chats / per_s))


def pulse_message(facts: PulseFacts, labels: Mapping[str, str], refreshed: timedelta = _REFRESHED) -> Message:
    """The status message of a chat."""
    lines = [Line(_headline(facts, labels), strong=True)]
    texts = [_tiers(facts, labels), facts.ailing and f"! {_sentence(facts.ailing)}", facts.stale and f"! {facts.stale}"]
    texts += [_looked(facts), _queue(facts), _beat(facts)]
    lines += [Line(text) for text in texts if text]
    every = age(refreshed.total_seconds())
    lines.append(
        Line(f"As of {moment(facts.as_of)}. Edited every {every} at the latest: when this is older, Keel is not well.")
    )
    return Message(blocks=tuple(lines), tone=Tone.QUIET)


def off_message() -> Message:
    """What it says when it is switched off."""
    return Message(
        blocks=(Line("Status is no longer kept up to date here."), Line("/pulse on brings it back.")), tone=Tone.QUIET
    )


def _headline(facts: PulseFacts, labels: Mapping[str, str]) -> str:
    if facts.ailing:
        return "Pulse: Keel is NOT WELL"
    if facts.stale:
        return "Pulse: no fresh data, nothing can be said"
    number = len(labels)
    watched = f"{number} account{'s' if number != 1 else ''}"
    worst = max((facts.tiers.get(one, Tier.UNKNOWN) for one in labels), key=severity, default=Tier.OK)
    if worst is Tier.OK:
        return f"Pulse: watching {watched}, all OK" if number != 1 else f"Pulse: watching {watched}, OK"
    named = [label for one, label in labels.items() if facts.tiers.get(one, Tier.UNKNOWN) is worst]
    who = ", ".join(name(label) for label in named[:_WORST_NAMED])
    more = f" and {len(named) - _WORST_NAMED} more" if len(named) > _WORST_NAMED else ""
    return f"Pulse: watching {watched}, {worst.name} {who}{more}"


def _tiers(facts: PulseFacts, labels: Mapping[str, str]) -> str:
    standing = [(label, facts.tiers.get(account_id, Tier.UNKNOWN)) for account_id, label in labels.items()]
    if len(standing) <= 1:
        return ""
    if len(standing) <= _NAMED:
        return ", ".join(f"{name(label)} {tier.name}" for label, tier in _worst_first(standing))
    counted = Counter(tier for _, tier in standing)
    return ", ".join(f"{counted[tier]} {tier.name}" for tier in sorted(counted, key=severity, reverse=True))


def _worst_first(standing: Sequence[tuple[str, Tier]]) -> list[tuple[str, Tier]]:
    return sorted(standing, key=lambda one: -severity(one[1]))


def _looked(facts: PulseFacts) -> str:
    checked = f"Checked at {moment(facts.checked_at)}" if facts.checked_at else "Not checked yet"
    if facts.observed_at is not None and facts.checked_at is not None:
        checked += f", data of {moment(facts.observed_at)}"
    if facts.streaming is not None:
        checked += ", stream up" if facts.streaming else ", stream DOWN"
    return f"{checked}."


def _queue(facts: PulseFacts) -> str:
    if not facts.waiting:
        return "No alert waits."
    since = f", the oldest since {moment(facts.waiting_since)}" if facts.waiting_since else ""
    return f"{facts.waiting} alert{'s' if facts.waiting != 1 else ''} on the way{since}."


def _beat(facts: PulseFacts) -> str:
    if not facts.beats:
        return ""
    return f"Last heartbeat {moment(facts.beaten_at)}." if facts.beaten_at else "No heartbeat was taken yet."


def _sentence(text: str) -> str:
    return sentence(f"{text[:1].upper()}{text[1:]}.")
