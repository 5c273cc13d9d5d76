"""What was found wrong, and what was going on: kept by everybody who looks."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

GROUPS = ("venue", "telegram", "discord", "memory", "process")


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Something that must never be."""

    at_s: float
    what: str

    def __str__(self) -> str:
        return f"at {clock_of(self.at_s)}: {self.what}"


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Violations, and faults that are on or were lately, by the part of the world that they are about.

    Attributes:
        now_s: Simulated time.
        faults: How often each was injected.
    """

    now_s: Callable[[], float]
    violations: list[Violation] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    _active: dict[str, int] = field(default_factory=dict)
    _ended_s: dict[str, float] = field(default_factory=dict)

    def wrong(self, what: str) -> None:
        self.violations.append(Violation(at_s=self.now_s(), what=what))

    def begin(self, name: str, group: str) -> None:
        self.faults[name] += 1
        self._active[group] = self._active.get(group, 0) + 1

    def end(self, group: str) -> None:
        self._active[group] -= 1
        self._ended_s[group] = self.now_s()

    def on(self, group: str) -> bool:
        """Whether a fault of this part is on."""
        return bool(self._active.get(group))

    def quiet(self, group: str, seconds: float) -> bool:
        """Whether nothing was wrong with this part for so long."""
        return not self.on(group) and self.now_s() - self._ended_s.get(group, -1e9) >= seconds


def clock_of(seconds: float) -> str:
    """Simulated time as people read it.

    >>> clock_of(3_725)
    '01:02:05'
    """
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
