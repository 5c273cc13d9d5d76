"""The portfolio desk: what an account is worth, what its positions do, and whether its limits hold."""

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from risk.decisions.limits import check, validated
from risk.errors import BadSeries, CannotAssess, NotEnoughData, NotProposed
from risk.fleet import Fleet, FleetView
from risk.margin.assets import asset_of
from risk.margin.liquidation import liquidation_prices
from risk.margin.snapshot import open_orders_of
from risk.model.hedge import HedgeResult, RebalanceResult
from risk.model.limits import LimitCheck, LimitFigures, RiskLimits, RiskViolation
from risk.model.liquidation import LiquidationPrice
from risk.model.portfolio import PortfolioSummary, PositionAnalysis, with_statistics
from risk.model.proposal import Purpose, TradePlan
from risk.model.sizing import PositionSizing, SizingStrategy
from risk.ports import EquityHistory, LimitsStore, RiskEstimates

if TYPE_CHECKING:
    from risk.hedging_engine import DriftHedgingEngine
    from risk.model.metrics import RiskMetrics
    from risk.position_sizer import PositionSizer


class DriftPortfolioManager:
    """One account's portfolio, as a view of the fleet's evaluation.

    Args:
        limits: Where the account's limits live; without a store they last as long as this object.
        equity: Where flow-adjusted equity is remembered; without one the drawdown limit is not checked.
        risk: The risk desk; without it statistics are not stated and limits on them not checked.
        sizer: The sizing desk.
        hedging: The hedging desk, whose trade desk takes the plans.
        figures: What limits on statistics are held against, where somebody keeps it; the risk desk's own where not.
    """

    def __init__(
        self,
        account_id: str,
        fleet: Fleet,
        *,
        limits: LimitsStore | None = None,
        equity: EquityHistory | None = None,
        risk: RiskEstimates | None = None,
        sizer: "PositionSizer | None" = None,
        hedging: "DriftHedgingEngine | None" = None,
        figures: Callable[[], Awaitable[LimitFigures]] | None = None,
    ) -> None:
        self.account_id = account_id
        self._fleet, self._store, self._equity = fleet, limits, equity
        self._risk, self._sizer, self._hedging = risk, sizer, hedging
        self._figures = figures if figures is not None or risk is None else risk.limit_figures
        self._limits = RiskLimits()

    async def get_portfolio_summary(self) -> PortfolioSummary:
        """The account in ten numbers and its positions. Raises: what reading raises, UnknownAccount."""
        return summarise(await self._fleet.current(), self.account_id)

    async def get_position_breakdown(self) -> list[PositionAnalysis]:
        """Every perp position, largest notional first, with its statistics where there is a risk desk and history."""
        positions = (await self.get_portfolio_summary()).positions
        if self._risk is None or not positions:
            return list(positions)
        try:
            found = await self._risk.position_statistics()
        except (NotEnoughData, BadSeries, CannotAssess):
            return list(positions)  # statistics that are not known are None; the rest of a position needs none
        return [with_statistics(position, asset_of(position.market), found) for position in positions]

    async def calculate_portfolio_risk(self) -> "RiskMetrics":
        """The account's risk in a dozen numbers; NaN where history allows none. Raises: CannotAssess."""
        if self._risk is None:
            raise CannotAssess(["no price history is at hand: this portfolio desk was made without a risk desk"])
        return await self._risk.calculate_portfolio_risk()

    async def suggest_position_sizes(
        self, market: str, strategy: SizingStrategy | str, risk_tolerance: float
    ) -> PositionSizing:
        """See PositionSizer.size. Raises: CannotAssess, NotEnoughData, BadParameter."""
        if self._sizer is None:
            raise CannotAssess(["no price history is at hand: this portfolio desk was made without a sizing desk"])
        return await self._sizer.size(market, strategy, risk_tolerance)

    async def auto_hedge_portfolio(self, target_delta: float = 0.0) -> list[str]:
        """Propose a hedge of every asset in its own perp.

        Returns: The proposal's id, or the ids of what went out at once under a standing approval; nothing where there
            is nothing to hedge.

        Raises: NotProposed with the reason; what DriftHedgingEngine.calculate_hedge_requirements() raises.
        """
        desk = self._hedging_desk()
        requirements = await desk.calculate_hedge_requirements(target_delta)
        if not requirements.required_trades:
            if requirements.unhedged:
                raise NotProposed(requirements.unhedged[0])
            return []
        result = await desk.execute_hedge_trades(requirements)
        if result.refusal is not None:
            raise NotProposed(result.refusal.reason, result.refusal.nearest)
        return list(result.order_ids) or [result.proposal_id]

    async def rebalance_portfolio(
        self, target_allocations: Mapping[str, float], *, tolerance_frac: float = 0.02
    ) -> RebalanceResult:
        """Propose the fewest trades that bring the account to shares of its equity, those that reduce first.

        Args:
            target_allocations: Signed shares by asset, such as SOL 0.4; USDC is what is left of 1, and where it is
                named all must sum to 1. An asset that is held and not named is to have none.
            tolerance_frac: How far a share may be off, as a fraction of equity.

        Raises: BadParameter for shares that make no sense; CannotAssess; what the trade desk raises.
        """
        desk = self._hedging_desk()
        found = await desk.plan_rebalance(target_allocations, tolerance_frac=tolerance_frac)
        result = HedgeResult(proposal_id="", state=None)
        if found.trades:
            shares = ", ".join(f"{asset} {_share(share)}" for asset, share in found.target.items())
            moves = tuple(
                f"{asset} {_share(found.before.get(asset, 0.0))} of equity now, {_share(share)} wanted,"
                f" {_share(found.after.get(asset, 0.0))} after all of it"
                for asset, share in found.target.items()
            )
            plan = TradePlan(
                account_id=self.account_id, purpose=Purpose.REBALANCE, trades=found.planned,
                title=f"Rebalance to {shares}", notes=(*moves, *found.unhedged),
            )  # fmt: skip
            result = await desk.propose(plan)
        return RebalanceResult(
            trades=found.trades, before=found.before, target=found.target, after=found.after,
            within_tolerance=found.within_tolerance, tolerance_frac=found.tolerance_frac, result=result,
            estimated_cost=found.estimated_cost, unhedged=found.unhedged,
        )  # fmt: skip

    def _hedging_desk(self) -> "DriftHedgingEngine":
        if self._hedging is None:
            raise CannotAssess(["nothing can be traded: this portfolio desk was made without a hedging desk"])
        return self._hedging

    async def get_risk_limits(self) -> RiskLimits:
        """The limits in force."""
        stored = await self._store.load_limits(self.account_id) if self._store else None
        return stored or self._limits

    async def set_risk_limits(self, limits: RiskLimits) -> bool:
        """Put limits in force. Returns: True once they are. Raises: BadLimits; the old ones then stay."""
        accepted = validated(limits)
        if self._store:
            await self._store.save_limits(self.account_id, accepted)
        self._limits = accepted
        return True

    async def check_risk_limits(self) -> list[RiskViolation]:
        """Every limit that does not hold. Raises: CannotAssess when the data allows no statement."""
        return list((await self.judge_limits()).violations)

    async def judge_limits(self) -> LimitCheck:
        """As check_risk_limits(), with what could not be checked, and why. Raises: CannotAssess."""
        summary = await self.get_portfolio_summary()
        self._fleet.require_assessable(self.account_id)
        drawdown = await self._equity.drawdown_frac(self.account_id) if self._equity else None
        known = await self._figures() if self._figures is not None else None
        return check(await self.get_risk_limits(), summary, drawdown, known)


