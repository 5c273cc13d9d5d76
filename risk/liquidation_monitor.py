"""The liquidation desk: how healthy an account is, what would liquidate it, and what would help."""

import math
from concurrent.futures import Executor
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from risk.decisions.tiers import LADDER, Tier, TierThresholds, begins_percent, risk_level, tier_of
from risk.errors import BadSeries, NotEnoughData
from risk.fleet import Fleet, FleetView
from risk.margin.health import health_percent, ratio_percent
from risk.margin.liquidation import BookMove, liquidation_prices, whole_book_move
from risk.margin.remedy import Remedy, remedy
from risk.margin.stress import run_stress
from risk.model.liquidation import (
    HealthStatus,
    IsolatedHealth,
    LiquidationPrice,
    LiquidationRisk,
    RiskLevel,
    StressTestResult,
)
from risk.model.protection import ProtectionResult, SleepPlan
from risk.ports import BookHistories, CandleStore, LiquidationOdds
from risk.trade_ports import DepthSource, TradeDesk

if TYPE_CHECKING:
    from risk.protection_desk import ProtectionDesk
    from risk.stats.fits import FitCache

# Where a market moves by a third of its price a day, more collateral is no answer; nothing beyond this is asked for.
ENOUGH_PERCENT = 1_000.0
_DAY_HOURS = 24.0


class DriftLiquidationMonitor:
    """One account's distance to liquidation, as a view of the fleet's evaluation.

    Args:
        thresholds: Tiers of this account; the same the alerts use.
        odds: Who simulates the time to liquidation: the risk desk. Without one, or without history, it is not stated.
        desk: Where protection is proposed, the only way out there is; None while trading is switched off.
        depth: What markets offer; without it protection cancels and advises, and cuts nothing.
        histories: The account's history: the risk desk. Without it protection states no probability.
    """

    def __init__(
        self,
        account_id: str,
        fleet: Fleet,
        *,
        thresholds: TierThresholds | None = None,
        odds: LiquidationOdds | None = None,
        desk: TradeDesk | None = None,
        depth: DepthSource | None = None,
        histories: BookHistories | None = None,
        candles: CandleStore | None = None,
        executor: Executor | None = None,
        cache: "FitCache | None" = None,
    ) -> None:
        self.account_id = account_id

        def protection() -> "ProtectionDesk":
            from risk.protection_desk import ProtectionDesk  # brings scipy, which the alerts do without

            return ProtectionDesk(
                account_id, fleet, depth=depth, desk=desk, histories=histories, candles=candles, executor=executor,
                cache=cache,
            )  # fmt: skip

        self._make_protection = protection
        self._fleet, self._odds = fleet, odds
        self.thresholds = thresholds or TierThresholds()

    @cached_property
    def protection(self) -> "ProtectionDesk":
        """Stops, nights and protection of the account."""
        return self._make_protection()

    async def monitor_health_ratio(self) -> HealthStatus:
        """Health in both conventions, with every reason why it may not be trusted."""
        view = await self._fleet.current()
        return health_of(view, self.account_id, self._fleet.problems(self.account_id))

    async def calculate_liquidation_prices(self) -> dict[str, float]:
        """Finite liquidation prices in USD by market, others fixed. Raises: CannotAssess."""
        return finite_prices(await self.liquidation_prices())

    async def liquidation_prices(self) -> tuple[LiquidationPrice, ...]:
        """A price or none for every market the account touches, with a status. Raises: CannotAssess."""
        return liquidation_prices((await self._fleet.current()).single(self.account_id))

    async def whole_book_move(self) -> BookMove:
        """The common move of all assets, beta 1, that liquidates the cross account. Raises: CannotAssess."""
        return whole_book_move((await self._fleet.current()).single(self.account_id))

    async def simulate_stress_scenarios(self) -> StressTestResult:
        """Every named scenario, worst first. Raises: CannotAssess."""
        view = await self._fleet.current()
        self._fleet.require_assessable(self.account_id)
        return StressTestResult(
            account_id=self.account_id,
            outcomes=run_stress(view.single(self.account_id).book),
            slot=view.book.slot,
            observed_at=view.book.observed_at,
        )

    async def remedy(self, target: Tier = Tier.WATCH) -> Remedy:
        """The deposit or the cut that brings the account back into a tier. Raises: CannotAssess."""
        view = await self._fleet.current()
        self._fleet.require_assessable(self.account_id)
        step_percent = float(view.nearness.step_percent[view.position_of(self.account_id)])
        return remedy(view.single(self.account_id).book, entry_ratio_percent(self.thresholds, target, step_percent))

    async def execute_protection_actions(self, risk_level: RiskLevel) -> ProtectionResult:
        """Propose what a level of risk calls for: LOW nothing; MEDIUM cancels orders that enlarge what is held; HIGH
        also cuts until the account is where WATCH begins; CRITICAL also hedges what cannot be cut, and advises a
        deposit.

        Nothing goes out but through the trade desk. Raises: CannotAssess, ReadFailed.
        """
        view = await self._fleet.current()
        self._fleet.require_assessable(self.account_id)
        step_percent = float(view.nearness.step_percent[view.position_of(self.account_id)])
        target = entry_ratio_percent(self.thresholds, Tier.WATCH, step_percent)
        return await self.protection.protect(risk_level, target)

    async def plan_sleep(self, hours: float, budget_frac: float) -> SleepPlan:
        """What keeps the account alive for some hours by itself. Raises: as ProtectionDesk.plan_sleep()."""
        return await self.protection.plan_sleep(hours, budget_frac)

    async def assess_liquidation_risk(self) -> LiquidationRisk:
        """The verdict on an account. Raises: CannotAssess when it would rest on data that cannot be trusted."""
        stress = await self.simulate_stress_scenarios()
        prices = await self.liquidation_prices()
        reading = self._fleet.reading(self.account_id)
        help_needed = await self.remedy()
        median, likely = await self._time_to_liquidation()
        return LiquidationRisk(
            health_ratio=reading.ratio_percent,
            liquidation_prices=finite_prices(prices),
            time_to_liquidation=median,
            probability_24h=likely,
            risk_level=risk_level(tier_of(reading, self.thresholds)),
            protection_actions=protection_actions(help_needed),
            stress_test_results={outcome.scenario: outcome.health_ratio_percent for outcome in stress.outcomes},
        )

    async def _time_to_liquidation(self) -> tuple[timedelta | None, float | None]:
        """(median, probability within 24 h)."""
        if self._odds is None:
            return None, None
        try:
            hits = (await self._odds.liquidation_probability()).hits
        except (NotEnoughData, BadSeries):
            return None, None  # the verdict stands without it, and None is what it is documented to be then
        median = None if hits.median_hours is None else timedelta(hours=hits.median_hours)
        return median, hits.within(_DAY_HOURS)


