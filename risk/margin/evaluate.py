"""The only margin computation of the product: a book and prices in, collateral and requirements out.

Works over accounts, over price scenarios, and over both at once. Source of the rules: the venue's program
(state/oracle.rs, math/margin.rs, math/position.rs, state/user.rs, controller/liquidation.rs); the numbers of the
compiled program are the reference, held to 1e-6 relative or one cent.
"""

from dataclasses import dataclass

import numpy as np

from risk.margin import rules
from risk.margin.book import FleetBook, FloatArray, IntArray
from risk.margin.plan import MarginPlan, PerpPlan, SpotPlan, SpotSide, units

USD = 1e6
PNL_CAP_1E6 = 100e6  # positive PnL of one position counts at most 100 USD for the initial requirement


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """One margin type, USD. Cross arrays have shape (n_accounts,) or (n_scenarios, n_accounts), isolated ones the same
    with n_isolated, in the order of Evaluation.isolated_rows."""

    collateral_usd: FloatArray
    requirement_usd: FloatArray
    isolated_collateral_usd: FloatArray
    isolated_requirement_usd: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Detail:
    """What a reader beyond the tiers wants, USD; shapes as in Totals, row arrays by the rows of the book.

    Attributes:
        initial: Totals for the initial requirement.
        equity_usd: Net equity, unweighted: tokens, isolated collateral and PnL.
        perp_liability_usd: Absolute notional at risk, resting orders at their worst included.
        spot_borrow_usd: Value of borrows, positive.
        exit_shortfall_usd: Collateral missing until a liquidation that has begun would stop; <= 0 when none is missing.
        perp_pnl_usd: Unrealised PnL of each perp row, funding included, unweighted.
        perp_notional_usd: |size| * oracle price of each perp row.
        perp_requirement_usd: Maintenance requirement of each perp row.
        spot_value_usd: Value of each spot row, signed, unweighted.
    """

    initial: Totals
    equity_usd: FloatArray
    perp_liability_usd: FloatArray
    spot_borrow_usd: FloatArray
    exit_shortfall_usd: FloatArray
    perp_pnl_usd: FloatArray
    perp_notional_usd: FloatArray
    perp_requirement_usd: FloatArray
    spot_value_usd: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The result. NaN where a price or an account's data is missing: unknown, never healthy.

    Attributes:
        maintenance: What liquidation looks at.
        detail: None when only maintenance was asked for.
        isolated_rows: Perp rows that have collateral of their own.
    """

    book: FleetBook
    maintenance: Totals
    detail: Detail | None
    isolated_rows: IntArray

    @property
    def full(self) -> Detail:
        """The detail. Raises: ValueError when the evaluation was made without it."""
        if self.detail is None:
            raise ValueError("this evaluation was made with maintenance_only=True")
        return self.detail


def evaluate(
    book: FleetBook | MarginPlan,
    prices_usd: FloatArray | None = None,
    *,
    strict: bool = False,
    maintenance_only: bool = False,
) -> Evaluation:
    """Margin of every account of a book.

    Args:
        book: The book, or a plan of it when the same book is priced repeatedly.
        prices_usd: By oracle column, shape (n_oracles,) or (n_scenarios, n_oracles); None for the book's own.
        strict: Assets at the lower, liabilities at the higher of price and stored average; for placing orders and
            withdrawing, never for liquidation.
        maintenance_only: Leave out ``detail``; for thousands of scenarios.

    Returns: Arrays of shape (n_accounts,), or (n_scenarios, n_accounts) for scenarios.
    """
    plan = book if isinstance(book, MarginPlan) else MarginPlan.of(book)
    source = plan.book
    if prices_usd is None:
        prices = source.oracles.price_1e6
    else:
        # Rows first inside: one contiguous run of scenarios for each row.
        prices = np.ascontiguousarray(np.asarray(prices_usd, dtype=np.float64).T) * USD
    pricing = _Pricing(plan, prices, strict)
    perp, spot = _PerpPass(pricing, plan.perps), _SpotPass(pricing, plan.spots)
    weighed = _Weighed.of(perp, spot, initial=False)
    maintenance = _totals(pricing, perp, weighed)
    detail = None if maintenance_only else _detail(pricing, perp, spot, weighed)
    return Evaluation(source, maintenance, detail, plan.perps.isolated)


class _Pricing:
    """Prices of one call, rows first, with the strict variants of spot markets."""

    def __init__(self, plan: MarginPlan, prices: FloatArray, strict: bool) -> None:
        self.plan, self.prices, self.strict, self.flat = plan, prices, strict, prices.ndim == 1

    def k(self, constant: FloatArray) -> FloatArray:
        """A constant by rows, ready to combine with prices."""
        return constant if self.flat else constant[:, None]

    def spot(self, market: IntArray, oracle: IntArray) -> tuple[FloatArray, FloatArray]:
        """(price of assets, price of liabilities) for spot markets."""
        price = self.prices[oracle]
        if not self.strict:
            return price, price
        twap = self.k(self.plan.book.spot_markets.twap_1e6[market])
        return np.minimum(price, twap), np.maximum(price, twap)

    def out(self, values_1e6: FloatArray) -> FloatArray:
        """Units to USD, scenarios first."""
        return np.asarray(values_1e6 / USD).T


class _PerpPass:
    """Perp rows at the prices of one call, in 1e6."""

    def __init__(self, pricing: _Pricing, plan: PerpPlan) -> None:
        self.pricing, self.plan, k = pricing, plan, pricing.k
        price = pricing.prices[plan.oracle]
        valued = np.trunc(k(plan.base_1e9) * price / 1e9)
        if plan.settling.size:
            at_expiry = np.trunc(plan.base_1e9[plan.settling] * plan.expiry_price_1e6 / 1e9)
            valued[plan.settling] = k(at_expiry)
        self.pnl = valued + k(plan.fixed_pnl_1e6)
        quote_market = pricing.plan.book.perp_markets.quote[pricing.plan.book.perps.market]
        self.quote_low, self.quote_high = pricing.spot(quote_market, plan.quote_oracle)
        self.liability = np.floor(k(plan.worst_1e9) * price / 1e9)
        self.ratio_m, self.ratio_i = k(plan.maintenance_1e4), k(plan.initial_1e4)
        if plan.predictions is not None:
            self._predictions(price)
        self.price = price
        self.liability_in_quote = np.floor(self.liability * self.quote_high / 1e6)

    def _predictions(self, price: FloatArray) -> None:
        plan, k = self.plan.predictions, self.pricing.k
        if plan is None:
            return
        at = price[plan.rows]
        against = np.maximum(0.0, 1e6 - at)

        def liability(size: FloatArray) -> FloatArray:
            return np.floor(np.abs(k(size)) * np.where(k(size) < 0, against, at) / 1e9)

        bids, asks = liability(plan.bids_1e9), liability(plan.asks_1e9)
        use_bids = bids > asks
        self.liability[plan.rows] = np.where(use_bids, bids, asks)
        shape = price.shape
        self.ratio_m, self.ratio_i = (np.broadcast_to(r, shape).copy() for r in (self.ratio_m, self.ratio_i))
        for ratio, which in ((self.ratio_m, 0), (self.ratio_i, 1)):
            ratio[plan.rows] = np.where(use_bids, k(plan.bids[which]), k(plan.asks[which]))

    def requirement(self, *, initial: bool) -> FloatArray:
        ratio = self.ratio_i if initial else self.ratio_m
        return np.floor(self.liability_in_quote * ratio / 1e4) + self.pricing.k(self.plan.order_fee_1e6)

    def weighted_pnl(self, *, initial: bool) -> FloatArray:
        plan, k, pnl = self.plan, self.pricing.k, self.pnl
        quote = np.where(pnl > 0, self.quote_low, self.quote_high) if self.pricing.strict else self.quote_low
        if not initial:
            if plan.weighted_maintenance:
                pnl = np.trunc(pnl * np.where(pnl > 0, k(plan.maintenance_weight_1e4), rules.RATIO_ONE) / 1e4)
            return np.trunc(pnl * quote / 1e6)
        weight = k(plan.initial_weight_1e4)
        if plan.pnl_imf_1e6.any():
            root = rules.size_root(np.maximum(pnl, 0.0) * 1e3)
            weight = np.minimum(weight, rules.size_discount(root, k(plan.pnl_imf_1e6)))
        counted = np.trunc(np.trunc(pnl * np.where(pnl > 0, weight, rules.RATIO_ONE) / 1e4) * quote / 1e6)
        return np.minimum(counted, PNL_CAP_1E6)

    def isolated_value(self) -> FloatArray:
        plan, k = self.plan, self.pricing.k
        return np.floor(k(plan.isolated_tokens_raw) * self.quote_low[plan.isolated] / k(plan.isolated_unit))


@dataclass(slots=True)
class _Filled:
    """Spot rows as if one side of their orders were filled, in 1e6 and 1e4: value after the fill, what the fill pays or
    receives, and the weights at that size."""

    value: FloatArray
    orders: FloatArray
    asset: FloatArray
    liability: FloatArray

    @property
    def weighted(self) -> FloatArray:
        weight = np.where(self.value > 0, self.asset, self.liability)
        return np.asarray(np.trunc(self.value * weight / 1e4))

    def worse(self, other: "_Filled", rows: IntArray) -> "_Filled":
        """This one, with those of its rows replaced for which the other side contributes less; ties stay."""
        replace = other.weighted + other.orders < (self.weighted + self.orders)[rows]
        merged = []
        for name in ("value", "orders", "asset", "liability"):
            mine = np.broadcast_to(getattr(self, name), self.value.shape).copy()
            mine[rows] = np.where(replace, getattr(other, name), mine[rows])
            merged.append(mine)
        return _Filled(*merged)


class _SpotPass:
    """Spot rows at the prices of one call, in 1e6."""

    def __init__(self, pricing: _Pricing, plan: SpotPlan) -> None:
        self.pricing, self.plan, k = pricing, plan, pricing.k
        self.low, self.high = pricing.spot(plan.market, plan.oracle)
        tokens = k(plan.tokens_raw)
        price = np.where(tokens > 0, self.low, self.high) if pricing.strict else self.low
        self.value = np.floor(tokens * price / k(plan.unit))

    def worst(self, *, initial: bool) -> _Filled:
        """Every row at the worse of its two order sides."""
        plan = self.plan
        scaled = self._scaled_asset_weight() if initial else None
        filled = self._filled(plan.asks, slice(None), scaled)
        if plan.ordered.size:
            filled = filled.worse(self._filled(plan.bids, plan.ordered, scaled), plan.ordered)
        if initial and plan.has_custom:
            # The account's own ratio reweights the side that was chosen, after the choice.
            custom = self.pricing.k(plan.custom_1e4)
            filled.asset = np.minimum(filled.asset, np.maximum(0.0, rules.RATIO_ONE - custom))
            filled.liability = np.maximum(filled.liability, rules.RATIO_ONE + custom)
        return filled

    def _filled(self, side: SpotSide, rows: IntArray | slice, scaled: FloatArray | None) -> _Filled:
        """One order side of some rows; ``scaled`` are initial asset weights, None for maintenance."""
        plan, k, value = self.plan, self.pricing.k, self.value[rows]
        orders = np.zeros_like(value)
        if plan.ordered.size:
            orders = np.floor(k(side.orders_raw) * self.high[rows] / k(plan.unit[rows]))
            value = value - orders
        if scaled is None:
            return _Filled(value, orders, k(side.asset_maintenance_1e4), k(side.liability_maintenance_1e4))
        asset = np.minimum(scaled[rows], k(side.asset_initial_cap_1e4))
        return _Filled(value, orders, asset, k(side.liability_initial_1e4))

    def _scaled_asset_weight(self) -> FloatArray:
        """Initial asset weights by row, shrunk where a market holds more deposits than its threshold."""
        plan, k, markets = self.plan, self.pricing.k, self.pricing.plan.book.spot_markets
        # The quote market's weight is in its cap; its own parameters are not looked at.
        base = np.where(markets.market_index == 0, rules.RATIO_ONE, markets.initial_asset_1e4)
        if not plan.scaled_markets.size:
            return k(base[plan.market])
        price = self.pricing.prices[markets.oracle]
        held = np.floor(k(markets.deposits_raw) * price / k(units(markets.decimals)))
        start = k(np.where(markets.market_index == 0, 0.0, markets.scale_start_1e6))
        shrunk = np.floor(k(base) * start / np.maximum(held, 1.0))
        return np.asarray(np.where((start > 0.0) & (held > start), shrunk, k(base))[plan.market])


@dataclass(frozen=True, slots=True, eq=False)
class _Weighed:
    """Rows weighted for one margin type, in 1e6: computed once, read by several sums, changed by none."""

    spot: _Filled
    spot_weighted: FloatArray
    pnl: FloatArray
    requirement: FloatArray

    @classmethod
    def of(cls, perp: _PerpPass, spot: _SpotPass, *, initial: bool) -> "_Weighed":
        filled = spot.worst(initial=initial)
        return cls(filled, filled.weighted, perp.weighted_pnl(initial=initial), perp.requirement(initial=initial))


def _totals(pricing: _Pricing, perp: _PerpPass, weighed: _Weighed) -> Totals:
    plan = pricing.plan
    weighted, orders, pnl, needed = weighed.spot_weighted, weighed.spot.orders, weighed.pnl, weighed.requirement
    assets, debts = np.maximum(weighted, 0.0), np.maximum(-weighted, 0.0) + pricing.k(plan.spots.order_fee_1e6)
    if plan.spots.ordered.size:
        assets += np.maximum(orders, 0.0)
        debts += np.maximum(-orders, 0.0)
    cross, own = plan.perps.cross, plan.perps.isolated
    collateral = plan.spots.by_account.total(assets) + cross.total(pnl)
    requirement = plan.spots.by_account.total(debts) + cross.total(needed)
    isolated = perp.isolated_value() + pnl[own] if own.size else pnl[own]
    isolated_needed = needed[own]
    if plan.unassessable.size:
        collateral[plan.unassessable] = np.nan
        requirement[plan.unassessable] = np.nan
        unknown = np.isin(plan.book.perps.account[own], plan.unassessable)
        isolated[unknown], isolated_needed[unknown] = np.nan, np.nan
    return Totals(
        pricing.out(collateral), pricing.out(requirement), pricing.out(isolated), pricing.out(isolated_needed)
    )


def _detail(pricing: _Pricing, perp: _PerpPass, spot: _SpotPass, maintenance: _Weighed) -> Detail:
    plan, book = pricing.plan, pricing.plan.book
    initial = _totals(pricing, perp, _Weighed.of(perp, spot, initial=True))
    quote = perp.quote_low
    pnl_usd = np.trunc(perp.pnl * quote / 1e6)
    everything = np.arange(perp.pnl.shape[0])
    all_perps = (
        plan.perps.cross
        if not plan.perps.isolated.size
        else type(plan.perps.cross).of(book.perps.account, everything, book.n_accounts)
    )
    own_value = np.zeros_like(pnl_usd)
    if plan.perps.isolated.size:
        own_value[plan.perps.isolated] = perp.isolated_value()
    equity = plan.spots.by_account.total(spot.value) + all_perps.total(pnl_usd + own_value)
    borrowed = plan.spots.by_account.total(np.maximum(-spot.value, 0.0))
    liability = all_perps.total(perp.liability_in_quote)
    shortfall = _exit_shortfall(pricing, perp, maintenance)
    if plan.unassessable.size:
        for values in (equity, borrowed, liability, shortfall):
            values[plan.unassessable] = np.nan
    notional = np.abs(pricing.k(plan.perps.base_1e9)) * perp.price / 1e9 * quote / 1e6
    return Detail(
        initial=initial,
        equity_usd=pricing.out(equity),
        perp_liability_usd=pricing.out(liability),
        spot_borrow_usd=pricing.out(borrowed),
        exit_shortfall_usd=pricing.out(shortfall),
        perp_pnl_usd=pricing.out(pnl_usd),
        perp_notional_usd=pricing.out(notional),
        perp_requirement_usd=pricing.out(maintenance.requirement),
        spot_value_usd=pricing.out(spot.value),
    )


def _exit_shortfall(pricing: _Pricing, perp: _PerpPass, weighed: _Weighed) -> FloatArray:
    """Cross margin with the buffer a liquidation that has begun must regain, on liabilities and on negative PnL."""
    plan, buffer = pricing.plan, pricing.plan.book.liquidation_buffer_1e4 / 1e4
    weighted, orders, pnl = weighed.spot_weighted, weighed.spot.orders, weighed.pnl
    collateral = np.maximum(weighted, 0.0) + np.maximum(orders, 0.0)
    needed = np.maximum(-weighted, 0.0) + np.maximum(-orders, 0.0) + pricing.k(plan.spots.order_fee_1e6)
    needed += buffer * (np.maximum(-weighed.spot.value, 0.0) + np.maximum(-orders, 0.0))
    perps = weighed.requirement + buffer * perp.liability_in_quote
    perps -= pnl + buffer * np.minimum(pnl, 0.0)
    return plan.spots.by_account.total(needed - collateral) + plan.perps.cross.total(perps)
