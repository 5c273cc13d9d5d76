"""What delivery has to report: chats that nothing reaches any more, and notices that were given up."""

import json

from bot.alerts.findings import Finding
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from storage import Notice, Receiver

_UNREACHABLE, _DEAD_LETTER = "unreachable", "dead letter"


def unreachable(receiver: Receiver, called: str, reason: str) -> Finding:
    """A chat is gone. Told once to everybody else; it stands until something arrives there again."""
    return Finding(cause=_cause(_UNREACHABLE, receiver), tier=Tier.WARNING, fact=f"no alert reaches {called}: {reason}")


def reachable(receiver: Receiver, called: str) -> Finding:
    """It is back."""
    return Finding(cause=_cause(_UNREACHABLE, receiver), tier=Tier.OK, fact=f"alerts reach {called} again")


def dead_letter(notice: Notice, called: str, error: str) -> Finding:
    """A notice was given up."""
    fact = f"alert #{notice.incident_id} ({notice.tier.name}) could not be told to {called}: {error}"
    return Finding(cause=_cause(_DEAD_LETTER, notice.receiver), tier=Tier.HIGH, fact=fact, passing=True)


def concerned(cause: Cause) -> Receiver | None:
    """The chat a report is about, which it is not sent to; None for every other cause."""
    if cause.kind is not CauseKind.SYSTEM or not cause.subject.startswith("["):
        return None
    _, transport, chat, thread = json.loads(cause.subject)
    return Receiver(transport=transport, chat=chat, thread=thread)


def _cause(what: str, receiver: Receiver) -> Cause:
    subject = json.dumps([what, receiver.transport, receiver.chat, receiver.thread])
    return Cause(kind=CauseKind.SYSTEM, subject=subject)
