"""The size a strategy wants, and the largest one that limits, margin and the risk of liquidation allow. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from risk.after_trade import SLIPPAGE_FRAC, AfterTrade, Prospect
from risk.errors import BadParameter, BadSeries, CannotAssess, NotEnoughData
from risk.margin.assets import asset_of
from risk.margin.book import FleetBook, FloatArray
from risk.margin.trade import TAKER_FEE_FRAC
from risk.model.account import Side
from risk.model.limits import RiskLimits
from risk.model.sizing import Binding, PositionSizing, SizingStrategy
from risk.stats.ewma import ewma_covariance
from risk.stats.fits import FitCache
from risk.stats.history import BookHistory
from risk.stats.series import DAYS_PER_YEAR

STOP_SIGMAS = 2.0
LEAST_DISTANCE_SIGMAS = 3.0
PROBABILITY_BUDGET = 0.05
MOST_VOLATILITY = 10.0
_MEAN_PRIOR_DAYS = 1_000.0  # a mean return is known from so many days only half
_ROUGH_PATHS = 1_000
_BISECTIONS = 30
_CLOSE_ENOUGH = 1e-3
_LARGEST_KELLY = 0.25
_METHODS_DIFFER = 4.0  # no method says so many times what another one does
_MOST_LEVERAGE = 100.0

Fits = Callable[[AfterTrade], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingTask:
    """One question.

    Attributes:
        history: Of the account's assets and of the one that is to be traded.
        stop_distance_frac: For fixed risk; None for two daily standard deviations.
        probability_budget: Of liquidation in 24 hours, that no strategy may exceed.
        cache: Fits that the account's other figures use as well.
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
    cache: FitCache = field(default_factory=FitCache)


def size(task: SizingTask) -> PositionSizing:
    """The answer. Raises: BadParameter, BadSeries, NotEnoughData, CannotAssess."""
    return _Sizer(task).answer()


@dataclass(frozen=True, slots=True)
class _Constraint:
    """What a size must keep, and the words for one that would not."""

    binding: Binding
    fits: Fits
    words: str


