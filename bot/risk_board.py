"""The newest risk figures of every account: made by a job, shown at once by whoever must not wait for a fit."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from risk.liquidation_probability import LiquidationProbability
from risk.model.limits import NO_FIGURES_YET, LimitFigures
from risk.model.portfolio import BookStatistics
from risk.ports import Clock

# Beyond, they say how the account stood, and no longer how it stands.
GOOD_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFigures:
    """What was computed of one account at one moment.

    Attributes:
        statistics: Of its positions; None where history allows none.
        liquidation: None where nothing could be simulated.
        made_at: UTC.
    """

    limits: LimitFigures
    statistics: BookStatistics | None
    liquidation: LiquidationProbability | None
    made_at: datetime


class RiskBoard:
    """Figures by account; a new one takes the place of the one before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, AccountFigures] = {}

    def put(self, account_id: str, figures: AccountFigures) -> None:
        self._known[account_id] = figures

    def of(self, account_id: str) -> AccountFigures | None:
        """None where nothing was computed within a quarter of an hour."""
        found = self._known.get(account_id)
        if found is None or self._clock.now() - found.made_at > GOOD_FOR:
            return None
        return found

    def limit_figures(self, account_id: str) -> LimitFigures:
        """What limits are held against; all unknown, and why, where it is too old or was never made."""
        found = self.of(account_id)
        if found is not None:
            return found.limits
        old = self._known.get(account_id)
        why = NO_FIGURES_YET if old is None else f"risk figures are from {old.made_at:%H:%M} UTC, too old to judge by"
        return LimitFigures.missing(why)

    def age_s(self, figures: AccountFigures) -> float:
        """How old figures are."""
        return (self._clock.now() - figures.made_at).total_seconds()
