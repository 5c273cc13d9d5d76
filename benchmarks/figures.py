"""What a benchmark says, and how it is shown: a table that is Markdown too, or JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.machine import Machine
from benchmarks.runner import Timing


class Unit(StrEnum):
    """What a figure counts."""

    SECONDS = "s"
    MEBIBYTES = "MiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Somebody else doing the same job in the same run."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One job: the median of ``rounds`` runs, smaller is better, in seconds or MiB like its peers and its target."""

    job: str
    value: float
    best: float
    rounds: int
    unit: Unit = Unit.SECONDS
    peers: tuple[Peer, ...] = ()
    target: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        return None if self.target is None else self.value <= self.target


def timed(job: str, timing: Timing, *, target_s: float | None = None, peers: tuple[Peer, ...] = ()) -> Figure:
    """A figure from a timing."""
    return Figure(
        job=job, value=timing.median_s, best=timing.best_s, rounds=timing.rounds, peers=peers, target=target_s
    )


_HEADER = ("job", "Keel", "peer", "takes", "peer / Keel", "target", "met", "runs")
_SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def as_table(figures: Iterable[Figure]) -> str:
    """Rows of a Markdown table, a peer per row."""
    rows = [_HEADER, *(row for figure in figures for row in _rows(figure))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _rows(figure: Figure) -> list[Sequence[str]]:
    target = "" if figure.target is None else f"≤ {amount(figure.target, figure.unit)}"
    met = {None: "", True: "yes", False: "no"}[figure.met]
    peers = [(p.name, amount(p.value, figure.unit), _ratio(p.value / figure.value)) for p in figure.peers]
    first, *others = peers or [("", "", "")]
    rows: list[Sequence[str]] = [
        (figure.job, amount(figure.value, figure.unit), *first, target, met, str(figure.rounds)),
    ]
    return rows + [("", "", *other, "", "", "") for other in others]


def _ratio(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def amount(value: float, unit: Unit) -> str:
    """Three significant digits and a unit.

    >>> [amount(value, Unit.SECONDS) for value in (0.00002514, 0.0149, 1.04)]
    ['25.1 µs', '14.9 ms', '1.04 s']
    >>> amount(99.4, Unit.MEBIBYTES)
    '99 MiB'
    """
    if unit is Unit.MEBIBYTES:
        return f"{value:.0f} MiB"
    scale, name = next((pair for pair in _SCALES if value >= pair[0]), _SCALES[-1])
    digits = value / scale
    return f"{digits:.{0 if digits >= 100 else 1 if digits >= 10 else 2}f} {name}"


def as_json(machine: Machine, figures: Iterable[Figure], failures: Sequence[str]) -> str:
    """One object; seconds and MiB, unrounded."""
    return json.dumps(
        {
            "machine": machine.facts(),
            "figures": [
                {
                    "job": f.job, "value": f.value, "best": f.best, "unit": f.unit.value, "runs": f.rounds,
                    "target": f.target, "met": f.met,
                    "peers": [{"name": p.name, "value": p.value, "ratio": p.value / f.value} for p in f.peers],
                }
                for f in figures
            ],
            "failures": list(failures),
        },
        indent=1,
    )  # fmt: skip
