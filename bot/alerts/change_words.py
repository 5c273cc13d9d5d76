"""Changes of risk in words; the figure within the first ones."""

import math

from bot.text import numbers
from bot.text.numbers import Rounding
from bot.text.reader import figure
from risk.model.changes import RiskChange, RiskMeasure

_SEE = {
    RiskMeasure.VAR: "/var",
    RiskMeasure.VOLATILITY: "/vol",
    RiskMeasure.CORRELATION: "/corr",
    RiskMeasure.BETA: "/beta",
    RiskMeasure.LEVERAGE: "/positions",
    RiskMeasure.FUNDING: "/positions",
}


def changed(change: RiskChange) -> str:
    """What is how high, and what it was yesterday."""
    now = shown(change.measure, change.shown)
    return f"{now}{_yesterday(change)}"


def settled(change: RiskChange) -> str:
    """The end of it: the same figures, and that they are no news any more."""
    return f"{changed(change)}: no longer a change to tell of"


def meaning(change: RiskChange) -> str:
    """Where the whole answer stands."""
    why = {
        RiskMeasure.VAR: "One day in 20 loses more than this.",
        RiskMeasure.VOLATILITY: "Of the account's equity, by today's positions and prices up to the last daily bar.",
        RiskMeasure.CORRELATION: "Mean of all pairs of assets: what was spread is less so the higher it is.",
        RiskMeasure.BETA: "SOL +1% moves equity by so many percent.",
        RiskMeasure.LEVERAGE: "Liabilities over equity.",
        RiskMeasure.FUNDING: "At the rates of the last hour, for as long as they last.",
    }[change.measure]
    return f"{why} More: {_SEE[change.measure]}"


def shown(measure: RiskMeasure, value: float) -> str:
    """A measure with its name, in its own unit."""
    match measure:
        case RiskMeasure.VAR:
            return f"VaR {_percent(value)} of equity"
        case RiskMeasure.VOLATILITY:
            return f"volatility {numbers.percent_of_fraction(value, decimals=0, rounding=Rounding.UP)} a year"
        case RiskMeasure.CORRELATION:
            return f"correlation {_two(value)}"
        case RiskMeasure.BETA:
            return f"beta to SOL {_two(value)}"
        case RiskMeasure.LEVERAGE:
            return f"leverage {numbers.leverage(value)}"
        case RiskMeasure.FUNDING:
            decimals = 2 if abs(value) < 0.01 else 1
            cost = numbers.percent_of_fraction(value, decimals=decimals, rounding=Rounding.UP)
            return f"funding costs {cost} of equity a day"


def _yesterday(change: RiskChange) -> str:
    if math.isnan(change.before) or change.measure is RiskMeasure.FUNDING:
        return ""
    if change.measure is RiskMeasure.VAR:
        # The level is that of /var; how it has changed is measured by one method on both days.
        if not change.before > 0 or math.isnan(change.now):
            return ""
        return f", {figure(f'{change.now / change.before:.1f}')}x yesterday's"
    before = {
        RiskMeasure.VOLATILITY: lambda: numbers.percent_of_fraction(change.before, decimals=0),
        RiskMeasure.LEVERAGE: lambda: numbers.leverage(change.before),
    }.get(change.measure, lambda: _two(change.before))()
    return f", {before} yesterday"


def _percent(value: float) -> str:
    return numbers.percent_of_fraction(value, rounding=Rounding.UP)


def _two(value: float) -> str:
    return numbers.UNKNOWN if math.isnan(value) else figure(f"{value:.2f}")
