"""The rows too long for a test: a storm, a thousand kills of a bot that alerts, and of one that trades, a day."""

from collections.abc import Mapping

import numpy as np

from benchmarks import commands as typing
from benchmarks import kills as killing
from benchmarks import order_kills
from benchmarks import storm as storming
from benchmarks.reliability.outcome import Outcome
from benchmarks.soak.day import day
from tests.faults import Fault, Measure
from tests.faults.delivery import KILLS, ORDERS, STORM
from tests.faults.soak import DAY
from tests.faults.surface import COMMANDS


async def storm() -> Mapping[str, Outcome]:
    """The fall of a thousand accounts, and a minute of a thousand alerts."""
    falling, minute = STORM.faults
    fall = await storming.fall(1_000)
    rush = await storming.thousand_a_minute(60.0)
    return _by_name(
        _outcome(
            falling,
            {
                Measure.FIRST_AFTER: fall.first_s, Measure.QUEUED_AFTER: fall.queued_s,
                Measure.DRAINED_AFTER: fall.drained_s, Measure.BROKEN_LIMITS: fall.broken_limits,
            },
        ),
        _outcome(
            minute,
            {
                Measure.CRITICAL_P99: rush.critical_p99_s, Measure.OTHERS_P99: rush.others_p99_s,
                Measure.BROKEN_LIMITS: rush.broken_limits,
            },
        ),
    )  # fmt: skip


async def kills(count: int) -> Mapping[str, Outcome]:
    """So many SIGKILLs."""
    (fault,) = KILLS.faults
    toll = await killing.toll(count)
    return _by_name(
        _outcome(
            fault,
            {
                Measure.KILLS: toll.kills, Measure.LOST: toll.lost,
                Measure.REPEATED_PERCENT: 100 * toll.repeated_frac, Measure.UNMARKED: toll.unmarked,
            },
        )
    )  # fmt: skip


async def orders(count: int) -> Mapping[str, Outcome]:
    """So many SIGKILLs of desks that trade."""
    (fault,) = ORDERS.faults
    toll = await order_kills.killed(count)
    return _by_name(
        _outcome(
            fault,
            {
                Measure.KILLS: toll.kills, Measure.DUPLICATES: len(toll.duplicates),
                Measure.UNAPPROVED: len(toll.unapproved), Measure.LOST: len(toll.lost),
                Measure.WRONG: len(toll.wrong), Measure.MOMENTS_MISSED: len(order_kills.missed(toll)),
            },
        )
    )  # fmt: skip


async def commands() -> Mapping[str, Outcome]:
    """Ten thousand malformed ones."""
    (fault,) = COMMANDS.faults
    samples, unhandled = await typing.answered(10_000)
    values = {
        Measure.TRIED: len(samples), Measure.UNHANDLED: unhandled,
        Measure.ANSWERED_P99: float(np.quantile(samples, 0.99)),
    }  # fmt: skip
    return _by_name(_outcome(fault, values))


def soak() -> Mapping[str, Outcome]:
    """A simulated day; docs/soak.md is written too."""
    (fault,) = DAY.faults
    found = day()
    return _by_name(
        _outcome(
            fault,
            {
                Measure.TRIED: found.faults.total(), Measure.LIVES: found.lives,
                Measure.VIOLATIONS: len(found.violations), Measure.MEMORY_SLOPE: found.slope_mib,
            },
        )
    )  # fmt: skip


def _outcome(fault: Fault, values: Mapping[Measure, float]) -> Outcome:
    return Outcome(fault=fault, values={measure: (value,) for measure, value in values.items()})


def _by_name(*outcomes: Outcome) -> Mapping[str, Outcome]:
    return {outcome.fault.name: outcome for outcome in outcomes}