class _Sizer:
    def __init__(self, task: SizingTask) -> None:
        self.task = _checked(task)
        names = task.book.perp_markets.names
        if task.market not in names:
            raise CannotAssess([f"{task.market} is not among the markets that were read: {', '.join(names) or 'none'}"])
        self.sign = 1.0 if task.side is Side.BUY else -1.0
        row = int(task.book.perp_markets.oracle[names.index(task.market)])
        self.price = float(task.book.oracles.price_1e6[row]) / 1e6
        if not self.price > 0:
            raise CannotAssess([f"{task.market} has no price now"])
        self.asset = asset_of(task.market)
        returns = task.history.returns
        if self.asset not in returns.assets:
            raise NotEnoughData(f"daily bars of {self.asset}", found=0, needed=2)
        self.returns, self.column = returns.log_returns, returns.assets.index(self.asset)
        covariance = ewma_covariance(self.returns)
        self.sigma = math.sqrt(float(covariance[self.column, self.column]))
        if not self.sigma > 0:
            raise BadSeries(f"{self.asset} has not moved in {returns.n} days, so no size follows; check its history")
        self.prospect = Prospect(task.history, covariance, task.cache, task.seed)
        self.now = self._after(0.0)
        self.equity = self.now.equity_usd
        if not self.equity > 0:
            raise CannotAssess(["the account has no equity to size a position by"])

    def answer(self) -> PositionSizing:
        wanted, reason = self._wanted()
        base, binding, why = wanted, Binding.STRATEGY, reason
        constraints = self._constraints()
        for one in constraints:
            # Each is searched only below what the others have left: the last one that bites is the one that binds.
            if not one.fits(self._after(base)):
                base, binding, why = self._largest(one.fits, most=base), one.binding, one.words
        base, binding, why = self._within_var(base, binding, why)
        # Some constraints do not tighten with every step, such as on concentration: what fits all of them is kept.
        if not all(one.fits(self._after(base)) for one in constraints):
            base = self._largest(lambda after: all(one.fits(after) for one in constraints), most=base)
        after, task = self._after(base), self.task
        _, leverage, ratio, _ = after.totals
        notes = (*task.history.warnings, *self.prospect.diffusion[1])
        return PositionSizing(
            market=task.market, side=task.side, strategy=task.strategy, risk_tolerance=task.risk_tolerance,
            size_base=base, notional_usd=base * self.price, price_usd=self.price, binding=binding, reason=why,
            wanted_base=wanted, stop_distance_frac=self._stop() if task.strategy is SizingStrategy.FIXED_RISK else None,
            probability_24h=after.probability(), health_ratio_after=ratio, leverage_after=leverage,
            var_1d_frac_after=after.var_frac, n=task.history.returns.n, data_age_s=task.history.data_age_s,
            seed=task.seed, warnings=tuple(dict.fromkeys(notes)),
        )  # fmt: skip

    def _stop(self) -> float:
        return self.task.stop_distance_frac or STOP_SIGMAS * self.sigma

    def _wanted(self) -> tuple[float, str]:
        """(base units, reason) of the strategy alone."""
        tolerance = self.task.risk_tolerance
        match self.task.strategy:
            case SizingStrategy.FIXED_RISK:
                cost = self._stop() + TAKER_FEE_FRAC + SLIPPAGE_FRAC
                loses = f"loses {tolerance:.1%} of equity at a stop {self._stop():.1%} away, costs included"
                return tolerance * self.equity / cost / self.price, loses
            case SizingStrategy.VOLATILITY_TARGET:
                return self._to_volatility(tolerance)
            case SizingStrategy.KELLY:
                return self._kelly(tolerance)
            case SizingStrategy.INVERSE_LIQUIDATION:
                return self._likely(tolerance), f"the probability of liquidation in 24 h would pass {tolerance:.2%}"

    def _to_volatility(self, target: float) -> tuple[float, str]:
        """Largest notional at which the account's volatility is the target: the larger root of a parabola."""
        weights = self.now.margin.equity_slope_usd
        unit = np.zeros(weights.size)
        unit[self.column] = self.sign
        covariance: FloatArray = self.prospect.covariance
        a = float(unit @ covariance @ unit)
        b = 2 * float(unit @ covariance @ weights)
        now = float(weights @ covariance @ weights)
        root = b * b - 4 * a * (now - (target * self.equity) ** 2 / DAYS_PER_YEAR)
        notional = (-b + math.sqrt(root)) / (2 * a) if root >= 0 else 0.0
        words = f"brings the account's volatility to {target:.0%} a year"
        if notional <= 0:
            yearly = math.sqrt(now * DAYS_PER_YEAR) / self.equity
            words = f"the account's volatility is {yearly:.0%} a year already, above the {target:.0%} wanted"
        return max(0.0, notional) / self.price, words

    def _kelly(self, fraction: float) -> tuple[float, str]:
        returns = np.expm1(self.returns[:, self.column])
        n = returns.size
        mean = self.sign * float(returns.mean()) * n / (n + _MEAN_PRIOR_DAYS)
        if mean <= 0:
            return 0.0, f"{self.asset} has moved against this side on average, so Kelly takes nothing"
        words = f"is {fraction:.2f} of the growth-optimal size at a shrunken mean of {mean * DAYS_PER_YEAR:.0%} a year"
        return fraction * mean / self.sigma**2 * self.equity / self.price, words

    def _constraints(self) -> tuple[_Constraint, ...]:
        limits, budget = self.task.limits, self.task.probability_budget
        found = [
            _Constraint(
                Binding.LEVERAGE_LIMIT, lambda after: after.totals[1] <= limits.max_portfolio_leverage,
                f"leverage would pass its limit of {limits.max_portfolio_leverage:g}",
            ),
            _Constraint(
                Binding.POSITION_LIMIT_USD, lambda after: after.position_usd <= limits.max_position_size_usd,
                f"the position would pass its limit of {limits.max_position_size_usd:,.0f} USD",
            ),
            _Constraint(
                Binding.POSITION_LIMIT_SHARE,
                lambda after: after.position_usd <= limits.max_position_size_percent * after.equity_usd,
                f"the position would pass {limits.max_position_size_percent:.0%} of equity",
            ),
            _Constraint(
                Binding.HEALTH_LIMIT, lambda after: after.totals[2] >= limits.min_health_ratio,
                f"the health ratio would fall below its limit of {limits.min_health_ratio:g}%",
            ),
            _Constraint(
                Binding.INITIAL_MARGIN, lambda after: after.totals[3] >= 0,
                "initial margin would not be enough for more",
            ),
            _Constraint(
                Binding.CORRELATION_LIMIT, lambda after: not (after.exposure or 0.0) > limits.max_correlation_exposure,
                f"correlated exposure would pass its limit of {limits.max_correlation_exposure:.0%}",
            ),
            _Constraint(Binding.VAR_LIMIT, _calmer_than(limits.max_var_1d_percent), self._var_words),
            _Constraint(
                Binding.LIQUIDATION_DISTANCE,
                lambda after: after.distance_frac() >= LEAST_DISTANCE_SIGMAS * self.sigma,
                f"the liquidation price would be nearer than {LEAST_DISTANCE_SIGMAS:g} daily standard deviations",
            ),
        ]  # fmt: skip
        if self.task.strategy is not SizingStrategy.INVERSE_LIQUIDATION:
            found.append(
                _Constraint(
                    Binding.LIQUIDATION_PROBABILITY, lambda after: after.probability() < budget,
                    f"the probability of liquidation in 24 h would pass {budget:.2%}",
                )
            )  # fmt: skip
        return tuple(found)

    @property
    def _var_words(self) -> str:
        return f"one-day VaR at 95% would pass its limit of {self.task.limits.max_var_1d_percent:.1%} of equity"

    def _within_var(self, base: float, binding: Binding, why: str) -> tuple[float, Binding, str]:
        """The search goes by one method, which is quick; /var may show another. In the end the limit holds by all."""
        limit = self.task.limits.max_var_1d_percent
        for _ in range(_BISECTIONS):
            after = self._after(base)
            if base == 0 or after.var_frac < limit / _METHODS_DIFFER or not after.var_frac_by_any > limit:
                break
            target = after.var_frac * limit / after.var_frac_by_any * (1 - _CLOSE_ENOUGH)
            base = self._largest(_calmer_than(target), most=base)
            binding, why = Binding.VAR_LIMIT, self._var_words
        return base, binding, why

    def _likely(self, probability: float) -> float:
        """Largest size below a probability: found with few paths first, then by the number that is shown."""
        rough = self._largest(lambda after: after.probability(_ROUGH_PATHS) < probability)

        def fits(after: AfterTrade) -> bool:
            return after.probability() < probability

        least, most = 0.8 * rough, 1.25 * rough
        while least > 0 and not fits(self._after(least)):
            most, least = least, (0.8 * least if least * self.price > 1e-3 * self.equity else 0.0)
        while most > 0 and fits(self._after(most)) and most < self._most():
            least, most = most, 1.25 * most
        return self._largest(fits, least=least, most=min(most, self._most()))

    def _most(self) -> float:
        return _MOST_LEVERAGE * self.equity / self.price

    def _largest(self, fits: Fits, *, least: float = 0.0, most: float | None = None) -> float:
        """Largest size that fits, by bisection; 0 where nothing does."""
        high = self._most() if most is None else most
        if not fits(self._after(least)):
            return 0.0  # a trade that would mend what is broken is a hedge, and not sized here
        low = least
        for _ in range(_BISECTIONS):
            if high - low <= _CLOSE_ENOUGH * high:
                break
            middle = (low + high) / 2
            if fits(self._after(middle)):
                low = middle
            else:
                high = middle
        return low

    def _after(self, base: float) -> AfterTrade:
        return AfterTrade(self.task.book, self.task.market, self.sign * base, self.price, self.prospect)


