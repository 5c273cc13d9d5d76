"""When a bot is killed, and what has to happen at the node for that moment to come."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from risk.decisions.proposals import LegEvent, ProposalEvent


class Outcome(StrEnum):
    """What becomes of a transaction that is sent to the node."""

    LAND = "land"
    LAND_THIN = "land, and a part is filled"
    LAND_EMPTY = "land, and nothing is filled"
    LAND_FAILED = "land with an error"
    LAND_TIMEOUT = "land, and the answer gets lost"
    DROP = "dropped"
    EXPIRE = "dropped, and too old at once"
    REJECT = "refused"


class Want(StrEnum):
    """What a life does until it dies."""

    ANYTHING = "anything"
    ADD_TWICE = "two orders that add to positions"
    REST = "an order that rests"
    HALT = "trading is halted right behind the press"
    TOO_LATE = "the clock jumps right behind the press"
    TIGHTEN = "limits are cut between card and press"
    SHIFT = "prices move between card and press"
    QUORUM = "something that takes two"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What leads to a moment. ``outcomes`` are those of the next sendings."""

    outcomes: tuple[Outcome, ...] = ()
    want: Want = Want.ANYTHING


_LEGS: Mapping[LegEvent, Scene] = {
    LegEvent.SENT: Scene(outcomes=(Outcome.LAND_TIMEOUT,)),
    LegEvent.LANDED: Scene(outcomes=(Outcome.LAND,)),
    LegEvent.FAILED: Scene(outcomes=(Outcome.LAND_FAILED,)),
    LegEvent.GONE: Scene(outcomes=(Outcome.EXPIRE,)),
    LegEvent.GIVEN_UP: Scene(outcomes=(Outcome.EXPIRE,) * 3),
    LegEvent.REFUSED: Scene(outcomes=(Outcome.REJECT,)),
    LegEvent.SKIPPED: Scene(outcomes=(Outcome.LAND_FAILED,), want=Want.ADD_TWICE),
    LegEvent.RESTS: Scene(outcomes=(Outcome.LAND,), want=Want.REST),
    LegEvent.FILLED: Scene(outcomes=(Outcome.LAND,)),
    LegEvent.ENDED_PARTLY: Scene(outcomes=(Outcome.LAND_THIN,)),
    LegEvent.ENDED_UNFILLED: Scene(outcomes=(Outcome.LAND_EMPTY,)),
}

NEVER_SEEN = frozenset({LegEvent.FILLED_SOME})
"""An order on Drift either takes what it gets at once, or rests: none is filled bit by bit while it is followed."""

SCENES: Mapping[str, Scene] = {
    # Of the desk and of storage.
    "proposed": Scene(),
    "voted": Scene(want=Want.QUORUM),
    "pressed": Scene(),
    "revised": Scene(want=Want.SHIFT),
    # Of Execution, which names them.
    "approved": Scene(),
    "requoted": Scene(),
    ProposalEvent.STARTED.value: Scene(),
    ProposalEvent.CANCELLED.value: Scene(want=Want.HALT),
    ProposalEvent.EXPIRED.value: Scene(want=Want.TOO_LATE),
    ProposalEvent.REFUSED.value: Scene(want=Want.TIGHTEN),
    "prepared": Scene(),
    "leg signed": Scene(),
    "sent": Scene(),
    "sent, to be dropped": Scene(outcomes=(Outcome.DROP,)),
    "sent, to expire": Scene(outcomes=(Outcome.EXPIRE,)),
    "read back": Scene(outcomes=(Outcome.LAND,)),
    **{f"leg {event.value}": scene for event, scene in _LEGS.items()},
}
"""Moments by name."""

DATABASE = "keel.db"
"""What lies in the folder of a bot."""

STATEMENT, DELAY = "statement", "delay"
"""Before some statement of SQLite, in the middle of transactions as well; and at any moment, from outside."""


SIGNED_UNSTORED = frozenset({"prepared", STATEMENT, DELAY})
"""Where a signature may have been given that nobody wrote down: it is asked for again once it has expired."""


def crash_point(moment: str) -> str:
    """What the bot calls it: what comes behind a comma is only said of the scene."""
    return moment.partition(",")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How one life goes, and ends.

    Attributes:
        moment: A key of SCENES, STATEMENT, DELAY, or empty for one that goes on until nothing is left to do.
        after: Statements, or milliseconds.
    """

    seed: int
    moment: str = ""
    after: int = 0

    @property
    def scene(self) -> Scene:
        return SCENES.get(self.moment, Scene())
