"""Which method is shown, and whether it won or is the default among near ties; what fits say of themselves."""

import numpy as np
import pytest

from risk.model.metrics import VaRMethod
from risk.stats.backtest import BacktestResult, LikelihoodRatio
from risk.stats.backtest import backtest as judge
from risk.stats.dcc import fit_dcc
from risk.stats.garch import fit_garch
from risk.stats.rolling import Choice, best_method, choose
from tests.risk.histories import correlated

FINE, REFUTED = LikelihoodRatio(statistic=0.0, p_value=0.9), LikelihoodRatio(statistic=9.0, p_value=0.001)


def cells(passed: int, loss: float) -> list[BacktestResult]:
    """Two, of which so many pass."""
    return [
        BacktestResult(
            confidence=0.95, n=300, violations=15, expected=15.0, coverage=ratio, independence=ratio, conditional=ratio,
            acerbi_szekely=0.0, es_p_value=0.5, quantile_loss=loss,
        )
        for ratio in [FINE] * passed + [REFUTED] * (2 - passed)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("filtered", "evt", "method", "near_tie"),
    [
        (cells(2, 1.0), cells(2, 1.1), VaRMethod.FILTERED, False),
        (cells(2, 1.0), cells(2, 0.99), VaRMethod.FILTERED, True),
        (cells(1, 1.0), cells(2, 0.99), VaRMethod.FILTERED, True),
        (cells(2, 1.0), cells(1, 0.5), VaRMethod.FILTERED, False),
        (cells(2, 1.0), cells(2, 0.9), VaRMethod.EVT, False),
        (cells(0, 1.0), cells(2, 1.0), VaRMethod.EVT, False),
    ],
)
def test_the_default_among_near_ties_is_no_winner(
    filtered: list[BacktestResult], evt: list[BacktestResult], method: VaRMethod, near_tie: bool
) -> None:
    judged = {VaRMethod.FILTERED: filtered, VaRMethod.EVT: evt}
    assert choose(judged) == Choice(method=method, near_tie=near_tie)
    assert best_method(judged) is method


def test_what_was_expected_is_a_number_to_be_read() -> None:
    pnl = np.random.default_rng(0).standard_normal(760)
    assert [str(judge(pnl, np.full(760, 2.0), level).expected) for level in (0.99, 0.95)] == ["7.6", "38.0"]


def test_a_fit_says_what_it_is_in_a_few_words() -> None:
    returns = correlated(600, (0.02, 0.04), 0.6, seed=5)
    for fit in (fit_garch(returns[:, 0]), fit_dcc(returns)):
        assert "converged=" in repr(fit)
        assert "array(" not in repr(fit)
        assert len(repr(fit)) < 400
