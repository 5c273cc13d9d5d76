"""Interactions that wait for an answer, or may still get one: Discord keeps their tokens for 15 minutes.

The token is the only way to an answer that one person alone sees. It stays in this process; outside it an interaction
is known by its id, as Address.reply_to and Press.press_id.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_TOKEN_LASTS = timedelta(minutes=14, seconds=30)
_REMEMBERED = 2_000


class InteractionToken(str):
    """Hides itself wherever variables are shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "InteractionToken()"


@dataclass(slots=True, kw_only=True)
class Reply:
    """One interaction.

    Attributes:
        token: Of the interaction.
        hidden: Only the person who asked sees the answers. It is certain once ``acknowledged`` has ended.
        unanswered: Discord shows that the bot is thinking, until the first answer takes that place.
        acknowledged: Whether Discord knows that an answer will come; ends when that is decided.
        own: Ids of messages that only the token reaches.
        original: The one of them whose button was pressed.
    """

    token: InteractionToken
    hidden: bool
    unanswered: bool
    acknowledged: "asyncio.Task[bool] | None" = None
    own: set[str] = field(default_factory=set)
    original: str = ""


class Replies:
    """The interactions of this process, by id."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._open: OrderedDict[str, tuple[datetime, Reply]] = OrderedDict()
        self._answerable: deque[tuple[datetime, Reply]] = deque()

    def add(self, interaction_id: str, reply: Reply) -> None:
        now = self._now()
        self._open[interaction_id] = (now + _TOKEN_LASTS, reply)
        self._answerable.append(self._open[interaction_id])
        while self._answerable[0][0] <= now or len(self._answerable) > _REMEMBERED:
            # Not for as long as it is remembered: a task keeps everything that it was begun with.
            self._answerable.popleft()[1].acknowledged = None
        while len(self._open) > _REMEMBERED:
            self._open.popitem(last=False)

    def known(self, interaction_id: str) -> Reply | None:
        """What is remembered of it, whether or not it can still be answered."""
        found = self._open.get(interaction_id)
        return found[1] if found else None

    async def open(self, interaction_id: str) -> Reply | None:
        """It, if it can be answered. Waits for its acknowledgement, at most as long as Discord does."""
        found = self._open.get(interaction_id)
        if found is None or self._now() >= found[0]:
            return None
        acknowledged = found[1].acknowledged
        if acknowledged is None:
            return None
        await asyncio.wait((acknowledged,))
        return found[1] if not acknowledged.cancelled() and acknowledged.result() else None
