"""Figures that pages and answers state. Whoever changes one changes what people are told, and does it here as well."""

import inspect

import pytest

from risk.margin.paths import DEFAULT_PATHS, Diffusion, Jumps, simulate_hits
from risk.margin.stress import WORST_DAY_2025_10_10, Scenario
from risk.margin.trade import TAKER_FEE_FRAC


def default_of(function: object, name: str) -> object:
    assert callable(function)
    return inspect.signature(function).parameters[name].default


@pytest.mark.parametrize(("asset", "move_frac"), [("BTC", -0.169), ("ETH", -0.242), ("SOL", -0.336), ("BNB", -0.312)])
def test_the_worst_day_on_record_is_what_the_bars_of_that_day_show(asset: str, move_frac: float) -> None:
    assert WORST_DAY_2025_10_10[asset] == move_frac
    assert len(WORST_DAY_2025_10_10) == 4


def test_prices_jump_twice_a_year_by_fifteen_percent_three_of_four_times_down() -> None:
    assert (Jumps().per_year, Jumps().mean_frac, Jumps().down_share) == (2.0, 0.15, 0.75)


def test_tails_are_those_of_five_degrees_of_freedom_unless_somebody_measured_them() -> None:
    assert default_of(Diffusion, "degrees_of_freedom") == 5.0


def test_a_probability_is_told_for_an_hour_a_day_and_a_week_from_ten_thousand_paths_that_are_always_the_same() -> None:
    assert default_of(simulate_hits, "horizons_hours") == (1.0, 24.0, 168.0)
    assert default_of(simulate_hits, "paths") == DEFAULT_PATHS == 10_000
    assert default_of(simulate_hits, "seed") == 0


def test_a_scenario_pays_no_funding_unless_it_says_so() -> None:
    assert default_of(Scenario, "funding_hours") == 0.0


def test_an_estimate_pays_the_fee_of_the_highest_tier() -> None:
    assert TAKER_FEE_FRAC == 0.001
