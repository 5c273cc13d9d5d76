"""One benchmark, in a process of its own: memory left by what ran before makes a job up to five times quicker."""

import importlib
import multiprocessing
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from benchmarks.figures import Figure
from benchmarks.runner import Effort

# Each is a module here with a function ``figures``.
NAMES = (
    "process", "health", "liquidation", "scenarios", "simulations", "estimates", "backtests", "fleet", "tick", "stream",
    "latency", "memory", "storm", "press_to_submit", "commands",
)  # fmt: skip
Figures = Callable[[Effort], Iterator[Figure]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was measured, and why the rest was not; empty when nothing is missing."""

    figures: tuple[Figure, ...]
    failure: str = ""


def measured(name: str, effort: Effort) -> Outcome:
    """The outcome of one benchmark, from a new interpreter."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as pool:
        return pool.submit(_measure, name, effort).result()


def _measure(name: str, effort: Effort) -> Outcome:
    warnings.simplefilter("ignore")  # driftpy's dependencies have many
    done: list[Figure] = []
    try:
        figures: Figures = importlib.import_module(f"benchmarks.{name}").figures
        done.extend(figures(effort))
    except Exception as exc:  # noqa: BLE001  # the top of a job: the other benchmarks are still worth having
        return Outcome(figures=tuple(done), failure=f"{name}: {type(exc).__name__}: {exc}")
    return Outcome(figures=tuple(done))
