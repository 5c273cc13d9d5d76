"""Proposals as rows: read whole, written in pieces. In the caller's transaction."""

import re
from typing import TYPE_CHECKING, Any

from risk.model.account import Side
from risk.model.proposal import (
    Effect,
    Leg,
    LegQuote,
    LegState,
    Proposal,
    ProposalState,
    Purpose,
    StandingTerms,
    Vote,
)
from risk.model.trading import OrderStyle, OrderTerms, Signed
from storage.columns import (
    ReadRow,
    Row,
    encodable,
    finite,
    integer,
    maybe_moment,
    member,
    moment,
    real,
    text,
    to_us,
)
from storage.errors import BadRow, StorageDefect
from storage.trading_json import from_json, maybe_from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlite_utils import Database

WORDS = tuple[str, ...]
NUMBERS = tuple[int, ...]

_PROPOSAL_ID = re.compile(r"P([1-9][0-9]{0,17})", re.ASCII)


def proposal_id(number: int) -> str:
    return f"P{number}"


def number_of(proposal_id: str) -> int:
    """The number behind an id; 0, which no row has, for a text that is none."""
    found = _PROPOSAL_ID.fullmatch(proposal_id)
    return int(found[1]) if found else 0


def read(db: "Database", number: int) -> Proposal | None:
    rows = db.query("SELECT * FROM proposals WHERE proposal = ?", [number])
    return next((_proposal_of(db, row) for row in rows), None)


def read_where(db: "Database", where: str, given: dict[str, Any]) -> tuple[Proposal, ...]:
    """Those for which a part of a statement holds, which may also order and limit them."""
    rows = list(db.query(f"SELECT * FROM proposals WHERE {where}", given))  # noqa: S608  # a part of our own
    return tuple(_proposal_of(db, row) for row in rows)


def insert(db: "Database", draft: Proposal, *, now: "datetime", valid_until: "datetime") -> int:
    """A new proposal, open and of its first revision; its number."""
    row: Row = {
        "revision": 1,
        "account_id": encodable(draft.account_id),
        "purpose": draft.purpose.value,
        "title": encodable(draft.title),
        "state": ProposalState.OPEN.value,
        "effect_json": None if draft.effect is None else to_json(Effect, draft.effect),
        "notes_json": words_json(draft.notes),
        "changed_json": words_json(draft.changed),
        "deposit_usd": finite(draft.deposit_usd),
        "requested_by": encodable(draft.requested_by),
        "created_at": to_us(now),
        "expires_at": to_us(draft.expires_at),
        "valid_until": to_us(valid_until),
        "approvals_needed": draft.approvals_needed,
        "pin_needed": int(draft.pin_needed),
        "standing_json": None if draft.standing is None else to_json(StandingTerms, draft.standing),
        "standing": None,
        "reason": encodable(draft.reason),
        "finished_at": None,
        "changes": 1,
    }
    columns = ", ".join(row)
    values = ", ".join(f":{column}" for column in row)
    db.execute(f"INSERT INTO proposals ({columns}) VALUES ({values})", row)  # noqa: S608  # names of our own
    number = int(db.execute("SELECT last_insert_rowid()").fetchone()[0])
    put_legs(db, number, draft.account_id, draft.legs)
    return number


def put_legs(db: "Database", number: int, account_id: str, legs: "Sequence[Leg]") -> None:
    """The legs of a revision, in place of those of the one before."""
    if [leg.number for leg in legs] != list(range(1, len(legs) + 1)):
        raise StorageDefect("The legs of a proposal do not count from 1; this is a defect of Keel, please report it.")
    if any(leg.terms is not None and leg.terms.account_id != account_id for leg in legs):
        raise StorageDefect("A leg trades for another account; this is a defect of Keel, please report it.")
    if any(leg.terms is None and not leg.cancels for leg in legs):
        raise StorageDefect("A leg neither trades nor cancels; this is a defect of Keel, please report it.")
    db.execute("DELETE FROM proposal_legs WHERE proposal = ?", [number])
    for leg in legs:
        db.table("proposal_legs").insert({"proposal": number, **_leg_row(leg)})


def words_json(words: "Iterable[str]") -> str:
    return to_json(WORDS, tuple(encodable(one) for one in words))


def _leg_row(leg: Leg) -> Row:
    terms = leg.terms
    return {
        "number": leg.number,
        **({} if terms is None else _terms_row(terms)),
        "cancels_json": to_json(NUMBERS, leg.cancels),
        "quote_json": None if leg.quote is None else to_json(LegQuote, leg.quote),
        "reasoning": encodable(leg.reasoning),
        "state": LegState.PLANNED.value,
        "attempt": 0,
        "order_id": None,
        "filled_raw_1e9": 0,
        "quote_raw_1e6": None,
        "fee_raw_1e6": None,
        "reason": "",
    }


