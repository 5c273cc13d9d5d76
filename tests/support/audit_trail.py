"""The audit, followed from its first row to its last."""

import json
from collections import defaultdict

from risk.decisions.proposals import LegEvent, ProposalEvent, advance, advance_leg
from risk.model.proposal import LegState, ProposalState
from storage import Audit, AuditAction

_LEG_ROWS = "leg_"
_PROPOSAL_EVENTS = {event.value for event in ProposalEvent}


async def follows_the_tables(audit: Audit) -> None:
    """It tells of steps of the two tables alone, of enough votes before every signature, and of one landing at most.

    Raises: AssertionError, IllegalTransition.
    """
    states: dict[str, ProposalState] = {}
    legs: dict[tuple[str, int], LegState] = defaultdict(lambda: LegState.PLANNED)
    landed: set[tuple[str, int]] = set()
    agreed: set[str] = set()
    needed: dict[str, int] = {}
    async for entry in audit.all():
        facts, name = json.loads(entry.facts_json), entry.proposal_id
        if entry.action in (AuditAction.PROPOSED, AuditAction.REVISED):
            needed[name] = facts["approvals_needed"]
            agreed.discard(name)
        if entry.action is AuditAction.PROPOSED:
            states[name] = ProposalState.OPEN
        elif entry.action.value in _PROPOSAL_EVENTS and name:
            states[name] = advance(states[name], ProposalEvent(entry.action.value))
            assert states[name].value == facts["state"]
            if entry.action is AuditAction.APPROVED:
                assert facts.get("standing_id") or len(facts["votes"]) >= needed[name], "too few agreed"
                agreed.add(name)
        elif entry.action.value.startswith(_LEG_ROWS):
            leg = name, facts["leg"]
            legs[leg] = advance_leg(legs[leg], LegEvent(entry.action.value.removeprefix(_LEG_ROWS)))
            assert legs[leg].value == facts["leg_state"]
            if entry.action is AuditAction.LEG_SIGNED:
                assert name in agreed, "signed before anybody agreed"
                assert leg not in landed, "signed again behind a landing"
            elif entry.action is AuditAction.LEG_LANDED:
                assert leg not in landed, "landed twice"
                landed.add(leg)
