"""Persons, their identities and their roles, inside the caller's transaction. People is the face."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from storage.columns import encodable, text, to_us
from storage.person_records import Access, Grant, Identity, LinkedPerson
from storage.person_rows import grant_of, identity_of, person_of

if TYPE_CHECKING:
    from sqlite_utils import Database

# Of somebody on several platforms, the one they came from first.
_WITH_FIRST_IDENTITY = """
    SELECT people.*, coalesce(identities.platform, '') AS platform, coalesce(identities.user_id, '') AS user_id
    FROM people LEFT JOIN identities ON identities.rowid = (
        SELECT rowid FROM identities AS own WHERE own.person_id = people.person_id ORDER BY own.linked_at, rowid LIMIT 1
    )
"""

_BY_ID = _WITH_FIRST_IDENTITY + " WHERE people.person_id = ?"
_LINKED = _WITH_FIRST_IDENTITY + " WHERE revoked_at IS NULL ORDER BY people.linked_at, people.person_id"

_UNDECIDED = "proposal IN (SELECT proposal FROM proposals WHERE state = 'open')"

# What becomes of a person's rows when they turn out to be another one. Where both had something, that one's stays.
_HANDED_OVER = (
    "UPDATE identities SET person_id = :into WHERE person_id = :gone",
    "UPDATE chats SET person_id = :into WHERE person_id = :gone",
    "UPDATE incidents SET acked_by = :into WHERE acked_by = :gone",
    "UPDATE link_codes SET used_by = :into WHERE used_by = :gone",
    "UPDATE link_codes SET issued_by = :into WHERE issued_by = :gone",
    "UPDATE OR IGNORE nicknames SET person_id = :into WHERE person_id = :gone",
    "UPDATE OR IGNORE person_settings SET person_id = :into WHERE person_id = :gone",
    "UPDATE OR IGNORE digests SET person_id = :into WHERE person_id = :gone",
    # Whoever pressed as both has one vote from now on; what is decided stays decided.
    f"UPDATE OR IGNORE card_presses SET person_id = :into WHERE person_id = :gone AND {_UNDECIDED}",  # noqa: S608
    "UPDATE OR IGNORE pins SET person_id = :into WHERE person_id = :gone",
    "UPDATE sleeps SET person_id = :into WHERE person_id = :gone",
    f"DELETE FROM card_presses WHERE person_id = :gone AND {_UNDECIDED}",  # noqa: S608  # a part of our own
    "DELETE FROM pins WHERE person_id = :gone",
    "DELETE FROM nicknames WHERE person_id = :gone",
    "DELETE FROM person_settings WHERE person_id = :gone",
    "DELETE FROM digests WHERE person_id = :gone",
    "DELETE FROM link_codes WHERE person_id = :gone",
    "DELETE FROM grants WHERE person_id = :gone",
    "DELETE FROM people WHERE person_id = :gone",
)


def met(db: "Database", platform: str, user_id: str) -> LinkedPerson | None:
    """Who an identity belongs to, revoked ones included."""
    rows = db.query(
        "SELECT people.*, identities.platform, identities.user_id FROM identities JOIN people USING (person_id)"
        " WHERE platform = ? AND user_id = ?",
        [platform, user_id],
    )
    return next((person_of(row, grants_of(db, text(row, "person_id"))) for row in rows), None)


def by_id(db: "Database", person_id: str) -> LinkedPerson | None:
    """A person by id, revoked ones included."""
    rows = db.query(_BY_ID, [person_id])
    return next((person_of(row, grants_of(db, person_id)) for row in rows), None)


def linked(db: "Database") -> tuple[LinkedPerson, ...]:
    """Everybody who is linked now, in the order in which they were."""
    grants = _all_grants(db)
    rows = db.query(_LINKED)
    return tuple(person_of(row, grants.get(text(row, "person_id"), ())) for row in rows)


def access(db: "Database") -> dict[str, Access]:
    """What everybody who is linked may do."""
    grants = _all_grants(db)
    rows = db.execute("SELECT person_id, owner FROM people WHERE revoked_at IS NULL").fetchall()
    return {person_id: Access.of(grants.get(person_id, ()), owner=bool(owner)) for person_id, owner in rows}


def grants_of(db: "Database", person_id: str) -> tuple[Grant, ...]:
    rows = db.query("SELECT * FROM grants WHERE person_id = ? ORDER BY account_id", [person_id])
    return tuple(grant_of(row) for row in rows)


def identities_of(db: "Database", person_id: str) -> tuple[Identity, ...]:
    """Where somebody is known, first met first."""
    rows = db.query("SELECT * FROM identities WHERE person_id = ? ORDER BY linked_at, rowid", [person_id])
    return tuple(identity_of(row) for row in rows)


def add(db: "Database", person_id: str, display_name: str, now: datetime) -> None:
    """A new person, or one who was revoked and comes back without what they had."""
    db.execute("DELETE FROM grants WHERE person_id = ?", [person_id])
    db.execute(
        "INSERT INTO people (person_id, display_name, owner, linked_at) VALUES (?, ?, 0, ?) ON CONFLICT (person_id)"
        " DO UPDATE SET display_name = excluded.display_name, owner = 0, linked_at = excluded.linked_at,"
        " revoked_at = NULL",
        [person_id, encodable(display_name), to_us(now)],
    )


def give(db: "Database", person_id: str, grants: Iterable[Grant]) -> None:
    """Set roles for some accounts; those for others stay."""
    rows = [{"person_id": person_id, "account_id": one.account_id, "role": one.role.value} for one in grants]
    db.table("grants").upsert_all(rows, pk=("person_id", "account_id"))


def take(db: "Database", person_id: str, account_id: str) -> bool:
    """Take the role for one account, or the one for all; False where there was none."""
    gone = db.execute("DELETE FROM grants WHERE person_id = ? AND account_id = ?", [person_id, account_id])
    return gone.rowcount == 1


def make_owner(db: "Database", person_id: str) -> None:
    db.execute("UPDATE people SET owner = 1 WHERE person_id = ?", [person_id])


def add_identity(db: "Database", person_id: str, platform: str, user_id: str, display_name: str, now: datetime) -> None:
    """Let somebody be known on one more platform, or under another name there."""
    db.execute(
        "INSERT INTO identities (platform, user_id, person_id, display_name, linked_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (platform, user_id) DO UPDATE SET person_id = excluded.person_id,"
        " display_name = excluded.display_name",
        [platform, user_id, person_id, encodable(display_name), to_us(now)],
    )


def merge(db: "Database", gone_id: str, into_id: str) -> None:
    """Two persons are one: who stays has the identities, chats and rights of both, and their own words for accounts."""
    gone, into = by_id(db, gone_id), by_id(db, into_id)
    if gone is None or into is None:
        raise ValueError("one of two persons to be merged does not exist")
    brought = [Grant(account_id=one, role=role) for one, role in gone.access.roles.items()]
    together = into.access.with_grants(brought)
    give(db, into_id, [Grant(account_id=one, role=role) for one, role in together.roles.items()])
    if gone.owner:
        make_owner(db, into_id)
    for statement in _HANDED_OVER:
        db.execute(statement, {"into": into_id, "gone": gone_id})


def revoke(db: "Database", person_id: str, now: datetime) -> bool:
    """Make somebody a stranger, and codes they gave out or could use worthless; the owner stays. False where nothing
    changed."""
    revoked = db.execute(
        "UPDATE people SET revoked_at = ? WHERE person_id = ? AND revoked_at IS NULL AND owner = 0",
        [to_us(now), person_id],
    )
    if revoked.rowcount != 1:
        return False
    db.execute(
        "UPDATE link_codes SET withdrawn_at = ? WHERE used_at IS NULL AND withdrawn_at IS NULL"
        " AND (issued_by = ? OR person_id = ?)",
        [to_us(now), person_id, person_id],
    )
    return True


def _all_grants(db: "Database") -> dict[str, list[Grant]]:
    found: dict[str, list[Grant]] = {}
    for row in db.query("SELECT * FROM grants ORDER BY account_id"):
        found.setdefault(text(row, "person_id"), []).append(grant_of(row))
    return found
