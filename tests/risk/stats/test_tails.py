"""What must hold for any sample: shortfall beyond the quantile, quantiles that grow with confidence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from risk.errors import BadParameter, BadSeries, NotEnoughData
from risk.margin.book import FloatArray
from risk.stats import evt, tails

PNL = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=2, max_size=80).map(np.array)
CONFIDENCE = st.floats(0.9, 0.999)


@given(PNL, CONFIDENCE)
def test_the_shortfall_is_never_below_the_quantile(pnl: FloatArray, confidence: float) -> None:
    tail = tails.historical(pnl, confidence)
    assert tail.es >= tail.var - 1e-6


@given(PNL, CONFIDENCE, CONFIDENCE)
def test_the_historical_quantile_grows_with_confidence(pnl: FloatArray, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert tails.historical(pnl, high).var >= tails.historical(pnl, low).var - 1e-6


@given(PNL, CONFIDENCE, st.floats(0.01, 100))
def test_twice_the_book_is_twice_the_risk(pnl: FloatArray, confidence: float, factor: float) -> None:
    one, many = tails.historical(pnl, confidence), tails.historical(pnl * factor, confidence)
    assert many.var == pytest.approx(one.var * factor, rel=1e-9, abs=1e-6)
    assert many.es == pytest.approx(one.es * factor, rel=1e-9, abs=1e-6)


@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)), min_size=20, max_size=60))
def test_two_books_together_fall_short_of_no_more_than_apart(pairs: list[tuple[float, float]]) -> None:
    """The mean of the worst k days is subadditive; the quantile itself is not."""
    first, second = np.array(pairs).T
    worst = len(pairs) // 10 + 1

    def mean_of_worst(pnl: FloatArray) -> float:
        return -float(np.sort(pnl)[:worst].mean())

    assert mean_of_worst(first + second) <= mean_of_worst(first) + mean_of_worst(second) + 1e-6


@given(st.floats(0.001, 10), st.floats(2.1, 100), CONFIDENCE)
def test_closed_forms_have_their_shortfall_beyond_the_quantile(sigma: float, nu: float, confidence: float) -> None:
    normal, student = tails.normal(0.0, sigma, confidence), tails.student(0.0, sigma, nu, confidence)
    assert normal.es > normal.var > 0
    assert student.es > student.var > 0


@given(st.floats(-3, 3), st.floats(-2, 20))
def test_the_expansion_is_used_only_where_it_rises(skewness: float, kurtosis: float) -> None:
    z = np.linspace(-8, 8, 4_001)
    rising = bool((np.diff(tails.cornish_fisher_quantile(z, skewness, kurtosis)) > 0).all())
    if tails.cornish_fisher_valid(skewness, kurtosis):
        assert rising


def test_the_shortfall_of_the_expansion_is_the_mean_of_its_quantiles() -> None:
    of = tails.Moments(mean=0.001, sigma=0.02, skewness=-0.3, excess_kurtosis=1.5)
    z = norm.ppf((np.arange(100_000) + 0.5) / 100_000 * 0.05)
    quantiles = tails.cornish_fisher_quantile(z, of.skewness, of.excess_kurtosis)
    by_hand = -float(np.mean(of.mean + of.sigma * quantiles))
    assert tails.cornish_fisher_es(of, 0.95) == pytest.approx(by_hand, rel=2e-3)


def test_the_interval_of_a_quantile_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    truth, covered = 1.6448536, 0
    for _ in range(400):
        low, high = tails.historical_interval(random.standard_normal(500), 0.95)
        covered += low <= truth <= high
    assert 0.86 <= covered / 400 <= 0.96


def test_degrees_of_freedom_are_found_again() -> None:
    sample = np.random.default_rng(3).standard_t(4.0, 20_000)
    assert tails.fit_degrees_of_freedom(sample) == pytest.approx(4.0, rel=0.1)
    assert tails.fit_degrees_of_freedom(np.random.default_rng(3).standard_normal(20_000)) > 30


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.3])
def test_a_pareto_tail_is_found_again(shape: float) -> None:
    random = np.random.default_rng(11)
    uniform = random.random(40_000)
    losses = -np.log(uniform) if shape == 0 else (uniform**-shape - 1) / shape
    tail = evt.fit_tail(losses, quantile=0.9)
    assert tail.shape == pytest.approx(shape, abs=0.05)
    exact = -np.log(0.001) if shape == 0 else (0.001**-shape - 1) / shape
    assert tail.var(0.999) == pytest.approx(exact, rel=0.05)
    assert tail.es(0.999) > tail.var(0.999)


def test_a_confidence_inside_the_data_is_not_read_from_the_tail() -> None:
    tail = evt.fit_tail(np.random.default_rng(1).standard_normal(1_000))
    with pytest.raises(BadParameter, match="lies within"):
        tail.var(0.90)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: tails.historical(np.array([1.0, np.nan]), 0.95), BadSeries, "observation 1 is not a finite number"),
        (lambda: tails.historical(np.array([]), 0.95), NotEnoughData, "0 of 1"),
        (lambda: tails.normal(0.0, 1.0, 1.0), BadParameter, "0.5 to 0.9999"),
        (lambda: tails.student(0.0, 1.0, 2.0, 0.95), BadParameter, "must exceed 2"),
        (lambda: evt.fit_tail(np.arange(100.0)), NotEnoughData, "100 of 400"),
    ],
)
def test_questions_without_an_answer_say_what_would_have_one(call: object, error: type[Exception], words: str) -> None:
    assert callable(call)
    with pytest.raises(error, match=words):
        call()
