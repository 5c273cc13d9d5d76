"""Whether the primary lives, as far as its beats tell, and what follows from it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.alerts.desk import Finding
from bot.beats import BadBeat, Beat, BeatAccount, BeatChat, Newest
from bot.text.ages import age, day_and_moment, moment
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.ports import Clock

log = structlog.get_logger()

SILENT_AFTER_S = 30.0
PRIMARY = Cause(kind=CauseKind.SYSTEM, subject="primary")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The newest beat that counted, and when it came."""

    beat: Beat
    at: datetime
    at_s: float


class Primary:
    """Follows the beats.

    Before the first one the standby gives the primary as much time as between two: one that never beats is as silent
    as one that stopped.

    Args:
        venue: Beats of the primary of another venue are refused.
        silent_after_s: How old the newest beat may be.
    """

    def __init__(self, *, clock: Clock, venue: str, silent_after_s: float = SILENT_AFTER_S) -> None:
        self._clock, self._venue, self._silent_after_s = clock, venue, silent_after_s
        self._began_at, self._began_s = clock.now(), clock.monotonic_s()
        self._newest = Newest()
        self._silent_since: datetime | None = None
        self._returned: str = ""
        self.heard: Heard | None = None
        self.taken = 0
        self.refused = 0

    @property
    def speaks(self) -> bool:
        """Whether the standby speaks in the primary's place."""
        return self._silent_since is not None

    @property
    def accounts(self) -> tuple[BeatAccount, ...]:
        """What the primary watches, as it last said."""
        return self.heard.beat.accounts if self.heard is not None else ()

    @property
    def chats(self) -> tuple[BeatChat, ...]:
        """Whom the primary talks to, as it last said."""
        return self.heard.beat.chats if self.heard is not None else ()

    def hear(self, beat: Beat) -> None:
        """A beat whose signature was good. Raises: BadBeat for one that does not count all the same."""
        now = self._clock.now()
        try:
            if beat.venue != self._venue:
                raise BadBeat("the primary watches another venue; VENUE must be the same on both machines")
            self._newest.accept(beat, now)
        except BadBeat:
            self.refused += 1
            raise
        self.taken += 1
        if self.heard is None:
            log.info("primary.heard", accounts=len(beat.accounts), chats=len(beat.chats))
        self.heard = Heard(beat=beat, at=now, at_s=self._clock.monotonic_s())

    def look(self) -> Finding:
        """How it stands with the primary now. From here on ``speaks`` says the same."""
        silent_s = self._clock.monotonic_s() - (self.heard.at_s if self.heard is not None else self._began_s)
        if silent_s <= self._silent_after_s:
            self._returns()
            return Finding(cause=PRIMARY, tier=Tier.OK, fact=self._returned or "the primary beats")
        if self._silent_since is None:
            self._silent_since = self.heard.at if self.heard is not None else self._began_at
            log.error("primary.silent", for_s=round(silent_s, 1), ever_heard=self.heard is not None)
        return Finding(cause=PRIMARY, tier=Tier.CRITICAL, fact=self._silence(self._silent_since))

    def lines(self) -> list[str]:
        """For /status."""
        if self.heard is None:
            return [f"Primary: never heard. Listening since {moment(self._began_at)}."]
        ago = age(self._clock.monotonic_s() - self.heard.at_s)
        state = "SILENT, this standby speaks" if self.speaks else "alive, this standby is silent"
        refused = f", {self.refused} beats refused" if self.refused else ""
        return [f"Primary: {state}; last beat {ago} ago{refused}."]

    def _returns(self) -> None:
        if self._silent_since is None:
            return
        away_s = (self._clock.now() - self._silent_since).total_seconds()
        self._returned = f"the primary is back after {age(away_s)}; the standby is silent again"
        log.warning("primary.back", after_s=round(away_s, 1))
        self._silent_since = None

    def _silence(self, since: datetime) -> str:
        if self.heard is None:
            return f"primary never heard since the standby started at {moment(since)}; the standby speaks now"
        today = since.date() == self._clock.now().date()
        return f"primary silent since {moment(since) if today else day_and_moment(since)}; the standby speaks now"


class PrimaryWatch:
    """Looks at the primary every moment and settles what follows.

    Args:
        settle: Takes findings; see bot.alerts.desk.
        speak_up: Called when the standby begins to speak: what stands open is told at once, not at the next check.
    """

    def __init__(
        self,
        primary: Primary,
        *,
        clock: Clock,
        settle: Callable[[list[Finding]], Awaitable[None]],
        speak_up: Callable[[], None],
        every_s: float = 1.0,
    ) -> None:
        self._primary, self._clock, self._settle = primary, clock, settle
        self._speak_up, self._every_s = speak_up, every_s

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(self._every_s)

    async def look(self) -> None:
        """One look."""
        spoke = self._primary.speaks
        finding = self._primary.look()
        await self._settle([finding])
        if self._primary.speaks and not spoke:
            self._speak_up()
