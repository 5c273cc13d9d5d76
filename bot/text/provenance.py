"""Where the numbers of a reply come from: the line every reply ends with."""

from typing import Final

from bot.text.ages import age_of_data
from bot.text.clean import name
from bot.text.numbers import count

SEPARATOR: Final = " · "


def provenance(*, account: str, age_s: float | None, slot: int | None = None, stale: bool = False) -> str:
    """Account, age of the data and slot, in one line.

    Args:
        account: Nickname or short address, as it came; cleaned here.
        age_s: Since the venue was read; None where it never was.
        slot: None where the venue has none.
        stale: Whether the data is too old to be relied on; the caller knows the limit.

    >>> provenance(account="main", age_s=3, slot=348900662)
    'main · 3 s old · slot 348,900,662'
    """
    parts = [name(account), "no data" if age_s is None else age_of_data(age_s, stale=stale)]
    if slot is not None:
        parts.append(f"slot {count(slot)}")
    return SEPARATOR.join(parts)
