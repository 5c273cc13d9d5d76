"""A press on a button of a card: one statement decides whether it is worth anything, the rest follows from it.

Why a press was worth nothing is found out only after the statement has said no, so that no explanation can let it in.
In the caller's transaction.
"""

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from risk.decisions.proposals import ProposalEvent
from risk.model.proposal import Proposal, ProposalState, Purpose
from storage import proposal_rows, standing_use
from storage.columns import ReadRow, encodable, integer, member, to_us
from storage.errors import StorageDefect
from storage.handles import handle_digest
from storage.person_records import EVERYWHERE, Access, Role
from storage.proposal_changes import move, note, required
from storage.trading_records import AuditAction, CardAction, CardPress, Pressed, PressKind

if TYPE_CHECKING:
    from sqlite_utils import Database

PIN_WAIT = timedelta(minutes=2)
"""How long a confirmation waits for its PIN, and how long a PIN that was right is good for one."""

_ONLY_SAID = {
    CardAction.HALF: PressKind.HALVE,
    CardAction.DETAILS: PressKind.DETAILS,
    CardAction.DISARM: PressKind.DISARM,
}


def press(db: "Database", press: CardPress, now: datetime) -> Pressed:
    given = {
        "digest": handle_digest(press.handle), "transport": press.transport, "chat": encodable(press.chat),
        "thread": encodable(press.thread), "message": encodable(press.message_id), "now": to_us(now),
        "waits_until": to_us(now + PIN_WAIT), "name": encodable(press.display_name),
        **_rights(press.person_id, press.access),
    }  # fmt: skip
    taken = db.execute(_TAKE, given).fetchall()
    if not taken:
        return _why_not(db, press, given)
    number, pressed = taken[0]
    proposal = required(db, proposal_rows.proposal_id(number))
    match CardAction(pressed):
        case CardAction.CONFIRM:
            return _confirmed(db, proposal, press.person_id, now)
        case CardAction.CANCEL:
            who = f"Cancelled by {press.display_name}."
            after = move(db, proposal, ProposalEvent.CANCELLED, now=now, by=press.person_id, reason=who)
            return Pressed(kind=PressKind.CANCELLED, proposal=after)
        case CardAction.HALF:
            note(db, proposal, AuditAction.HALF_ASKED, now=now, by=press.person_id)
    return Pressed(kind=_ONLY_SAID[CardAction(pressed)], proposal=proposal)


def pin_given(db: "Database", person_id: str, access: Access, now: datetime) -> Pressed:
    given = {"now": to_us(now), "fresh": to_us(now - PIN_WAIT), **_rights(person_id, access)}
    counted = db.execute(_COUNT_WAITING, given).fetchall()
    if counted:
        _use_pin(db, given)
        return _counted(db, required(db, proposal_rows.proposal_id(counted[0][0])), person_id, now)
    waiting = next(iter(db.query(_WAITING, given)), None)
    if waiting is None:
        return Pressed(kind=PressKind.FOREIGN)
    refused = _refused(db, waiting, given)
    late = refused.kind is PressKind.EXPIRED and not _still_waits(waiting, refused.proposal, now)
    if refused.kind is not PressKind.EXPIRED or late:
        return refused
    return Pressed(kind=PressKind.PIN_NEEDED, proposal=refused.proposal)


def _still_waits(waiting: ReadRow, proposal: Proposal | None, now: datetime) -> bool:
    """Nothing was wrong with the confirmation but that no right PIN was given for it."""
    if proposal is None:
        return False
    in_time = proposal.expires_at > now and integer(waiting, "waits_until") > to_us(now)
    return proposal.state is ProposalState.OPEN and in_time


def _confirmed(db: "Database", proposal: Proposal, person_id: str, now: datetime) -> Pressed:
    """The vote is stored and does not count yet."""
    given = {"person": encodable(person_id), "now": to_us(now), "fresh": to_us(now - PIN_WAIT)}
    if proposal.pin_needed and not _use_pin(db, given):
        note(db, proposal, AuditAction.PIN_ASKED, now=now, by=person_id)
        return Pressed(kind=PressKind.PIN_NEEDED, proposal=proposal)
    db.execute(
        "UPDATE card_presses SET counts = 1, waits_until = NULL"
        " WHERE proposal = ? AND revision = ? AND person_id = ? AND action = 'confirm'",
        [proposal_rows.number_of(proposal.proposal_id), proposal.revision, encodable(person_id)],
    )
    return _counted(db, required(db, proposal.proposal_id), person_id, now)


