"""What a named fault is made of: who injects it, what it proves, and what must be measured."""

import math
from dataclasses import dataclass
from enum import Enum, StrEnum

from tests.faults.promises import Row


class Part(StrEnum):
    """What `python -m benchmarks.reliability` measures in one go. Only the first is tests; the others take too long."""

    TESTS = "tests"
    STORM = "storm"
    KILLS = "kills"
    ORDERS = "orders"
    SOAK = "soak"
    COMMANDS = "commands"


class Unit(StrEnum):
    """What a figure counts. Clocks moved by hand count seconds too."""

    SECONDS = "s"
    NUMBER = ""


class Measure(Enum):
    """What is measured: its words, with a place for the figure, and its unit."""

    TOLD_AFTER = ("told after {}", Unit.SECONDS)
    ADMITTED_AFTER = ("/health admits it after {}", Unit.SECONDS)
    GAP = ("gap {}", Unit.SECONDS)
    LEFT_AFTER = ("left after {}", Unit.SECONDS)
    BACK_AFTER = ("back after {}", Unit.SECONDS)
    OTHERS_WAIT = ("others wait {}", Unit.SECONDS)
    OTHERS_P99 = ("others' p99 {}", Unit.SECONDS)
    CRITICAL_P99 = ("CRITICAL p99 {}", Unit.SECONDS)
    ELSEWHERE_AFTER = ("told another way after {}", Unit.SECONDS)
    REPORTED_AFTER = ("reported after {}", Unit.SECONDS)
    PAGED_AFTER = ("paged after {}", Unit.SECONDS)
    RESTARTED_AFTER = ("restarted after {}", Unit.SECONDS)
    FIRST_AFTER = ("the first told after {}", Unit.SECONDS)
    QUEUED_AFTER = ("the last queued after {}", Unit.SECONDS)
    DRAINED_AFTER = ("the last told {} later", Unit.SECONDS)
    ANSWERED_P99 = ("answered p99 {}", Unit.SECONDS)
    TRIED = ("{} tried", Unit.NUMBER)
    UNHANDLED = ("{} unhandled", Unit.NUMBER)
    ACCEPTED = ("{} accepted", Unit.NUMBER)
    LOST = ("{} lost", Unit.NUMBER)
    REPEATS = ("{} repeated", Unit.NUMBER)
    UNMARKED = ("{} repeats unmarked", Unit.NUMBER)
    REPEATED_PERCENT = ("{} % repeated", Unit.NUMBER)
    FALSE_ALARMS = ("{} false alarms", Unit.NUMBER)
    BROKEN_LIMITS = ("{} limits broken", Unit.NUMBER)
    HASTY = ("{} requests before the wait is over", Unit.NUMBER)
    OVERHEARD = ("{} overheard", Unit.NUMBER)
    ATTEMPTS = ("{} attempts", Unit.NUMBER)
    HALVES = ("{} half stored", Unit.NUMBER)
    KILLS = ("{} kills", Unit.NUMBER)
    DUPLICATES = ("{} sent twice", Unit.NUMBER)
    UNAPPROVED = ("{} without approval", Unit.NUMBER)
    SIGNED_EARLY = ("{} given up too early", Unit.NUMBER)
    ASKED_AGAIN = ("{} asked again", Unit.NUMBER)
    WRONG = ("{} believed wrongly", Unit.NUMBER)
    MOMENTS_MISSED = ("{} moments missed", Unit.NUMBER)
    CATCH_UPS = ("{} catch-up check", Unit.NUMBER)
    RUNS = ("{} runs", Unit.NUMBER)
    NOTICED = ("{} noticed", Unit.NUMBER)
    SIGNS = ("{} signs of life", Unit.NUMBER)
    LOOP_P99 = ("loop's own work p99 {}", Unit.SECONDS)
    LOOP_MAX = ("at most {}", Unit.SECONDS)
    VIOLATIONS = ("{} violations", Unit.NUMBER)
    LIVES = ("{} lives", Unit.NUMBER)
    MEMORY_SLOPE = ("{} MiB for 100,000 assessments", Unit.NUMBER)

    @property
    def unit(self) -> Unit:
        return self.value[1]

    def said(self, figure: str) -> str:
        """The words with a figure, such as "told after 1.3 s"."""
        return self.value[0].format(f"{figure} {self.unit}".rstrip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a figure must be, both ends allowed."""

    measure: Measure
    at_least: float = 0.0
    at_most: float = math.inf

    def met_by(self, value: float) -> bool:
        return self.at_least <= value <= self.at_most

    def worst(self, *values: float) -> float:
        """The one farthest from the goal."""
        return min(values) if self.at_most == math.inf else max(values)

    def __str__(self) -> str:
        if self.at_most == self.at_least:
            return self.measure.said(number(self.at_most))
        if self.at_most == math.inf:
            return self.measure.said(f"≥ {number(self.at_least)}")
        return self.measure.said(f"≤ {number(self.at_most)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row.

    Attributes:
        name: What it is called on the command line: kebab-case, never changed, and part of no other name.
        proves: What it stands for on the safety page.
        what: What breaks.
        how: How the test breaks it.
        must: What has to happen.
        by: The test or drill that injects it, as ``path::name``.
        case: Which of its parameters; without one the worst of all counts.
    """

    name: str
    proves: Row
    what: str
    how: str
    must: str
    by: str
    case: str = ""
    goals: tuple[Goal, ...]

    @property
    def node(self) -> str:
        """As pytest names the test."""
        return f"{self.by}[{self.case}]" if self.case else self.by

    def injected_by(self, node: str) -> bool:
        """Whether the test pytest calls this injects it."""
        return node == self.node if self.case else node.partition("[")[0] == self.by

    def goal(self, measure: Measure) -> Goal:
        """Raises: LookupError, where the row says nothing of this measure."""
        for goal in self.goals:
            if goal.measure is measure:
                return goal
        raise LookupError(f"the row of {self.node} has no goal for {measure.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows under one heading."""

    title: str
    part: Part = Part.TESTS
    faults: tuple[Fault, ...]


def number(value: float) -> str:
    """Without needless digits; thousands apart."""
    if value == round(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def within(measure: Measure, at_most: float) -> Goal:
    return Goal(measure=measure, at_most=at_most)


def enough(measure: Measure, at_least: float) -> Goal:
    return Goal(measure=measure, at_least=at_least)


def exactly(measure: Measure, value: float) -> Goal:
    return Goal(measure=measure, at_least=value, at_most=value)


def none(*measures: Measure) -> tuple[Goal, ...]:
    """Nothing of these at all."""
    return tuple(exactly(measure, 0) for measure in measures)
