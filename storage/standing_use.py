"""Standing approvals inside a transaction: granted by a confirmed proposal, used up by orders they cover."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import floor, isfinite
from typing import TYPE_CHECKING

from risk.decisions.proposals import ProposalEvent
from risk.model.proposal import Leg, Proposal, ProposalState, Purpose, StandingTerms
from risk.model.trading import PRICE_UNITS
from storage.audit import append
from storage.columns import encodable, to_us
from storage.handles import Handles
from storage.proposal_changes import move, put, required
from storage.proposal_rows import WORDS, number_of, proposal_id
from storage.trading_json import facts, to_json
from storage.trading_records import AuditAction, AuditEntry, CardPlace

if TYPE_CHECKING:
    from sqlite_utils import Database


def standing_number(standing_id: str) -> int:
    """The number behind an id; 0, which no row has, for a text that is none."""
    digits = standing_id.removeprefix("S")
    plain = digits.isascii() and digits.isdigit() and len(digits) <= 18
    return int(digits) if plain and standing_id == f"S{int(digits)}" else 0


def allows_nothing(terms: StandingTerms, now: datetime) -> str:
    """Why there is nothing left to grant; empty where there is."""
    if terms.expires_at <= now:
        return "What it would have allowed had ended before enough people confirmed it."
    return "" if _cap_raw_1e6(terms) > 0 else "What it would have allowed comes to nothing."


def _cap_raw_1e6(terms: StandingTerms) -> int:
    return floor(terms.cap_usd * PRICE_UNITS) if isfinite(terms.cap_usd) else 0


def grant(db: "Database", terms: StandingTerms, *, by: Sequence[str], proposal: int, now: datetime) -> str:
    """A new one, of terms that allow something; its id, which the proposal names from now on."""
    cap = _cap_raw_1e6(terms)
    db.execute(
        "INSERT INTO standing_approvals (account_id, markets_json, cap_raw_1e6, used_raw_1e6, granted_by_json,"
        " granted_for, granted_at, expires_at) VALUES (?, ?, ?, 0, ?, ?, ?, ?)",
        [
            encodable(terms.account_id), to_json(WORDS, tuple(sorted(terms.markets))), cap, to_json(WORDS, tuple(by)),
            proposal, to_us(now), to_us(terms.expires_at),
        ],
    )  # fmt: skip
    number = int(db.execute("SELECT last_insert_rowid()").fetchone()[0])
    db.execute("UPDATE proposals SET standing = ? WHERE proposal = ?", [number, proposal])
    entry = AuditEntry(
        at=now, action=AuditAction.ARMED, actor=by[-1], proposal_id=proposal_id(proposal), account_id=terms.account_id,
        facts_json=facts(standing_id=f"S{number}", terms=terms, cap_raw_1e6=cap, granted_by=tuple(by)),
    )  # fmt: skip
    append(db, entry)
    return f"S{number}"


def approve(db: "Database", proposal: str, standing_id: str, now: datetime) -> Proposal | None:
    before = required(db, proposal)
    if before.state is not ProposalState.OPEN or not _use(db, before, standing_id, now):
        return None
    return _approved(db, before, standing_id, now)


def put_allowed(
    db: "Database",
    draft: Proposal,
    *,
    standing_id: str,
    places: Sequence[CardPlace],
    now: datetime,
    by: str,
    handles: Handles,
    holds_after_expiry: timedelta,
) -> Proposal | None:
    if not _use(db, draft, standing_id, now):
        return None
    stored = put(db, draft, places=places, now=now, by=by, handles=handles, holds_after_expiry=holds_after_expiry)
    return _approved(db, stored, standing_id, now)


def _use(db: "Database", proposal: Proposal, standing_id: str, now: datetime) -> bool:
    """Take it off the cap; False where the standing approval does not cover it."""
    if proposal.expires_at <= now or not _only_reduces(proposal):
        return False
    markets = {leg.terms.market for leg in proposal.legs if leg.terms is not None}
    used = db.execute(
        _USE,
        {
            "standing": standing_number(standing_id), "account": encodable(proposal.account_id), "now": to_us(now),
            "notional": sum(leg.notional_raw_1e6 for leg in proposal.legs),
            "markets": to_json(WORDS, tuple(sorted(markets))),
        },
    )  # fmt: skip
    return used.rowcount == 1


def _approved(db: "Database", proposal: Proposal, standing_id: str, now: datetime) -> Proposal:
    number = number_of(proposal.proposal_id)
    db.execute("UPDATE proposals SET standing = ? WHERE proposal = ?", [standing_number(standing_id), number])
    reason = f"Within the standing approval {standing_id}."
    stored = required(db, proposal.proposal_id)
    return move(db, stored, ProposalEvent.APPROVED, now=now, by="keel", reason=reason)


def _only_reduces(proposal: Proposal) -> bool:
    if proposal.purpose is Purpose.ARM or not proposal.legs:
        return False
    return all(_reduces(leg) for leg in proposal.legs)


def _reduces(leg: Leg) -> bool:
    """And does nothing else: whoever allowed orders that reduce did not allow to take any back."""
    if leg.terms is None or leg.cancels or not leg.terms.reduce_only:
        return False
    # Without a price there is no saying what it takes off the cap.
    return (leg.terms.limit_raw_1e6 or leg.terms.trigger_raw_1e6) > 0


_USE = """
    UPDATE standing_approvals SET used_raw_1e6 = used_raw_1e6 + :notional
    WHERE standing = :standing AND account_id = :account AND revoked_at IS NULL AND expires_at > :now
        AND used_raw_1e6 + :notional <= cap_raw_1e6
        AND NOT EXISTS (
            SELECT 1 FROM json_each(:markets) AS asked
            WHERE asked.value NOT IN (SELECT value FROM json_each(standing_approvals.markets_json))
        )
"""
