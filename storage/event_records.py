"""What storage.events takes and gives: frozen facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind
from risk.model.performance import Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedAccount:
    """How far an account was followed.

    Attributes:
        body_json: The reading up to which everything was told, as the caller wrote it; opaque here.
        cursor: Place in the venue's history to read on from; empty where it was never read.
        heard_slot: What happened before this slot does not come again when it is read on from there.
    """

    account_id: str
    body_json: str
    slot: int
    observed_at: datetime
    cursor: str = ""
    heard_slot: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """Something that happened.

    Attributes:
        account_id: Empty for what a venue does to all accounts.
        market: What it is about; empty for everything else.
        tier: How loudly it is to be told.
        happened_at: As the venue says, or when the reading arrived that shows it.
        source: The venue's own name for it; empty where only readings show it.
        body_json: The event as the caller wrote it; opaque here.
        told: Whether nobody is to be told of it.
    """

    account_id: str
    kind: EventKind
    market: str
    tier: Tier
    slot: int
    happened_at: datetime
    source: str
    body_json: str
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event as it is kept; see NewEvent. ``told_at`` is None as long as it waits to be told."""

    event_id: int
    account_id: str
    kind: EventKind
    market: str
    tier: Tier
    slot: int
    happened_at: datetime
    logged_at: datetime
    source: str
    body_json: str
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBatch:
    """What one look found, stored as a whole.

    Attributes:
        grown: Logged events that have become more since: their new body by number.
        spent: What is left of announcements, by number.
        fills: Executions among the events, by account.
    """

    followed: tuple[FollowedAccount, ...] = ()
    events: tuple[NewEvent, ...] = ()
    grown: Mapping[int, str] = field(default_factory=dict)
    spent: Mapping[int, float] = field(default_factory=dict)
    fills: Mapping[str, Sequence[Fill]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not (self.followed or self.events or self.grown or self.spent or self.fills)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What somebody said would happen within a time.

    Attributes:
        account_id: Empty for all accounts.
        amount_usd: How much in all, > 0; 0 where it is no matter of an amount.
        left_usd: What of it has not happened yet.
        counterpart: The delegate that was named; empty for nobody, and where it is no matter of that.
        announced_by: A person's id.
        withdrawn_at: When it was taken back; None unless it was.
    """

    announcement_id: int
    account_id: str
    kind: EventKind
    amount_usd: float
    left_usd: float
    counterpart: str
    from_at: datetime
    until_at: datetime
    announced_by: str
    withdrawn_at: datetime | None = None
