"""Seeded random users on the markets of a world: from dust to millions, in every corner the margin rules have."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from tests.support.drift_accounts import OrderSlot, PerpSlot, SpotSlot
from tests.support.drift_enums import MarginMode, MarketStatus, OrderType, PositionFlag, TriggerCondition, UserStatus
from tests.support.market_specs import PerpSpec, SpotSpec
from tests.support.world_builder import WorldBuilder, funding_rate_1e9, scaled_balance

_LARGEST_SLOT_COUNT = 8
# Stored amounts are 64-bit with nine decimals, so nobody holds more units than this, however little they are worth.
_LARGEST_UNITS = 4 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequencies:
    """How often a corner occurs, as fractions; the defaults make every one common in a few hundred users."""

    dust: float = 0.05
    empty: float = 0.03
    second_pool: float = 0.06
    high_leverage: float = 0.2
    high_leverage_maintenance: float = 0.1
    user_ratio: float = 0.15
    position_ratio: float = 0.15
    isolated: float = 0.2
    orders: float = 0.3
    borrow: float = 0.3
    flat_with_pnl: float = 0.06
    stale_slot: float = 0.1
    being_liquidated: float = 0.02
    second_sub_account: float = 0.1


DEFAULT_FREQUENCIES = Frequencies()


class UserGenerator:
    """Adds users to a builder; the same seed on the same catalogue adds the same users."""

    def __init__(self, builder: WorldBuilder, *, seed: int, frequencies: Frequencies = DEFAULT_FREQUENCIES) -> None:
        self._builder = builder
        self._random = Random(seed)
        self._seed = seed
        self._often = frequencies
        self._order_id = 0
        self._orders: list[OrderSlot] = []
        self._owner = ""
        self._sub_account = 0

    def add(self, count: int) -> list[str]:
        """Addresses of ``count`` new users."""
        return [self._add_one(number) for number in range(count)]

    def _chance(self, fraction: float) -> bool:
        return self._random.random() < fraction

    def _add_one(self, number: int) -> str:
        if self._sub_account < 3 and self._owner and self._chance(self._often.second_sub_account):
            self._sub_account += 1
        else:
            self._owner, self._sub_account = f"random {self._seed} {number}", 0
        self._orders, self._order_id = [], 0
        pool = int(self._chance(self._often.second_pool))
        exponent = self._random.uniform(-4, 0) if self._chance(self._often.dust) else self._random.uniform(1, 6.7)
        size_usd, empty = 10.0**exponent, self._chance(self._often.empty)
        spots = [] if empty else self._spots(size_usd, pool)
        perps = [] if empty else self._perps(size_usd, pool)
        return self._builder.add_user(
            self._owner,
            sub_account_id=self._sub_account,
            name="Main Account" if not self._sub_account else f"Subaccount {self._sub_account}",
            spots=spots,
            perps=perps,
            orders=self._orders,
            max_ratio_1e4=self._random.randint(300, 12_000) if self._chance(self._often.user_ratio) else 0,
            margin_mode=self._margin_mode(),
            status=UserStatus.BEING_LIQUIDATED if self._chance(self._often.being_liquidated) else 0,
            pool_id=pool,
        )

    def _margin_mode(self) -> MarginMode:
        if self._chance(self._often.high_leverage):
            return MarginMode.HIGH_LEVERAGE
        if self._chance(self._often.high_leverage_maintenance):
            return MarginMode.HIGH_LEVERAGE_MAINTENANCE
        return MarginMode.DEFAULT

    def _spots(self, size_usd: float, pool: int) -> list[SpotSlot]:
        listed = self._builder.catalogue.spots
        quote, others = listed[0], [spot for spot in listed[1:] if spot.pool_id == pool]
        slots = []
        if self._chance(0.85):
            borrow = pool == 0 and self._chance(0.12)
            slots.append(self._spot(quote, size_usd * self._random.uniform(0.3, 1.5), is_borrow=borrow))
        for spec in self._random.sample(others, self._random.choice((0, 0, 1, 1, 2, min(4, len(others))))):
            if self._chance(self._often.stale_slot):
                slots.append(SpotSlot(market_index=spec.index))
                continue
            borrow = self._chance(self._often.borrow)
            slots.append(self._spot(spec, size_usd * self._random.uniform(0.01, 0.6), is_borrow=borrow))
        self._random.shuffle(slots)
        return slots

    def _spot(self, spec: SpotSpec, value_usd: float, *, is_borrow: bool) -> SpotSlot:
        price = self._builder.catalogue.price_1e6(spec) / 10**6
        raw = max(1, int(min(value_usd / price, _LARGEST_UNITS) * 10**spec.decimals))
        amount = Decimal(raw).scaleb(-spec.decimals)
        bids = asks = count = 0
        if self._chance(self._often.orders):
            bids, asks, count = self._open_orders(spec.index, raw, price, is_perp=False)
        if count and self._chance(0.2):
            amount, is_borrow = Decimal(0), False
        return SpotSlot(
            market_index=spec.index,
            scaled_1e9=scaled_balance(spec, amount, is_borrow=is_borrow),
            is_borrow=is_borrow,
            open_bids_raw=bids,
            open_asks_raw=asks,
            open_orders=count,
        )

    def _perps(self, size_usd: float, pool: int) -> list[PerpSlot]:
        listed = [perp for perp in self._builder.catalogue.perps if perp.pool_id == pool]
        count = min(len(listed), self._random.choice((0, 1, 1, 2, 2, 3, 4, _LARGEST_SLOT_COUNT)))
        chosen = self._weighted_sample(listed, count)
        return [self._perp(spec, size_usd * self._random.uniform(0.05, 5.0) / count) for spec in chosen]

    def _weighted_sample(self, listed: Sequence[PerpSpec], count: int) -> list[PerpSpec]:
        weight = {MarketStatus.SETTLEMENT: 0.4, MarketStatus.DELISTED: 0.2}
        keyed = [(self._random.random() ** (1 / weight.get(perp.status, 1.0)), perp) for perp in listed]
        return [perp for _, perp in sorted(keyed, key=lambda pair: -pair[0])[:count]]

    def _perp(self, spec: PerpSpec, notional_usd: float) -> PerpSlot:
        if self._chance(self._often.stale_slot / 2):
            return PerpSlot(market_index=spec.index)
        price = self._builder.catalogue.price_1e6(spec) / 10**6
        size = max(1, int(min(notional_usd / price, _LARGEST_UNITS / 5) * 10**9))
        is_long = self._chance(0.55)
        base = size if is_long else -size
        quote = int(-base * price * self._random.gauss(1.0, 0.06) / 1_000)
        funding = funding_rate_1e9(spec, is_long=is_long) + int(price * self._random.uniform(-0.02, 0.02) * 10**9)
        bids = asks = count = 0
        if self._chance(self._often.orders):
            bids, asks, count = self._open_orders(spec.index, size, price, is_perp=True)
        if self._chance(self._often.flat_with_pnl):
            base, quote = 0, int(self._random.uniform(-0.3, 0.3) * notional_usd * 10**6)
        isolated = self._chance(self._often.isolated)
        own = notional_usd * spec.initial / 10_000 * self._random.uniform(0.2, 4.0) if isolated else 0.0
        settles_in = self._builder.catalogue.quote_of(spec)
        return PerpSlot(
            market_index=spec.index,
            base_1e9=base,
            quote_1e6=quote,
            quote_entry_1e6=quote,
            last_funding_rate_1e9=funding,
            open_bids_1e9=bids,
            open_asks_1e9=asks,
            open_orders=count,
            isolated_scaled_1e9=scaled_balance(settles_in, Decimal(int(own * 10**6)).scaleb(-6), is_borrow=False),
            max_ratio_1e4=self._random.randint(300, 8_000) if self._chance(self._often.position_ratio) else 0,
            flags=PositionFlag.ISOLATED if isolated else PositionFlag(0),
        )

    def _open_orders(self, market: int, size_raw: int, price: float, *, is_perp: bool) -> tuple[int, int, int]:
        """Open bids, open asks (negative) and the number of orders, with the orders they come from."""
        bids = asks = 0
        count = self._random.randint(1, 3)
        for _ in range(count):
            is_buy, base = self._chance(0.5), max(1, int(size_raw * self._random.uniform(0.05, 1.4)))
            bids, asks = (bids + base, asks) if is_buy else (bids, asks - base)
            self._order_id += 1
            trigger = self._chance(0.25)
            level = max(1, int(price * self._random.uniform(0.8, 1.2) * 10**6))
            self._orders.append(
                OrderSlot(
                    market_index=market,
                    order_id=self._order_id,
                    base_raw=base,
                    is_perp=is_perp,
                    is_buy=is_buy,
                    price_1e6=0 if trigger else level,
                    trigger_price_1e6=level if trigger else 0,
                    trigger=TriggerCondition.BELOW if is_buy else TriggerCondition.ABOVE,
                    kind=OrderType.TRIGGER_MARKET if trigger else OrderType.LIMIT,
                    reduce_only=self._chance(0.2),
                )
            )
        return bids, asks, count
