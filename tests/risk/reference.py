"""The venue's margin rules a second time: whole numbers, one position after the other, nothing clever.

Written from the description of the rules, not from ``risk.margin``, so that the two can disagree. Amounts are the
venue's integers: USD and prices in 1e6, perp sizes in 1e9, ratios and weights in 1e4, imf factors in 1e6, tokens in
their own decimals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from types import MappingProxyType

from risk.model.account import AccountSnapshot, MarginMode, PerpPosition, SpotBalance
from risk.model.market import ContractType, MarketStatus, PerpMarket, SpotMarket

ONE = 10_000
CENT = 10_000
PNL_CAP = 100 * 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Collateral and requirement of the cross account or of one isolated position, 1e6."""

    collateral: int
    requirement: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """One margin type of one account, 1e6.

    Attributes:
        isolated: By perp market index.
        exit_shortfall: Collateral missing until a liquidation stops; meaningful for maintenance.
        equity: Everything at its plain value.
        perp_liabilities: Notional at risk, isolated positions included.
        borrows: Value of borrowed tokens, positive.
    """

    cross: Scope
    isolated: Mapping[int, Scope]
    exit_shortfall: int
    equity: int
    perp_liabilities: int
    borrows: int


def margin_of(account: AccountSnapshot, *, initial: bool = False, strict: bool = False, buffer: int = 200) -> Margin:
    """Every rule for one account at the prices of its own oracles.

    Args:
        buffer: What a liquidation that has begun must regain beyond the requirement, 1e4.
    """
    collateral = requirement = shortfall = equity = perp_liabilities = borrows = 0
    isolated: dict[int, Scope] = {}
    for balance in account.spot_balances:
        spot = _spot(account, balance, initial=initial, strict=strict)
        collateral += spot.collateral
        requirement += spot.requirement
        shortfall += spot.requirement + spot.liability * buffer // ONE - spot.collateral
        equity += spot.value
        borrows += max(-spot.value, 0)
    for position in account.perp_positions:
        perp = _perp(account, position, initial=initial, strict=strict)
        equity += perp.plain_pnl + perp.own_collateral
        perp_liabilities += perp.liability
        if position.isolated:
            isolated[position.market_index] = Scope(
                collateral=perp.own_collateral + perp.pnl, requirement=perp.requirement
            )
            continue
        collateral += perp.pnl
        requirement += perp.requirement
        shortfall += perp.requirement + perp.liability * buffer // ONE
        shortfall -= perp.pnl + towards_zero(min(perp.pnl, 0) * buffer, ONE)
    return Margin(
        cross=Scope(collateral=collateral, requirement=requirement),
        isolated=MappingProxyType(isolated),
        exit_shortfall=shortfall,
        equity=equity,
        perp_liabilities=perp_liabilities,
        borrows=borrows,
    )


def towards_zero(numerator: int, denominator: int) -> int:
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def size_premium(ratio: int, size_1e9: int, imf: int) -> int:
    return max(ratio, _unbounded_premium(ratio, size_1e9, imf))


