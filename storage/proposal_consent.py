"""The yes that stands in the rows. In the caller's transaction."""

from typing import TYPE_CHECKING

from risk.model.proposal import Proposal, ProposalState, Purpose
from risk.model.trading import Consent, ConsentKind
from storage import proposal_rows
from storage.columns import moment
from storage.proposal_changes import digest
from storage.trading_json import from_json

if TYPE_CHECKING:
    from sqlite_utils import Database

_GIVEN = frozenset({ProposalState.APPROVED, ProposalState.EXECUTING})


def read(db: "Database", number: int) -> Consent | None:
    """None where nobody, or not enough people, agreed to it as it stands."""
    proposal = proposal_rows.read(db, number)
    if proposal is None or proposal.state not in _GIVEN or proposal.purpose is Purpose.ARM:
        return None
    (row,) = db.query("SELECT valid_until, standing FROM proposals WHERE proposal = ?", [number])
    given_by = _standing(db, row["standing"]) if proposal.standing_id else _pressed(proposal)
    if not given_by:
        return None
    return Consent(
        kind=ConsentKind.STANDING if proposal.standing_id else ConsentKind.CONFIRMED,
        reference=proposal.proposal_id,
        revision=proposal.revision,
        given_by=given_by,
        digests=frozenset(digest(leg) for leg in proposal.legs),
        holds_until=moment(row, "valid_until"),
    )


def _pressed(proposal: Proposal) -> tuple[str, ...]:
    voters = tuple(vote.person_id for vote in proposal.votes)
    return voters if len(voters) >= proposal.approvals_needed else ()


def _standing(db: "Database", standing: int) -> tuple[str, ...]:
    rows = db.query("SELECT granted_by_json FROM standing_approvals WHERE standing = ?", [standing])
    return next((from_json(proposal_rows.WORDS, row, "granted_by_json") for row in rows), ())