def entry_ratio_percent(thresholds: TierThresholds, tier: Tier, step_percent: float = math.nan) -> float:
    """Health ratio at which an account is in ``tier`` or better: where the next worse one begins.

    Args:
        step_percent: What one daily move of the book is on the ratio, in points; NaN where not known.
    """
    for step in LADDER:
        if step.value > tier.value:
            by_ratio = begins_percent(thresholds, step)
            begins = begins_percent(thresholds, step, step_percent)
            if begins is not None:
                return max(by_ratio or 0.0, min(begins, ENOUGH_PERCENT))
    raise ValueError(f"no tier is worse than {tier.name}")


def finite_prices(prices: tuple[LiquidationPrice, ...]) -> dict[str, float]:
    """Market -> price, only where a price liquidates."""
    return {price.market: price.price_usd for price in prices if price.price_usd is not None}


def protection_actions(needed: Remedy) -> tuple[str, ...]:
    """Sentences a person can act on; amounts are rounded up to whole dollars."""
    where = f" to isolated {needed.scope}" if needed.scope else ""
    actions: list[str] = []
    if needed.deposit_usd:
        actions.append(f"deposit ${math.ceil(needed.deposit_usd):,}{where}")
    if needed.cut is not None:
        actions.append(f"cut {needed.cut.market} by ${math.ceil(needed.cut.notional_usd):,}")
    if needed.cut_all_frac is not None:
        actions.append(f"cut every position by {math.ceil(100 * needed.cut_all_frac)} %")
    return tuple(actions)


def health_of(view: FleetView, account_id: str, problems: tuple[str, ...]) -> HealthStatus:
    """Health of one account from a view that exists."""
    book, evaluation = view.book, view.evaluation
    at, totals, initial = view.position_of(account_id), evaluation.maintenance, evaluation.full.initial
    collateral, requirement = totals.collateral_usd[at], totals.requirement_usd[at]
    flagged = np.array(book.accounts.being_liquidated[at])
    ratio = float(ratio_percent(collateral, requirement))
    isolated = tuple(
        _isolated(view, place) for place, row in enumerate(evaluation.isolated_rows) if book.perps.account[row] == at
    )
    below = collateral < requirement or any(
        one.total_collateral_usd < one.maintenance_requirement_usd for one in isolated
    )
    own_flags = book.perps.being_liquidated[book.perps.account == at]
    return HealthStatus(
        account_id=account_id,
        health_percent=float(health_percent(collateral, requirement, flagged)),
        health_ratio_percent=ratio if requirement > 0 else None,
        worst_ratio_percent=float(view.worst_ratio_percent[at]),
        total_collateral_usd=float(collateral),
        maintenance_requirement_usd=float(requirement),
        initial_collateral_usd=float(initial.collateral_usd[at]),
        initial_requirement_usd=float(initial.requirement_usd[at]),
        free_collateral_usd=float(np.maximum(initial.collateral_usd[at] - initial.requirement_usd[at], 0.0)),
        margin_to_liquidation_usd=float(collateral - requirement),
        isolated=isolated,
        liquidating=bool(flagged) or bool(own_flags.any()) or bool(below),
        problems=problems,
        slot=book.slot,
        observed_at=book.observed_at,
    )


def _isolated(view: FleetView, place: int) -> IsolatedHealth:
    book, evaluation = view.book, view.evaluation
    row = int(evaluation.isolated_rows[place])
    totals, initial = evaluation.maintenance, evaluation.full.initial
    collateral, requirement = totals.isolated_collateral_usd[place], totals.isolated_requirement_usd[place]
    flagged = np.array(book.perps.being_liquidated[row])
    return IsolatedHealth(
        market=book.perp_markets.names[int(book.perps.market[row])],
        total_collateral_usd=float(collateral),
        maintenance_requirement_usd=float(requirement),
        initial_collateral_usd=float(initial.isolated_collateral_usd[place]),
        initial_requirement_usd=float(initial.isolated_requirement_usd[place]),
        health_percent=float(health_percent(collateral, requirement, flagged)),
        health_ratio_percent=float(ratio_percent(collateral, requirement)) if requirement > 0 else None,
    )
