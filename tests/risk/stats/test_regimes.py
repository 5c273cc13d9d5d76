"""Regimes of a correlation: two are found where there are two, and none are made up where there is one."""

import numpy as np
import pytest

from risk import CorrelationModel
from risk.margin.book import FloatArray

MODEL = CorrelationModel()
HALF = 350


def pair(seed: int, *, before: float, after: float) -> tuple[FloatArray, FloatArray]:
    """700 days with fat tails whose correlation changes in the middle."""
    random = np.random.default_rng(seed)
    x, noise = random.standard_normal((2, 2 * HALF))
    mixing = np.sqrt(3.0 / random.chisquare(5, 2 * HALF)) * 0.03
    level = np.where(np.arange(2 * HALF) < HALF, before, after)
    return x * mixing, (level * x + np.sqrt(1 - level**2) * noise) * mixing


@pytest.mark.parametrize("seed", range(4))
async def test_a_change_is_found_where_it_is(seed: int) -> None:
    x, y = pair(seed, before=0.7, after=-0.2)
    found = await MODEL.regimes(x, y)
    assert found.distinct
    assert found.correlations == pytest.approx((-0.2, 0.7), abs=0.2)
    assert found.high_probability[50:HALF].mean() > 0.8 > 0.2 > found.high_probability[HALF + 30 :].mean()
    changes = await MODEL.change_points(x, y)
    assert any(abs(change + 15 - HALF) < 30 for change in changes)  # a window of 30 is half new after 15 days


async def test_one_regime_is_not_taken_for_two() -> None:
    alarms = changes = 0
    for seed in range(12):
        x, y = pair(seed, before=0.6, after=0.6)
        alarms += (await MODEL.regimes(x, y)).distinct
        changes += bool(await MODEL.change_points(x, y))
    assert alarms == 0
    assert changes <= 1


async def test_probabilities_are_of_each_day_and_between_zero_and_one() -> None:
    x, y = pair(9, before=0.9, after=0.1)
    found = await MODEL.regimes(x, y)
    assert found.high_probability.shape == x.shape
    assert ((found.high_probability >= 0) & (found.high_probability <= 1)).all()
    assert found.correlations[0] <= found.correlations[1]
    assert found.nu > 2


def test_the_slider_reaches_from_what_is_to_one() -> None:
    now = np.array([[1.0, -0.4], [-0.4, 1.0]])
    assert MODEL.stressed(now, 0.0) == pytest.approx(now)
    assert MODEL.stressed(now, 0.5)[0, 1] == pytest.approx(0.3)
    assert MODEL.stressed(now, 1.0) == pytest.approx(np.ones((2, 2)))
