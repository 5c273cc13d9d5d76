"""What Discord answers, where a caller inside this package acts on the difference.

DeliveryError
├── TryAgain
│   └── TokenRefused        wrong token: only a person can help
├── Unreachable
│   └── NotAllowed          the channel is there, and the bot may not do this in it
│       └── NoAccess        nor anything else: asking for less does not help
└── Refused
    ├── MessageGone         the message to edit was deleted, or is not the bot's
    ├── ThreadGone          the thread was deleted or locked, the channel around it lives
    ├── TooLate             the interaction is over: not acknowledged in time, or older than its token
    ├── AlreadyAcknowledged an earlier acknowledgement arrived, only its answer was lost
    └── ThreadThere         the message has a thread already
"""

from bot.messages import DeliveryError, Refused, RetryAfter, TryAgain, Unreachable

TOKEN_REFUSED = "Discord refused the token: check DISCORD_TOKEN"  # noqa: S105 - a sentence about a token, not a token

_SHOWN_CHARACTERS = 200
_NO_ACCESS = {50001, 50007}
_MESSAGE_IS_GONE = {10008, 50005}
_THREAD_IS_GONE = {50083, 160005}
_INTERACTION_IS_OVER = {10015, 10062, 50027}
_ALREADY_ACKNOWLEDGED = 40060
_THREAD_IS_THERE = 160004


class TokenRefused(TryAgain):
    def __init__(self) -> None:
        super().__init__(TOKEN_REFUSED)


class NotAllowed(Unreachable):
    pass


class NoAccess(NotAllowed):
    pass


class MessageGone(Refused):
    pass


class ThreadGone(Refused):
    pass


class TooLate(Refused):
    pass


class AlreadyAcknowledged(Refused):
    pass


class ThreadThere(Refused):
    pass


def answered(status: int, code: int, words: str, *, retry_after_s: float | None = None) -> DeliveryError:
    """What the caller can do about an answer that is not a success.

    Args:
        status: Of HTTP.
        code: Discord's own, which tells refusals of one status apart; 0 if the answer is not Discord's.
        words: Of Discord, free of secrets. Not shown where ``code`` is 0: a proxy's page may quote anything.
        retry_after_s: For status 429.
    """
    said = f"{words[:_SHOWN_CHARACTERS]}, code {code}" if code else f"status {status}"
    if status == 429:
        return RetryAfter(retry_after_s if retry_after_s is not None else 5.0)
    if status >= 500:
        return TryAgain(f"Discord has trouble ({said})")
    if code in _MESSAGE_IS_GONE:
        return MessageGone(f"the message cannot be edited any more ({said})")
    if code in _THREAD_IS_GONE:
        return ThreadGone(f"the thread is closed or gone ({said})")
    if code in _INTERACTION_IS_OVER:
        return TooLate(f"Discord no longer waits for an answer ({said}): ask again")
    if code == _ALREADY_ACKNOWLEDGED:
        return AlreadyAcknowledged(f"this was acknowledged already ({said})")
    if code == _THREAD_IS_THERE:
        return ThreadThere(f"the message has a thread already ({said})")
    if status == 401:
        return TokenRefused()
    if status == 403:
        kind = NoAccess if code in _NO_ACCESS else NotAllowed
        return kind(f"Discord refuses this channel ({said}): let the bot view it, write and attach files there")
    if status == 404:
        return Unreachable(f"this channel is gone or hidden from the bot ({said}): add the bot there, or link another")
    return Refused(f"Discord refused the message ({said})")


def seconds(told: object) -> float | None:
    """A wait as Discord writes it, in JSON or in a header; None where it is neither."""
    try:
        return max(0.0, float(told)) if isinstance(told, str | int | float) else None
    except ValueError:
        return None
