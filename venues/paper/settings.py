"""What the paper venue needs to know."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSettings:
    """How a simulated market behaves. ``seed`` makes its prices repeatable."""

    seed: int = 1
