"""How a proposal comes to be, is changed and ends. In the caller's transaction, with its row of the audit."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from risk.decisions.proposals import FINAL_PROPOSALS, ProposalEvent, advance, outcome
from risk.model.proposal import Effect, Leg, Proposal, ProposalState
from risk.model.trading import digest_of
from storage import proposal_rows
from storage.audit import append
from storage.columns import encodable, to_us
from storage.errors import ProposalOutdated, StorageDefect
from storage.handles import Handles
from storage.proposal_buttons import add_card, give_handles
from storage.proposal_rows import number_of, words_json
from storage.trading_json import facts, to_json
from storage.trading_records import AuditAction, AuditEntry, CardPlace

if TYPE_CHECKING:
    from sqlite_utils import Database

_ELSEWHERE = frozenset({ProposalEvent.VOTED, ProposalEvent.APPROVED, ProposalEvent.REVISED})
_BY_LEGS = frozenset({ProposalEvent.COMPLETED, ProposalEvent.PARTLY_COMPLETED, ProposalEvent.CAME_TO_NOTHING})


def required(db: "Database", proposal_id: str) -> Proposal:
    """A proposal that is known to exist. Raises: StorageDefect."""
    found = proposal_rows.read(db, number_of(proposal_id))
    if found is None:
        raise StorageDefect(f"There is no proposal {proposal_id!r}; this is a defect of Keel, please report it.")
    return found


def put(
    db: "Database",
    draft: Proposal,
    *,
    places: Sequence[CardPlace],
    now: datetime,
    by: str,
    handles: Handles,
    holds_after_expiry: timedelta,
) -> Proposal:
    number = proposal_rows.insert(db, draft, now=now, valid_until=draft.expires_at + holds_after_expiry)
    for place in dict.fromkeys(places):
        add_card(db, number, place, handles)
    stored = required(db, proposal_rows.proposal_id(number))
    note(db, stored, AuditAction.PROPOSED, now=now, by=by, **asked(stored))
    return stored


def revise(
    db: "Database",
    proposal_id: str,
    *,
    expected_revision: int,
    legs: Sequence[Leg],
    effect: Effect | None,
    changed: Sequence[str],
    notes: Sequence[str],
    expires_at: datetime,
    valid_until: datetime,
    now: datetime,
    by: str,
    handles: Handles,
    approvals_needed: int | None,
    pin_needed: bool | None,
    expected: ProposalState | None,
) -> Proposal:
    before, number = required(db, proposal_id), number_of(proposal_id)
    _as_expected(before, expected)
    if before.revision != expected_revision:
        raise ProposalOutdated(
            f"Proposal {proposal_id} has revision {before.revision} by now, not {expected_revision}; look at it again."
        )
    state = advance(before.state, ProposalEvent.REVISED)
    proposal_rows.put_legs(db, number, before.account_id, legs)
    db.execute(
        "UPDATE proposals SET revision = revision + 1, state = :state, effect_json = :effect, changed_json = :changed,"
        " notes_json = :notes, expires_at = :expires_at, valid_until = :valid_until, standing = NULL,"
        " approved_seq = NULL,"
        " approvals_needed = :approvals_needed, pin_needed = :pin_needed, reason = '', changes = changes + 1"
        " WHERE proposal = :proposal AND revision = :revision",
        {
            "state": state.value, "effect": None if effect is None else to_json(Effect, effect),
            "changed": words_json(changed), "notes": words_json(notes), "expires_at": to_us(expires_at),
            "valid_until": to_us(valid_until), "proposal": number, "revision": expected_revision,
            "approvals_needed": before.approvals_needed if approvals_needed is None else approvals_needed,
            "pin_needed": int(before.pin_needed if pin_needed is None else pin_needed),
        },
    )  # fmt: skip
    give_handles(db, number, expected_revision + 1, handles)
    after = required(db, proposal_id)
    void = [vote.person_id for vote in before.votes]
    note(db, after, AuditAction.REVISED, now=now, by=by, votes_void=void, **asked(after))
    return after


def happened(
    db: "Database",
    proposal_id: str,
    event: ProposalEvent,
    *,
    now: datetime,
    by: str,
    reason: str,
    expected: ProposalState | None,
) -> Proposal:
    before = required(db, proposal_id)
    if event in _ELSEWHERE:
        raise StorageDefect(f"A proposal cannot simply be {event.value}; this is a defect of Keel, please report it.")
    _as_expected(before, expected)
    if event in _BY_LEGS and outcome([leg.state for leg in before.legs]) is not event:
        raise StorageDefect(
            f"The orders of {proposal_id} do not say {event.value}; this is a defect of Keel, please report it."
        )
    return move(db, before, event, now=now, by=by, reason=reason)


def _as_expected(before: Proposal, expected: ProposalState | None) -> None:
    """Raises: ProposalOutdated."""
    if expected is not None and before.state is not expected:
        raise ProposalOutdated(
            f"Proposal {before.proposal_id} is {before.state.value} by now, not {expected.value}; look at it again."
        )


def move(
    db: "Database", before: Proposal, event: ProposalEvent, *, now: datetime, by: str, reason: str = ""
) -> Proposal:
    """Advance a proposal as it was just read. Raises: IllegalTransition."""
    state = advance(before.state, event)
    ended = state in FINAL_PROPOSALS
    changed = db.execute(
        "UPDATE proposals SET state = :after, changes = changes + 1,"
        " reason = CASE WHEN :reason = '' THEN reason ELSE :reason END,"
        " finished_at = CASE WHEN :ended THEN :now END"
        " WHERE proposal = :proposal AND state = :before AND revision = :revision",
        {
            "after": state.value, "before": before.state.value, "reason": encodable(reason), "ended": int(ended),
            "now": to_us(now), "proposal": number_of(before.proposal_id), "revision": before.revision,
        },
    )  # fmt: skip
    if changed.rowcount != 1:
        raise ProposalOutdated(f"Proposal {before.proposal_id} moved on meanwhile; look at it again.")
    after = required(db, before.proposal_id)
    votes = {vote.person_id: vote.at for vote in after.votes}
    results = [_result(leg) for leg in after.legs] if ended else None
    written = note(
        db, after, AuditAction(event.value), now=now, by=by, reason=reason, votes=votes,
        standing_id=after.standing_id, legs=results,
    )  # fmt: skip
    if event is ProposalEvent.APPROVED:
        number = number_of(after.proposal_id)
        db.execute("UPDATE proposals SET approved_seq = ? WHERE proposal = ?", [written.seq, number])
    return after


def touch(db: "Database", proposal_id: str) -> None:
    """What a card shows has changed, though the state has not."""
    db.execute("UPDATE proposals SET changes = changes + 1 WHERE proposal = ?", [number_of(proposal_id)])


def note(
    db: "Database", about: Proposal, action: AuditAction, *, now: datetime, by: str, **values: object
) -> AuditEntry:
    """A row of the audit about a proposal; values that say nothing are left out."""
    told = {key: value for key, value in values.items() if value not in (None, "", (), [], {})}
    entry = AuditEntry(
        at=now, action=action, actor=by, proposal_id=about.proposal_id, account_id=about.account_id,
        facts_json=facts(revision=about.revision, state=about.state, **told),
    )  # fmt: skip
    return append(db, entry)


def asked(proposal: Proposal) -> dict[str, object]:
    """Everything somebody says yes to."""
    return {
        "purpose": proposal.purpose,
        "title": proposal.title,
        "legs": [
            {
                "number": leg.number, "terms": leg.terms, "cancels": leg.cancels, "quote": leg.quote,
                "digest": digest(leg), "reasoning": leg.reasoning,
            }
            for leg in proposal.legs
        ],
        "effect": proposal.effect,
        "notes": proposal.notes,
        "changed": proposal.changed,
        "deposit_usd": proposal.deposit_usd,
        "requested_by": proposal.requested_by,
        "expires_at": proposal.expires_at,
        "approvals_needed": proposal.approvals_needed,
        "pin_needed": proposal.pin_needed,
        "standing": proposal.standing,
    }  # fmt: skip


def digest(leg: Leg) -> str:
    """Of the batch a leg goes out as."""
    return digest_of(() if leg.terms is None else (leg.terms,), leg.cancels)


def _result(leg: Leg) -> dict[str, object]:
    return {
        "number": leg.number, "state": leg.state, "attempt": leg.attempt, "order_id": leg.order_id,
        "filled_raw_1e9": leg.filled_raw_1e9, "quote_raw_1e6": leg.quote_raw_1e6, "fee_raw_1e6": leg.fee_raw_1e6,
        "reason": leg.reason,
    }  # fmt: skip
