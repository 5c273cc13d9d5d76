"""What happens to the orders of a proposal. In the caller's transaction, with its row of the audit."""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from risk.decisions.proposals import IllegalTransition, LegEvent, advance_leg, outcome
from risk.model.proposal import Leg, LegState, Proposal, ProposalState
from risk.model.trading import PlacedOrder, Signed, TradingState
from storage import proposal_consent
from storage.columns import encodable, to_us
from storage.errors import ProposalOutdated, SignedBefore, StorageDefect
from storage.proposal_changes import digest, move, note, required, touch
from storage.proposal_rows import number_of
from storage.trading_records import AuditAction

if TYPE_CHECKING:
    from sqlite_utils import Database

# What an event says of the bytes that were signed last.
_FATES = frozenset({LegEvent.LANDED, LegEvent.FAILED, LegEvent.GONE, LegEvent.GIVEN_UP, LegEvent.REFUSED})


def happened(
    db: "Database",
    proposal_id: str,
    number: int,
    event: LegEvent,
    *,
    now: datetime,
    signed: Signed | None,
    placed: PlacedOrder | None,
    reason: str,
) -> Proposal:
    before = required(db, proposal_id)
    leg = _leg(before, number)
    if before.state is not ProposalState.EXECUTING:
        raise IllegalTransition(f"an order of a proposal that is {before.state.value} cannot be {event.value}")
    if (signed is not None) is not (event is LegEvent.SIGNED):
        raise StorageDefect("Signed bytes belong to SIGNED alone; this is a defect of Keel, please report it.")
    state = advance_leg(leg.state, event)
    if state is leg.state and (placed is None or _same(leg, placed)):
        return before
    if signed is not None:
        if why := _why_not(db, before, leg, now):
            raise ProposalOutdated(why)
        _keep(db, proposal_id, leg, signed, now)
    elif event in _FATES and leg.attempt:
        db.execute(
            "UPDATE leg_attempts SET fate = ?, fate_at = ?"
            " WHERE proposal = ? AND number = ? AND attempt = ? AND fate = 'pending'",
            [event.value, to_us(now), number_of(proposal_id), number, leg.attempt],
        )
    _write(db, proposal_id, leg, state, placed, reason, new_attempt=signed is not None)
    if event is LegEvent.RESTS:
        _rest(db, before, leg, placed, now)
    touch(db, proposal_id)
    after = required(db, proposal_id)
    _note(db, after, number, event, now=now, signed=signed, reason=reason)
    ended = outcome([one.state for one in after.legs])
    if ended is None:
        return after
    return move(db, after, ended, now=now, by="keel", reason=_why(after))


def why_not_send(db: "Database", proposal_id: str, number: int, now: datetime) -> str:
    proposal = required(db, proposal_id)
    return _why_not(db, proposal, _leg(proposal, number), now)


def _leg(proposal: Proposal, number: int) -> Leg:
    found = next((one for one in proposal.legs if one.number == number), None)
    if found is None:
        raise StorageDefect(
            f"{proposal.proposal_id} has no order {number}; this is a defect of Keel, please report it."
        )
    return found


def _why_not(db: "Database", proposal: Proposal, leg: Leg, now: datetime) -> str:
    """The last look before bytes exist that could be sent, and before they are handed over."""
    name = proposal.proposal_id
    consent = proposal_consent.read(db, number_of(name))
    if consent is None or digest(leg) not in consent.digests:
        return f"Nobody agreed to order {leg.number} of {name} as it stands; have it confirmed."
    if now > consent.holds_until:
        return f"The yes to {name} is too old for order {leg.number}; propose it again."
    revoked = db.execute(
        "SELECT 1 FROM proposals JOIN standing_approvals USING (standing)"
        " WHERE proposal = ? AND (revoked_at IS NOT NULL OR standing_approvals.expires_at <= ?)",
        [number_of(name), to_us(now)],
    ).fetchone()
    if revoked is not None:
        return f"The standing approval behind {name} is over; propose it again and have it confirmed."
    # What only cancels goes out whether trading is halted or was.
    return "" if leg.terms is None else _stopped(db, name, leg.number, reduces=leg.terms.reduce_only)


