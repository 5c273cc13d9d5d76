"""What is remembered: SQLite behind use cases. No SQL and no connection leaves this package.

Open one Store for the process and hand it to the use cases. Ids and times come from the caller.
"""

from storage.accounts import Accounts
from storage.announcements import Announcements
from storage.audit import Audit
from storage.candles import CandleLog
from storage.cards import Cards
from storage.copies import Copies
from storage.digests import Digests, DigestState
from storage.epochs import Epochs
from storage.equity import EquityLog
from storage.errors import (
    BackupUnverified,
    BadPin,
    BadRow,
    DatabaseCorrupt,
    DatabaseForeign,
    DatabaseLocked,
    DatabaseTooNew,
    DatabaseUnavailable,
    DiskFull,
    ProposalOutdated,
    SignedBefore,
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
from storage.handles import Handles
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
from storage.pins import Pins
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
from storage.proposal_cards import ProposalCards
from storage.proposals import Proposals
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
from storage.resting import Resting
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
from storage.signer_memory import SeenJournal, SignerMemory
from storage.sleeps import Sleeps
from storage.snapshots import Snapshots
from storage.standing import StandingApprovals
from storage.store import Store
from storage.tier_states import TierStates
from storage.topics import TopicThreads
from storage.trade_history import TradeCounts, TradeHistory
from storage.trading_records import (
    AuditAction,
    AuditEntry,
    AuditVerdict,
    CardAction,
    CardCopy,
    CardPlace,
    CardPress,
    PinCheck,
    PinVerdict,
    Pressed,
    PressKind,
    RestingEnd,
    RestingOrder,
    Sleep,
    StandingApproval,
    TradingStatus,
)
from storage.trading_state import TradingStates

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
    "Audit",
    "AuditAction",
    "AuditEntry",
    "AuditVerdict",
    "BackupUnverified",
    "BadPin",
    "BadRow",
    "Batch",
    "Blocked",
    "CandleLog",
    "CardAction",
    "CardCopy",
    "CardPlace",
    "CardPress",
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
    "Epochs",
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
    "Handles",
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
    "PinCheck",
    "PinVerdict",
    "Pins",
    "Preferences",
    "PressKind",
    "Pressed",
    "Progress",
    "ProposalCards",
    "ProposalOutdated",
    "Proposals",
    "PulseMessage",
    "Pulses",
    "Receipt",
    "Receiver",
    "Resting",
    "RestingEnd",
    "RestingOrder",
    "RiskSnapshotLog",
    "Role",
    "Scope",
    "Seen",
    "SeenJournal",
    "Setting",
    "Settings",
    "SignedBefore",
    "SignerMemory",
    "Sleep",
    "Sleeps",
    "Snapshots",
    "StaleMessage",
    "StandingApproval",
    "StandingApprovals",
    "StorageDefect",
    "StorageError",
    "Store",
    "StoreClosed",
    "Stored",
    "Theme",
    "TierStates",
    "TopicThreads",
    "TradeCounts",
    "TradeHistory",
    "TradingStates",
    "TradingStatus",
    "Unheard",
    "UnlinkedGroup",
    "UnreachableChat",
    "UntoldAbsence",
    "WatchedAccount",
]
