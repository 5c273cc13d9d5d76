"""docs/soak.md: what a run was, what it met, what it came to."""

import math
import statistics
from collections.abc import Iterable, Mapping

from benchmarks.machine import Machine
from benchmarks.soak.ledger import clock_of
from benchmarks.soak.run import Outcome

_HEAD = """# Soak

A day of the whole bot: real storage on a disk, real dispatch, Telegram and Discord servers on loopback, the paper
venue with prices that fall and come back, four accounts, three people who ask, press, confirm and make mistakes, a
stranger who presses what is not theirs. Faults strike at moments drawn from a seed, several at once. Everything
promised is checked all the while, not only at the end: `benchmarks/soak` says how, in `reference.py` (alerts, and what
is called well), `orders.py` (the exchange against the audit), `vitals.py` (memory, tables, queues, tasks, errors).

    python -m benchmarks.soak                  # 24 h, up to 100 times as fast; about 20 minutes on an idle machine
    python -m benchmarks.soak --hours 1 --seed 7

A violation ends the run with its seed and simulated moment, and exit code 1; the same seed brings the same prices,
faults and people at the same simulated moments. What the machine does in between it does not repeat: how threads and
sockets take turns is not drawn. Ten minutes run with the tests (`tests/scenarios/test_soak_slice.py`), which also show
that a planted duplicate, a lost alert and an order nobody agreed to are found.

Time runs ahead for the event loop, on which everything in the bot waits, and for the injected clock; work counts as
long as it takes, so that a busy machine makes the run longer and nothing else (`time.py`).
"""


def page(outcome: Outcome, machine: Machine) -> str:
    """The whole page."""
    plan = outcome.plan
    verdict = "**0 violations**" if not outcome.violations else f"**{len(outcome.violations)} violations**"
    delays = sorted(outcome.delays_s)
    speed = outcome.simulated_s / outcome.wall_s
    parts = [
        _HEAD,
        f"## {machine.measured_at:%Y-%m-%d}: {verdict}",
        f"Made by `python -m benchmarks.soak --hours {plan.lasts_s / 3600:g} --speed {plan.speed:g} --seed {plan.seed}`"
        f" on {machine}: {clock_of(outcome.simulated_s)} simulated in {clock_of(outcome.wall_s)}, {speed:.0f} times the"
        " speed of the wall in the mean.",
        _list(f"- {one}" for one in outcome.violations),
        _table(
            ("what", "figure"),
            [
                ("faults injected", f"{outcome.faults.total():,}"),
                ("lives of the bot (kills without a goodbye)", f"{outcome.lives:,} ({outcome.faults['killed']:,})"),
                ("books of the venue assessed", f"{outcome.looks:,}"),
                ("times an account fell below CRITICAL and stayed there", f"{outcome.breaches:,}"),
                ("alerts of danger that arrived where nobody knew yet, by chat", f"{len(delays):,}"),
                ("- lost", str(_count(outcome, "lost alert"))),
                ("- from the first sight to the arrival, median / 99 % / longest", _delays(delays)),
                ("- not counted: the process died while its memory failed, or the platform refused the chat",
                 f"{outcome.forgiven:,}"),
                ("messages that arrived (that say they may be repeats)",
                 f"{outcome.arrived:,} ({outcome.maybe_repeats:,})"),
                ("answers that called an account's health by a tier", f"{outcome.claims:,}"),
                ("- from stale data", str(_count(outcome, "nobody has seen that"))),
                ("proposals / approvals / batches executed",
                 f"{outcome.proposed:,} / {outcome.approved:,} / {outcome.executed:,}"),
                ("- executed twice", str(_count(outcome, "duplicate order"))),
                ("- without approval, or not as approved", str(_count(outcome, "approval", "agreed"))),
                ("- whose end is not known", str(_count(outcome, "when all is quiet", "has ended"))),
                ("rows of the audit, every seal verified each ten minutes", f"{outcome.audit_rows:,}"),
                ("memory slope for 100,000 assessments", _slope(outcome)),
                ("unhandled exceptions", str(_count(outcome, "nobody handled", "no fault explains"))),
                ("tasks that outlived the bot", str(_count(outcome, "outlive"))),
            ],
        ),
        "### Faults\n\n" + _table(("fault", "times"), _counted(outcome.faults)),
        "### What people did\n\n" + _table(("what", "times"), _counted(outcome.done)),
        "### Memory\n\nResident size of the process, the servers and the exchange in it included; the slope is the"
        " median of all pairs of samples behind the first two fifths.\n\n" + _memory(outcome),
        "### The most of everything\n\n" + _table(("what", "most"), _most(outcome.most)),
        "### Errors that were logged, all while a fault was on\n\n"
        + _table(("event", "times"), _counted(outcome.errors)),
    ]  # fmt: skip
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _count(outcome: Outcome, *words: str) -> int:
    return sum(any(word in one.what for word in words) for one in outcome.violations)


def _delays(delays: list[float]) -> str:
    if len(delays) < 2:
        return "none"
    p99 = statistics.quantiles(delays, n=100)[98]
    return f"{statistics.median(delays):.0f} s / {p99:.0f} s / {delays[-1]:.0f} s, faults included"


def _slope(outcome: Outcome) -> str:
    return "too short a run to say" if math.isnan(outcome.slope_mib) else f"{outcome.slope_mib:+.2f} MiB"


def _counted(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(name, f"{count:,}") for name, count in sorted(counts.items())]


def _most(most: Mapping[str, float]) -> list[tuple[str, str]]:
    shown = [(name, value) for name, value in most.items() if not name.startswith("rows of ") or value >= 100]
    return [(name, f"{value:,.0f}") for name, value in sorted(shown)]


def _memory(outcome: Outcome) -> str:
    step = max(1, len(outcome.samples) // 24)
    rows = [
        (clock_of(one.at_s), f"{one.looks:,}", f"{one.resident_mib:.0f}", f"{one.objects:,}")
        for one in outcome.samples[::step]
    ]
    return _table(("simulated", "assessed", "MiB", "objects of Python"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _list(lines: Iterable[str]) -> str:
    return "\n".join(lines)