def _stopped(db: "Database", name: str, number: int, *, reduces: bool) -> str:
    trading, halted_since = db.execute(
        "SELECT state, halted_seq > coalesce((SELECT approved_seq FROM proposals WHERE proposal = ?), 0)"
        " FROM trading_state",
        [number_of(name)],
    ).fetchone()
    if trading == TradingState.HALTED.value or (trading == TradingState.REDUCING.value and not reduces):
        return f"Trading is {trading}: order {number} of {name} does not go out; see /resume."
    return "Trading was halted since it was agreed to; it has to be confirmed again." if halted_since else ""


def _keep(db: "Database", proposal_id: str, leg: Leg, signed: Signed, now: datetime) -> None:
    """Raises: SignedBefore where two equal orders, dated with the same block, came out as the same bytes."""
    if db.execute("SELECT 1 FROM leg_attempts WHERE signature = ?", [signed.signature]).fetchone() is not None:
        raise SignedBefore(
            f"Order {leg.number} of {proposal_id} came out as the very bytes of an order before it; sign it again."
        )
    attempt = leg.attempt + 1
    db.execute(
        "INSERT INTO leg_attempts VALUES (:proposal, :number, :attempt, :signature, :raw, :last_valid_height, :mark,"
        " :digest, :now, 'pending', NULL)",
        {
            "proposal": number_of(proposal_id), "number": leg.number, "attempt": attempt,
            "signature": signed.signature, "raw": bytes(signed.raw), "last_valid_height": signed.last_valid_height,
            "mark": encodable(signed.mark), "digest": digest(leg), "now": to_us(now),
        },
    )  # fmt: skip


def _write(
    db: "Database",
    proposal_id: str,
    leg: Leg,
    state: LegState,
    placed: PlacedOrder | None,
    reason: str,
    *,
    new_attempt: bool,
) -> None:
    told = (None, None, None, None) if placed is None else (
        placed.order_id, placed.filled_raw_1e9, placed.quote_raw_1e6, placed.fee_raw_1e6,
    )  # fmt: skip
    why = reason or ("" if placed is None else placed.reason)
    db.execute(
        "UPDATE proposal_legs SET state = ?, attempt = attempt + ?, order_id = coalesce(?, order_id),"
        " filled_raw_1e9 = coalesce(?, filled_raw_1e9), quote_raw_1e6 = coalesce(?, quote_raw_1e6),"
        " fee_raw_1e6 = coalesce(?, fee_raw_1e6), reason = ?"
        " WHERE proposal = ? AND number = ? AND state = ?",
        [state.value, int(new_attempt), *told, encodable(why), number_of(proposal_id), leg.number, leg.state.value],
    )


def _rest(db: "Database", proposal: Proposal, leg: Leg, placed: PlacedOrder | None, now: datetime) -> None:
    db.execute(
        "INSERT INTO resting_orders (proposal, number, account_id, order_id, placed_at, filled_raw_1e9, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, '')",
        [
            number_of(proposal.proposal_id), leg.number, proposal.account_id,
            None if placed is None else placed.order_id, to_us(now), 0 if placed is None else placed.filled_raw_1e9,
        ],
    )  # fmt: skip


def _same(leg: Leg, placed: PlacedOrder) -> bool:
    told = (placed.order_id, placed.filled_raw_1e9, placed.quote_raw_1e6, placed.fee_raw_1e6)
    return told == (leg.order_id, leg.filled_raw_1e9, leg.quote_raw_1e6, leg.fee_raw_1e6)


def _note(
    db: "Database", after: Proposal, number: int, event: LegEvent, *, now: datetime, signed: Signed | None, reason: str
) -> None:
    leg = next(one for one in after.legs if one.number == number)
    sealed = None if signed is None else {
        "signature": signed.signature, "raw_sha256": hashlib.sha256(signed.raw).hexdigest(),
        "last_valid_height": signed.last_valid_height, "terms": leg.terms, "cancels": leg.cancels,
        "digest": digest(leg),
    }  # fmt: skip
    note(
        db, after, AuditAction(f"leg_{event.value}"), now=now, by="keel", leg=number, leg_state=leg.state,
        attempt=leg.attempt, signed=sealed, signature=None if leg.signed is None else leg.signed.signature,
        order_id=leg.order_id, filled_raw_1e9=leg.filled_raw_1e9, quote_raw_1e6=leg.quote_raw_1e6,
        fee_raw_1e6=leg.fee_raw_1e6, reason=reason or leg.reason,
    )  # fmt: skip


def _why(proposal: Proposal) -> str:
    """Of a proposal that ended: what went wrong first."""
    return next((leg.reason for leg in proposal.legs if leg.reason), "")
