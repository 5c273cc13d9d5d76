"""When somebody was first warned how badly. Pure."""

from collections.abc import MutableMapping
from typing import TypeVar

from risk.decisions.tiers import LADDER, Tier

Moment = TypeVar("Moment")


def note(firsts: MutableMapping[Tier, Moment], tier: Tier, at: Moment) -> None:
    """Enter the tier that stands at a moment.

    Who is warned at CRITICAL is warned at HIGH as well, though HIGH was jumped over. That liquidation has begun is no
    warning of anything milder; nor is UNKNOWN.
    """
    if tier in (Tier.LIQUIDATING, Tier.UNKNOWN):
        firsts.setdefault(tier, at)
        return
    for step in LADDER:
        if step.value <= tier.value:
            firsts.setdefault(step, at)
