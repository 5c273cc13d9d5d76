"""When a proposal is over by a clock that nobody can set: a wall clock set back would give it time it never had."""

from collections.abc import Sequence
from datetime import datetime

from risk.model.proposal import Proposal
from risk.ports import Clock


class Deadlines:
    """Of proposals that wait, by the monotonic clock, from when this process saw them first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_s: dict[tuple[str, datetime], float] = {}

    def keep(self, waiting: Sequence[Proposal]) -> None:
        """Take up those that are new, and forget all others. A new revision has a time of its own."""
        now, now_s = self._clock.now(), self._clock.monotonic_s()
        self._until_s = {
            key: self._until_s.get(key, now_s + (one.expires_at - now).total_seconds())
            for one in waiting
            for key in [_key(one)]
        }

    def passed(self, proposal: Proposal) -> bool:
        """Whether one of those kept has had its time."""
        return self._clock.monotonic_s() >= self._until_s[_key(proposal)]


def _key(proposal: Proposal) -> tuple[str, datetime]:
    return proposal.proposal_id, proposal.expires_at
