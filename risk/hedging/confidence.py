"""How far a hedge can be relied on: three parts from 0 to 1, of which the least counts. See docs/hedging.md."""

from collections.abc import Mapping, Sequence

from risk.hedging.steps import Step
from risk.hedging.walk import IMPACT_BOUND_FRAC, takes_base
from risk.model.trading import MarketDepth

R2, DATA_AGE, DEPTH = "r2", "data age", "depth"
FRESH_HISTORY_S, OLD_HISTORY_S = 86_400.0, 7 * 86_400.0
FRESH_BOOK_S, OLD_BOOK_S = 10.0, 120.0


def aged(age_s: float, fresh_s: float, old_s: float) -> float:
    """1 up to an age, 0 from another on, a straight line between.

    >>> aged(5, 10, 120), aged(65, 10, 120), aged(500, 10, 120)
    (1.0, 0.5, 0.0)
    """
    return min(1.0, max(0.0, 1.0 - (age_s - fresh_s) / (old_s - fresh_s)))


def confidence(
    *, r2: float, book_age_s: float, history_age_s: float | None, steps: Sequence[Step],
    depths: Mapping[str, MarketDepth],
) -> dict[str, float]:  # fmt: skip
    """The parts.

    Args:
        r2: Share of the variance to be hedged that the hedge explains; 1 where every asset is hedged in itself.
        book_age_s: Of the account and of the oldest depth.
        history_age_s: Since the last bar closed; None where the strategy needs none.
    """
    age = aged(book_age_s, FRESH_BOOK_S, OLD_BOOK_S)
    if history_age_s is not None:
        age = min(age, aged(history_age_s, FRESH_HISTORY_S, OLD_HISTORY_S))
    return {R2: min(1.0, max(0.0, r2)), DATA_AGE: age, DEPTH: depth_part(steps, depths)}


def depth_part(steps: Sequence[Step], depths: Mapping[str, MarketDepth]) -> float:
    """The least share of a trade that its market takes within 1 % of its best price; 1 without trades."""
    shares = [
        takes_base(depths[step.part.market], step.part.side, IMPACT_BOUND_FRAC) / step.size_base for step in steps
    ]
    return min([1.0, *shares])