def _share(fraction: float) -> str:
    """Of equity, in percent; small ones keep a decimal."""
    percent = 100.0 * fraction
    if not round(percent, 1):
        return "0%"
    return f"{percent:,.0f}%" if abs(percent) >= 10 or percent == round(percent) else f"{percent:.1f}%"


def summarise(view: FleetView, account_id: str) -> PortfolioSummary:
    """The summary of one account from a view that exists. NaN where data is missing."""
    at = view.position_of(account_id)
    detail, plan = view.evaluation.full, view.single(account_id)
    used = float(detail.initial.requirement_usd[at])
    free = float(detail.initial.collateral_usd[at]) - used
    equity = float(detail.equity_usd[at])
    liabilities = float(detail.perp_liability_usd[at] + detail.spot_borrow_usd[at])
    positions = _positions(view, account_id)
    return PortfolioSummary(
        total_value=equity,
        unrealized_pnl=math.fsum(position.unrealized_pnl for position in positions),
        realized_pnl=float(view.book.accounts.settled_pnl_1e6[at]) / 1e6,
        margin_used=used,
        margin_available=max(0.0, free) if not math.isnan(free) else free,
        leverage=_leverage(liabilities, equity),
        health_ratio=float(view.worst_ratio_percent[at]),
        positions=positions,
        open_orders=open_orders_of(plan.book),
        last_updated=view.book.observed_at,
    )


def _leverage(liabilities_usd: float, equity_usd: float) -> float:
    if liabilities_usd == 0:
        return 0.0
    return liabilities_usd / equity_usd if equity_usd > 0 else (math.nan if math.isnan(equity_usd) else math.inf)


def _positions(view: FleetView, account_id: str) -> tuple[PositionAnalysis, ...]:
    at, detail = view.position_of(account_id), view.evaluation.full
    rows, markets = view.book.perps, view.book.perp_markets
    prices = _liquidation_prices(view, account_id)
    found: list[PositionAnalysis] = []
    for row in np.flatnonzero(rows.account == at):
        market = int(rows.market[row])
        base = float(rows.base_1e9[row]) / 1e9
        pnl, realized = float(detail.perp_pnl_usd[row]), float(rows.settled_pnl_1e6[row]) / 1e6
        liquidation = prices.get(markets.names[market])
        entry = abs(float(rows.quote_entry_1e6[row]) / 1e6 / base) if base else math.nan
        found.append(
            PositionAnalysis(
                market=markets.names[market],
                size=base,
                entry_price=entry,
                current_price=float(view.book.oracles.price_1e6[markets.oracle[market]]) / 1e6,
                unrealized_pnl=pnl,
                realized_pnl=realized,
                total_pnl=pnl + realized,
                liquidation_price=liquidation.price_usd if liquidation else None,
                margin_requirement=float(detail.perp_requirement_usd[row]),
                notional=float(detail.perp_notional_usd[row]),
                funding=float(rows.funding_1e6[row]) / 1e6,
                isolated=bool(rows.isolated[row]),
            )
        )
    return tuple(sorted(found, key=lambda position: -position.notional))


def _liquidation_prices(view: FleetView, account_id: str) -> dict[str, LiquidationPrice]:
    try:
        return {price.market: price for price in liquidation_prices(view.single(account_id))}
    except CannotAssess:
        # The summary still shows what is known; its NaN health says that this is not.
        return {}
