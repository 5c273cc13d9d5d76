"""What an alert is besides its words: how bad, and which matter it belongs to."""

from typing import Final

from bot.alerts.facts import AlertFacts
from bot.messages import Accent, Stage, Topic
from bot.text.clean import name
from risk.decisions.incidents import CauseKind, NoticeReason, severity
from risk.decisions.tiers import Tier

_ACCENTS: Final = {
    Tier.OK: Accent.GOOD,
    Tier.WATCH: Accent.NOTICE,
    Tier.WARNING: Accent.CAUTION,
    Tier.HIGH: Accent.DANGER,
    Tier.CRITICAL: Accent.EMERGENCY,
    Tier.LIQUIDATING: Accent.EMERGENCY,
    Tier.UNKNOWN: Accent.UNKNOWN,
}
_STAGES: Final = {
    NoticeReason.REPEAT_DUE: Stage.FOLLOW_UP,
    NoticeReason.EASED: Stage.FOLLOW_UP,
    NoticeReason.RESOLVED: Stage.END,
}
_WHO_COLUMNS = 30


def accent(facts: AlertFacts) -> Accent:
    """How bad it is now."""
    return Accent.GOOD if facts.reason is NoticeReason.RESOLVED else _ACCENTS[facts.tier]


def topic(facts: AlertFacts) -> Topic:
    """The incident as a matter of its own; HIGH and worse are worth a place."""
    over = facts.reason is NoticeReason.RESOLVED
    who = name(facts.account, columns=_WHO_COLUMNS) if facts.account else "all accounts"
    if facts.kind is CauseKind.SYSTEM:
        who = "Keel"
    return Topic(
        key=str(facts.incident_id),
        title=f"#{facts.incident_id} {who} {'RESOLVED' if over else facts.tier.name}",
        stage=_STAGES.get(facts.reason, Stage.NEWS),
        weighty=severity(facts.tier) >= severity(Tier.HIGH),
    )
