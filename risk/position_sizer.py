"""The sizing desk: the largest position that a strategy wants and limits, margin and liquidation risk allow."""

import asyncio
from concurrent.futures import Executor

from risk.errors import BadParameter, CannotAssess
from risk.fleet import Fleet
from risk.margin.assets import asset_of
from risk.model.account import Side
from risk.model.limits import RiskLimits
from risk.model.sizing import PositionSizing, SizingStrategy
from risk.ports import BookHistories, LimitsStore
from risk.sizing import PROBABILITY_BUDGET, SizingTask, size
from risk.stats.fits import FitCache


class PositionSizer:
    """One account's next position.

    Args:
        histories: Where the account's history comes from: the risk engine.
        limits: Where the account's limits live; the defaults hold without one.
        cache: Shared by the desks of a process.
    """

    def __init__(
        self, account_id: str, fleet: Fleet, histories: BookHistories, *, limits: LimitsStore | None = None,
        executor: Executor | None = None, cache: FitCache | None = None,
    ) -> None:  # fmt: skip
        self.account_id = account_id
        self._fleet, self._histories, self._limits, self._executor = fleet, histories, limits, executor
        self._cache = cache or FitCache()

    async def size(
        self,
        market: str,
        strategy: SizingStrategy | str,
        risk_tolerance: float,
        *,
        side: Side = Side.BUY,
        stop_distance_frac: float | None = None,
        probability_budget: float = PROBABILITY_BUDGET,
        seed: int = 0,
    ) -> PositionSizing:
        """The size of a trade on top of what is held.

        Args:
            strategy: Says what ``risk_tolerance`` means; see SizingStrategy.
            stop_distance_frac: For fixed_risk; None for two daily standard deviations.
            probability_budget: Of liquidation within 24 hours, that no strategy may exceed.

        Raises: BadParameter, also for a strategy there is none of; BadSeries; NotEnoughData; CannotAssess.
        """
        try:
            chosen = SizingStrategy(strategy)
        except ValueError:
            known = ", ".join(one.value for one in SizingStrategy)
            raise BadParameter(f"there is no strategy {strategy}; strategies are {known}") from None
        view = await self._fleet.current()
        self._fleet.require_assessable(self.account_id)
        names = view.book.perp_markets.names
        if market not in names:
            raise CannotAssess([f"{market} is not among the markets that were read: {', '.join(names) or 'none'}"])
        history = await self._histories.book_of(view, also=(asset_of(market),))
        limits = await self._limits.load_limits(self.account_id) if self._limits else None
        task = SizingTask(
            book=view.single(self.account_id).book, market=market, side=side, strategy=chosen,
            risk_tolerance=risk_tolerance, limits=limits or RiskLimits(), history=history,
            stop_distance_frac=stop_distance_frac, probability_budget=probability_budget, seed=seed,
            cache=self._cache,
        )  # fmt: skip
        return await asyncio.get_running_loop().run_in_executor(self._executor, size, task)