def size_discount(weight: int, size_1e9: int, imf: int) -> int:
    if imf == 0:
        return weight
    return min(weight, 11 * 10**9 // (10**6 + isqrt(10 * size_1e9 + 1) * imf // 10**5))


def high_leverage_initial(pre: int, high_leverage: int, size_1e9: int, imf: int) -> int:
    adjusted = _unbounded_premium(pre, size_1e9, imf)
    if adjusted > pre:
        return adjusted
    if adjusted == pre:
        return high_leverage
    used_up = (pre - adjusted) * 10**6 // (pre // 5)
    return high_leverage + max(1, pre - high_leverage) * max(0, 10**6 - used_up) // 10**6


def _unbounded_premium(ratio: int, size_1e9: int, imf: int) -> int:
    if imf == 0:
        return ratio
    return ratio - ratio // 5 + isqrt(10 * size_1e9 + 1) * imf // 10**7


def _whole(value: float, scale: int) -> int:
    return round(value * scale)


def _price(account: AccountSnapshot, market: PerpMarket | SpotMarket) -> int:
    return _whole(account.oracles[market.oracle_id].price_usd, 10**6)


def _low_high(account: AccountSnapshot, market: SpotMarket, *, strict: bool) -> tuple[int, int]:
    """Prices of assets and of liabilities."""
    price = _price(account, market)
    if not strict:
        return price, price
    average = _whole(market.oracle_twap_usd, 10**6)
    return min(price, average), max(price, average)


def _value(tokens: int, price: int, market: SpotMarket) -> int:
    unit: int = 10**market.decimals
    return tokens * price // unit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    collateral: int
    requirement: int
    liability: int
    value: int


def _spot(account: AccountSnapshot, balance: SpotBalance, *, initial: bool, strict: bool) -> _Spot:
    market = account.spot_markets[balance.market_index]
    low, high = _low_high(account, market, strict=strict)
    tokens = _whole(balance.amount_tokens, 10**market.decimals)
    value = _value(tokens, low if tokens > 0 else high, market)
    if market.market_index == 0:
        counted = 0 if account.pool_id == 1 else max(value, 0)
        return _Spot(collateral=counted, requirement=max(-value, 0), liability=max(-value, 0), value=value)
    bids = _whole(balance.open_bids_tokens, 10**market.decimals)
    asks = _whole(balance.open_asks_tokens, 10**market.decimals)
    sides = [
        _side(account, market, tokens=tokens, value=value, filled=filled, high=high, initial=initial)
        for filled in (asks, bids)  # a tie goes to the asks
    ]
    chosen = min(sides, key=lambda side: side.weighted + side.orders)
    weighted = chosen.weighted
    if initial:
        weighted = chosen.reweighted(_whole(account.max_margin_ratio, ONE))
    return _Spot(
        collateral=max(weighted, 0) + max(chosen.orders, 0),
        requirement=max(-weighted, 0) + max(-chosen.orders, 0) + balance.open_orders * CENT,
        liability=max(-chosen.value, 0) + max(-chosen.orders, 0),
        value=value,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A balance as if all bids or all asks had been filled."""

    value: int
    orders: int
    asset_weight: int
    liability_weight: int

    @property
    def weighted(self) -> int:
        return towards_zero(self.value * (self.asset_weight if self.value > 0 else self.liability_weight), ONE)

    def reweighted(self, custom: int) -> int:
        asset = min(self.asset_weight, max(0, ONE - custom))
        liability = max(self.liability_weight, ONE + custom)
        return towards_zero(self.value * (asset if self.value > 0 else liability), ONE)


def _side(
    account: AccountSnapshot, market: SpotMarket, *, tokens: int, value: int, filled: int, high: int, initial: bool
) -> _Side:
    orders = _value(-filled, high, market)
    size = abs(tokens + filled) * 10**9 // 10**market.decimals
    imf = _whole(market.imf_factor, 10**6)
    if initial:
        asset, liability = _scaled_initial_weight(account, market), _whole(market.initial_liability_weight, ONE)
    else:
        asset = _whole(market.maintenance_asset_weight, ONE)
        liability = _whole(market.maintenance_liability_weight, ONE)
    return _Side(
        value=value - orders,
        orders=orders,
        asset_weight=size_discount(asset, size, imf),
        liability_weight=size_premium(liability, size, imf),
    )


def _scaled_initial_weight(account: AccountSnapshot, market: SpotMarket) -> int:
    weight, start = _whole(market.initial_asset_weight, ONE), _whole(market.scale_initial_weight_start_usd, 10**6)
    deposits = _value(_whole(market.deposits_tokens, 10**market.decimals), _price(account, market), market)
    return weight * start // deposits if start > 0 and deposits > start else weight


@dataclass(frozen=True, slots=True, kw_only=True)
class _Perp:
    pnl: int
    plain_pnl: int
    requirement: int
    liability: int
    own_collateral: int


def _perp(account: AccountSnapshot, position: PerpPosition, *, initial: bool, strict: bool) -> _Perp:
    market = account.perp_markets[position.market_index]
    quote = account.spot_markets[market.quote_market_index]
    low, high = _low_high(account, quote, strict=strict)
    base, price = _whole(position.size_base, 10**9), _price(account, market)
    settling = market.status is MarketStatus.SETTLEMENT
    bids, asks = base + _whole(position.open_bids_base, 10**9), base + _whole(position.open_asks_base, 10**9)
    worst = bids if _liability(market, bids, price) > _liability(market, asks, price) else asks
    liability = _liability(market, worst, price) * high // 10**6
    ratio = 0 if settling else _ratio(account, position, market, abs(worst), initial=initial)

    valued_at = _whole(market.expiry_price_usd, 10**6) if settling else price
    pnl = towards_zero(base * valued_at, 10**9)
    pnl += _whole(position.quote_usd, 10**6) + _whole(position.funding_usd, 10**6)
    weighted = towards_zero(pnl * _pnl_weight(market, pnl, initial=initial), ONE)
    weighted = towards_zero(weighted * (low if pnl > 0 else high), 10**6)
    if initial:
        weighted = min(weighted, PNL_CAP)
    own = 0
    if position.isolated:
        own = _value(_whole(position.isolated_collateral_tokens, 10**quote.decimals), low, quote)
    return _Perp(
        pnl=weighted,
        plain_pnl=towards_zero(pnl * low, 10**6),
        requirement=liability * ratio // ONE + position.open_orders * CENT,
        liability=liability,
        own_collateral=own,
    )


def _liability(market: PerpMarket, size: int, price: int) -> int:
    if market.contract_type is ContractType.PREDICTION and size < 0:
        price = max(0, 10**6 - price)
    return abs(size) * price // 10**9


def _ratio(account: AccountSnapshot, position: PerpPosition, market: PerpMarket, size: int, *, initial: bool) -> int:
    imf = _whole(market.imf_factor, 10**6)
    high_initial = _whole(market.high_leverage_initial_ratio, ONE)
    high_maintenance = _whole(market.high_leverage_maintenance_ratio, ONE)
    offered = high_initial > 0 and high_maintenance > 0
    if not initial:
        lowered = offered and account.margin_mode is not MarginMode.DEFAULT
        return size_premium(high_maintenance if lowered else _whole(market.maintenance_ratio, ONE), size, imf)
    ordinary = _whole(market.initial_ratio, ONE)
    if offered and account.margin_mode is MarginMode.HIGH_LEVERAGE:
        ratio = high_leverage_initial(ordinary, high_initial, size, imf)
    else:
        ratio = size_premium(ordinary, size, imf)
    return max(ratio, _whole(account.max_margin_ratio, ONE), _whole(position.max_margin_ratio, ONE))


def _pnl_weight(market: PerpMarket, pnl: int, *, initial: bool) -> int:
    if pnl <= 0:
        return ONE
    if not initial:
        return _whole(market.pnl_maintenance_weight, ONE)
    weight = _whole(market.pnl_initial_weight, ONE)
    limit, net = _whole(market.pnl_max_imbalance_usd, 10**6), _whole(market.net_user_pnl_usd, 10**6)
    if weight > 0 and limit > 0 and net > limit:
        weight = weight * limit // net
    return size_discount(weight, pnl * 10**3, _whole(market.pnl_imf_factor, 10**6))
