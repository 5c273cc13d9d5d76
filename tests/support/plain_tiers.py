"""An account whose tiers follow its health ratio alone and that breaks no limit, for stories about something else."""

from datetime import timedelta
from pathlib import Path

from risk.decisions.tiers import TierThresholds
from risk.model.limits import RiskLimits
from storage import Accounts, Store

GENEROUS = RiskLimits(
    max_portfolio_leverage=1_000.0, max_position_size_usd=1e9, max_position_size_percent=1_000.0,
    max_correlation_exposure=1.0, max_var_1d_percent=1.0, min_health_ratio=100.0, max_drawdown_percent=1.0,
)  # fmt: skip


async def ratio_alone(database: Path, account_id: str) -> None:
    """Writes it down for a bot that has not started yet."""
    async with await Store.open(database) as store:
        accounts = Accounts(store)
        dwell = timedelta(seconds=0.3)
        await accounts.save_thresholds(account_id, TierThresholds(distance_sigmas={}, ease_dwell=dwell))
        await accounts.save_limits(account_id, GENEROUS)
