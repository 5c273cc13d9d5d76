"""What a chart of the tiers that were told is drawn from."""

from dataclasses import dataclass

from risk.decisions.tiers import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """How long a tier stood, Unix seconds."""

    start_s: float
    end_s: float
    tier: Tier
