"""Estimates as one JSON object, for programs, and as lines, for a person at a terminal."""

import json
import math
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import numpy as np

from bot.sweep import Json, number
from bot.text import numbers
from bot.text.ages import age
from bot.text.numbers import Rounding
from risk.model.metrics import RiskMetrics, VaRResult
from risk.model.performance import PerformanceMetrics

_VAR_FIELDS = (
    "var_usd", "var_frac", "es_usd", "ci_low_usd", "ci_high_usd", "method", "confidence", "days", "n", "window_start",
    "window_end", "data_age_s", "seed", "warnings", "backtest",
)  # fmt: skip
_WIDE = 24


def var_json(found: VaRResult) -> str:
    """The fields that are promised; null for what is not known."""
    record: Json = {name: plain(getattr(found, name)) for name in _VAR_FIELDS}
    if found.backtest is not None:
        # Of one day and a level it was made for, which need not be those of the figure.
        record["backtest"] = {"confidence": found.backtest.at(found.confidence).confidence, **plain(found.backtest)}
    return json.dumps(record)


def as_json(found: RiskMetrics | PerformanceMetrics) -> str:
    """Every field under its name; null for NaN and infinity, moments in ISO 8601."""
    return json.dumps(plain(found))


def plain(value: Any) -> Any:
    """Anything an estimate is made of, as JSON has it."""
    match value:
        case None | bool():
            return value
        case Enum():
            return value.value
        case str() | int():
            return value
        case float():
            return number(value)
        case datetime():
            return value.isoformat()
        case np.ndarray():
            return plain(value.tolist())
        case dict():
            return {str(name): plain(part) for name, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        record: Json = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return record
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def var_text(found: VaRResult, label: str) -> str:
    """For a person."""
    share = numbers.percent_of_fraction(found.var_frac, rounding=Rounding.UP)
    low, high = (numbers.usd(end, cents=True) for end in (found.ci_low_usd, found.ci_high_usd))
    rows = [
        ("value at risk", f"{numbers.usd(found.var_usd, cents=True, rounding=Rounding.UP)}, {share} of equity"),
        ("90% interval", f"{low} to {high}"),
        ("mean loss beyond", numbers.usd(found.es_usd, cents=True, rounding=Rounding.UP)),
        ("confidence, horizon", f"{found.confidence:.1%}, {found.days} d"),
        ("method", found.method.value + (f", {numbers.count(found.simulations)} paths" if found.simulations else "")),
        ("history", f"{_days(found.n)}{_window(found)}, {age(found.data_age_s)} old"),
        ("seed", str(found.seed)),
        ("one-day back-test", _record(found)),
    ]
    return _lines(label, rows, found.warnings)


def _window(found: VaRResult) -> str:
    if found.window_start is None or found.window_end is None:
        return ""
    return f", {found.window_start:%Y-%m-%d} to {found.window_end:%Y-%m-%d}"


def _record(found: VaRResult) -> str:
    if found.backtest is None:
        return "history is too short for one"
    record = found.backtest.at(found.confidence)
    light = f"{found.backtest.light.value} light, " if found.backtest.light else ""
    return (
        f"at {record.confidence:.0%}: {light}{record.violations} of {record.n} days beyond,"
        f" {record.expected:.0f} expected"
    )


def risk_text(found: RiskMetrics, label: str) -> str:
    """For a person."""
    share = numbers.percent_of_fraction
    rows = [
        ("VaR 95%, 1 d", f"{share(found.var_1d, rounding=Rounding.UP)} of equity"),
        ("VaR 95%, 7 d", f"{share(found.var_7d, rounding=Rounding.UP)} of equity"),
        ("mean loss beyond, 1 d", f"{share(found.expected_shortfall_1d, rounding=Rounding.UP)} of equity"),
        ("volatility", f"{share(found.volatility_annualized)} a year"),
        ("beta to SOL, BTC", f"{_two(found.beta_sol)}, {_two(found.beta_btc)}"),
        ("below the high", f"{share(found.current_drawdown, rounding=Rounding.UP)}"),
        ("worst fall", f"{share(found.max_drawdown, rounding=Rounding.UP)}"),
        ("Sharpe, Sortino, Calmar",
         f"{_two(found.sharpe_ratio)}, {_two(found.sortino_ratio)}, {_two(found.calmar_ratio)}"),
    ]  # fmt: skip
    rows += [
        (f"{asset} adds", f"{share(part, signed=True)} of equity to the mean loss beyond")
        for asset, part in sorted(found.risk_contribution.items(), key=lambda item: -item[1])
    ]
    if found.correlation_matrix is not None and len(found.correlation_matrix.assets) > 1:
        mean = found.correlation_matrix
        rows.append(("correlation", f"{_two(mean.average)} on average, {mean.method}, {_days(mean.n)}"))
    rows.append(("calculated", found.calculated_at.strftime("%Y-%m-%d %H:%M:%S UTC")))
    return _lines(label, rows, found.warnings)


def performance_text(found: PerformanceMetrics, label: str) -> str:
    """For a person."""
    share = numbers.percent_of_fraction
    rows = [
        (f"return, {found.period.value}", share(found.total_return, signed=True)),
        ("return a year", share(found.annualized_return, signed=True)),
        ("volatility", f"{share(found.volatility)} a year"),
        ("worst fall", share(found.max_drawdown, rounding=Rounding.UP)),
        ("Sharpe", f"{_two(found.sharpe_ratio)} +/- {_two(found.se_sharpe_ratio)}"),
        ("Sortino, Calmar", f"{_two(found.sortino_ratio)}, {_two(found.calmar_ratio)}"),
        ("round trips", f"{found.total_trades}: {found.winning_trades} won, {found.losing_trades} lost"),
    ]
    if found.total_trades:
        rows += [
            ("win rate", f"{share(found.win_rate)} +/- {share(found.se_win_rate)}"),
            ("profit factor", _two(found.profit_factor)),
            ("average won, lost",
             f"{numbers.signed_usd(found.average_win)}, {numbers.signed_usd(found.average_loss)}"),
            ("best, worst", f"{numbers.signed_usd(found.largest_win)}, {numbers.signed_usd(found.largest_loss)}"),
        ]  # fmt: skip
    if found.trades_start is not None and found.trades_end is not None:
        count = numbers.count(found.total_trades)
        rows.append(("trades", f"{count} from {found.trades_start:%Y-%m-%d} to {found.trades_end:%Y-%m-%d}"))
    if found.start is not None and found.end is not None:
        rows.append(("equity recorded", f"{_days(found.n)}, {found.start:%Y-%m-%d} to {found.end:%Y-%m-%d}"))
    return _lines(label, rows, found.warnings)


def _lines(label: str, rows: list[tuple[str, str]], warnings: tuple[str, ...]) -> str:
    shown = [label, *(f"{name:<{_WIDE}} {value}" for name, value in rows), *(f"! {text}" for text in warnings)]
    return "\n".join(shown)


def _days(n: int) -> str:
    return f"{numbers.count(n)} {'day' if n == 1 else 'days'}"


def _two(value: float) -> str:
    if math.isnan(value):
        return numbers.UNKNOWN
    return numbers.UNBOUNDED if math.isinf(value) else f"{value:.2f}"
