"""What became of an alert, chat by chat, in words. Pure."""

from datetime import datetime

from bot.text.ages import age, moment
from bot.text.clean import sentence
from storage import OutboxState, Receipt


def receipt(one: Receipt, called: str, now: datetime, *, asked_to_wait_s: float = 0.0) -> str:
    """The last word to one chat: when it arrived, or why it did not yet.

    Args:
        asked_to_wait_s: How long the platform wants that chat left alone yet.
    """
    if one.state is OutboxState.SENT and one.sent_at is not None:
        return f"{called} {moment(one.sent_at)}"
    if one.state is OutboxState.DEAD:
        return f"{called} GIVEN UP, {sentence(one.error)}"
    if one.held and one.due_at > now:
        return f"{called} from {moment(one.due_at)} on, as wished"
    waiting = f"{called} waiting {age((now - one.created_at).total_seconds())}"
    if asked_to_wait_s > 0:
        return f"{waiting}, asked to wait {age(asked_to_wait_s)} more"
    return f"{waiting}, {sentence(one.error)}" if one.error else waiting
