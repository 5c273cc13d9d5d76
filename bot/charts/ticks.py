"""Where axes are marked, and what the marks say. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.charts.series import moment_of
from bot.text.ages import clock, day, month, zone_name
from bot.text.reader import figure, reader

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS_S: Final = (
    1, 2, 5, 10, 15, 30,
    _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE,
    _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR,
    _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY,
)  # fmt: skip
_STEPS_MONTHS: Final = (1, 2, 3, 6, 12, 24, 60, 120)
_MONTH_S: Final = 30.4 * _DAY
_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  # a local time: it has no zone of its own
_UNITS: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"))  # thousands have room to be written out


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str
    strong: bool = False


def time_ticks(start_s: float, end_s: float, *, most: int = 5) -> tuple[Tick, ...]:
    """Marks at round times of the reader's clock, at most one more than ``most``; midnight is marked by its day."""
    span = end_s - start_s
    for step in _STEPS_S:
        if span / step <= (most - 2 if step < _MINUTE else most):  # seconds make long labels
            return tuple(Tick(at, _time_label(at, step)) for at in _round_times(start_s, end_s, step))
    return _month_ticks(start_s, end_s, most)


def _round_times(start_s: float, end_s: float, step_s: int) -> list[float]:
    """Moments whose local time is a multiple of the step. An hour that a change of clocks skips has none, and of one
    that comes twice the first counts."""
    zone = reader().zone
    at = moment_of(start_s).astimezone(zone).replace(tzinfo=None)
    end = moment_of(end_s).astimezone(zone).replace(tzinfo=None) + timedelta(hours=2)
    at = _EPOCH + math.floor((at - _EPOCH) / timedelta(seconds=step_s)) * timedelta(seconds=step_s)
    found: list[float] = []
    while at <= end:
        moment_s = at.replace(tzinfo=zone).timestamp()
        exists = moment_of(moment_s).astimezone(zone).replace(tzinfo=None) == at
        if exists and start_s <= moment_s <= end_s and (not found or moment_s > found[-1]):
            found.append(moment_s)
        at += timedelta(seconds=step_s)
    return found


def _time_label(at_s: float, step_s: int) -> str:
    at = moment_of(at_s).astimezone(reader().zone)
    if step_s >= _DAY or (at.hour, at.minute, at.second) == (0, 0, 0):
        return day(at)
    return clock(at, seconds=step_s < _MINUTE)


def _month_ticks(start_s: float, end_s: float, most: int) -> tuple[Tick, ...]:
    wide_enough = (step for step in _STEPS_MONTHS if (end_s - start_s) / (step * _MONTH_S) <= most)
    step, zone = next(wide_enough, _STEPS_MONTHS[-1]), reader().zone
    begin = moment_of(start_s).astimezone(zone)
    number = (begin.year * 12 + begin.month - 1) // step * step
    ticks: list[Tick] = []
    while (at := datetime(number // 12, number % 12 + 1, 1, tzinfo=zone)).timestamp() <= end_s:
        if at.timestamp() >= start_s:
            ticks.append(Tick(at.timestamp(), str(at.year) if at.month == 1 else month(at).split()[0]))
        number += step
    return tuple(ticks)


def time_axis_title(start_s: float, end_s: float) -> str:
    """The unit of the time axis, and the days it covers."""
    zone = reader().zone
    start, end = moment_of(start_s).astimezone(zone), moment_of(end_s).astimezone(zone)
    names = "/".join(dict.fromkeys((zone_name(start), zone_name(end))))
    if start.date() == end.date():
        return f"time in {names}, {day(start)} {start.year}"
    since = day(start) if start.year == end.year else f"{day(start)} {start.year}"
    return f"time in {names}, {since} to {day(end)} {end.year}"


def value_ticks(low: float, high: float, *, step: float) -> tuple[float, ...]:
    """The multiples of a step within a range."""
    return tuple(n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1))


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(nice * power for nice in _NICE if nice * power >= least * (1 - 1e-9))


def usd_labels(values: Sequence[float], *, step: float) -> tuple[str, ...]:
    """Dollars in one unit, with as many decimals as tell values apart that lie ``step`` from each other."""
    largest = max((abs(value) for value in values), default=0.0)
    scale, unit = next(((scale, unit) for scale, unit in _UNITS if largest >= scale), (1.0, ""))
    decimals = max(0, _decimals(step / scale))
    if not unit and decimals == 1:
        decimals = 2  # $1.50, never $1.5
    return tuple("$0" if value == 0 else _usd_label(value / scale, decimals, unit) for value in values)


def _usd_label(value: float, decimals: int, unit: str) -> str:
    digits = f"{abs(value):.{decimals}f}"
    sign = "-" if value < 0 and any(digit in digits for digit in "123456789") else ""
    return f"{sign}${figure(digits)}{unit}"


def _decimals(step: float) -> int:
    """Decimals that write a nice step exactly: 2.5 takes one, 25 none."""
    power = math.floor(math.log10(step) + 1e-9)
    mantissa = step / 10.0**power
    return -power + (1 if abs(mantissa - 2.5) < 1e-6 else 0)
