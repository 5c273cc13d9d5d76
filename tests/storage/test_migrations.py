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
