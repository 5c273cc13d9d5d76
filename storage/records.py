"""What this package takes and gives: frozen facts. Addresses are plain text, as a transport gave them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from risk.decisions.incidents import Cause, Incident, NoticeReason
from risk.decisions.tiers import Tier

FloatArray = npt.NDArray[np.float64]
TimeArray = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A chat that hears of incidents.

    Attributes:
        thread: Empty where the chat has no threads.
        route: Name of the rule that chose this chat; no part of its identity.
    """

    transport: str
    chat: str
    thread: str = ""
    route: str = field(default="", compare=False)


class OutboxState(StrEnum):
    """Life of a notice. What has been delivered stays SENT, whatever is reported later."""

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    DEAD = "dead"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """Something one receiver is to hear of one incident.

    Attributes:
        outbox_id: Assigned by the caller, never reused; the same one queued again changes nothing.
        tier: Where the incident stands in this notice; it decides the urgency.
        body_json: The facts of the alert as the caller wrote them; opaque here.
    """

    outbox_id: str
    incident_id: int
    receiver: Receiver
    reason: NoticeReason
    tier: Tier
    body_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A queued notice as it stands.

    Attributes:
        attempts: Failures reported so far. A lease that ran out is none: nobody knows whether the platform was reached.
        due_at: Next attempt while PENDING, end of the lease while LEASED, meaningless after that.
        lease_epoch: How often it was claimed; reports carry it back.
        message_id: The message that delivered it first; None before.
        last_error: Empty while nothing failed.
    """

    outbox_id: str
    incident_id: int
    receiver: Receiver
    reason: NoticeReason
    tier: Tier
    body_json: str
    created_at: datetime
    state: OutboxState
    attempts: int
    due_at: datetime
    lease_epoch: int
    message_id: str | None
    sent_at: datetime | None
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCopy:
    """A message of an incident that a platform accepted, so that it can be edited."""

    incident_id: int
    outbox_id: str
    receiver: Receiver
    message_id: str
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxCounts:
    """The outbox in a few numbers.

    Attributes:
        waiting_since: When the oldest undelivered notice was queued; None where nothing waits.
    """

    pending: int
    leased: int
    sent: int
    dead: int
    superseded: int
    waiting_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentStep:
    """One incident before and after a decision.

    Attributes:
        before: As it was read when the decision was made; None where one opens.
    """

    before: Incident | None
    after: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An assessment is durable.

    Attributes:
        queued: Outbox ids that wait for delivery now; a repeat whose predecessor still waits is not among them.
    """

    queued: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """Nothing of an assessment was stored: somebody acted on these causes meanwhile. Read again, decide again."""

    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquitySample:
    """What an account was worth at one moment.

    Attributes:
        net_flow_usd: Deposits minus withdrawals since recording began.
        unit_value_usd: Value of one share: equity with flows stripped.
        shares: equity_usd / unit_value_usd.
        health_ratio_percent: Infinite without a requirement, None where it could not be assessed.
    """

    account_id: str
    sampled_at: datetime
    equity_usd: float
    net_flow_usd: float
    unit_value_usd: float
    shares: float
    health_ratio_percent: float | None
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EquitySeries:
    """Samples of one account, oldest first, as columns of one length.

    Attributes:
        sampled_at: UTC, datetime64[us].
        health_ratio_percent: NaN where unknown.
    """

    account_id: str
    sampled_at: TimeArray
    equity_usd: FloatArray
    net_flow_usd: FloatArray
    unit_value_usd: FloatArray
    shares: FloatArray
    health_ratio_percent: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LastGood:
    """The last summary of an account that could be trusted, to be shown with its age.

    Attributes:
        body_json: As the caller wrote it; opaque here.
    """

    account_id: str
    body_json: str
    slot: int
    observed_at: datetime


class Role(StrEnum):
    """What a person may do; each role includes those before it."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    TRADER = "trader"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether everything the other role may do is allowed to this one."""
        return _ROLES.index(self) >= _ROLES.index(other)


_ROLES = tuple(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedPerson:
    """Somebody the bot knows: one identity on one platform.

    Attributes:
        user_id: The platform's own, which decides; the name is decoration.
        owner: The one who started the bot; stays an admin.
        revoked_at: From then on a stranger; None while linked.
    """

    person_id: str
    transport: str
    user_id: str
    display_name: str
    role: Role
    owner: bool
    linked_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedChat:
    """A chat somebody linked.

    Attributes:
        private: Only that person reads it.
    """

    transport: str
    chat: str
    thread: str
    person_id: str
    private: bool
    linked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkClaim:
    """Somebody shows a link code.

    Attributes:
        person_id: For somebody new; one who was linked before keeps the old one.
    """

    person_id: str
    transport: str
    user_id: str
    display_name: str
    chat: str
    thread: str = ""
    private: bool = True


class LinkRefusal(StrEnum):
    """Why a link code was not accepted."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    LOCKED_OUT = "locked_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedAccount:
    """An account under watch.

    Attributes:
        nickname: What people call it, unique whatever its case.
    """

    account_id: str
    venue: str
    nickname: str
    added_at: datetime


class Naming(StrEnum):
    """What became of an account's entry or of its nickname."""

    DONE = "done"
    ALREADY_WATCHED = "already_watched"
    NOT_WATCHED = "not_watched"
    NICKNAME_TAKEN = "nickname_taken"
