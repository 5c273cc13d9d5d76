"""What a check finds of the clock, by the time others wrote on their answers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.checking.facts import Fact, advice, ok, wrong

_BEARABLE_S, _TOO_FAR_S = 3.0, 20.0
_DATE_ROUNDING_S = 1.0  # the header has whole seconds
_REMEDY = "let the machine set its clock: timedatectl set-ntp true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Somebody who said what time it is.

    Attributes:
        said: Their time.
        earliest: Ours when we asked, and ``latest`` when they had answered.
        spread_s: How far their word may be off by itself.
    """

    who: str
    said: datetime
    earliest: datetime
    latest: datetime
    spread_s: float = _DATE_ROUNDING_S

    @property
    def apart_s(self) -> float:
        """How far our clock is ahead of theirs at least; negative for behind, 0 where they may agree."""
        ahead = (self.earliest - self.said).total_seconds() - self.spread_s
        behind = (self.said - self.latest).total_seconds() - self.spread_s
        return ahead if ahead > 0 else -behind if behind > 0 else 0.0


def date_of(header: str) -> datetime | None:
    """The moment in a Date header; None for none.

    >>> date_of("Mon, 05 Jan 2026 12:00:00 GMT"), date_of("yesterday")
    (datetime.datetime(2026, 1, 5, 12, 0, tzinfo=datetime.timezone.utc), None)
    """
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except (ValueError, TypeError):
        return None


def clock(witnesses: list[Witness]) -> Fact:
    """Whether our clock agrees with most of them."""
    if not witnesses:
        return advice("clock", "nobody was there to compare with", "run keel check again when something answers")
    by_size = sorted(witnesses, key=lambda one: abs(one.apart_s))
    # The middle one: a single witness with a wrong clock convinces nobody.
    witness = by_size[(len(by_size) - 1) // 2]
    apart_s = witness.apart_s
    if abs(apart_s) <= _BEARABLE_S:
        return ok("clock", f"agrees with {witness.who}")
    side = "ahead of" if apart_s > 0 else "behind"
    text = f"{abs(apart_s):.0f} s {side} {witness.who}"
    return wrong("clock", text, _REMEDY) if abs(apart_s) > _TOO_FAR_S else advice("clock", text, _REMEDY)
