"""What can be typed behind a command, read from its usage, for platforms that ask for one word at a time.

    /tiers [account] [TIER [distance] VALUE]    account, tier, distance, value
    /invite ROLE [ACCOUNT ...] [for NAME]       role, account, and a name, typed behind "for"

A word in capitals stands for something, and so does one in small letters that stands alone in its brackets, or beside
one other word; "on", "off" and the like never do. Any other word in small letters is typed as it is. Alternatives are
parted by ``|``: with blanks around it whole groups of words, without them single words.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.messages import ArgumentHint

_TOKENS = re.compile(r"\[|\]|\s\|\s|[^\s\[\]]+")
_UNFIT = re.compile(r"[^a-z0-9]+")
_TYPED: Final = {"on", "off", "all", "none", "now", "daily"}
_STAND_FOR_SOMETHING: Final = {"account", "number"}
_EXAMPLE = re.compile(r"\d+([a-z]*|%)|\d\d:\d\d")  # 2h, 08:00, 2%
_NAMES: Final = {
    ("equity", "health", "distance"): "picture",
    ("24h", "7d"): "span",
    ("dark", "light"): "theme",
    ("30m", "2h"): "time",
    ("2h",): "time",
    ("7d", "30d", "90d", "all"): "span",
    ("1d", "7d"): "horizon",
    ("95", "99"): "confidence",
    ("2%",): "percent",
    ("long", "short"): "side",
    ("risk", "vol", "kelly", "liq"): "method",
    ("on", "off"): "switch",
    ("moves", "distance"): "measure",
    ("numbers", "zone", "clock", "account", "digest", "theme"): "setting",
    ("all", "normal", "important", "critical"): "level",
    ("delta", "beta", "correlation", "volatility", "dynamic"): "strategy",
    ("sol", "btc"): "reference",
    ("half", "25%"): "share",
    ("8h",): "time",
    ("n",): "most",
    ("20", "export"): "steps",
    ("csv", "json"): "format",
    ("all", "keep"): "what",
}
_STANDING_FOR: Final = {"HH:MM-HH:MM": "hours", "HH:MM": "at"}
_SUMMARIES: Final = {
    "account": "which account, by its name",
    "number": "which alert, by its number",
    "market": "which market, such as SOL-PERP",
    "command": "which command",
    "time": "for how long, such as 30m, 2h or 1d",
    "span": "how far back, such as 24h or 7d",
    "role": "what they may do",
    "tier": "which tier",
    "value": "the new value",
    "nickname": "what to call it",
    "code": "the one-time code",
    "address": "its address, or WALLET:NUMBER",
    "zone": "time zone, such as Europe/Berlin",
    "asset": "which asset, such as SOL",
    "method": "by which method",
    "kind": "which kinds, one or several",
    "setting": "what to set",
    "percent": "how much, such as 2%",
    "target": "the delta in USD to hedge to, such as 0",
    "strategy": "how to hedge",
    "reference": "what to hedge in, SOL or BTC",
    "shares": "percent of equity by asset, such as SOL=40 BTC=40 USDC=20",
    "share": "how much of the position, such as half or 25%",
    "price": "at which price, such as 142.50 or -5%",
    "stop": "the price that ends a loss, such as -5%",
    "tp": "the price that takes a profit, such as +10%",
    "budget": "most accepted probability of liquidation, such as 1%",
    "most": "at most so many trades",
    "steps": "how many steps, or export",
    "format": "which kind of file, csv or json",
    "what": "all of my resting orders, or keep stops that protect",
    "order": "which order, by its number, or all",
    "cap": "at most so much notional in USD",
    "proposal": "which proposal, such as P12",
    "digits": "your PIN",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """One place. ``words`` are what the usage has there."""

    words: tuple[str, ...]
    before: str = ""
    required: bool = True

    def stands_for(self, word: str) -> bool:
        """Whether one of them is to be replaced rather than typed."""
        if any(map(str.isalpha, word)) and word.isupper():
            return True
        if len(self.words) == 1:
            return word.isalpha() and word not in _TYPED
        return len(self.words) == 2 and word in _STAND_FOR_SOMETHING


def arguments_of(usage: str) -> tuple[ArgumentHint, ...]:
    """In the order in which they are typed.

    >>> [(one.name, one.required) for one in arguments_of("/snooze NUMBER [30m|2h]")]
    [('number', True), ('time', False)]
    """
    tokens = iter(_TOKENS.findall(usage.partition(" ")[2]))
    found: list[ArgumentHint] = []
    for slot in _alternatives(tokens):
        name = _named(slot)
        count = sum(re.fullmatch(rf"{re.escape(name)}(-\d+)?", one.name) is not None for one in found)
        found.append(
            ArgumentHint(
                name=f"{name}-{count + 1}" if count else name,
                summary=_SUMMARIES.get(name) or _summary(slot),
                required=slot.required,
                before=slot.before,
                takes=tuple(_fit(word) for word in slot.words if slot.stands_for(word)),
                choices=tuple(word for word in slot.words if not slot.stands_for(word)),
            )
        )
    return tuple(found)


def _alternatives(tokens: Iterator[str]) -> list[_Slot]:
    """Up to the end of a group."""
    sequences: list[list[_Slot]] = [[]]
    for token in tokens:
        match token.strip():
            case "[":
                sequences[-1] += [replace(slot, required=False) for slot in _alternatives(tokens)]
            case "]":
                break
            case "|":
                sequences.append([])
            case "...":
                pass  # several words can be typed into one place
            case word:
                sequences[-1].append(_Slot(words=tuple(word.split("|"))))
    return _merged([_said(sequence) for sequence in sequences])


def _said(sequence: Sequence[_Slot]) -> list[_Slot]:
    """A single literal right before something belongs to it: ``for NAME`` is one place."""
    slots: list[_Slot] = []
    for slot in sequence:
        last = slots[-1] if slots else None
        if last is not None and last.required and slot.required and _introduces(last) and not last.before:
            slots[-1] = replace(slot, before=last.words[0])
        else:
            slots.append(slot)
    return slots


def _merged(sequences: list[list[_Slot]]) -> list[_Slot]:
    """What can stand first in several of them is one place; what follows stands behind it."""
    if len(sequences) == 1:
        return sequences[0]
    first = tuple(word for one in sequences if one and not one[0].before for word in one[0].words)
    rest = [slot for one in sequences for slot in (one if one and one[0].before else one[1:])]
    merged = [_Slot(words=first)] if first else []
    return [*merged, *(replace(slot, required=False) for slot in rest)]


def _introduces(slot: _Slot) -> bool:
    """Whether it is one word that is typed before something, as it is."""
    word = slot.words[0]
    return len(slot.words) == 1 and word.isalpha() and word.islower() and word not in _STAND_FOR_SOMETHING


def _named(slot: _Slot) -> str:
    if slot.before:
        return _fit(slot.before)
    if slot.words in _NAMES:
        return _NAMES[slot.words]
    placeholder = next((word for word in slot.words if slot.stands_for(word)), "")
    if placeholder:
        return _STANDING_FOR.get(placeholder) or _fit(placeholder)
    return _fit(slot.words[0]) if len(slot.words) == 1 else "which"


def _summary(slot: _Slot) -> str:
    if len(slot.words) == 1 and not slot.stands_for(slot.words[0]) and not slot.before:
        return f"{slot.words[0]}, or nothing"
    words = [f"the {word.lower()}" if word.isalpha() and slot.stands_for(word) else word for word in slot.words]
    return f"{slot.before} {' or '.join(words)}".strip()


def _fit(word: str) -> str:
    return _UNFIT.sub("-", word.lower()).strip("-")[:24] or "word"
