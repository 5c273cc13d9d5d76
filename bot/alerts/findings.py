"""What jobs hand to the incident desk."""

from dataclasses import dataclass

from risk.decisions.incidents import Cause
from risk.decisions.tiers import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look says of one cause. Tier.OK says that it is over, or never was.

    Attributes:
        passing: Nothing that stands: told once, and stored as over.
        market: What it is about, for those who do not want to hear of it; empty for everything else.
        remedy: What would end it, one plain sentence; empty where an account's margin figures say so.
        events: Numbers of the logged events that it tells: from when it is stored they count as told.
    """

    cause: Cause
    tier: Tier
    fact: str = ""
    passing: bool = False
    market: str = ""
    remedy: str = ""
    events: tuple[int, ...] = ()
