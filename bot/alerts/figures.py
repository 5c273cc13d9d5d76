"""What the margin engine says of an incident's account, from the view of the moment. Answers are kept per view."""

import math

from bot.alerts.facts import MarginFacts, brief_facts, margin_facts
from bot.roster import Roster
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.fleet import Fleet, FleetView

_BY_FIGURES = (CauseKind.HEALTH, CauseKind.LIMIT, CauseKind.DRAWDOWN, CauseKind.RISK)


class Figures:
    """Figures for alerts. What would help takes the engine milliseconds to find, so it is looked for once a view."""

    def __init__(self, fleet: Fleet, roster: Roster) -> None:
        self._fleet, self._roster = fleet, roster
        self._view: FleetView | None = None
        self._found: dict[tuple[str, Tier], MarginFacts] = {}

    def full(self, cause: Cause, tier: Tier) -> MarginFacts | None:
        """All of them, for an account's health; None where no figure explains the cause, or none was read yet."""
        view = self._fleet.latest
        if cause.kind is not CauseKind.HEALTH or view is None or cause.account_id not in view:
            return self.brief(cause, tier)
        if view is not self._view:
            self._view, self._found = view, {}
        key = (cause.account_id, tier)
        if key not in self._found:
            self._found[key] = margin_facts(view, cause.account_id, tier, self._roster.thresholds(cause.account_id))
        return self._found[key]

    def known(self, cause: Cause) -> bool:
        """Whether an account has a ratio, be it an old one: nothing was read yet, or what was read has no price."""
        view = self._fleet.latest
        if view is None or cause.account_id not in view:
            return False
        return not math.isnan(float(view.worst_ratio_percent[view.position_of(cause.account_id)]))

    def brief(self, cause: Cause, tier: Tier) -> MarginFacts | None:
        """What takes no time: the ratio, and at which slot it was so."""
        view = self._fleet.latest
        if cause.kind not in _BY_FIGURES or view is None or cause.account_id not in view:
            return None
        return brief_facts(view, cause.account_id, tier, self._roster.thresholds(cause.account_id))

    def fresh(self, cause: Cause, tier: Tier) -> MarginFacts | None:
        """All of them, for an account's health, where they can be trusted now; else None."""
        if cause.kind is not CauseKind.HEALTH or self._fleet.problems(cause.account_id):
            return None
        return self.full(cause, tier)