def _calmer_than(var_frac: float) -> Fits:
    return lambda after: not after.var_frac > var_frac


def _checked(task: SizingTask) -> SizingTask:
    tolerance, stop, budget = task.risk_tolerance, task.stop_distance_frac, task.probability_budget
    most, what = {
        SizingStrategy.FIXED_RISK: (1.0, "fixed_risk takes the fraction of equity to lose, such as 0.02"),
        SizingStrategy.VOLATILITY_TARGET: (
            MOST_VOLATILITY, "volatility_target takes a volatility a year as a fraction, such as 0.5"
        ),
        SizingStrategy.KELLY: (_LARGEST_KELLY, "kelly takes at most a quarter of the growth-optimal size: 0.25"),
        SizingStrategy.INVERSE_LIQUIDATION: (1.0, "inverse_liquidation takes a probability, such as 0.01"),
    }[task.strategy]  # fmt: skip
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise BadParameter(f"the risk tolerance must be a positive number; {what}")
    if tolerance > most or (tolerance == most == 1.0):
        raise BadParameter(what)
    if stop is not None and not 0 < stop < 1:
        raise BadParameter("a stop is away by a fraction of the price between 0 and 1, such as 0.1")
    if not 0 < budget <= 1:
        raise BadParameter("the budget is a probability above 0 and at most 1, such as 0.05")
    return task
