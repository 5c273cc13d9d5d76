"""What somebody said would happen, beside what did: how loudly it is told, and what is left of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from risk.decisions.event_tiers import DEFAULT_TIERS
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind
from risk.model.events import AccountEvent, DelegateEvent, FlowEvent, SubAccountEvent
from storage import Announcement

# What can be announced, by the word somebody types.
KINDS: Mapping[str, EventKind] = {
    "withdrawal": EventKind.WITHDRAWAL,
    "transfer": EventKind.TRANSFER_OUT,
    "delegate": EventKind.DELEGATE_CHANGED,
    "subaccount": EventKind.SUB_ACCOUNT_CREATED,
}
LEEWAY = timedelta(seconds=30)  # a ledger's clock counts whole seconds, and may be some of them behind
_ROUNDING_FRAC = 0.01  # prices move between the announcement and the deed


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How an event is told.

    Attributes:
        spent: What is left of the announcements it used, by number.
    """

    event: AccountEvent
    tier: Tier
    spent: Mapping[int, float] = field(default_factory=dict)


def judged(event: AccountEvent, announcements: Sequence[Announcement]) -> Verdict:
    """An event as it is to be told, softened where it was announced.

    Args:
        announcements: Of any accounts and times; those that fit are chosen here. An amount may be used up in several
            parts, and one deed may use several announcements.
    """
    tier = DEFAULT_TIERS[event.kind]
    fitting = [one for one in announcements if _fits(one, event)]
    match event:
        case FlowEvent() if fitting:
            spent = _spent(event.amount_usd, fitting)
            if spent is not None:
                softened = min(tier, Tier.WATCH, key=severity)
                return Verdict(event=replace(event, announced=True), tier=softened, spent=spent)
        case DelegateEvent() if any(one.counterpart == event.after for one in fitting):
            return Verdict(event=replace(event, announced=True), tier=Tier.WATCH)
        case SubAccountEvent() if fitting:
            return Verdict(event=replace(event, announced=True), tier=Tier.WATCH)
    return Verdict(event=event, tier=tier)


def _fits(announcement: Announcement, event: AccountEvent) -> bool:
    if announcement.account_id not in ("", event.account_id):
        return False
    if not _covers(announcement.kind, event.kind):
        return False
    return _held(announcement, event.happened_at or event.observed_at)


def _covers(announced: EventKind, kind: EventKind) -> bool:
    # Where only readings show it, a transfer looks like a withdrawal; who may take money out may also move it.
    return announced is kind or (announced is EventKind.WITHDRAWAL and kind is EventKind.TRANSFER_OUT)


def _held(announcement: Announcement, when: datetime) -> bool:
    taken_back = announcement.withdrawn_at is not None and announcement.withdrawn_at <= when
    return announcement.from_at - LEEWAY <= when <= announcement.until_at + LEEWAY and not taken_back


def _spent(amount_usd: float, fitting: Sequence[Announcement]) -> dict[int, float] | None:
    """What is left of each announcement behind an amount; None where they do not cover it."""
    if amount_usd > sum(one.left_usd for one in fitting) * (1 + _ROUNDING_FRAC):
        return None
    left = amount_usd
    spent: dict[int, float] = {}
    for one in fitting:
        used = min(left, one.left_usd)
        left -= used
        if used:
            spent[one.announcement_id] = one.left_usd - used
    return spent
