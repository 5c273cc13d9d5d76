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
        method: Of the Bot API, such as ``sendMessage``, or a beginning of it, such as ``send``; any if empty.
        chat: Only requests to this chat; any if None.
        times: How many requests it strikes; without end if None.
        status: Answer with this HTTP status instead of doing the request.
        retry_after: For status 429.
        description: Of the answer; the status' usual one if empty.
        page: Answer with an error page of a proxy, which quotes the path and so the token, instead of JSON.
        drop: End the connection.
        delay_s: Wait before anything else.
    """

    method: str = ""
    chat: int | None = None
    times: int | None = 1
    status: int | None = None
    retry_after: int | None = None
    description: str = ""
    page: bool = False
    drop: Drop | None = None
    delay_s: float = 0.0

    def strikes(self, method: str, chat: int | None) -> bool:
        return method.lower().startswith(self.method.lower()) and self.chat in (None, chat)


@dataclass(slots=True)
class Faults:
    """Those still to come, and how many requests were struck so far."""

    struck: int = 0
    _left: list[tuple[Fault, int | None]] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self._left.append((fault, fault.times))

    def clear(self) -> None:
        self._left.clear()

    def take(self, method: str, chat: int | None) -> Fault | None:
        """The first fault that strikes this request, used up by one."""
        for position, (fault, times) in enumerate(self._left):
            if not fault.strikes(method, chat):
                continue
            if times == 1:
                del self._left[position]
            elif times is not None:
                self._left[position] = (fault, times - 1)
            self.struck += 1
            return fault
        return None
