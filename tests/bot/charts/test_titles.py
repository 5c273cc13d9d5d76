"""The title of a chart is the answer."""

import math
from datetime import timedelta

import numpy as np
import pytest

from bot.charts import MarketDistance, NotEnoughPoints, distance_title, equity_title, health_title
from risk.decisions.tiers import Tier, TierThresholds
from tests.bot.charts.builders import START, every, make_market

DAY = every(3_600, 25)


def rising(start: float, end: float) -> list[float]:
    return [float(value) for value in np.linspace(start, end, 25)]


@pytest.mark.parametrize(
    ("equity", "title"),
    [
        (rising(10_000, 10_240), "Equity $10,240, +2.4% in 24 h"),
        (rising(10_000, 9_760), "Equity $9,760, -2.4% in 24 h"),
        ([500.0] * 25, "Equity $500, unchanged in 24 h"),
        (rising(2_000, -820), "Equity -$820, -$2,820 in 24 h"),  # no percentage of what is gone
        (rising(-500, 500), "Equity $500, +$1,000 in 24 h"),
        (rising(1, 5_000), "Equity $5,000, +$4,999 in 24 h"),  # +499,900% would say less
    ],
)
def test_equity_says_value_and_change(equity: list[float], title: str) -> None:
    assert equity_title(DAY, equity) == title


def test_one_point_has_no_change() -> None:
    assert equity_title([START], [12.34]) == "Equity $12.34"


def test_money_paid_in_is_no_gain() -> None:
    deposits = [0.0] * 12 + [5_000.0] * 13
    equity = [1_000 + deposit for deposit in deposits]
    equity[-1] -= 40

    assert equity_title(DAY, equity, net_deposits_usd=deposits) == "Equity $5,960, -$40.00 in 24 h, deposits aside"
    assert equity_title(DAY[::-1], equity[::-1], net_deposits_usd=deposits[::-1]).endswith("deposits aside")


def test_deposits_before_the_window_change_nothing() -> None:
    assert equity_title(DAY, rising(100, 110), net_deposits_usd=[90.0] * 25) == "Equity $110, +10.0% in 24 h"


def test_equity_that_is_not_known_now_is_not_shown_as_if_it_were() -> None:
    late = DAY[-1] + timedelta(hours=8)

    assert equity_title(DAY, rising(100, 110), now=late) == "Equity unknown for 8 h 00 min, last $110"
    assert equity_title(DAY, [*rising(100, 110)[:-1], math.inf]).startswith("Equity unknown for 1 h 00 min, last")


@pytest.mark.parametrize(
    ("ratio", "title"),
    [
        (299.96, "Health ratio 299.9%, OK"),
        (250.0, "Health ratio 250.0%, OK"),
        (199.99, "Health ratio 199.9%, WARNING"),
        (119.9, "Health ratio 119.9%, CRITICAL"),
        (99.99, "Health ratio 99.9%, LIQUIDATING"),
        (math.inf, "No margin required, OK"),
    ],
)
def test_health_says_ratio_and_tier(ratio: float, title: str) -> None:
    assert health_title([START], [ratio], TierThresholds()) == title


def test_the_tier_with_its_memory_comes_from_the_caller() -> None:
    title = health_title([START], [151.0], TierThresholds(), tier=Tier.HIGH)

    assert title == "Health ratio 151.0%, HIGH"


def test_unknown_health_names_no_tier_whatever_it_was() -> None:
    title = health_title(every(60, 3), [300, 290, math.nan], TierThresholds(), tier=Tier.OK)

    assert title == "Health unknown for 60 s, last 290.0%"


@pytest.mark.parametrize(
    ("markets", "title"),
    [
        (
            [make_market("SOL-PERP"), make_market("BTC-PERP", price_usd=105_877.21, liquidation_usd=101_532.646123)],
            "BTC-PERP liquidates 4.1% lower, at 101,532.7",
        ),
        ([make_market("SOL-PERP", liquidation_usd=180.0)], "SOL-PERP liquidates 20.0% higher, at 180.00"),
        ([make_market("USDC", liquidation_usd=None)], "No market liquidates by its own price"),
        ([make_market(), make_market("BTC-PERP", already=True)], "The account can be liquidated now"),
        ([make_market("BTC-PERP", already=True, isolated=True)], "BTC-PERP can be liquidated now"),
    ],
)
def test_distance_says_what_liquidates_first(markets: list[MarketDistance], title: str) -> None:
    assert distance_title(markets) == title


def test_a_liquidation_price_is_never_shown_further_away_than_it_is() -> None:
    below = distance_title([make_market(price_usd=100.0, liquidation_usd=90.00001)])
    above = distance_title([make_market(price_usd=100.0, liquidation_usd=109.99999)])

    assert below.endswith("9.9% lower, at 90.001")
    assert above.endswith("9.9% higher, at 109.99")


def test_without_a_market_there_is_no_title() -> None:
    with pytest.raises(NotEnoughPoints, match="No position or balance is open"):
        distance_title([])
