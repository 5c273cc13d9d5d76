"""Protection that acts while nobody looks, as far as somebody allowed it; what was not allowed is asked about."""

from collections.abc import Callable
from datetime import timedelta

import structlog

from risk.decisions.tiers import Tier, TierThresholds, risk_level, tier_of
from risk.errors import CannotAssess, ReadFailed
from risk.fleet import Fleet
from risk.liquidation_monitor import DriftLiquidationMonitor
from risk.model.proposal import Purpose
from risk.ports import Clock
from storage import Proposals, StandingApprovals

log = structlog.get_logger()

_AGAIN_AFTER = timedelta(seconds=30)  # until a reading shows what it came to
_RECENT = 20
_ACTS_FROM = Tier.HIGH


class Guardian:
    """A job: accounts with a standing approval are protected when they come into danger.

    Args:
        monitor: Of an account, with a trade desk of the bot's own.
        thresholds: By account, the same as the alerts'.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        standing: StandingApprovals,
        proposals: Proposals,
        monitor: Callable[[str], DriftLiquidationMonitor],
        thresholds: Callable[[str], TierThresholds],
        clock: Clock,
    ) -> None:
        self._fleet, self._standing, self._proposals = fleet, standing, proposals
        self._monitor, self._thresholds, self._clock = monitor, thresholds, clock

    async def look(self) -> None:
        """Act where it is due. Raises: StorageError."""
        now = self._clock.now()
        for account_id in dict.fromkeys(one.terms.account_id for one in await self._standing.active(now)):
            tier = tier_of(self._fleet.reading(account_id), self._thresholds(account_id))
            if tier is Tier.UNKNOWN or tier.value < _ACTS_FROM.value or await self._acted(account_id):
                continue
            try:
                found = await self._monitor(account_id).execute_protection_actions(risk_level(tier))
            except (CannotAssess, ReadFailed) as exc:
                log.warning("guardian.cannot", account_id=account_id, error=str(exc))
                continue
            log.warning(
                "guardian.acted", account_id=account_id, tier=tier.name, proposal_id=found.result.proposal_id,
                orders=len(found.result.order_ids),
            )  # fmt: skip

    async def _acted(self, account_id: str) -> bool:
        """Whether protection of the account is on its way, or was a moment ago."""
        since = self._clock.now() - _AGAIN_AFTER
        recent = await self._proposals.recent([account_id], _RECENT)
        # Whoever asked for it: votes for one and the same thing are not to be split between two cards.
        own = [one for one in recent if one.purpose in (Purpose.PROTECT, Purpose.EMERGENCY, Purpose.FLATTEN)]
        return any(one.finished_at is None or (not one.requested_by and one.finished_at > since) for one in own)
