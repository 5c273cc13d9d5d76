"""What the work reports of itself to whoever counts it. Nobody has to."""

from enum import StrEnum
from typing import Protocol

from risk.decisions.tiers import Tier


class Outcome(StrEnum):
    """What became of one attempt to deliver a notice."""

    SENT = "sent"
    RETRY = "retry"
    POSTPONED = "postponed"
    GIVEN_UP = "given_up"


class Observer(Protocol):
    """Hears of every run and every delivery. Never raises, never waits."""

    def job_ran(self, name: str, *, duration_s: float, lag_s: float, succeeded: bool) -> None:
        """A run of a job has ended.

        Args:
            lag_s: How much later than its interval allows it began.
        """
        ...

    def delivery(self, transport: str, outcome: Outcome, tier: Tier, *, latency_s: float | None = None) -> None:
        """A notice was tried.

        Args:
            latency_s: From when it was queued, or when its hold ended, to when the platform took it; None otherwise.
        """
        ...

    def order_submitted(self, latency_s: float) -> None:
        """The venue took the first order of a proposal.

        Args:
            latency_s: Since the press of the last Confirm, or the PIN it waited for, came in.
        """
        ...


class Nobody:
    """Counts nothing."""

    def job_ran(self, name: str, *, duration_s: float, lag_s: float, succeeded: bool) -> None: ...

    def delivery(self, transport: str, outcome: Outcome, tier: Tier, *, latency_s: float | None = None) -> None: ...

    def order_submitted(self, latency_s: float) -> None: ...
