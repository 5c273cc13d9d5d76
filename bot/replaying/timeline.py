"""Which tier stood when, as one line of letters for a terminal. Pure."""

from collections.abc import Sequence
from datetime import datetime

from bot.text.ages import age
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier

_LETTERS = {
    Tier.OK: ".", Tier.WATCH: "w", Tier.WARNING: "W", Tier.HIGH: "H", Tier.CRITICAL: "C", Tier.LIQUIDATING: "L",
    Tier.UNKNOWN: "?",
}  # fmt: skip


def timeline(told: Sequence[tuple[datetime, Tier]], end: datetime, *, columns: int) -> tuple[str, str]:
    """(letters, what they mean): each letter the worst tier of its stretch of time.

    Args:
        told: The tier that stood, from when on; at least one.
    """
    begin = told[0][0]
    whole_s = (end - begin).total_seconds()
    if not whole_s:
        return _LETTERS[told[-1][1]], told[-1][1].name
    worst: list[Tier | None] = [None] * columns
    for (at, tier), until in zip(told, [*(at for at, _ in told[1:]), end], strict=True):
        first, last = (int((one - begin).total_seconds() / whole_s * columns) for one in (at, until))
        first = min(first, columns - 1)
        for column in range(first, min(max(last, first) + 1, columns)):
            before = worst[column]
            if before is None or severity(tier) > severity(before):
                worst[column] = tier
    stood = {tier for _, tier in told}
    meaning = ", ".join(f"{letter} {tier.name}" for tier, letter in _LETTERS.items() if tier in stood)
    return "".join(_LETTERS[tier or Tier.OK] for tier in worst), f"{age(whole_s / columns)} a letter: {meaning}"
