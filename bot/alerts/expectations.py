"""People say what will happen, so that it is no alarm when it does. That they said so is told to everybody at once:
whoever did not mean it, or did not do it, must see it before it counts. What is told is stored for everybody, so it is
written for nobody in particular, whoever spoke."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from bot.alerts import money_words as money
from bot.alerts.findings import Finding
from bot.roster import short
from bot.text.ages import day_and_moment
from bot.text.clean import name, sentence
from bot.text.reader import PLAIN, reading_as
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind
from risk.ports import Clock
from storage import Announcement, Announcements, LinkedPerson

_WORDS = {EventKind.WITHDRAWAL: "a withdrawal", EventKind.TRANSFER_OUT: "a transfer"}


class Expectations:
    """What was announced and is not over.

    Args:
        settle: Makes findings durable, and tells them.
    """

    def __init__(
        self,
        *,
        announcements: Announcements,
        settle: Callable[[Sequence[Finding]], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._announcements, self._settle, self._clock = announcements, settle, clock

    async def announce(
        self, account_id: str, kind: EventKind, until: datetime, person: LinkedPerson, *, amount_usd: float = 0.0,
        counterpart: str = "",
    ) -> Announcement:  # fmt: skip
        """From now until then."""
        made = await self._announcements.announce(
            account_id=account_id, kind=kind, amount_usd=amount_usd, counterpart=counterpart,
            from_at=self._clock.now(), until_at=until, announced_by=person.person_id,
        )  # fmt: skip
        with reading_as(PLAIN):
            said = f"{what(made)} until {day_and_moment(until)}"
        await self._tell(made, f"{name(person.display_name)} expects {said}")
        return made

    async def standing(self) -> tuple[Announcement, ...]:
        """Those that may still happen, oldest first."""
        found = await self._announcements.standing(self._clock.now())
        return tuple(one for one in found if one.left_usd > 0 or not one.amount_usd)

    async def take_back(self, announcement_id: int, person: LinkedPerson) -> Announcement | None:
        """It will not happen; None where nothing of that number stands."""
        taken = await self._announcements.withdraw(announcement_id, self._clock.now())
        if taken is not None:
            with reading_as(PLAIN):
                said = what(taken)
            await self._tell(taken, f"{name(person.display_name)} no longer expects {said}")
        return taken

    async def _tell(self, announcement: Announcement, fact: str) -> None:
        subject = f"expected:{announcement.announcement_id}"
        cause = Cause(kind=CauseKind.EVENT, account_id=announcement.account_id, subject=subject)
        await self._settle([Finding(cause=cause, tier=Tier.WATCH, fact=fact, passing=True)])


def what(announcement: Announcement) -> str:
    """What is expected, behind "expects"."""
    if announcement.kind in _WORDS:
        amount, left = money.dollars(announcement.amount_usd), money.dollars(announcement.left_usd)
        rest = "" if announcement.left_usd == announcement.amount_usd else f", of which {left} is left"
        return f"{_WORDS[announcement.kind]} of up to {amount}{rest}"
    if announcement.kind is EventKind.SUB_ACCOUNT_CREATED:
        return "another account of the same owner"
    if not announcement.counterpart:
        return "the delegate to be removed"
    return f"{short(sentence(announcement.counterpart))} to become delegate"
