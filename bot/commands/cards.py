"""Cards that ask before something is changed: who they are about, how long they hold, what is said when they do not."""

import hashlib
from datetime import datetime, timedelta

from bot.commands.spec import PressReply, PressRequest, Services
from bot.messages import Line, Message
from bot.roster import Roster, Watched
from bot.text.clean import name

VALID_FOR = timedelta(minutes=2)
HOLDS = "Nothing has changed yet. Confirm within 2 min."


def mark(watched: Watched) -> str:
    """Names an account within a button: its place in the list may be another one's after a restart."""
    return hashlib.sha256(watched.account_id.encode()).hexdigest()[:8]


def marked(roster: Roster, text: str) -> Watched | None:
    """The account a button names; None when it is not watched any more."""
    return next((one for one in roster.all if mark(one) == text), None)


def expiry(now: datetime) -> int:
    """When a card made now stops to hold, as it is written into its button."""
    return int((now + VALID_FOR).timestamp())


def expired(text: str, now: datetime) -> bool:
    """Whether a card does not hold any more, or claims to hold longer than any card. Raises: ValueError."""
    left_s = int(text) - now.timestamp()
    return not 0 <= left_s <= VALID_FOR.total_seconds()


def over(text: str) -> PressReply:
    """The card is replaced by a sentence and loses its buttons."""
    return PressReply(notice=text, replace=Message(blocks=(Line(text),)))


async def cancel(services: Services, press: PressRequest) -> PressReply:
    """What every Cancel button does."""
    return over("Cancelled. Nothing was changed.")


def confirmed_by(press: PressRequest) -> str:
    """Who pressed, as a sentence."""
    return f"Confirmed by {name(press.person.display_name or press.person.user_id)}."
