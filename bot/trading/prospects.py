"""What an account's assets may do, for the desk: made once for a question, from history that is at hand already."""

from collections.abc import Callable, Sequence

from risk.after_trade import Prospect
from risk.errors import BadSeries, CannotAssess, NotEnoughData
from risk.fleet import FleetView
from risk.margin.assets import asset_of
from risk.ports import BookHistories
from risk.stats.ewma import ewma_covariance
from risk.stats.fits import FitCache


class Prospects:
    """Makes them.

    Args:
        histories: By account id.
    """

    def __init__(self, histories: Callable[[str], BookHistories], cache: FitCache) -> None:
        self._histories, self._cache = histories, cache

    async def of(self, view: FleetView, account_id: str, markets: Sequence[str]) -> tuple[Prospect | None, str]:
        """A prospect of an account and of markets it may enter; None with the reason where history says nothing."""
        assets = tuple(dict.fromkeys(asset_of(market) for market in markets))
        try:
            history = await self._histories(account_id).book_of(view, also=assets)
            returns = history.returns.log_returns
            if not history.returns.assets or returns.shape[0] < 2:
                return None, "there is too little price history"
            return Prospect(history, ewma_covariance(returns), self._cache, seed=0), ""
        except (NotEnoughData, BadSeries, CannotAssess) as exc:
            return None, str(exc)
