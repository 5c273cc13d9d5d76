"""Faults to inject, and which request each one strikes."""

from dataclasses import dataclass, field
from enum import Enum


class Drop(Enum):
    """Where the connection ends: before the request is done, or after it was done and before the answer."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        method: Of HTTP; any if empty.
        path: A part of the path behind the version, such as ``/messages`` or ``/callback``; any if empty.
        channel: Only requests about this channel; any if None.
        times: How many requests it strikes; without end if None.
        status: Answer with this HTTP status instead of doing the request.
        code: Discord's own code of that answer.
        words: Of that answer; the status' usual ones if empty.
        retry_after: For status 429.
        is_global: For status 429.
        via: Whether the answer has the header ``Via``, as Discord's own have.
        page: Answer with an error page of a proxy, which quotes the path, instead of JSON.
        drop: End the connection.
        delay_s: Wait before anything else.
    """

    method: str = ""
    path: str = ""
    channel: int | None = None
    times: int | None = 1
    status: int | None = None
    code: int = 0
    words: str = ""
    retry_after: float | None = None
    is_global: bool = False
    via: bool = True
    page: bool = False
    drop: Drop | None = None
    delay_s: float = 0.0

    def strikes(self, method: str, path: str, channel: int | None) -> bool:
        return method.upper().startswith(self.method.upper()) and self.path in path and self.channel in (None, channel)


@dataclass(slots=True)
class Faults:
    """Those still to come, and how many requests were struck so far."""

    struck: int = 0
    _left: list[tuple[Fault, int | None]] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self._left.append((fault, fault.times))

    def clear(self) -> None:
        self._left.clear()

    def take(self, method: str, path: str, channel: int | None) -> Fault | None:
        """The first fault that strikes this request, used up by one."""
        for position, (fault, times) in enumerate(self._left):
            if not fault.strikes(method, path, channel):
                continue
            if times == 1:
                del self._left[position]
            elif times is not None:
                self._left[position] = (fault, times - 1)
            self.struck += 1
            return fault
        return None
