"""How the schema came to be: numbered steps, run in one transaction, recorded, never undone."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.errors import DatabaseTooNew
from storage.schema.calm import CALM
from storage.schema.delivery import DELIVERY
from storage.schema.events import EVENTS
from storage.schema.history import HISTORY
from storage.schema.initial import INITIAL
from storage.schema.market_data import MARKET_DATA
from storage.schema.people import PEOPLE
from storage.schema.preferences import PREFERENCES
from storage.schema.process import PROCESS
from storage.schema.signer import MEMORY_NAME, SIGNER, SIGNER_JOURNAL
from storage.schema.topics import TOPICS
from storage.schema.trading import HALT_CANCELS, TRADING

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema.

    Attributes:
        version: Counts from 1 without a gap. A step that was released is never edited; the next one is added.
        statements: SQL, one statement each, for they share the transaction of the caller.
    """

    version: int
    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(version=1, name="initial", statements=INITIAL),
    Migration(version=2, name="delivery", statements=DELIVERY),
    Migration(version=3, name="people", statements=PEOPLE),
    Migration(version=4, name="events", statements=EVENTS),
    Migration(version=5, name="process", statements=PROCESS),
    Migration(version=6, name="preferences", statements=PREFERENCES),
    Migration(version=7, name="history", statements=HISTORY),
    Migration(version=8, name="topics", statements=TOPICS),
    Migration(version=9, name="market data", statements=MARKET_DATA),
    Migration(version=10, name="calm", statements=CALM),
    Migration(version=11, name="trading", statements=TRADING),
    Migration(version=12, name="signer", statements=SIGNER),
    Migration(version=13, name="signer's journal", statements=SIGNER_JOURNAL),
    Migration(version=14, name="memory's name", statements=MEMORY_NAME),
    Migration(version=15, name="halt's cancellations", statements=HALT_CANCELS),
)


def schema_version(db: "Database") -> int:
    """Number of the last step this database has seen; 0 for an empty one."""
    if not db.table("schema_migrations").exists():
        return 0
    version = db.execute("SELECT coalesce(max(version), 0) FROM schema_migrations").fetchone()[0]
    return int(version)


def refuse_newer(db: "Database", where: str, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Raises: DatabaseTooNew for a schema this version does not know. Changes nothing."""
    found, known = schema_version(db), migrations[-1].version
    if found > known:
        raise DatabaseTooNew(
            f"The database {where} has schema {found} and this version of Keel knows {known}; install the newer one."
        )


def migrate(db: "Database", migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the schema up to date. Runs in the caller's transaction, so it happens whole or not at all."""
    db.execute("CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
    done = schema_version(db)
    for migration in migrations:
        if migration.version <= done:
            continue
        for statement in migration.statements:
            db.execute(statement)
        db.table("schema_migrations").insert({"version": migration.version, "name": migration.name})
