"""One account as it would be after a trade of some size: what every constraint on a size is a function of. Pure."""

import math
from functools import cached_property

import numpy as np

from risk import risk_figures
from risk.errors import CannotAssess
from risk.liquidation_probability import diffusion_of, hourly_funding_usd, plan_history
from risk.margin.book import FleetBook, FloatArray
from risk.margin.evaluate import evaluate
from risk.margin.health import worst_ratio_percent
from risk.margin.linear import LinearMargin
from risk.margin.liquidation import liquidation_prices
from risk.margin.paths import DEFAULT_PATHS, Diffusion, simulate_hits
from risk.margin.plan import MarginPlan
from risk.margin.trade import TAKER_FEE_FRAC, with_trade
from risk.model.metrics import VaRMethod
from risk.stats import tails
from risk.stats.book_var import estimate
from risk.stats.exposure import correlated_exposure
from risk.stats.fits import FitCache
from risk.stats.history import BookHistory
from risk.stats.moves import Filtered, filtered_moves

SLIPPAGE_FRAC = 0.001
CONFIDENCE = 0.95
_DAY_HOURS = 24.0


class Prospect:
    """What the account's assets may do, which no size changes: made once for a question.

    Args:
        history: Of the account's assets and of the one that is to be traded.
        cache: For fits that the other figures of the account use as well.
    """

    def __init__(self, history: BookHistory, covariance: FloatArray, cache: FitCache, seed: int) -> None:
        self.history, self.covariance, self.cache, self.seed = history, covariance, cache, seed

    @cached_property
    def moves(self) -> FloatArray:
        """Past days at today's volatility, shape (n_assets, n_days)."""
        return np.exp(filtered_moves(Filtered.of(self.history.returns.log_returns)))

    @cached_property
    def correlation(self) -> FloatArray:
        """As /corr shows it."""
        return risk_figures.correlation_matrix(self.history, self.cache).values

    @cached_property
    def diffusion(self) -> tuple[Diffusion, tuple[str, ...]]:
        returns = self.history.returns
        key = ("diffusion", returns.assets, returns.n, str(returns.at[-1]) if returns.n else "")
        return self.cache.get(key, lambda: diffusion_of(self.history))


class AfterTrade:
    """The account after buying (> 0) or selling (< 0) so many units of a perp, fee and slippage paid."""

    def __init__(self, book: FleetBook, market: str, base: float, price_usd: float, prospect: Prospect) -> None:
        fee = abs(base) * price_usd * (TAKER_FEE_FRAC + SLIPPAGE_FRAC)
        self.market, self._price, self._prospect = market, price_usd, prospect
        self.book = with_trade(book, market, base, fee_usd=fee) if base else book
        self.plan = MarginPlan.of(self.book)

    @cached_property
    def totals(self) -> tuple[float, float, float, float]:
        """(equity, leverage, worst health ratio, free initial collateral)."""
        found = evaluate(self.plan)
        detail = found.full
        equity = float(detail.equity_usd[0])
        liabilities = float(detail.perp_liability_usd[0] + detail.spot_borrow_usd[0])
        leverage = liabilities / equity if equity > 0 else (math.inf if liabilities else 0.0)
        free = float(detail.initial.collateral_usd[0] - detail.initial.requirement_usd[0])
        return equity, leverage, float(worst_ratio_percent(found)[0]), free

    @property
    def equity_usd(self) -> float:
        return self.totals[0]

    @property
    def position_usd(self) -> float:
        """Notional of the largest position in the market."""
        rows = np.flatnonzero(self.book.perps.market == self.book.perp_markets.names.index(self.market))
        return float(np.abs(self.book.perps.base_1e9[rows]).max(initial=0.0)) / 1e9 * self._price

    @cached_property
    def margin(self) -> LinearMargin:
        return LinearMargin.of(self.plan, self._prospect.history.returns.assets)

    @cached_property
    def var_frac(self) -> float:
        """One-day VaR over equity by past days at today's volatility; infinite without equity."""
        if not self.equity_usd > 0:
            return math.inf
        pnl = self.margin.equity(self._prospect.moves) - self.equity_usd
        return tails.historical(pnl, CONFIDENCE).var / self.equity_usd

    @cached_property
    def var_frac_by_any(self) -> float:
        """The largest of all methods: whichever of them /var shows after the trade, it shows no more."""
        if not self.equity_usd > 0:
            return math.inf
        history, found = plan_history(self.plan, self._prospect.history), [self.var_frac]
        for method in VaRMethod:
            model = None
            if method is VaRMethod.MONTE_CARLO:
                model = risk_figures.monte_carlo_model(history, 1, self._prospect.cache)
            one = estimate(
                history.margin, history.returns.log_returns, method=method, confidence=CONFIDENCE, days=1, model=model
            )
            found.append(one.var_usd / self.equity_usd)
        return max(found)

    @property
    def exposure(self) -> float | None:
        """Correlated exposure; None where it does not apply."""
        sigmas = np.sqrt(np.diag(self._prospect.covariance))
        return correlated_exposure(self.margin.equity_slope_usd, self._prospect.correlation, sigmas)

    def distance_frac(self) -> float:
        """To the liquidation price of the market; infinite where none liquidates, 0 where nothing can be said."""
        try:
            prices = liquidation_prices(self.plan)
        except CannotAssess:
            return 0.0
        own = [price.distance_frac for price in prices if price.market == self.market]
        return min((away for away in own if away is not None), default=math.inf)

    def probability(self, paths: int = DEFAULT_PATHS) -> float:
        """Of liquidation within 24 hours: what /liqprob says of this account with the same seed.

        Its steps of the first day are the same, so are its random numbers: a larger size is never luckier.
        """
        diffusion, _ = self._prospect.diffusion
        found = simulate_hits(
            self.margin, diffusion, horizons_hours=(_DAY_HOURS,), paths=paths, seed=self._prospect.seed,
            funding_usd_per_hour=hourly_funding_usd(self.margin),
        )  # fmt: skip
        return found.within(_DAY_HOURS)
