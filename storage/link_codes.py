"""One-time codes that make a stranger a person: shown once, stored as a digest, good for one use.

Everything here runs in the caller's transaction; People is the face.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from storage.columns import integer, moment, text, to_us
from storage.records import LinkClaim, LinkedPerson, LinkRefusal, Role
from storage.rows import person_of, person_row

if TYPE_CHECKING:
    from sqlite_utils import Database

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # without 0 O 1 I L, which look alike
WRONG_ATTEMPTS_ALLOWED = 10
LOCKOUT = timedelta(hours=1)

_HALF = 4
_REMEMBERED = timedelta(days=7)  # so that a late comer is told "expired" and not "unknown"


def issue(db: "Database", role: Role, *, owner: bool, now: datetime, ttl: timedelta) -> str:
    """Store the digest of a new code and return the code. A new owner's code makes the one before it worthless."""
    db.execute("DELETE FROM link_codes WHERE expires_at < ?", [to_us(now - _REMEMBERED)])
    if owner:
        db.execute("DELETE FROM link_codes WHERE owner = 1 AND used_at IS NULL")
    code = "-".join("".join(secrets.choice(ALPHABET) for _ in range(_HALF)) for _ in range(2))
    db.table("link_codes").insert(
        {"digest": _digest(code), "role": role.value, "owner": int(owner), "expires_at": to_us(now + ttl)}
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
    known = next(
        (
            person_of(row)
            for row in db.query(
                "SELECT * FROM people WHERE transport = ? AND user_id = ?", [claim.transport, claim.user_id]
            )
        ),
        None,
    )
    refusal: LinkRefusal | None = None
    if found is None:
        refusal = LinkRefusal.UNKNOWN
    elif found["used_at"] is not None:
        if known is not None and known.revoked_at is None and found["used_by"] == known.person_id:
            return known
        refusal = LinkRefusal.USED
    elif moment(found, "expires_at") <= now:
        refusal = LinkRefusal.EXPIRED
    if found is None or refusal is not None:
        _count_wrong(db, claim, wrong + 1, now)
        return refusal or LinkRefusal.UNKNOWN
    person = _promoted(known, claim, Role(text(found, "role")), owner=bool(integer(found, "owner")), now=now)
    db.table("people").upsert(person_row(person), pk="person_id")
    db.execute("UPDATE link_codes SET used_by = ?, used_at = ? WHERE digest = ?", [person.person_id, to_us(now), shown])
    who = [claim.transport, claim.user_id]
    db.execute("DELETE FROM link_attempts WHERE transport = ? AND user_id = ?", who)
    db.execute("DELETE FROM refusals WHERE transport = ? AND user_id = ?", who)
    return person


def _promoted(known: LinkedPerson | None, claim: LinkClaim, role: Role, *, owner: bool, now: datetime) -> LinkedPerson:
    """The person after a good code: a code adds rights to somebody linked, and takes none away."""
    linked = known is not None and known.revoked_at is None
    if known is not None and linked:
        role = known.role if known.role.includes(role) else role
        owner = owner or known.owner
    return LinkedPerson(
        person_id=claim.person_id if known is None else known.person_id,
        transport=claim.transport,
        user_id=claim.user_id,
        display_name=claim.display_name,
        role=role,
        owner=owner,
        linked_at=known.linked_at if known is not None and linked else now,
    )


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
