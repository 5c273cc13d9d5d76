"""What became of one row."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.faults import Fault, Goal, Measure, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Figures of one fault, as often as they were stated.

    Attributes:
        why_not: Why there is nothing to believe; empty where there is.
    """

    fault: Fault
    values: Mapping[Measure, tuple[float, ...]] = field(default_factory=dict)
    why_not: str = ""

    @property
    def met(self) -> bool:
        """Whether every goal was measured and reached."""
        return not self.why_not and all(
            self.values.get(goal.measure) and all(map(goal.met_by, self.values[goal.measure]))
            for goal in self.fault.goals
        )

    @property
    def target(self) -> str:
        return "; ".join(str(goal) for goal in self.fault.goals)

    @property
    def measured(self) -> str:
        """The figures in words, each the worst of its kind; never a figure of a test that failed."""
        if self.why_not:
            return f"**not measured: {self.why_not}**"
        return "; ".join(self._said(goal) for goal in self.fault.goals)

    def _said(self, goal: Goal) -> str:
        values = self.values.get(goal.measure, ())
        if not values:
            return f"**{goal.measure.said('?')}: not stated**"
        worst = goal.worst(*values)
        words = goal.measure.said(number(worst))
        if len(values) > 1:
            words += f" (worst of {len(values)})"
        return words if goal.met_by(worst) else f"**{words}: missed**"
