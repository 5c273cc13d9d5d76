"""What can go wrong with a node, and which calls it hits."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar

SYSTEM_PROGRAM = "1" * 32
UPGRADE = "websocket upgrade"  # names opening a websocket where methods are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """The answer comes ``seconds`` late."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """429, with Retry-After where given."""

    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpError:
    """``location`` is where a redirect points."""

    status: int = 503
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """The connection is cut without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """200, but not JSON-RPC."""

    body: str = "<html>we will be back soon</html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A JSON-RPC error instead of a result."""

    code: int = -32_005
    message: str = "Node is behind by 150 slots"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleSlot:
    """The node says it stands ``slots`` earlier than it does; its accounts stay current."""

    slots: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BitFlip:
    offset: int = 8
    bit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate:
    """Account data ends after ``length`` bytes."""

    length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongOwner:
    owner: str = SYSTEM_PROGRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A request over a websocket that the node forgets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A notification of an account that is never sent."""


TransportFault = Delay | RateLimit | HttpError | Reset | Garbage
AccountFault = BitFlip | Truncate | WrongOwner
Fault = TransportFault | AccountFault | Refusal | StaleSlot | Unanswered | Withheld
TRANSPORT_FAULTS = (Delay, RateLimit, HttpError, Reset, Garbage)
ACCOUNT_FAULTS = (BitFlip, Truncate, WrongOwner)

FaultT = TypeVar("FaultT", bound=Fault)


@dataclass(slots=True, kw_only=True)
class Injection:
    """A fault at work.

    Attributes:
        methods: RPC methods it hits; empty for all.
        pubkeys: Accounts it hits, for faults of accounts; empty for all.
        left: Hits before it is over; none for no end.
        hits: How often it struck.
    """

    fault: Fault
    methods: frozenset[str]
    pubkeys: frozenset[str]
    left: int | None
    hits: int = 0

    def cancel(self) -> None:
        self.left = 0

    def matches(self, methods: Collection[str], pubkey: str | None) -> bool:
        return (
            self.left != 0
            and (not self.methods or not self.methods.isdisjoint(methods))
            and (not self.pubkeys or pubkey in self.pubkeys)
        )

    def strike(self) -> None:
        self.hits += 1
        self.left = None if self.left is None else self.left - 1


class FaultPlan:
    """Every fault injected and not yet over."""

    def __init__(self) -> None:
        self._injections: list[Injection] = []

    def inject(
        self, fault: Fault, *, methods: Iterable[str] = (), pubkeys: Iterable[str] = (), count: int | None = None
    ) -> Injection:
        injection = Injection(fault=fault, methods=frozenset(methods), pubkeys=frozenset(pubkeys), left=count)
        self._injections.append(injection)
        return injection

    def clear(self) -> None:
        for injection in self._injections:
            injection.cancel()
        self._injections.clear()

    def take(
        self, kinds: tuple[type[FaultT], ...], methods: Collection[str], pubkey: str | None = None
    ) -> list[FaultT]:
        """Faults of these kinds that strike now, each counted as one hit."""
        struck: list[FaultT] = []
        for injection in self._injections:
            if isinstance(injection.fault, kinds) and injection.matches(methods, pubkey):
                injection.strike()
                struck.append(injection.fault)
        return struck
