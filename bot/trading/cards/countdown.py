"""How long a card holds yet, in steps: a card is edited once a step, not once a second. Pure."""

import math
from datetime import datetime, timedelta

from bot.text.ages import moment
from bot.text.durations import written

# Seconds left from which on, and the step there: what is nearly over is shown more closely.
_STEPS = ((300.0, 60.0), (30.0, 15.0), (0.0, 5.0))


def left_s(expires_at: datetime, now: datetime) -> float:
    """Never negative."""
    return max(0.0, (expires_at - now).total_seconds())


def step(seconds: float) -> int:
    """What is shown while so much is left: never more than there is.

    >>> step(107), step(29.9), step(4), step(400)
    (105, 25, 0, 360)
    """
    size = _size(seconds)
    return int(math.floor(seconds / size) * size)


def next_step_s(seconds: float) -> float:
    """How long until another step is to be shown.

    >>> next_step_s(107.0), next_step_s(30.0), next_step_s(29.0)
    (2.0, 0.01, 4.0)
    """
    return max(0.01, seconds - step(seconds))


def said(expires_at: datetime, now: datetime | None) -> str:
    """The moment itself, and how long that is yet; the moment alone where nobody counts."""
    at = f"Expires {moment(expires_at)}"
    if now is None:
        return f"{at}."
    shown = step(left_s(expires_at, now))
    return f"{at}, {written(timedelta(seconds=shown))} left." if shown else f"{at}, seconds left."


def _size(seconds: float) -> float:
    return next(size for above, size in _STEPS if seconds > above or not above)
