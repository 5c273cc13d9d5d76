"""What the parts of storage that concern trading take and give: frozen facts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from risk.model.proposal import Proposal, Purpose, StandingTerms
from risk.model.trading import OrderTerms, TradingState
from storage.person_records import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPlace:
    """A chat in which a proposal is asked about. ``thread`` is empty where the chat has no threads."""

    transport: str
    chat: str
    thread: str = ""


class CardAction(StrEnum):
    """What a button of a card says."""

    CONFIRM = "confirm"
    HALF = "half"
    CANCEL = "cancel"
    DETAILS = "details"
    DISARM = "disarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPress:
    """Somebody pressed a button of a card.

    Attributes:
        handle: As the button carried it; anything at all where it was forged.
        message_id: Of the message that was pressed.
        access: What they may do, as it was decided for this press.
    """

    handle: str
    transport: str
    chat: str
    thread: str
    message_id: str
    person_id: str
    display_name: str
    access: Access


class PressKind(StrEnum):
    """What a press came to. From ALREADY_VOTED on it came to nothing.

    HALVE, DETAILS and DISARM only say what was pressed by somebody who may: acting on it is the caller's. USED is for a
    proposal that was decided before.
    """

    VOTED = "voted"
    APPROVED = "approved"
    CANCELLED = "cancelled"
    HALVE = "halve"
    DETAILS = "details"
    DISARM = "disarm"
    PIN_NEEDED = "pin_needed"
    ALREADY_VOTED = "already_voted"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    USED = "used"
    FOREIGN = "foreign"
    NOT_ALLOWED = "not_allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """What a press came to, and the proposal after it; None where whoever pressed has no business with it."""

    kind: PressKind
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCopy:
    """A card as it was last shown.

    Attributes:
        card_key: Names it; short ASCII.
        revision_shown: 0 before it was shown.
        message_id: None before the platform accepted it.
        fingerprint: Of what it shows, as the caller made it; empty before.
        changes: How often the proposal had changed when this was looked up: ProposalCards.shown takes it back.
    """

    card_key: str
    proposal_id: str
    revision_shown: int
    place: CardPlace
    message_id: str | None
    fingerprint: str
    changes: int


class RestingEnd(StrEnum):
    """How an order ended that rested. VANISHED: it is not there any more, and the venue does not say why."""

    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingOrder:
    """An order of ours that rests at the venue, as far as we know.

    Attributes:
        order_id: The venue's; None where it did not say.
        filled_raw_1e9: When it was last looked at.
        ended_at, ended_how, reason: None and empty as long as it rests.
    """

    row_id: int
    proposal_id: str
    leg: int
    account_id: str
    order_id: int | None
    terms: OrderTerms
    purpose: Purpose
    placed_at: datetime
    filled_raw_1e9: int = 0
    ended_at: datetime | None = None
    ended_how: RestingEnd | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingApproval:
    """A yes given beforehand.

    Attributes:
        used_usd: Notional of what went out on it, at worst prices, whatever came of it.
        granted_by: Ids of the persons who confirmed it.
        granted_for: The proposal they confirmed.
        revoked_at: None while it is not taken back; it may have expired all the same.
    """

    standing_id: str
    terms: StandingTerms
    used_usd: float
    granted_by: tuple[str, ...]
    granted_for: str
    granted_at: datetime
    revoked_at: datetime | None = None

    @property
    def left_usd(self) -> float:
        return max(0.0, self.terms.cap_usd - self.used_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingStatus:
    """What may go out, since when, and who said so: a person's id, or "keel"."""

    state: TradingState = TradingState.ACTIVE
    since: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    by: str = "keel"
    reason: str = ""


class PinVerdict(StrEnum):
    """What a PIN that was given is worth. NONE: that person has none."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PinCheck:
    """See PinVerdict.

    Attributes:
        left: How many more wrong ones there may be before it is locked; for WRONG.
        until: When the next one is listened to; for LOCKED.
    """

    verdict: PinVerdict
    left: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """A night somebody sleeps through, with orders resting for it.

    Attributes:
        place: Where the morning report goes.
        body_json: What the report compares with, as the caller wrote it; opaque here.
    """

    sleep_id: int
    account_id: str
    proposal_id: str
    person_id: str
    place: CardPlace
    body_json: str
    began_at: datetime
    ends_at: datetime
    reported_at: datetime | None = None


class AuditAction(StrEnum):
    """What is written down for good."""

    PROPOSED = "proposed"
    VOTED = "voted"
    PIN_ASKED = "pin_asked"
    APPROVED = "approved"
    REVISED = "revised"
    STARTED = "started"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    COMPLETED = "completed"
    PARTLY_COMPLETED = "partly_completed"
    CAME_TO_NOTHING = "came_to_nothing"
    HALF_ASKED = "half_asked"
    LEG_SIGNED = "leg_signed"
    LEG_SENT = "leg_sent"
    LEG_LANDED = "leg_landed"
    LEG_FAILED = "leg_failed"
    LEG_GONE = "leg_gone"
    LEG_GIVEN_UP = "leg_given_up"
    LEG_REFUSED = "leg_refused"
    LEG_SKIPPED = "leg_skipped"
    LEG_FILLED_SOME = "leg_filled_some"
    LEG_RESTS = "leg_rests"
    LEG_FILLED = "leg_filled"
    LEG_ENDED_PARTLY = "leg_ended_partly"
    LEG_ENDED_UNFILLED = "leg_ended_unfilled"
    RESTING_ENDED = "resting_ended"
    ARMED = "armed"
    DISARMED = "disarmed"
    TRADING_STATE = "trading_state"
    HALT_CONSENT = "halt_consent"
    PIN_SET = "pin_set"
    PIN_CLEARED = "pin_cleared"
    PIN_RIGHT = "pin_right"
    PIN_WRONG = "pin_wrong"
    PIN_LOCKED = "pin_locked"
    SLEEP_BEGAN = "sleep_began"
    SLEEP_REPORTED = "sleep_reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row of the audit.

    Attributes:
        actor: A person's id, or "keel".
        proposal_id, account_id: Empty where none is concerned.
        facts_json: Canonical JSON; see storage.trading_json.facts.
        seq, prev_hash, hash: Assigned when it is appended.
    """

    at: datetime
    action: AuditAction
    actor: str
    proposal_id: str = ""
    account_id: str = ""
    facts_json: str = "{}"
    seq: int = 0
    prev_hash: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """Whether the audit is what was written.

    Attributes:
        rows: How many were read.
        head_hash: Of the last row; whoever keeps it elsewhere can tell a rewritten audit from this one.
        broken_at: Number of the first row that is not as it was, or is missing; None where it is sound.
        why: One sentence; empty where it is sound.
    """

    ok: bool
    rows: int
    head_hash: str = ""
    broken_at: int | None = None
    why: str = ""
