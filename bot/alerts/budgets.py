"""When the next message to a platform may leave: never more than it takes, never slower than it must. Pure.

A platform counts a message when it gets it, which is some time between its leaving and its answer. So a message counts
as late as it can have been counted: jitter of the network or of the platform cannot push two of them into one window.
Moments are seconds of one monotonic clock, given by the caller.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from bot.messages import Address, Limits, Rate

_GUARD_S, _GUARD_IN_ALL_S = 0.02, 0.008  # clocks that tick, sleeps that end early
_CATCH_UP_S = 0.2
_PART_S = 1.2  # apart at most are the parts of a long message
_ASSUMED_S = 5.0  # a message without an answer was counted by then: connections do not hold requests back for longer
# So long every message is on its way there and back: this share of the quickest answer of late, but not more than a
# network takes. Until enough answers are known it is nothing, and few messages go out before the first of them is back:
# whatever holds them up here, such as a library that is still being loaded, would let them all go at once.
_FLOOR_SHARE, _FLOOR_AT_MOST_S = 0.8, 0.06
_ROUND_TRIPS, _ENOUGH_ROUND_TRIPS, _FIRST_AT_ONCE = 50, 20, 6
_SPARE = 1  # of all chats' messages: for further parts of long messages, where nobody knows of them beforehand
_MANY_PLACES = 5  # refused one after the other: then it is the platform that has had enough, not they


@dataclass(slots=True, eq=False, kw_only=True)
class Ticket:
    """A message on its way, or a turn to send one.

    Attributes:
        counted_at: When it was counted at the latest, in the eyes of one chat; ``in_all_at`` in those of the platform.
    """

    left_at: float
    counted_at: float
    in_all_at: float


class _Window:
    """The messages of one rate that may still count."""

    def __init__(self, rate: Rate, *, in_all: bool = False, spare: int = 0) -> None:
        self._most = max(1, rate.most - spare)
        self._per_s, self._in_all = rate.per_s + (_GUARD_IN_ALL_S if in_all else _GUARD_S), in_all
        self._tickets: list[Ticket] = []

    def free_at(self, now: float) -> float:
        """When there is room for one more; not after ``now`` where there is."""
        self._tickets = [ticket for ticket in self._tickets if self._ends(ticket) > now]
        over = len(self._tickets) - self._most
        return now if over < 0 else sorted(map(self._ends, self._tickets))[over]

    def idle(self, now: float) -> bool:
        return all(self._ends(ticket) <= now for ticket in self._tickets)

    def add(self, ticket: Ticket) -> None:
        self._tickets.append(ticket)

    def drop(self, ticket: Ticket) -> None:
        self._tickets = [other for other in self._tickets if other is not ticket]

    def _ends(self, ticket: Ticket) -> float:
        return (ticket.in_all_at if self._in_all else ticket.counted_at) + self._per_s


class Budgets:
    """What has left lately, and what may leave now, for one platform.

    Args:
        parts_known: Whether every part of a long message is counted, see further_parts().
    """

    def __init__(self, limits: Limits, *, parts_known: bool = False) -> None:
        self._limits = limits
        spare = 0 if parts_known else _SPARE
        self._in_all = _Window(limits.in_all, in_all=True, spare=spare) if limits.in_all else None
        self._spacing_s = limits.in_all.per_s / limits.in_all.most if limits.in_all else 0.0
        self._next_s = 0.0
        self._windows: dict[str, tuple[_Window, ...]] = {}
        self._held_until: dict[str, float] = {}
        self._all_held_until = 0.0
        self._refusing: set[str] = set()
        self._round_trips_s: deque[float] = deque(maxlen=_ROUND_TRIPS)
        self._unanswered: set[Ticket] = set()

    def place_of(self, address: Address) -> str:
        """What the platform counts a message for, besides itself. An answer to a question has a place of its own."""
        if address.reply_to:
            return ""
        return address.thread if self._limits.threads_apart and address.thread else address.chat

    @property
    def threads_apart(self) -> bool:
        return self._limits.threads_apart

    def slot_at(self, now: float) -> float:
        """When the platform as a whole has room for one more; not after ``now`` where it has."""
        if self._in_all is None:
            return max(now, self._all_held_until)
        return max(self._in_all.free_at(now), self._next_s, self._all_held_until, self._first_back_at(now))

    def _first_back_at(self, now: float) -> float:
        few = len(self._unanswered) < _FIRST_AT_ONCE
        if few or len(self._round_trips_s) >= _ENOUGH_ROUND_TRIPS:
            return now
        return min(ticket.left_at for ticket in self._unanswered) + _ASSUMED_S

    def free_at(self, place: str, now: float) -> float:
        """When one chat has room for one more, the platform as a whole aside."""
        if not place:
            return now
        windows = self._windows.get(place, ())
        return max([now, self._held_until.get(place, now), *(window.free_at(now) for window in windows)])

    def slots(self, now: float, most: int) -> int:
        """How many may leave together now, at most so many."""
        if self.slot_at(now) > now:
            return 0
        return most if self._in_all is None else 1

    def leaves(self, now: float) -> Ticket:
        """A message leaves now."""
        # Evenly spaced; what timers and a busy machine were late by is made up for.
        self._next_s = max(self._next_s, now - _CATCH_UP_S) + self._spacing_s
        ticket = Ticket(left_at=now, counted_at=now + _ASSUMED_S, in_all_at=now + _ASSUMED_S)
        if self._in_all is not None:
            self._in_all.add(ticket)
            self._unanswered.add(ticket)
        return ticket

    def goes_to(self, ticket: Ticket, place: str) -> None:
        """It counts for this place besides the platform as a whole; empty for none."""
        if place:
            for window in self._of(place):
                window.add(ticket)

    def further_parts(self, ticket: Ticket, count: int) -> None:
        """The message goes out as so many more than one, all of them before it is answered."""
        ticket.counted_at += count * _PART_S
        ticket.in_all_at += count * _PART_S
        if self._in_all is not None:
            for _ in range(count):
                self._in_all.add(ticket)

    def given_back(self, ticket: Ticket) -> None:
        """Nothing left after all."""
        if self._in_all is not None:
            self._in_all.drop(ticket)
        self._unanswered.discard(ticket)
        self._next_s -= self._spacing_s

    def answered(self, ticket: Ticket, now: float) -> None:
        """The platform took it, refused it, or the caller gave up waiting. A refusal for haste follows as hold()."""
        self._unanswered.discard(ticket)
        self._round_trips_s.append(now - ticket.left_at)
        known = len(self._round_trips_s) >= _ENOUGH_ROUND_TRIPS
        floor_s = min(_FLOOR_SHARE * min(self._round_trips_s), _FLOOR_AT_MOST_S) if known else 0.0
        ticket.counted_at = min(ticket.counted_at, now)
        ticket.in_all_at = min(ticket.in_all_at, max(ticket.left_at, now - floor_s))

    def hold(self, place: str, seconds: float, now: float) -> None:
        """The platform asked to wait with this chat. Where it asks that of many in a row, it means itself."""
        self._held_until[place] = max(self._held_until.get(place, now), now + seconds)
        self._refusing.add(place)
        if len(self._refusing) >= _MANY_PLACES:
            self.hold_all(seconds, now)

    def taken(self) -> None:
        """The platform took a message: it has not had enough."""
        self._refusing.clear()

    def hold_all(self, seconds: float, now: float) -> None:
        """The platform asked to wait with everything."""
        self._refusing.clear()
        self._all_held_until = max(self._all_held_until, now + seconds)

    def held_s(self, place: str, now: float) -> float:
        """How long the platform asked to wait yet, with this chat or with everything; 0 where it did not."""
        return max(self._held_until.get(place, now), self._all_held_until, now) - now

    def busy(self, now: float) -> frozenset[str]:
        """Places that have no room now."""
        self._forget(now)
        return frozenset(place for place in {*self._windows, *self._held_until} if self.free_at(place, now) > now)

    def next_free_at(self, places: Iterable[str], now: float) -> float:
        """The first moment at which one of these has room."""
        return min((self.free_at(place, now) for place in places), default=now)

    def _of(self, place: str) -> tuple[_Window, ...]:
        if place not in self._windows:
            rates = [self._limits.per_chat]
            if place.startswith(self._limits.group_prefix):
                rates.append(self._limits.per_group)
            self._windows[place] = tuple(_Window(rate) for rate in rates if rate is not None)
        return self._windows[place]

    def _forget(self, now: float) -> None:
        """What is over says nothing any more: memory stays flat however many chats there are."""
        for place in [place for place, until in self._held_until.items() if until <= now]:
            del self._held_until[place]
        for place in [place for place, own in self._windows.items() if all(window.idle(now) for window in own)]:
            del self._windows[place]