def _counted(db: "Database", proposal: Proposal, person_id: str, now: datetime) -> Pressed:
    """A vote has come in; it may be the last that was needed."""
    number = proposal_rows.number_of(proposal.proposal_id)
    # Somebody who is not trusted any more has not agreed either.
    db.execute(_FORGET_STRANGERS, {"proposal": number, "revision": proposal.revision})
    proposal = required(db, proposal.proposal_id)
    arms = proposal.standing if proposal.purpose is Purpose.ARM else None
    if arms is not None and (why := standing_use.allows_nothing(arms, now)):
        proposal = move(db, proposal, ProposalEvent.EXPIRED, now=now, by="keel", reason=why)
        return Pressed(kind=PressKind.EXPIRED, proposal=proposal)
    proposal = move(db, proposal, ProposalEvent.VOTED, now=now, by=person_id)
    if len(proposal.votes) < proposal.approvals_needed:
        return Pressed(kind=PressKind.VOTED, proposal=proposal)
    proposal = move(db, proposal, ProposalEvent.APPROVED, now=now, by=person_id)
    if proposal.purpose is Purpose.ARM:
        if arms is None:
            raise StorageDefect(f"{proposal.proposal_id} arms nothing; this is a defect of Keel, please report it.")
        standing_use.grant(db, arms, by=[vote.person_id for vote in proposal.votes], proposal=number, now=now)
        proposal = move(db, proposal, ProposalEvent.COMPLETED, now=now, by=person_id)
    return Pressed(kind=PressKind.APPROVED, proposal=proposal)


def _use_pin(db: "Database", given: dict[str, Any]) -> bool:
    """One right PIN is good for one vote."""
    used = db.execute(
        "UPDATE pins SET verified_at = NULL WHERE person_id = :person AND verified_at BETWEEN :fresh AND :now",
        {key: given[key] for key in ("person", "fresh", "now")},
    )
    return used.rowcount == 1


def _rights(person_id: str, access: Access) -> dict[str, Any]:
    """What somebody may do, as the statements ask for it."""
    held = {one for one in access.roles if one != EVERYWHERE}
    return {
        "person": encodable(person_id),
        "trades_all": int(access.everywhere_includes(Role.TRADER)),
        "trades": json.dumps(sorted(one for one in held if access.may(Role.TRADER, one))),
        "sees_all": int(access.everywhere is not None),
        "sees": json.dumps(sorted(held)),
    }


def _why_not(db: "Database", press: CardPress, given: dict[str, Any]) -> Pressed:
    row = next(iter(db.query(_HANDLE, {"digest": given["digest"], "person": given["person"]})), None)
    if row is None:
        return Pressed(kind=PressKind.FOREIGN)
    elsewhere = any(row[key] != given[key] for key in ("transport", "chat", "thread"))
    if elsewhere or row["message_id"] not in (None, given["message"]):
        return Pressed(kind=PressKind.FOREIGN)
    return _refused(db, row, given)


def _refused(db: "Database", row: ReadRow, given: dict[str, Any]) -> Pressed:
    """Why a genuine button of this very card was worth nothing."""
    proposal = required(db, proposal_rows.proposal_id(integer(row, "proposal")))
    allowed = next(iter(db.query(_ALLOWED, {
        "account": proposal.account_id, **{key: given[key] for key in _rights_of(row)}
    })))  # fmt: skip
    seen = proposal if allowed["may_see"] else None
    if not allowed["may_press"]:
        return Pressed(kind=PressKind.NOT_ALLOWED, proposal=seen)
    if integer(row, "revision") != proposal.revision:
        return Pressed(kind=PressKind.SUPERSEDED, proposal=seen)
    if proposal.state is ProposalState.EXPIRED:
        return Pressed(kind=PressKind.EXPIRED, proposal=seen)
    if member(CardAction, row, "action") is CardAction.CONFIRM and row["voted"]:
        return Pressed(kind=PressKind.ALREADY_VOTED, proposal=seen)
    if proposal.state is not ProposalState.OPEN:
        return Pressed(kind=PressKind.USED, proposal=seen)
    return Pressed(kind=PressKind.EXPIRED, proposal=seen)


def _rights_of(row: ReadRow) -> tuple[str, ...]:
    return ("person", "trades_all", "trades", "sees_all", "sees")


# Whoever is in the tables of people is not revoked, and still has some role for the account there: platforms only raise
# roles, and what was decided before the press may have been taken back since.
_KNOWN = """
    NOT EXISTS (
        SELECT 1 FROM people WHERE people.person_id = {person} AND (
            revoked_at IS NOT NULL OR (owner = 0 AND NOT EXISTS (
                SELECT 1 FROM grants WHERE grants.person_id = {person} AND grants.account_id IN ('', {account})
            ))
        )
    )
"""

