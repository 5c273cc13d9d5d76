"""What can happen to a proposal and to an order; what the tables do not list cannot."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.proposals import (
    FINAL_LEGS,
    FINAL_PROPOSALS,
    LEGS,
    PROPOSALS,
    IllegalTransition,
    LegEvent,
    LegState,
    ProposalEvent,
    ProposalState,
    advance,
    advance_leg,
    outcome,
)


def test_nothing_goes_out_without_an_approval_before_it() -> None:
    """EXECUTING is reached from APPROVED alone, and APPROVED by an approval alone."""
    into = {state: {key for key, after in PROPOSALS.items() if after is state} for state in ProposalState}
    assert into[ProposalState.EXECUTING] == {(ProposalState.APPROVED, ProposalEvent.STARTED)}
    assert into[ProposalState.APPROVED] == {(ProposalState.OPEN, ProposalEvent.APPROVED)}


def test_an_order_is_signed_again_only_when_its_bytes_are_gone() -> None:
    into_signed = {key for key, after in LEGS.items() if after is LegState.SIGNED}
    into_planned = {key for key, after in LEGS.items() if after is LegState.PLANNED}
    assert into_signed == {(LegState.PLANNED, LegEvent.SIGNED)}
    assert {event for _, event in into_planned} == {LegEvent.GONE}


def test_what_was_sent_is_never_refused_or_skipped_by_ourselves() -> None:
    for event in (LegEvent.REFUSED, LegEvent.SKIPPED):
        with pytest.raises(IllegalTransition):
            advance_leg(LegState.SENT, event)


def test_what_has_ended_stays_ended() -> None:
    for state, event in product(FINAL_PROPOSALS, ProposalEvent):
        with pytest.raises(IllegalTransition, match="cannot be"):
            advance(state, event)
    for leg, told in product(FINAL_LEGS, LegEvent):
        with pytest.raises(IllegalTransition, match="cannot be"):
            advance_leg(leg, told)


def test_every_state_can_be_reached_and_left_towards_an_end() -> None:
    for table, first, final in ((PROPOSALS, ProposalState.OPEN, FINAL_PROPOSALS), (LEGS, LegState.PLANNED, FINAL_LEGS)):
        reached = {first}
        for _ in range(len(table)):
            reached |= {after for (before, _), after in table.items() if before in reached}
        assert reached == {*(before for before, _ in table), *final}


@pytest.mark.parametrize(
    ("legs", "ends"),
    [
        ([LegState.FILLED, LegState.RESTING], ProposalEvent.COMPLETED),
        ([LegState.FILLED, LegState.SENT], None),
        ([LegState.FILLED, LegState.FAILED], ProposalEvent.PARTLY_COMPLETED),
        ([LegState.PARTIAL], ProposalEvent.PARTLY_COMPLETED),
        ([LegState.UNFILLED, LegState.SKIPPED], ProposalEvent.CAME_TO_NOTHING),
        ([LegState.EXPIRED], ProposalEvent.CAME_TO_NOTHING),
    ],
)
def test_a_proposal_ends_as_its_orders_do(legs: Sequence[LegState], ends: ProposalEvent | None) -> None:
    assert outcome(legs) is ends


@given(st.lists(st.sampled_from(LegEvent), max_size=30))
def test_bytes_are_signed_at_most_once_more_than_they_were_gone(events: list[LegEvent]) -> None:
    state, signed, gone = LegState.PLANNED, 0, 0
    for event in events:
        try:
            state = advance_leg(state, event)
        except IllegalTransition:
            continue
        signed += event is LegEvent.SIGNED
        gone += event is LegEvent.GONE
        assert gone <= signed <= gone + 1
