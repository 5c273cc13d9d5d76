"""Changes of risk in words: the figure within the first ones, whatever is known of yesterday."""

import math

import pytest

from bot.alerts.change_words import changed, meaning, settled
from risk.decisions.tiers import Tier
from risk.model.changes import RiskChange, RiskMeasure


def change(measure: RiskMeasure, now: float, before: float = math.nan, *, shown: float | None = None) -> RiskChange:
    told = now if shown is None else shown
    return RiskChange(measure=measure, tier=Tier.WARNING, before=before, now=now, shown=told, limit=math.nan)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (change(RiskMeasure.VAR, 0.08, 0.05, shown=0.087), "VaR 8.7% of equity, 1.6x yesterday's"),
        (change(RiskMeasure.VAR, 0.08), "VaR 8.0% of equity"),
        (change(RiskMeasure.VAR, math.nan, 0.05), "VaR - of equity"),
        (change(RiskMeasure.VOLATILITY, 0.921, 0.61), "volatility 93% a year, 61% yesterday"),
        (change(RiskMeasure.CORRELATION, 0.851, 0.52), "correlation 0.85, 0.52 yesterday"),
        (change(RiskMeasure.BETA, 2.1, 1.0), "beta to SOL 2.10, 1.00 yesterday"),
        (change(RiskMeasure.LEVERAGE, 4.1, 2.0), "leverage 4.1x, 2.0x yesterday"),
        (change(RiskMeasure.FUNDING, 0.0041, 0.0), "funding costs 0.41% of equity a day"),
        (change(RiskMeasure.FUNDING, 0.012, 0.0), "funding costs 1.2% of equity a day"),
    ],
)
def test_a_change_says_now_and_yesterday(told: RiskChange, words: str) -> None:
    assert changed(told) == words
    assert settled(told).startswith(words)


@pytest.mark.parametrize("measure", list(RiskMeasure))
def test_every_measure_says_what_it_means_and_where_more_stands(measure: RiskMeasure) -> None:
    text = meaning(change(measure, 1.0, 0.5))
    assert "More: /" in text
    assert len(changed(change(measure, 1.0, 0.5)).split(",")[0]) <= 40
