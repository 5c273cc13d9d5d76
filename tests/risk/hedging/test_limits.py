"""A limit that a trade would break is told apart from one that was broken before it."""

import numpy as np
import pytest

from risk.hedging.steps import Standing, broken_limit
from risk.model.limits import RiskLimits

LIMITS = RiskLimits(
    max_portfolio_leverage=5.0, max_position_size_usd=50_000.0, max_position_size_percent=0.3, min_health_ratio=150.0
)


def standing(leverage: float = 2.0, ratio: float = 300.0, sol_usd: float = 1_000.0) -> Standing:
    return Standing(
        equity_usd=10_000.0, leverage=leverage, ratio_percent=ratio, free_usd=np.array([1_000.0]),
        notional_usd={"SOL-PERP": sol_usd},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "after", "said"),
    [
        (standing(), standing(leverage=6.0), "leverage would pass its limit of 5x"),
        (standing(leverage=9.3), standing(leverage=9.5), "leverage is past its limit of 5x already, and would grow"),
        (standing(), standing(ratio=140.0), "the health ratio would fall below its limit of 150%"),
        (
            standing(ratio=145.0), standing(ratio=140.0),
            "the health ratio is below its limit of 150% already, and would fall further",
        ),
        (standing(), standing(sol_usd=4_000.0), "the position in SOL-PERP would pass 30% of equity"),
        (
            standing(sol_usd=38_000.0), standing(sol_usd=40_000.0),
            "the position in SOL-PERP is past 30% of equity already, and would grow",
        ),
        (standing(), standing(sol_usd=60_000.0), "the position in SOL-PERP would pass its limit of 50,000 USD"),
        (standing(leverage=9.3), standing(leverage=9.2), ""),
    ],
)  # fmt: skip
def test_what_was_broken_before_is_not_said_to_be_broken_now(first: Standing, after: Standing, said: str) -> None:
    assert broken_limit(LIMITS, first, after, "SOL-PERP") == said
