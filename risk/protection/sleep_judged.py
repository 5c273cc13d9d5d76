"""A set of triggers judged for a night: whether it holds, and what it lacks where it does not. Pure."""

from dataclasses import dataclass

import numpy as np

from risk.protection.sleep_margin import Outcome, Trigger
from risk.protection.sleep_paths import survived


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A set of triggers, and what holds of it on paths it was not chosen by."""

    triggers: tuple[Trigger, ...]
    night: Outcome
    past: Outcome | None
    budget_frac: float

    @property
    def holds(self) -> bool:
        return self.night.dead_frac <= self.budget_frac and self.past is not None and survived(self.past)

    @property
    def order(self) -> tuple[float, float]:
        """The smaller the better, where nothing holds: what has to be deposited as well, then what it costs."""
        short = sum(lacking(self.night, self.past, self.budget_frac))
        return (short, float(self.night.cost_usd.mean()))


def lacking(night: Outcome, past: Outcome | None, budget_frac: float) -> list[float]:
    """For each scope the USD of collateral with which both the budget and the past would hold; 0 where they do."""
    if night.dead_frac <= budget_frac and (past is None or survived(past)):
        return [0.0] * night.least_usd.shape[0]
    alive = int(np.isfinite(night.least_usd).any(axis=1).sum())
    found = []
    for scope, least in enumerate(night.least_usd):
        spare = min(int(budget_frac / max(alive, 1) * least.size), least.size - 1)
        short = -float(np.partition(least, spare)[spare])
        if past is not None:
            short = max(short, -float(past.least_usd[scope].min()))
        found.append(max(short, 0.0))
    return found