# By what is stored here alone; the roles of a platform are known at the press and never again.
_STORED_TRADER = """
    EXISTS (
        SELECT 1 FROM people LEFT JOIN grants ON grants.person_id = people.person_id
            AND grants.account_id IN ('', {account}) AND grants.role IN ('trader', 'admin')
        WHERE people.person_id = {person} AND (owner = 1 OR grants.role IS NOT NULL)
    )
"""

_TRADES = "(:trades_all OR {account} IN (SELECT value FROM json_each(:trades)))"
_SEES = "(:sees_all OR {account} IN (SELECT value FROM json_each(:sees)))"

_OF = {"person": ":person", "account": "p.account_id"}
_VOTE = {
    "person": "card_presses.person_id",
    "account": "(SELECT account_id FROM proposals WHERE proposals.proposal = card_presses.proposal)",
}

_TAKE = f"""
    INSERT INTO card_presses (
        proposal, revision, card, action, person_id, display_name, pressed_at, counts, waits_until, by_platform
    )
    SELECT p.proposal, p.revision, c.card, h.action, :person, :name, :now, 0,
        CASE h.action WHEN 'confirm' THEN :waits_until END, NOT {_STORED_TRADER.format(**_OF)}
    FROM card_handles AS h JOIN proposal_cards AS c USING (card) JOIN proposals AS p USING (proposal)
    WHERE h.digest = :digest
        AND c.transport = :transport AND c.chat = :chat AND c.thread = :thread
        AND (c.message_id IS NULL OR c.message_id = :message)
        AND h.revision = p.revision
        AND CASE h.action
            WHEN 'disarm' THEN p.state = 'done' AND p.purpose = 'arm'
            ELSE p.state = 'open' AND p.expires_at > :now
        END
        AND CASE h.action WHEN 'details' THEN {_SEES.format(**_OF)} ELSE {_TRADES.format(**_OF)} END
        AND {_KNOWN.format(**_OF)}
    ON CONFLICT (proposal, revision, person_id) WHERE action = 'confirm' DO UPDATE SET
        card = excluded.card, display_name = excluded.display_name, pressed_at = excluded.pressed_at,
        waits_until = excluded.waits_until, by_platform = excluded.by_platform
        WHERE counts = 0
    RETURNING proposal, action
"""  # noqa: S608  # parts of our own

_LAST_WAITING = """
    SELECT press FROM card_presses WHERE person_id = :person AND action = 'confirm' AND counts = 0
        AND waits_until IS NOT NULL
    ORDER BY pressed_at DESC, press DESC LIMIT 1
"""

_COUNT_WAITING = f"""
    UPDATE card_presses SET counts = 1, waits_until = NULL, by_platform = NOT {_STORED_TRADER.format(**_VOTE)}
    WHERE press = ({_LAST_WAITING}) AND waits_until > :now
        AND EXISTS (SELECT 1 FROM pins WHERE person_id = :person AND verified_at BETWEEN :fresh AND :now)
        AND EXISTS (
            SELECT 1 FROM proposals AS p
            WHERE p.proposal = card_presses.proposal AND p.revision = card_presses.revision
                AND p.state = 'open' AND p.expires_at > :now
                AND {_TRADES.format(**_OF)} AND {_KNOWN.format(**_OF)}
        )
    RETURNING proposal
"""  # noqa: S608  # parts of our own

_WAITING = f"SELECT *, 0 AS voted FROM card_presses WHERE press = ({_LAST_WAITING})"  # noqa: S608  # a part of our own

_HANDLE = """
    SELECT h.revision, h.action, c.*, EXISTS (
        SELECT 1 FROM card_presses AS vote
        WHERE vote.proposal = c.proposal AND vote.revision = h.revision AND vote.person_id = :person
            AND vote.action = 'confirm' AND vote.counts = 1
    ) AS voted
    FROM card_handles AS h JOIN proposal_cards AS c USING (card) WHERE h.digest = :digest
"""

_ANY = {"person": ":person", "account": ":account"}
_ALLOWED = f"""
    SELECT {_SEES.format(**_ANY)} AND {_KNOWN.format(**_ANY)} AS may_see,
        {_TRADES.format(**_ANY)} AND {_KNOWN.format(**_ANY)} AS may_press
"""  # parts of our own

_FORGET_STRANGERS = f"""
    UPDATE card_presses SET counts = 0, waits_until = NULL
    WHERE proposal = :proposal AND revision = :revision AND action = 'confirm' AND counts = 1
        AND NOT ({_KNOWN.format(**_VOTE)} AND (by_platform OR {_STORED_TRADER.format(**_VOTE)}))
"""  # noqa: S608  # parts of our own
