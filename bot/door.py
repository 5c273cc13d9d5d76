"""Who is heard when somebody writes faster than anybody reads: a bucket of requests each, a share of what runs at once,
and an end to how many may wait, so that one person's flood is nobody else's silence.

/halt has a bucket of its own and waits for no other request: whoever hammers the keys in an emergency is heard.
"""

import asyncio
import contextlib
import math
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum, auto

from bot.messages import Command, Incoming, Membership, Press
from bot.words import words
from risk.ports import Clock

TOO_FAST = "That was too fast: I left out what you sent last. Wait a few seconds, then ask again."

_URGENT = "halt"
_ENOUGH = 40  # characters, to read the name of a command
_AT_ONCE = 16
_AT_ONCE_EACH = 8
_MOST_KNOWN = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What may be asked for.

    Attributes:
        burst: So many requests of one person at once, and so many of theirs that are not answered yet.
        per_s: So many a second afterwards.
        in_all: So many of everybody's that are not answered yet.
    """

    burst: float = 30.0
    per_s: float = 2.0
    in_all: float = 256.0


USUAL = Allowance()
BOUNDLESS = Allowance(burst=math.inf, per_s=math.inf, in_all=math.inf)
_EMERGENCIES = Allowance(burst=5.0, per_s=0.5)


class Admission(Enum):
    """What becomes of a request. AT_ONCE waits for no turn. TOLD is refused and said so, once; LEFT_OUT in silence."""

    IN = auto()
    AT_ONCE = auto()
    TOLD = auto()
    LEFT_OUT = auto()


@dataclass(slots=True)
class _Guest:
    """One person. ``inside`` counts their requests that are not answered yet."""

    tokens: float
    seen_s: float
    inside: int = 0
    told: bool = False
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE_EACH))


class _Lane:
    """Buckets of one size."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowed = allowance
        self._guests: OrderedDict[tuple[str, str], _Guest] = OrderedDict()
        self._inside = 0

    def enters(self, who: tuple[str, str], now_s: float) -> Admission:
        allowed, guest = self._allowed, self._guest(who, now_s)
        guest.tokens, guest.seen_s = self._filled(guest, now_s), now_s
        if guest.tokens >= 1 and guest.inside < allowed.burst and self._inside < allowed.in_all:
            guest.tokens -= 1
            guest.inside += 1
            self._inside += 1
            guest.told = guest.told and guest.tokens < allowed.burst / 2
            return Admission.IN
        if guest.told:
            return Admission.LEFT_OUT
        guest.told = True
        return Admission.TOLD

    def leaves(self, who: tuple[str, str]) -> None:
        self._inside -= 1
        self._guests[who].inside -= 1

    def turns(self, who: tuple[str, str]) -> asyncio.Semaphore:
        return self._guests[who].turns

    def _guest(self, who: tuple[str, str], now_s: float) -> _Guest:
        guest = self._guests.get(who)
        if guest is None:
            if len(self._guests) >= _MOST_KNOWN:
                self._make_room()
            guest = self._guests[who] = _Guest(tokens=self._allowed.burst, seen_s=now_s)
        self._guests.move_to_end(who)
        return guest

    def _make_room(self) -> None:
        """Forget whoever was not heard for longest. Whoever is inside stays known; they are few."""
        idle = next((who for who, guest in self._guests.items() if not guest.inside), None)
        if idle is not None:
            del self._guests[idle]

    def _filled(self, guest: _Guest, now_s: float) -> float:
        passed_s = now_s - guest.seen_s
        gained = passed_s * self._allowed.per_s if passed_s > 0 else 0.0  # nothing of infinity is no number
        return min(self._allowed.burst, guest.tokens + gained)


class Door:
    """Asked for everything that comes in. What it lets in takes its turn, and leaves whatever became of it.

    Args:
        home: The transport of the terminal, where there is one: whoever sits there floods only themselves.
    """

    def __init__(self, clock: Clock, allowance: Allowance = USUAL, *, home: str = "") -> None:
        self._clock, self._home_name = clock, home
        self._usual, self._home = _Lane(allowance), _Lane(BOUNDLESS)
        self._urgent = _Lane(_EMERGENCIES)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def enters(self, incoming: Incoming) -> Admission:
        """Whether it is heard; what is IN or AT_ONCE has to take its turn afterwards."""
        if isinstance(incoming, Membership):
            return Admission.IN
        now_s = self._clock.monotonic_s()
        if _is_urgent(incoming) and self._urgent.enters(_who(incoming), now_s) is Admission.IN:
            return Admission.AT_ONCE
        return self._lane(incoming).enters(_who(incoming), now_s)

    @contextlib.asynccontextmanager
    async def turn(self, incoming: Incoming, admitted: Admission) -> AsyncIterator[None]:
        """Wait until it may run: at most 16 do, at most 8 of one person's. What was not let in waits for nothing."""
        if admitted not in (Admission.IN, Admission.AT_ONCE):
            yield
        elif isinstance(incoming, Membership):
            async with self._turns:
                yield
        else:
            lane, who = self._urgent if admitted is Admission.AT_ONCE else self._lane(incoming), _who(incoming)
            try:
                if admitted is Admission.AT_ONCE:
                    yield
                else:
                    async with lane.turns(who), self._turns:
                        yield
            finally:
                lane.leaves(who)

    def _lane(self, incoming: Command | Press) -> _Lane:
        return self._home if incoming.sender.transport == self._home_name else self._usual


def _is_urgent(incoming: Command | Press) -> bool:
    return isinstance(incoming, Command) and words(incoming.text[:_ENOUGH])[0] == _URGENT


def _who(incoming: Command | Press) -> tuple[str, str]:
    return incoming.sender.transport, incoming.sender.user_id
