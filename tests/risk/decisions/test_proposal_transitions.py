"""Every step a proposal and an order can take, written out a second time, so that a row cannot change by accident."""

from enum import StrEnum
from itertools import product

import pytest

from risk.decisions.proposals import (
    LEGS,
    PROPOSALS,
    IllegalTransition,
    LegEvent,
    LegState,
    ProposalEvent,
    ProposalState,
    advance,
    advance_leg,
)

PROPOSAL_STEPS = """
    open: voted open, approved approved, revised open, cancelled cancelled, expired expired
    approved: revised open, started executing, refused failed, cancelled cancelled, expired expired, completed done
    executing: completed done, partly_completed partial, came_to_nothing failed
"""
LEG_STEPS = """
    planned: signed signed, refused failed, skipped skipped
    signed: sent sent, refused failed, landed landed, failed failed, gone planned, given_up expired
    sent: sent sent, landed landed, failed failed, gone planned, given_up expired
    landed: filled_some landed, rests resting, filled filled, ended_partly partial, ended_unfilled unfilled
"""


def steps(text: str) -> dict[tuple[str, str], str]:
    """(state, event) -> state after, of a table as above."""
    found: dict[tuple[str, str], str] = {}
    for line in text.split("\n"):
        before, _, rest = line.strip().partition(": ")
        for step in filter(None, rest.split(", ")):
            event, after = step.split()
            found[before, event] = after
    return found


def test_a_proposal_takes_these_steps_and_no_other() -> None:
    expected = steps(PROPOSAL_STEPS)
    for state, event in product(ProposalState, ProposalEvent):
        after = expected.get((state.value, event.value))
        if after is None:
            with pytest.raises(IllegalTransition, match=f"a proposal that is {state.value} cannot be {event.value}"):
                advance(state, event)
        else:
            assert advance(state, event) is ProposalState(after)
    assert len(expected) == len(PROPOSALS)


def test_an_order_takes_these_steps_and_no_other() -> None:
    expected = steps(LEG_STEPS)
    for state, event in product(LegState, LegEvent):
        after = expected.get((state.value, event.value))
        if after is None:
            with pytest.raises(IllegalTransition, match=f"an order that is {state.value} cannot be {event.value}"):
                advance_leg(state, event)
        else:
            assert advance_leg(state, event) is LegState(after)
    assert len(expected) == len(LEGS)


@pytest.mark.parametrize("names", [ProposalState, ProposalEvent, LegState, LegEvent])
def test_what_is_stored_and_said_of_a_step_is_its_name(names: type[StrEnum]) -> None:
    assert {member.value for member in names} == {member.name.lower() for member in names}
