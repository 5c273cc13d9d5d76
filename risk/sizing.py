"""The size a strategy wants, and the largest one that limits, margin and the risk of liquidation allow. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from risk.errors import BadParameter, CannotAssess, NotEnoughData
from risk.liquidation_probability import diffusion_of, hourly_funding_usd
from risk.margin.assets import asset_of
from risk.margin.book import FleetBook, FloatArray
from risk.margin.evaluate import evaluate
from risk.margin.health import worst_ratio_percent
from risk.margin.linear import LinearMargin
from risk.margin.liquidation import liquidation_prices
from risk.margin.paths import Diffusion, simulate_hits
from risk.margin.plan import MarginPlan
from risk.margin.trade import TAKER_FEE_FRAC, with_trade
from risk.model.account import Side
from risk.model.limits import RiskLimits
from risk.model.sizing import Binding, PositionSizing, SizingStrategy
from risk.stats.ewma import ewma_covariance
from risk.stats.history import BookHistory
from risk.stats.series import DAYS_PER_YEAR
from risk.stats.tails import normal

SLIPPAGE_FRAC = 0.001
STOP_SIGMAS = 2.0
LEAST_DISTANCE_SIGMAS = 3.0
PROBABILITY_BUDGET = 0.05
_MEAN_PRIOR_DAYS = 1_000.0  # a mean return is known from so many days only half
_SIZING_PATHS = 4_000
_BISECTIONS = 30
_CLOSE_ENOUGH = 1e-3
_LARGEST_KELLY = 0.25
_DAY_HOURS = 24.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizingTask:
    """One question.

    Attributes:
        history: Of the account's assets and of the one that is to be traded.
        stop_distance_frac: For fixed risk; None for two daily standard deviations.
        probability_budget: Of liquidation in 24 hours, that no strategy may exceed.
    """

    book: FleetBook
    market: str
    side: Side
    strategy: SizingStrategy
    risk_tolerance: float
    limits: RiskLimits
    history: BookHistory
    stop_distance_frac: float | None = None
    probability_budget: float = PROBABILITY_BUDGET
    seed: int = 0


def size(task: SizingTask) -> PositionSizing:
    """The answer. Raises: BadParameter, NotEnoughData, CannotAssess."""
    return _Sizer(task).answer()


@dataclass(slots=True)
class _After:
    """The account after a trade of some size; figures computed once each."""

    book: FleetBook
    plan: MarginPlan = field(init=False)

    def __post_init__(self) -> None:
        self.plan = MarginPlan.of(self.book)

    def totals(self) -> tuple[float, float, float, float]:
        """(equity, leverage, worst health ratio, free initial collateral)."""
        found = evaluate(self.plan)
        detail = found.full
        equity = float(detail.equity_usd[0])
        liabilities = float(detail.perp_liability_usd[0] + detail.spot_borrow_usd[0])
        leverage = liabilities / equity if equity > 0 else (math.inf if liabilities else 0.0)
        free = float(detail.initial.collateral_usd[0] - detail.initial.requirement_usd[0])
        return equity, leverage, float(worst_ratio_percent(found)[0]), free


class _Sizer:
    def __init__(self, task: SizingTask) -> None:
        self.task = task
        names = task.book.perp_markets.names
        if task.market not in names:
            raise CannotAssess([f"{task.market} is not among the markets that were read: {', '.join(names) or 'none'}"])
        self.sign = 1.0 if task.side is Side.BUY else -1.0
        row = int(task.book.perp_markets.oracle[names.index(task.market)])
        self.price = float(task.book.oracles.price_1e6[row]) / 1e6
        if not self.price > 0:
            raise CannotAssess([f"{task.market} has no price now"])
        self.asset = asset_of(task.market)
        if self.asset not in task.history.returns.assets:
            raise NotEnoughData(f"daily bars of {self.asset}", found=0, needed=2)
        self.returns = task.history.returns.log_returns
        self.column = task.history.returns.assets.index(self.asset)
        self.covariance = ewma_covariance(self.returns)
        self.sigma = math.sqrt(float(self.covariance[self.column, self.column]))
        self.equity = _After(task.book).totals()[0]
        if not self.equity > 0:
            raise CannotAssess(["the account has no equity to size a position by"])
        self.diffusion: Diffusion | None = None
        self.notes: list[str] = list(task.history.warnings)

    def answer(self) -> PositionSizing:
        wanted, reason = self._wanted()
        bounds: list[tuple[float, Binding, str]] = [(wanted, Binding.STRATEGY, reason)]
        bounds += [self._bound(binding, fits, words) for binding, fits, words in self._constraints()]
        base, binding, why = min(bounds, key=lambda bound: bound[0])
        after = _After(self._traded(base))
        _, leverage, ratio, _ = after.totals()
        task = self.task
        return PositionSizing(
            market=task.market, side=task.side, strategy=task.strategy, risk_tolerance=task.risk_tolerance,
            size_base=base, notional_usd=base * self.price, price_usd=self.price, binding=binding, reason=why,
            wanted_base=wanted, stop_distance_frac=self._stop() if task.strategy is SizingStrategy.FIXED_RISK else None,
            probability_24h=self._probability(base), health_ratio_after=ratio, leverage_after=leverage,
            var_1d_frac_after=self._var_frac(base), n=task.history.returns.n, data_age_s=task.history.data_age_s,
            seed=task.seed, warnings=tuple(dict.fromkeys(self.notes)),
        )  # fmt: skip

    def _stop(self) -> float:
        return self.task.stop_distance_frac or STOP_SIGMAS * self.sigma

    def _wanted(self) -> tuple[float, str]:
        """(base units, reason) of the strategy alone."""
        tolerance, strategy = self.task.risk_tolerance, self.task.strategy
        if not (math.isfinite(tolerance) and tolerance > 0):
            raise BadParameter("the risk tolerance must be a positive number")
        match strategy:
            case SizingStrategy.FIXED_RISK:
                if tolerance >= 1:
                    raise BadParameter("fixed_risk takes the fraction of equity to lose, such as 0.02")
                cost = self._stop() + TAKER_FEE_FRAC + SLIPPAGE_FRAC
                loses = f"loses {tolerance:.1%} of equity at a stop {self._stop():.1%} away, costs included"
                return tolerance * self.equity / cost / self.price, loses
            case SizingStrategy.VOLATILITY_TARGET:
                return self._to_volatility(tolerance)
            case SizingStrategy.KELLY:
                return self._kelly(tolerance)
            case SizingStrategy.INVERSE_LIQUIDATION:
                if tolerance >= 1:
                    raise BadParameter("inverse_liquidation takes a probability, such as 0.01")
                _, _, words = self._probability_constraint(tolerance)
                found = self._largest(lambda base: self._probability(base) < tolerance)
                return found, words

    def _to_volatility(self, target: float) -> tuple[float, str]:
        """Largest notional at which the account's volatility is the target: the larger root of a parabola."""
        weights = self._weights()
        unit = np.zeros(weights.size)
        unit[self.column] = self.sign
        a = float(unit @ self.covariance @ unit)
        b = 2 * float(unit @ self.covariance @ weights)
        c = float(weights @ self.covariance @ weights) - (target * self.equity) ** 2 / DAYS_PER_YEAR
        root = b * b - 4 * a * c
        notional = (-b + math.sqrt(root)) / (2 * a) if root >= 0 and a > 0 else 0.0
        words = f"brings the account's volatility to {target:.0%} a year"
        if notional <= 0:
            now = math.sqrt(float(weights @ self.covariance @ weights) * DAYS_PER_YEAR) / self.equity
            words = f"the account's volatility is {now:.0%} a year already, above the {target:.0%} wanted"
        return max(0.0, notional) / self.price, words

    def _kelly(self, fraction: float) -> tuple[float, str]:
        if fraction > _LARGEST_KELLY:
            raise BadParameter("kelly takes at most a quarter of the growth-optimal size: 0.25")
        returns = np.expm1(self.returns[:, self.column])
        n = returns.size
        mean = self.sign * float(returns.mean()) * n / (n + _MEAN_PRIOR_DAYS)
        variance = self.sigma**2
        if mean <= 0 or variance == 0:
            return 0.0, f"{self.asset} has moved against this side on average, so Kelly takes nothing"
        words = f"is {fraction:.2f} of the growth-optimal size at a shrunken mean of {mean * DAYS_PER_YEAR:.0%} a year"
        return fraction * mean / variance * self.equity / self.price, words

    def _constraints(self) -> list[tuple[Binding, Callable[[float], bool], str]]:
        limits, budget = self.task.limits, self.task.probability_budget

        def position(base: float) -> float:
            rows = np.flatnonzero(
                self.task.book.perps.market == self.task.book.perp_markets.names.index(self.task.market)
            )
            held = float(self.task.book.perps.base_1e9[rows].sum()) / 1e9
            return abs(held + self.sign * base) * self.price

        found: list[tuple[Binding, Callable[[float], bool], str]] = [
            (
                Binding.LEVERAGE_LIMIT, lambda base: self._after(base).totals()[1] <= limits.max_portfolio_leverage,
                f"leverage would pass its limit of {limits.max_portfolio_leverage:g}",
            ),
            (
                Binding.POSITION_LIMIT_USD, lambda base: position(base) <= limits.max_position_size_usd,
                f"the position would pass its limit of {limits.max_position_size_usd:,.0f} USD",
            ),
            (
                Binding.POSITION_LIMIT_SHARE,
                lambda base: position(base) <= limits.max_position_size_percent * self.equity,
                f"the position would pass {limits.max_position_size_percent:.0%} of equity",
            ),
            (
                Binding.HEALTH_LIMIT, lambda base: self._after(base).totals()[2] >= limits.min_health_ratio,
                f"the health ratio would fall below its limit of {limits.min_health_ratio:g}%",
            ),
            (
                Binding.INITIAL_MARGIN, lambda base: self._after(base).totals()[3] >= 0,
                "initial margin would not be enough for more",
            ),
            (
                Binding.VAR_LIMIT, lambda base: not self._var_frac(base) > limits.max_var_1d_percent,
                f"one-day VaR at 95% would pass its limit of {limits.max_var_1d_percent:.1%} of equity",
            ),
            (
                Binding.LIQUIDATION_DISTANCE, self._far_enough,
                f"the liquidation price would be nearer than {LEAST_DISTANCE_SIGMAS:g} daily standard deviations",
            ),
        ]  # fmt: skip
        if self.task.strategy is not SizingStrategy.INVERSE_LIQUIDATION:
            found.append(self._probability_constraint(budget))
        return found

    def _probability_constraint(self, budget: float) -> tuple[Binding, Callable[[float], bool], str]:
        words = f"the probability of liquidation in 24 h would pass {budget:.2%}"
        return Binding.LIQUIDATION_PROBABILITY, lambda base: self._probability(base) < budget, words

    def _bound(self, binding: Binding, fits: Callable[[float], bool], words: str) -> tuple[float, Binding, str]:
        return self._largest(fits), binding, words

    def _largest(self, fits: Callable[[float], bool]) -> float:
        """Largest size that fits, by bisection between nothing and a hundred times the equity; 0 where nothing does."""
        high = 100.0 * self.equity / self.price
        if not fits(0.0):
            return 0.0  # a trade that would mend what is broken is a hedge, and not sized here
        low = 0.0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if fits(middle):
                low = middle
            else:
                high = middle
            if high - low <= _CLOSE_ENOUGH * max(high, 1e-12):
                break
        return low

    def _traded(self, base: float) -> FleetBook:
        if base == 0:
            return self.task.book
        fee = base * self.price * (TAKER_FEE_FRAC + SLIPPAGE_FRAC)
        return with_trade(self.task.book, self.task.market, self.sign * base, fee_usd=fee)

    def _after(self, base: float) -> _After:
        return _After(self._traded(base))

    def _margin(self, base: float) -> LinearMargin:
        return LinearMargin.of(self._after(base).plan, self.task.history.returns.assets)

    def _weights(self) -> FloatArray:
        return np.asarray(
            LinearMargin.of(MarginPlan.of(self.task.book), self.task.history.returns.assets).equity_slope_usd
        )

    def _var_frac(self, base: float) -> float:
        weights = self._weights()
        weights[self.column] += self.sign * base * self.price
        sigma = math.sqrt(max(0.0, float(weights @ self.covariance @ weights)))
        return normal(0.0, sigma, 0.95).var / self.equity

    def _far_enough(self, base: float) -> bool:
        try:
            prices = liquidation_prices(self._after(base).plan)
        except CannotAssess:
            return False
        own = [price.distance_frac for price in prices if price.market == self.task.market]
        return all(away is None or away >= LEAST_DISTANCE_SIGMAS * self.sigma for away in own)

    def _probability(self, base: float) -> float:
        """Common random numbers: the same seed for every size, so that a larger one is never luckier."""
        if self.diffusion is None:
            self.diffusion, notes = diffusion_of(self.task.history)
            self.notes += notes
        margin = self._margin(base)
        found = simulate_hits(
            margin, self.diffusion, horizons_hours=(_DAY_HOURS,), paths=_SIZING_PATHS, seed=self.task.seed,
            funding_usd_per_hour=hourly_funding_usd(margin),
        )  # fmt: skip
        return found.hits[0].probability