def _terms_row(terms: OrderTerms) -> Row:
    return {
        "market": terms.market,
        "market_index": int(terms.market_index),
        "side": terms.side.value,
        "style": terms.style.value,
        "size_raw_1e9": int(terms.size_raw_1e9),
        "limit_raw_1e6": int(terms.limit_raw_1e6),
        "reduce_only": int(terms.reduce_only),
        "expires_at_s": int(terms.expires_at_s),
        "trigger_raw_1e6": int(terms.trigger_raw_1e6),
        "triggers_above": None if terms.triggers_above is None else int(terms.triggers_above),
    }


def terms_of(row: ReadRow, account_id: str) -> OrderTerms | None:
    """The order of a leg; None for one that only cancels."""
    if row["market"] is None:
        return None
    return OrderTerms(
        account_id=account_id,
        market=text(row, "market"),
        market_index=integer(row, "market_index"),
        side=member(Side, row, "side"),
        style=member(OrderStyle, row, "style"),
        size_raw_1e9=integer(row, "size_raw_1e9"),
        limit_raw_1e6=integer(row, "limit_raw_1e6"),
        reduce_only=bool(integer(row, "reduce_only")),
        expires_at_s=integer(row, "expires_at_s"),
        trigger_raw_1e6=integer(row, "trigger_raw_1e6"),
        triggers_above=None if row["triggers_above"] is None else bool(integer(row, "triggers_above")),
    )


_LEGS = """
    SELECT leg.*, signed.signature, signed.raw, signed.last_valid_height, signed.mark
    FROM proposal_legs AS leg LEFT JOIN leg_attempts AS signed USING (proposal, number, attempt)
    WHERE proposal = ? ORDER BY number
"""

_VOTES = """
    SELECT person_id, display_name, pressed_at FROM card_presses
    WHERE proposal = ? AND revision = ? AND action = 'confirm' AND counts = 1 ORDER BY press
"""


def _proposal_of(db: "Database", row: ReadRow) -> Proposal:
    number, account_id = integer(row, "proposal"), text(row, "account_id")
    revision = integer(row, "revision")
    return Proposal(
        proposal_id=proposal_id(number),
        revision=revision,
        account_id=account_id,
        purpose=member(Purpose, row, "purpose"),
        title=text(row, "title"),
        state=member(ProposalState, row, "state"),
        legs=tuple(leg_of(leg, account_id) for leg in db.query(_LEGS, [number])),
        effect=maybe_from_json(Effect, row, "effect_json"),
        notes=from_json(WORDS, row, "notes_json"),
        deposit_usd=real(row, "deposit_usd"),
        requested_by=text(row, "requested_by"),
        created_at=moment(row, "created_at"),
        expires_at=moment(row, "expires_at"),
        approvals_needed=integer(row, "approvals_needed"),
        pin_needed=bool(integer(row, "pin_needed")),
        votes=tuple(_vote_of(vote) for vote in db.query(_VOTES, [number, revision])),
        standing=maybe_from_json(StandingTerms, row, "standing_json"),
        standing_id="" if row["standing"] is None else f"S{integer(row, 'standing')}",
        changed=from_json(WORDS, row, "changed_json"),
        reason=text(row, "reason"),
        finished_at=maybe_moment(row, "finished_at"),
    )


def _vote_of(row: ReadRow) -> Vote:
    return Vote(person_id=text(row, "person_id"), display_name=text(row, "display_name"), at=moment(row, "pressed_at"))


def leg_of(row: ReadRow, account_id: str) -> Leg:
    return Leg(
        number=integer(row, "number"),
        terms=terms_of(row, account_id),
        cancels=from_json(NUMBERS, row, "cancels_json"),
        quote=maybe_from_json(LegQuote, row, "quote_json"),
        reasoning=text(row, "reasoning"),
        state=member(LegState, row, "state"),
        attempt=integer(row, "attempt"),
        signed=signed_of(row),
        order_id=_maybe_integer(row, "order_id"),
        filled_raw_1e9=integer(row, "filled_raw_1e9"),
        quote_raw_1e6=_maybe_integer(row, "quote_raw_1e6"),
        fee_raw_1e6=_maybe_integer(row, "fee_raw_1e6"),
        reason=text(row, "reason"),
    )


def signed_of(row: ReadRow) -> Signed | None:
    if row["signature"] is None:
        return None
    raw = row["raw"]
    if not isinstance(raw, bytes):
        raise BadRow("Stored signed bytes are none; restore a backup.")
    return Signed(
        signature=text(row, "signature"),
        raw=raw,
        last_valid_height=integer(row, "last_valid_height"),
        mark=text(row, "mark"),
    )


def _maybe_integer(row: ReadRow, column: str) -> int | None:
    return None if row[column] is None else integer(row, column)
