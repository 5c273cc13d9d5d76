"""What is remembered: SQLite behind use cases. No SQL and no connection leaves this package.

Open one Store for the process and hand it to the use cases. Ids and times come from the caller.
"""

from storage.accounts import Accounts
from storage.announcements import Announcements
from storage.candles import CandleLog
from storage.cards import Cards
from storage.copies import Copies
from storage.digests import Digests, DigestState
from storage.equity import EquityLog
from storage.errors import (
    BackupUnverified,
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
from storage.event_records import Announcement, EventBatch, FollowedAccount, LoggedEvent, NewEvent
from storage.events import Events
from storage.fallbacks import Blocked, Fallbacks
from storage.fills import FillLog
from storage.funding import FundingLog
from storage.groups import Groups
from storage.incidents import Incidents
from storage.outbox import Outbox
from storage.people import People
from storage.person_records import (
    EVERYTHING,
    EVERYWHERE,
    NO_ACCESS,
    Access,
    Audience,
    Grant,
    Identity,
    LinkClaim,
    LinkedChat,
    LinkedPerson,
    LinkRefusal,
    Role,
    UnlinkedGroup,
)
from storage.personal import Personal
from storage.preferences import Preferences
from storage.process import (
    Absence,
    AbsenceKind,
    Absences,
    Life,
    Lives,
    Progress,
    PulseMessage,
    Pulses,
    Unheard,
    UntoldAbsence,
)
from storage.records import (
    AccountSource,
    Batch,
    EquitySample,
    EquitySeries,
    IncidentStep,
    LastGood,
    MessageCopy,
    Naming,
    NewNotice,
    Notice,
    OutboxCounts,
    OutboxState,
    Outdated,
    Receipt,
    Receiver,
    StaleMessage,
    Stored,
    UnreachableChat,
    WatchedAccount,
)
from storage.risk_snapshots import RiskSnapshotLog
from storage.seen import Seen
from storage.settings import (
    DEFAULT_ACCOUNT,
    DIGEST_MINUTE,
    NUMBERS,
    PROCESS,
    THEME,
    TWELVE_HOURS,
    ZONE,
    Scope,
    Setting,
    Settings,
    Theme,
)
from storage.snapshots import Snapshots
from storage.store import Store
from storage.tier_states import TierStates
from storage.topics import TopicThreads

__all__ = [
    "DEFAULT_ACCOUNT",
    "DIGEST_MINUTE",
    "EVERYTHING",
    "EVERYWHERE",
    "NO_ACCESS",
    "NUMBERS",
    "PROCESS",
    "THEME",
    "TWELVE_HOURS",
    "ZONE",
    "Absence",
    "AbsenceKind",
    "Absences",
    "Access",
    "AccountSource",
    "Accounts",
    "Announcement",
    "Announcements",
    "Audience",
    "BackupUnverified",
    "BadRow",
    "Batch",
    "Blocked",
    "CandleLog",
    "Cards",
    "Copies",
    "DatabaseCorrupt",
    "DatabaseForeign",
    "DatabaseLocked",
    "DatabaseTooNew",
    "DatabaseUnavailable",
    "DigestState",
    "Digests",
    "DiskFull",
    "EquityLog",
    "EquitySample",
    "EquitySeries",
    "EventBatch",
    "Events",
    "Fallbacks",
    "FillLog",
    "FollowedAccount",
    "FundingLog",
    "Grant",
    "Groups",
    "Identity",
    "IncidentStep",
    "Incidents",
    "LastGood",
    "Life",
    "LinkClaim",
    "LinkRefusal",
    "LinkedChat",
    "LinkedPerson",
    "Lives",
    "LoggedEvent",
    "MessageCopy",
    "Naming",
    "NewEvent",
    "NewNotice",
    "Notice",
    "Outbox",
    "OutboxCounts",
    "OutboxState",
    "Outdated",
    "People",
    "Personal",
    "Preferences",
    "Progress",
    "PulseMessage",
    "Pulses",
    "Receipt",
    "Receiver",
    "RiskSnapshotLog",
    "Role",
    "Scope",
    "Seen",
    "Setting",
    "Settings",
    "Snapshots",
    "StaleMessage",
    "StorageDefect",
    "StorageError",
    "Store",
    "StoreClosed",
    "Stored",
    "Theme",
    "TierStates",
    "TopicThreads",
    "Unheard",
    "UnlinkedGroup",
    "UnreachableChat",
    "UntoldAbsence",
    "WatchedAccount",
]
