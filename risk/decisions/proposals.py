"""How a trade comes from a plan to its end, as two tables. What they do not list cannot happen.

A proposal waits for people, then works through its legs one by one; a leg is one transaction. A leg is signed again
only from PLANNED, and comes back to it only by GONE: its bytes can no longer land, and nobody knows their signature.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from risk.model.proposal import LegState, ProposalState

__all__ = [
    "FINAL_LEGS",
    "FINAL_PROPOSALS",
    "IllegalTransition",
    "LegEvent",
    "LegState",
    "ProposalEvent",
    "ProposalState",
    "advance",
    "advance_leg",
    "outcome",
]


class ProposalEvent(StrEnum):
    """What happens to a proposal."""

    VOTED = "voted"
    APPROVED = "approved"
    REVISED = "revised"
    STARTED = "started"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    COMPLETED = "completed"
    PARTLY_COMPLETED = "partly_completed"
    CAME_TO_NOTHING = "came_to_nothing"


class LegEvent(StrEnum):
    """What happens to a leg."""

    SIGNED = "signed"
    SENT = "sent"
    LANDED = "landed"
    FAILED = "failed"
    GONE = "gone"
    GIVEN_UP = "given_up"
    REFUSED = "refused"
    SKIPPED = "skipped"
    FILLED_SOME = "filled_some"
    RESTS = "rests"
    FILLED = "filled"
    ENDED_PARTLY = "ended_partly"
    ENDED_UNFILLED = "ended_unfilled"


class IllegalTransition(Exception):
    """Something happened that cannot. A defect; the state stays what it was."""


_P, _E = ProposalState, ProposalEvent
PROPOSALS: Mapping[tuple[ProposalState, ProposalEvent], ProposalState] = {
    (_P.OPEN, _E.VOTED): _P.OPEN,
    (_P.OPEN, _E.APPROVED): _P.APPROVED,
    (_P.OPEN, _E.REVISED): _P.OPEN,
    (_P.OPEN, _E.CANCELLED): _P.CANCELLED,
    (_P.OPEN, _E.EXPIRED): _P.EXPIRED,
    # The re-quote at the press found something else than was agreed to: it has to be agreed to again.
    (_P.APPROVED, _E.REVISED): _P.OPEN,
    (_P.APPROVED, _E.STARTED): _P.EXECUTING,
    (_P.APPROVED, _E.REFUSED): _P.FAILED,
    (_P.APPROVED, _E.CANCELLED): _P.CANCELLED,
    (_P.APPROVED, _E.EXPIRED): _P.EXPIRED,
    # A standing approval has nothing to work through.
    (_P.APPROVED, _E.COMPLETED): _P.DONE,
    (_P.EXECUTING, _E.COMPLETED): _P.DONE,
    (_P.EXECUTING, _E.PARTLY_COMPLETED): _P.PARTIAL,
    (_P.EXECUTING, _E.CAME_TO_NOTHING): _P.FAILED,
}

_L, _V = LegState, LegEvent
LEGS: Mapping[tuple[LegState, LegEvent], LegState] = {
    (_L.PLANNED, _V.SIGNED): _L.SIGNED,
    (_L.PLANNED, _V.REFUSED): _L.FAILED,
    (_L.PLANNED, _V.SKIPPED): _L.SKIPPED,
    (_L.SIGNED, _V.SENT): _L.SENT,
    # Nothing was ever sent, and the venue said no to the first try.
    (_L.SIGNED, _V.REFUSED): _L.FAILED,
    # A process that died between the two may have sent it, and may not have.
    (_L.SIGNED, _V.LANDED): _L.LANDED,
    (_L.SIGNED, _V.FAILED): _L.FAILED,
    (_L.SIGNED, _V.GONE): _L.PLANNED,
    (_L.SIGNED, _V.GIVEN_UP): _L.EXPIRED,
    (_L.SENT, _V.SENT): _L.SENT,
    (_L.SENT, _V.LANDED): _L.LANDED,
    (_L.SENT, _V.FAILED): _L.FAILED,
    (_L.SENT, _V.GONE): _L.PLANNED,
    (_L.SENT, _V.GIVEN_UP): _L.EXPIRED,
    (_L.LANDED, _V.FILLED_SOME): _L.LANDED,
    (_L.LANDED, _V.RESTS): _L.RESTING,
    (_L.LANDED, _V.FILLED): _L.FILLED,
    (_L.LANDED, _V.ENDED_PARTLY): _L.PARTIAL,
    (_L.LANDED, _V.ENDED_UNFILLED): _L.UNFILLED,
}

FINAL_PROPOSALS = frozenset(ProposalState) - {state for state, _ in PROPOSALS}
FINAL_LEGS = frozenset(LegState) - {state for state, _ in LEGS}


def advance(state: ProposalState, event: ProposalEvent) -> ProposalState:
    """Where a proposal is after something happened. Raises: IllegalTransition."""
    try:
        return PROPOSALS[state, event]
    except KeyError:
        raise IllegalTransition(f"a proposal that is {state.value} cannot be {event.value}") from None


def advance_leg(state: LegState, event: LegEvent) -> LegState:
    """Where a leg is after something happened. Raises: IllegalTransition."""
    try:
        return LEGS[state, event]
    except KeyError:
        raise IllegalTransition(f"an order that is {state.value} cannot be {event.value}") from None


_WHOLE = frozenset({LegState.FILLED, LegState.RESTING})


def outcome(legs: Sequence[LegState]) -> ProposalEvent | None:
    """How a proposal ends when its legs stand like this; None while one of them has not ended."""
    if any(state not in FINAL_LEGS for state in legs):
        return None
    if all(state in _WHOLE for state in legs):
        return ProposalEvent.COMPLETED
    if any(state in _WHOLE or state is LegState.PARTIAL for state in legs):
        return ProposalEvent.PARTLY_COMPLETED
    return ProposalEvent.CAME_TO_NOTHING
