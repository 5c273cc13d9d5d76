"""The schema: how it comes to be, and that it stays strict."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlite_utils import Database

from storage.errors import DatabaseTooNew
from storage.migrations import MIGRATIONS, Migration, migrate, refuse_newer, schema_version

ADDED = Migration(version=2, name="notes", statements=("CREATE TABLE notes (words TEXT NOT NULL) STRICT",))
BROKEN = Migration(version=2, name="broken", statements=("CREATE TABLE half (a TEXT) STRICT", "CREATE NONSENSE"))


@pytest.fixture
def db() -> Iterator[Database]:
    opened = Database(sqlite3.connect(":memory:", isolation_level=None))
    yield opened
    opened.close()


def test_versions_count_from_one_without_a_gap() -> None:
    assert [migration.version for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_an_empty_database_gets_every_step_and_a_second_run_changes_nothing(db: Database) -> None:
    assert schema_version(db) == 0
    migrate(db)
    schema = db.schema
    assert schema_version(db) == len(MIGRATIONS)
    migrate(db)
    assert db.schema == schema
    assert db.table("schema_migrations").count == len(MIGRATIONS)


def test_a_later_step_is_added_to_what_is_there(db: Database) -> None:
    migrate(db, MIGRATIONS[:1])
    db.execute("INSERT INTO seen VALUES ('kept', 1)")
    migrate(db, (MIGRATIONS[0], ADDED))
    assert schema_version(db) == 2
    assert db.table("notes").exists()
    assert db.table("seen").count == 1


def test_a_step_that_fails_leaves_no_trace(db: Database) -> None:
    migrate(db, MIGRATIONS[:1])
    schema = db.schema
    db.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, (MIGRATIONS[0], BROKEN))
    db.rollback()
    assert schema_version(db) == 1
    assert db.schema == schema


def test_a_newer_schema_is_refused(db: Database) -> None:
    migrate(db, (MIGRATIONS[0], ADDED))
    with pytest.raises(DatabaseTooNew, match="schema 2 and this version of Keel knows 1"):
        refuse_newer(db, "keel.db", MIGRATIONS[:1])


def test_every_table_is_strict(db: Database) -> None:
    migrate(db)
    assert [table.name for table in db.tables if not (table.strict or table.name.startswith("sqlite_"))] == []


def test_a_memory_from_before_trading_begins_an_empty_audit_and_may_trade(db: Database) -> None:
    migrate(db, MIGRATIONS[:10])
    db.execute("INSERT INTO seen VALUES ('kept', 1)")
    migrate(db)
    assert db.table("seen").count == 1
    assert db.execute("SELECT row_count, hash FROM audit_head").fetchall() == [(0, "")]
    assert db.execute("SELECT state FROM trading_state").fetchall() == [("active",)]


def test_people_of_the_first_schema_keep_their_roles_and_chats(db: Database) -> None:
    """Keys are checked as they are in use: a rebuilt table must not leave one dangling."""
    db.execute("PRAGMA foreign_keys=ON")
    migrate(db, MIGRATIONS[:1])
    db.execute("INSERT INTO people VALUES ('p1', 'telegram', '77', 'Ada', 'admin', 1, 5, NULL)")
    db.execute("INSERT INTO people VALUES ('p2', 'discord', '78', 'Bob', 'viewer', 0, 6, 9)")
    db.execute("INSERT INTO chats VALUES ('telegram', '77', '', 'p1', 1, 5), ('telegram', '-100', '7', 'p1', 0, 6)")
    db.execute("INSERT INTO link_codes VALUES (x'00', 'viewer', 0, 99, 'p2', 6), (x'01', 'trader', 0, 99, NULL, NULL)")
    db.execute("BEGIN IMMEDIATE")
    migrate(db)
    db.commit()

    assert list(db.query("SELECT * FROM grants ORDER BY person_id")) == [
        {"person_id": "p1", "account_id": "", "role": "admin"},
        {"person_id": "p2", "account_id": "", "role": "viewer"},
    ]
    identities = db.execute("SELECT platform, user_id, person_id FROM identities ORDER BY user_id").fetchall()
    assert identities == [("telegram", "77", "p1"), ("discord", "78", "p2")]
    # A group that was linked has heard of everything, and goes on to.
    heard = db.execute("SELECT chat, thread, account_id FROM chat_accounts").fetchall()
    assert heard == [("-100", "7", "")]
    assert db.execute("SELECT count(*) FROM link_code_grants").fetchone()[0] == 2
    assert list(db.execute("PRAGMA foreign_key_check")) == []
    tables = (db.table(name) for name in ("identities", "grants", "chats"))
    referenced = {key.other_table for table in tables for key in table.foreign_keys}
    assert referenced == {"people"}
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO grants VALUES ('nobody', '', 'admin')")


def test_a_database_from_before_it_had_a_name_gets_one_and_keeps_its_halt(db: Database) -> None:
    migrate(db, MIGRATIONS[:13])
    db.execute("UPDATE trading_state SET state = 'halted'")
    migrate(db)
    (name,) = db.execute("SELECT name FROM memory_name").fetchone()
    assert len(name) == 10
    assert db.execute("SELECT state FROM trading_state").fetchone() == ("halted",)
    migrate(db)
    assert db.execute("SELECT name FROM memory_name").fetchone() == (name,)
