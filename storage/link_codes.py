"""One-time codes that make a stranger a person, or somebody known on one more platform: shown once, stored as a digest,
good for one use.

Everything here runs in the caller's transaction; People is the face.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from storage import persons
from storage.columns import encodable, integer, member, moment, text, to_us
from storage.person_records import NO_ACCESS, Grant, LinkClaim, LinkedPerson, LinkRefusal
from storage.person_rows import grant_of

if TYPE_CHECKING:
    from sqlite_utils import Database

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # without 0 O 1 I L, which look alike
WRONG_ATTEMPTS_ALLOWED = 10
LOCKOUT = timedelta(hours=1)

_HALF = 4
_REMEMBERED = timedelta(days=7)  # so that a late comer is told "expired" and not "unknown"


class _Kind(StrEnum):
    """What a code is for: a new person, or one more platform for somebody known."""

    INVITATION = "invitation"
    IDENTITY = "identity"


def issue(
    db: "Database",
    grants: Sequence[Grant],
    *,
    now: datetime,
    ttl: timedelta,
    owner: bool = False,
    issued_by: str = "",
    called: str = "",
    person_id: str = "",
) -> str:
    """Store the digest of a new code and return the code. A new owner's code makes the one before it worthless, and so
    does a second one for the same person."""
    db.execute("DELETE FROM link_codes WHERE expires_at < ?", [to_us(now - _REMEMBERED)])
    if owner:
        db.execute("DELETE FROM link_codes WHERE owner = 1 AND used_at IS NULL")
    if person_id:
        db.execute("DELETE FROM link_codes WHERE person_id = ? AND used_at IS NULL", [person_id])
    code = "-".join("".join(secrets.choice(ALPHABET) for _ in range(_HALF)) for _ in range(2))
    digest = _digest(code)
    db.table("link_codes").insert(
        {
            "digest": digest,
            "kind": (_Kind.IDENTITY if person_id else _Kind.INVITATION).value,
            "owner": int(owner),
            "person_id": person_id,
            "called": encodable(called),
            "issued_by": issued_by,
            "expires_at": to_us(now + ttl),
        }
    )
    db.table("link_code_grants").insert_all(
        {"digest": digest, "account_id": grant.account_id, "role": grant.role.value} for grant in grants
    )
    return code


def redeem(db: "Database", code: str, claim: LinkClaim, now: datetime) -> LinkedPerson | LinkRefusal:
    """Link whoever shows a good code. A refusal is counted, and ten lock that person out for an hour.

    The same person showing the same code again is linked already: an update can be played twice.
    """
    wrong = _wrong_attempts(db, claim, now)
    if wrong >= WRONG_ATTEMPTS_ALLOWED:
        return LinkRefusal.LOCKED_OUT
    shown, found = _digest(code), None
    for row in db.query("SELECT * FROM link_codes"):
        if hmac.compare_digest(shown, row["digest"]):
            found = row
    known = persons.met(db, claim.transport, claim.user_id)
    if known is not None and known.revoked_at is not None:
        known = replace(known, access=NO_ACCESS)
    again = known is not None and known.revoked_at is None and found is not None and found["used_by"] == known.person_id
    if known is not None and again:
        return known
    refusal = _refusal(db, found, now)
    if found is None or refusal is not None:
        _count_wrong(db, claim, wrong + 1, now)
        return refusal or LinkRefusal.UNKNOWN
    if member(_Kind, found, "kind") is _Kind.IDENTITY:
        person_id = text(found, "person_id")
        if known is not None and known.revoked_at is None and known.person_id != person_id:
            if not claim.merge:
                return LinkRefusal.LINKED_AS_ANOTHER  # a good code; what it would do is asked first
            persons.merge(db, known.person_id, person_id)
        persons.add_identity(db, person_id, claim.transport, claim.user_id, claim.display_name, now)
    else:
        person_id = _promoted(db, known, found, claim, now)
    db.execute("UPDATE link_codes SET used_by = ?, used_at = ? WHERE digest = ?", [person_id, to_us(now), shown])
    who = [claim.transport, claim.user_id]
    db.execute("DELETE FROM link_attempts WHERE transport = ? AND user_id = ?", who)
    db.execute("DELETE FROM refusals WHERE transport = ? AND user_id = ?", who)
    return persons.met(db, claim.transport, claim.user_id) or LinkRefusal.UNKNOWN


def grants_of(db: "Database", code: str) -> tuple[Grant, ...]:
    """The roles a code gives."""
    rows = db.query("SELECT * FROM link_code_grants WHERE digest = ? ORDER BY account_id", [_digest(code)])
    return tuple(grant_of(row) for row in rows)


def _refusal(db: "Database", found: dict[str, Any] | None, now: datetime) -> LinkRefusal | None:
    if found is None:
        return LinkRefusal.UNKNOWN
    given = bool(found["issued_by"])
    if found["used_at"] is not None:
        return LinkRefusal.INVITATION_USED if given else LinkRefusal.USED
    if found["withdrawn_at"] is not None:
        return LinkRefusal.INVITATION_WITHDRAWN
    if moment(found, "expires_at") <= now:
        return LinkRefusal.INVITATION_EXPIRED if given else LinkRefusal.EXPIRED
    if given and not _still_holds(db, found):
        return LinkRefusal.INVITATION_WITHDRAWN
    return None


def _still_holds(db: "Database", found: dict[str, Any]) -> bool:
    """Whether whoever gave the code could give it still: rights they lost are not passed on."""
    giver = persons.by_id(db, text(found, "issued_by"))
    if giver is None or giver.revoked_at is not None:
        return False
    if member(_Kind, found, "kind") is _Kind.IDENTITY:
        whom = persons.by_id(db, text(found, "person_id"))
        if whom is None or whom.revoked_at is not None:
            return False
        return whom.person_id == giver.person_id or giver.access.governs(whom.access)
    rows = db.query("SELECT * FROM link_code_grants WHERE digest = ?", [found["digest"]])
    return all(giver.access.may_give(grant_of(row)) for row in rows)


def _promoted(
    db: "Database", known: LinkedPerson | None, found: dict[str, Any], claim: LinkClaim, now: datetime
) -> str:
    """The id of the person after a good code: a code adds rights to somebody linked, and takes none away."""
    given = [grant_of(row) for row in db.query("SELECT * FROM link_code_grants WHERE digest = ?", [found["digest"]])]
    person_id = claim.person_id if known is None else known.person_id
    called = text(found, "called") or claim.display_name
    if known is None or known.revoked_at is not None:
        persons.add(db, person_id, called, now)
        held = NO_ACCESS
    else:
        held = known.access
    together = held.with_grants(given).roles
    persons.give(db, person_id, [Grant(account_id=one, role=role) for one, role in together.items()])
    if integer(found, "owner"):
        persons.make_owner(db, person_id)
    persons.add_identity(db, person_id, claim.transport, claim.user_id, claim.display_name, now)
    return person_id


def _digest(code: str) -> bytes:
    """What is stored. People type lower case, and leave the hyphen out."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).digest()


def _wrong_attempts(db: "Database", claim: LinkClaim, now: datetime) -> int:
    """Refusals in a row, forgotten an hour after the last one."""
    for row in db.query(
        "SELECT wrong, last_at FROM link_attempts WHERE transport = ? AND user_id = ?",
        [claim.transport, claim.user_id],
    ):
        if now - moment(row, "last_at") < LOCKOUT:
            return integer(row, "wrong")
    return 0


def _count_wrong(db: "Database", claim: LinkClaim, wrong: int, now: datetime) -> None:
    db.table("link_attempts").upsert(
        {"transport": claim.transport, "user_id": claim.user_id, "wrong": wrong, "last_at": to_us(now)},
        pk=("transport", "user_id"),
    )
