"""Standing approvals inside a transaction: granted by a confirmed proposal, used up by orders they cover."""

from collections.abc import Sequence
from datetime import datetime
from math import floor
from typing import TYPE_CHECKING

from risk.decisions.proposals import ProposalEvent
from risk.model.proposal import Proposal, ProposalState, Purpose, StandingTerms
from risk.model.trading import BASE_UNITS, PRICE_UNITS
from storage.audit import append
from storage.columns import encodable, to_us
from storage.errors import StorageDefect
from storage.proposal_changes import move, required
from storage.proposal_rows import WORDS, number_of, proposal_id
from storage.trading_json import facts, to_json
from storage.trading_records import AuditAction, AuditEntry

if TYPE_CHECKING:
    from sqlite_utils import Database


def standing_number(standing_id: str) -> int:
    """The number behind an id; 0, which no row has, for a text that is none."""
    digits = standing_id.removeprefix("S")
    plain = digits.isascii() and digits.isdigit() and len(digits) <= 18
    return int(digits) if plain and standing_id == f"S{int(digits)}" else 0


def grant(db: "Database", terms: StandingTerms, *, by: Sequence[str], proposal: int, now: datetime) -> str:
    """A new one; its id, which the proposal names from now on."""
    cap = floor(terms.cap_usd * PRICE_UNITS)
    if cap <= 0 or terms.expires_at <= now:
        raise StorageDefect("A standing approval allows nothing; this is a defect of Keel, please report it.")
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
    if before.state is not ProposalState.OPEN or before.expires_at <= now or not _only_reduces(before):
        return None
    notional = _notional_raw_1e6(before)
    markets = {leg.terms.market for leg in before.legs if leg.terms is not None}
    number = standing_number(standing_id)
    used = db.execute(
        _USE,
        {
            "standing": number, "account": before.account_id, "now": to_us(now), "notional": notional,
            "markets": to_json(WORDS, tuple(sorted(markets))),
        },
    )  # fmt: skip
    if used.rowcount != 1:
        return None
    db.execute("UPDATE proposals SET standing = ? WHERE proposal = ?", [number, number_of(proposal)])
    reason = f"Within the standing approval {standing_id}."
    return move(db, required(db, proposal), ProposalEvent.APPROVED, now=now, by="keel", reason=reason)


def _only_reduces(proposal: Proposal) -> bool:
    if proposal.purpose is Purpose.ARM or not proposal.legs:
        return False
    orders = [leg.terms for leg in proposal.legs if leg.terms is not None]
    # Without a price there is no saying what it takes off the cap.
    return all(one.reduce_only and (one.limit_raw_1e6 or one.trigger_raw_1e6) > 0 for one in orders)


def _notional_raw_1e6(proposal: Proposal) -> int:
    """At worst prices, each order rounded up."""
    orders = [leg.terms for leg in proposal.legs if leg.terms is not None]
    return sum(-(-one.size_raw_1e9 * (one.limit_raw_1e6 or one.trigger_raw_1e6) // BASE_UNITS) for one in orders)


_USE = """
    UPDATE standing_approvals SET used_raw_1e6 = used_raw_1e6 + :notional
    WHERE standing = :standing AND account_id = :account AND revoked_at IS NULL AND expires_at > :now
        AND used_raw_1e6 + :notional <= cap_raw_1e6
        AND NOT EXISTS (
            SELECT 1 FROM json_each(:markets) AS asked
            WHERE asked.value NOT IN (SELECT value FROM json_each(standing_approvals.markets_json))
        )
"""
