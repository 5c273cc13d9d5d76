"""The text of keel performance: trades and equity each with a window of their own, one day in the singular."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from bot.estimate_reports import performance_text
from risk.model.performance import EquityCurve, Period, RoundTrip
from risk.performance_tracker import metrics_of

NOTHING = np.empty(0)
NO_CURVE = EquityCurve(
    at=np.empty(0, "datetime64[us]"), equity_usd=NOTHING, unit_value_usd=NOTHING, net_flow_usd=NOTHING,
    funding_usd=NOTHING, fees_usd=NOTHING,
)  # fmt: skip
TRIP = RoundTrip(
    market="SOL-PERP", opened_at=datetime(2026, 11, 1, tzinfo=UTC), closed_at=datetime(2026, 11, 5, tzinfo=UTC),
    size_base=1.0, pnl_usd=10.0, fees_usd=0.0, funding_usd=0.0,
)  # fmt: skip


def test_trades_of_weeks_before_are_not_told_under_the_day_of_the_equity() -> None:
    found = metrics_of(NO_CURVE, (TRIP,), Period.ALL)
    text = performance_text(found, "main")
    assert "trades                   1 from 2026-11-01 to 2026-11-05" in text
    assert "recorded" not in text
    assert "Sortino, Calmar          -, -" in text
    day = datetime(2026, 11, 23, tzinfo=UTC)
    both = performance_text(replace(found, start=day, end=day, n=1), "main")
    assert "equity recorded          1 day, 2026-11-23 to 2026-11-23" in both
