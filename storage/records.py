"""What this package takes and gives: frozen facts. Addresses are plain text, as a transport gave them."""

import math
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
        rank: Order among notices that are equally urgent: how near the danger is, in daily standard deviations, the
            smallest first.
        hold_until: Not to be delivered before; None for at once.
    """

    outbox_id: str
    incident_id: int
    receiver: Receiver
    reason: NoticeReason
    tier: Tier
    body_json: str
    rank: float = math.inf
    hold_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A queued notice as it stands.

    Attributes:
        attempts: Failures reported so far. A lease that ran out is none: nobody knows whether the platform was reached.
        due_at: Next attempt while PENDING, end of the lease while LEASED, meaningless after that.
        rank: See NewNotice.
        held: Whether it was to wait for a moment that its receiver chose.
        batch: Key of the message it goes out with; None while it can go with any.
        refusals: How often the platform refused it for what it is.
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
    rank: float
    held: bool
    batch: str | None
    refusals: int
    lease_epoch: int
    message_id: str | None
    sent_at: datetime | None
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Notices that go out as one message, as they were claimed.

    Attributes:
        key: Names the message: the same one whenever these notices are tried again after nobody knows what became of
            it. At most 25 characters of ASCII.
        epoch: How often it was claimed; reports carry it back.
        notices: In the order in which they were queued.
        uncertain: An earlier attempt may have arrived.
    """

    key: str
    epoch: int
    receiver: Receiver
    notices: tuple[Notice, ...]
    uncertain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of the last word to one receiver on one incident.

    Attributes:
        sent_at: When a platform accepted it; None while it waits, or where it was given up.
        due_at: Next attempt, while it waits.
        error: Why it still waits, or was given up; empty where nothing failed.
    """

    incident_id: int
    receiver: Receiver
    tier: Tier
    state: OutboxState
    created_at: datetime
    sent_at: datetime | None
    due_at: datetime
    held: bool
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreachableChat:
    """A chat that its platform says is gone."""

    receiver: Receiver
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleMessage:
    """A message that shows an incident as it is not any more.

    Attributes:
        key: Of its batch.
        notices: What it tells, in the order in which they were queued.
        attempts: How often editing it failed.
        changes: How often one of its incidents changed hands until it was looked up.
    """

    receiver: Receiver
    message_id: str
    key: str
    notices: tuple[Notice, ...]
    attempts: int
    changes: int


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
        held: Those that wait for a moment their receiver chose; they are not among the pending ones.
        waiting_since: When the oldest undelivered notice was queued, held ones aside; None where nothing waits.
    """

    pending: int
    leased: int
    sent: int
    dead: int
    superseded: int
    held: int
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
        funding_usd: Funding received so far, less what was paid, in the account's life; None where the venue does not
            state it.
        fees_usd: Trading fees paid so far, rebates taken off; None where the venue does not state it for this account.
    """

    account_id: str
    sampled_at: datetime
    equity_usd: float
    net_flow_usd: float
    unit_value_usd: float
    shares: float
    health_ratio_percent: float | None
    slot: int
    funding_usd: float | None = None
    fees_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EquitySeries:
    """Samples of one account, oldest first, as columns of one length.

    Attributes:
        sampled_at: UTC, datetime64[us].
        health_ratio_percent: NaN where unknown; so are ``funding_usd`` and ``fees_usd``.
    """

    account_id: str
    sampled_at: TimeArray
    equity_usd: FloatArray
    net_flow_usd: FloatArray
    unit_value_usd: FloatArray
    shares: FloatArray
    health_ratio_percent: FloatArray
    funding_usd: FloatArray
    fees_usd: FloatArray

    def followed_by(self, later: "EquitySeries") -> "EquitySeries":
        """Two stretches of one account as one."""
        return EquitySeries(
            account_id=self.account_id,
            sampled_at=np.concatenate([self.sampled_at, later.sampled_at]),
            equity_usd=np.concatenate([self.equity_usd, later.equity_usd]),
            net_flow_usd=np.concatenate([self.net_flow_usd, later.net_flow_usd]),
            unit_value_usd=np.concatenate([self.unit_value_usd, later.unit_value_usd]),
            shares=np.concatenate([self.shares, later.shares]),
            health_ratio_percent=np.concatenate([self.health_ratio_percent, later.health_ratio_percent]),
            funding_usd=np.concatenate([self.funding_usd, later.funding_usd]),
            fees_usd=np.concatenate([self.fees_usd, later.fees_usd]),
        )


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


class AccountSource(StrEnum):
    """Where it was said that an account is to be watched."""

    FILE = "file"
    CHAT = "chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedAccount:
    """An account under watch.

    Attributes:
        nickname: What people call it, unique whatever its case.
        source: What the settings name can be taken off the list there only.
    """

    account_id: str
    venue: str
    nickname: str
    added_at: datetime
    source: AccountSource = AccountSource.FILE


class Naming(StrEnum):
    """What became of an account's entry or of its nickname."""

    DONE = "done"
    ALREADY_WATCHED = "already_watched"
    NOT_WATCHED = "not_watched"
    NICKNAME_TAKEN = "nickname_taken"
