"""What is remembered: SQLite behind use cases. No SQL and no connection leaves this package.

Open one Store for the process and hand it to the use cases. Ids and times come from the caller.
"""

from storage.accounts import Accounts
from storage.equity import EquityLog
from storage.errors import (
    BadRow,
    DatabaseCorrupt,
    DatabaseForeign,
    DatabaseLocked,
    DatabaseTooNew,
    DatabaseUnavailable,
    DiskFull,
    StorageDefect,
    StorageError,
    StoreClosed,
)
from storage.incidents import Incidents
from storage.outbox import Outbox
from storage.people import People
from storage.records import (
    EquitySample,
    EquitySeries,
    IncidentStep,
    LastGood,
    LinkClaim,
    LinkedChat,
    LinkedPerson,
    LinkRefusal,
    MessageCopy,
    Naming,
    NewNotice,
    Notice,
    OutboxCounts,
    OutboxState,
    Outdated,
    Receiver,
    Role,
    Stored,
    WatchedAccount,
)
from storage.seen import Seen
from storage.settings import DEFAULT_ACCOUNT, PROCESS, THEME, Scope, Setting, Settings, Theme
from storage.snapshots import Snapshots
from storage.store import Store
from storage.tier_states import TierStates

__all__ = [
    "DEFAULT_ACCOUNT",
    "PROCESS",
    "THEME",
    "Accounts",
    "BadRow",
    "DatabaseCorrupt",
    "DatabaseForeign",
    "DatabaseLocked",
    "DatabaseTooNew",
    "DatabaseUnavailable",
    "DiskFull",
    "EquityLog",
    "EquitySample",
    "EquitySeries",
    "IncidentStep",
    "Incidents",
    "LastGood",
    "LinkClaim",
    "LinkRefusal",
    "LinkedChat",
    "LinkedPerson",
    "MessageCopy",
    "Naming",
    "NewNotice",
    "Notice",
    "Outbox",
    "OutboxCounts",
    "OutboxState",
    "Outdated",
    "People",
    "Receiver",
    "Role",
    "Scope",
    "Seen",
    "Setting",
    "Settings",
    "Snapshots",
    "StorageDefect",
    "StorageError",
    "Store",
    "StoreClosed",
    "Stored",
    "Theme",
    "TierStates",
    "WatchedAccount",
]
