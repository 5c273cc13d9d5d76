"""Matrices stay what they are called: correlations positive semi-definite, shrinkage as published."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.errors import BadParameter, BadSeries
from risk.margin.book import FloatArray
from risk.stats.exposure import correlated_exposure
from risk.stats.matrices import (
    checked_correlation,
    correlation_of,
    ledoit_wolf,
    nearest_correlation,
    root_of,
    towards_one,
)

seeds = st.integers(0, 10_000)


def returns(seed: int, n: int = 60, k: int = 4) -> FloatArray:
    random = np.random.default_rng(seed)
    return random.standard_normal((n, k)) @ random.standard_normal((k, k))


def least_eigenvalue(matrix: FloatArray) -> float:
    return float(np.linalg.eigvalsh((matrix + matrix.T) / 2)[0])


@given(seed=seeds)
def test_a_covariance_scales_to_numpys_correlation(seed: int) -> None:
    series = returns(seed)
    assert correlation_of(np.cov(series.T)) == pytest.approx(np.corrcoef(series.T), abs=1e-12)


def test_an_asset_that_stands_still_correlates_with_nothing() -> None:
    assert correlation_of(np.array([[4.0, 0.0], [0.0, 0.0]])).tolist() == [[1.0, 0.0], [0.0, 1.0]]


@given(seed=seeds, noise=st.floats(0, 1.5))
def test_the_nearest_correlation_is_one_and_leaves_a_good_one_alone(seed: int, noise: float) -> None:
    random = np.random.default_rng(seed)
    good = np.asarray(np.corrcoef(returns(seed).T))
    assert nearest_correlation(good) is good
    push = random.uniform(-noise, noise, good.shape)
    bad = np.clip(good + np.triu(push, 1) + np.triu(push, 1).T, -1, 1)
    mended = nearest_correlation(bad)
    assert least_eigenvalue(mended) > -1e-10
    assert np.diag(mended) == pytest.approx(np.ones(4))


@given(seed=seeds, share=st.floats(0, 1))
def test_towards_one_every_correlation_rises_and_the_matrix_stays_one(seed: int, share: float) -> None:
    before = np.asarray(np.corrcoef(returns(seed).T))
    after = towards_one(before, share)
    assert (after >= before - 1e-12).all()
    assert least_eigenvalue(after) > -1e-9
    assert np.diag(after) == pytest.approx(np.ones(4))


def test_the_ends_of_the_slider_are_the_matrix_and_one_asset() -> None:
    before = np.array([[1.0, 0.2], [0.2, 1.0]])
    assert towards_one(before, 0.0) == pytest.approx(before)
    assert towards_one(before, 1.0) == pytest.approx(np.ones((2, 2)))
    with pytest.raises(BadParameter, match="between 0 and 1"):
        towards_one(before, 1.1)


@given(seed=seeds, rank=st.integers(1, 4))
def test_a_root_gives_the_matrix_back_even_where_it_is_singular(seed: int, rank: int) -> None:
    factor = np.random.default_rng(seed).standard_normal((4, rank))
    matrix = factor @ factor.T
    root = root_of(matrix)
    assert root @ root.T == pytest.approx(matrix, abs=1e-6)


def shrunk_by_the_paper(series: FloatArray) -> tuple[FloatArray, float]:
    """Ledoit and Wolf 2004, lemma 3.2 to 3.5, observation by observation."""
    x = series - series.mean(axis=0)
    n, k = x.shape
    sample = x.T @ x / n
    mu = np.trace(sample) / k
    d2 = np.sum((sample - mu * np.eye(k)) ** 2) / k
    b2 = sum(np.sum((np.outer(row, row) - sample) ** 2) / k for row in x) / n**2
    intensity = min(b2, d2) / d2
    return intensity * mu * np.eye(k) + (1 - intensity) * sample, float(intensity)


@given(seed=seeds, n=st.integers(5, 200))
def test_shrinkage_is_ledoit_and_wolfs(seed: int, n: int) -> None:
    series = returns(seed, n)
    expected, intensity = shrunk_by_the_paper(series)
    found = ledoit_wolf(series)
    assert found.intensity_frac == pytest.approx(intensity, abs=1e-9)
    assert found.covariance == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert 0 <= found.intensity_frac <= 1


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ([[1.0, 0.5]], "square"),
        ([[2.0, 0.5], [0.5, 2.0]], "ones on the diagonal"),
        ([[1.0, 0.5], [0.4, 1.0]], "symmetric"),
        ([[1.0, 1.5], [1.5, 1.0]], "between -1 and 1"),
        ([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]], "contradict each other"),
    ],
)
def test_what_is_no_correlation_matrix_is_refused(matrix: list[list[float]], words: str) -> None:
    with pytest.raises(BadSeries, match=words):
        checked_correlation(np.array(matrix))


# How much of a book is one bet.

THREE = np.array([[1.0, 0.8, 0.1], [0.8, 1.0, 0.1], [0.1, 0.1, 1.0]])


@pytest.mark.parametrize(
    ("notional", "sigmas", "share"),
    [
        ((600.0, 400.0, 0.0), (1, 1, 1), 0.92),  # 600 and 0.8 of 400, of 1,000
        ((600.0, 0.0, 400.0), (1, 1, 1), 0.6),  # the third moves by itself
        ((600.0, -400.0, 0.0), (1, 1, 1), 0.6),  # the other way is a hedge, not the same bet
        ((-600.0, -400.0, 0.0), (1, 1, 1), 0.92),
        ((500.0, 500.0, 0.0), (1, 3, 1), 0.95),  # a dollar of what moves three times as much counts thrice
    ],
)
def test_exposure_is_what_moves_with_the_largest_position(
    notional: tuple[float, ...], sigmas: tuple[float, ...], share: float
) -> None:
    found = correlated_exposure(np.array(notional), THREE, np.array(sigmas, np.float64))
    assert found == pytest.approx(share)


def test_a_single_bet_has_no_concentration_and_dust_makes_no_second_one() -> None:
    ones = np.ones(3)
    assert correlated_exposure(np.array([600.0, 0.0, 0.0]), THREE, ones) is None
    assert correlated_exposure(np.array([600.0, 5.0, 0.0]), THREE, ones) is None
    assert correlated_exposure(np.zeros(3), THREE, ones) is None
    assert correlated_exposure(np.array([600.0, 400.0, 0.0]), THREE, np.zeros(3)) is None


@given(seed=seeds, scale=st.floats(0.01, 100))
def test_exposure_is_a_share_that_scale_and_order_do_not_change(seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    series = returns(seed)
    weights, matrix, sigmas = random.standard_normal(4) * 100, np.asarray(np.corrcoef(series.T)), series.std(axis=0)
    found = correlated_exposure(weights, matrix, sigmas)
    if found is None:
        return
    assert 0 < found <= 1 + 1e-12
    assert correlated_exposure(weights * scale, matrix, sigmas) == pytest.approx(found)
    order = random.permutation(4)
    mixed = correlated_exposure(weights[order], matrix[np.ix_(order, order)], sigmas[order])
    assert mixed == pytest.approx(found)
