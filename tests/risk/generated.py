"""Whole accounts in every corner the margin rules have, from dust to millions.

One generator, two drivers: a seed where thousands of accounts are wanted, hypothesis where a failing one should shrink.
Every amount is a whole number of the venue's units, so nothing is lost between floats and integers.
"""

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st

from risk.model.account import (
    AccountSnapshot,
    MarginMode,
    MarketKind,
    OpenOrder,
    OrderKind,
    PerpPosition,
    Side,
    SpotBalance,
)
from risk.model.market import ContractType, MarketStatus, OracleReading, PerpMarket, SpotMarket
from tests.risk.builders import NOW, SLOT

# What a feed is worth, as a range in USD; SOL, BTC and USDC price several markets each.
FEEDS = {
    "usdc": (0.97, 1.02),
    "usdt": (0.99, 1.01),
    "sol": (8.0, 400.0),
    "msol": (9.0, 500.0),
    "btc": (9_000.0, 180_000.0),
    "bonk": (0.000_004, 0.000_06),
    "vote": (0.02, 0.98),
    "jup": (0.1, 2.0),
}
SPOTS = (
    ("USDC", "usdc", 6), ("SOL", "sol", 9), ("mSOL", "msol", 9), ("wBTC", "btc", 8), ("USDT", "usdt", 6),
    ("BONK", "bonk", 5),
)  # fmt: skip
PERPS = (
    ("SOL-PERP", "sol"), ("BTC-PERP", "btc"), ("BONK-PERP", "bonk"), ("VOTE-BET", "vote"), ("JUP-PERP", "jup"),
    ("SOL-26JUN", "sol"),
)  # fmt: skip
_LARGEST_BASE = 10**15  # units; twice as many still come back from a float, divided and multiplied, as they were


class Universe:
    """Markets and prices that several accounts share."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.prices_1e6 = {feed: max(1, round(random.uniform(*span) * 10**6)) for feed, span in FEEDS.items()}
        self.spots = [self._spot(index) for index in range(len(SPOTS))]
        self.perps = [self._perp(index) for index in range(len(PERPS))]
        self.oracles = {
            feed: OracleReading(oracle_id=feed, price_usd=price / 10**6) for feed, price in self.prices_1e6.items()
        }

    def account(self, account_id: str = "main") -> AccountSnapshot:
        """One more account. It brings the markets it touches and no others."""
        random = self._random
        size_usd = 10.0 ** (random.uniform(-4, 0) if random.random() < 0.1 else random.uniform(1, 6.5))
        pool = 1 if random.random() < 0.06 else 0
        perps = self._some(random, list(range(len(PERPS))), (0, 1, 1, 2, 2, 3, len(PERPS)))
        spots = self._some(random, list(range(1, len(SPOTS))), (0, 0, 1, 1, 2, 3))
        positions = tuple(self._position(index, size_usd * random.uniform(0.05, 4) / len(perps)) for index in perps)
        balances = tuple(self._balance(index, size_usd * random.uniform(0.01, 0.7)) for index in spots)
        if random.random() < 0.85:
            deposit = size_usd * random.uniform(0.05, 1.5)
            balances = (self._balance(0, deposit, borrow=0.12), *balances)
        touched = {balance.market_index for balance in balances}
        touched |= {self.perps[index].quote_market_index for index in perps}
        feeds = {self.perps[index].oracle_id for index in perps} | {self.spots[index].oracle_id for index in touched}
        return AccountSnapshot(
            account_id=account_id,
            authority=f"owner of {account_id}",
            sub_account=random.randint(0, 3),
            name=random.choice(("", "Main Account")),
            perp_positions=positions,
            spot_balances=balances,
            open_orders=self._resting(positions, balances),
            perp_markets={index: self.perps[index] for index in perps},
            spot_markets={index: self.spots[index] for index in sorted(touched)},
            oracles={feed: self.oracles[feed] for feed in sorted(feeds)},
            margin_mode=random.choice((*[MarginMode.DEFAULT] * 3, *MarginMode)),
            max_margin_ratio=random.randint(300, 12_000) / 10**4 if random.random() < 0.2 else 0.0,
            net_deposits_usd=random.randint(-(10**12), 10**12) / 10**6,
            settled_pnl_usd=random.randint(-(10**11), 10**11) / 10**6,
            pool_id=pool,
            slot=SLOT,
            observed_at=NOW,
        )

    def accounts(self, count: int) -> list[AccountSnapshot]:
        return [self.account(f"account {number}") for number in range(count)]

    @staticmethod
    def _some(random: Random, indexes: list[int], counts: Sequence[int]) -> list[int]:
        random.shuffle(indexes)
        return sorted(indexes[: random.choice(counts)])

    def _average(self, feed: str) -> float:
        return max(1, round(self.prices_1e6[feed] * self._random.choice((1.0, 0.93, 1.08)))) / 10**6

    def _spot(self, index: int) -> SpotMarket:
        random, (name, feed, decimals) = self._random, SPOTS[index]
        price = self.prices_1e6[feed] / 10**6
        asset, liability = random.choice((0, 2_000, 5_000, 8_000, 9_000)), random.choice((10_400, 11_000, 16_000))
        deposits_usd = random.choice((1e6, 2e7, 1.8e8)) * random.uniform(0.5, 2)
        return SpotMarket(
            name=name,
            market_index=index,
            oracle_id=feed,
            decimals=decimals,
            initial_asset_weight=asset / 10**4,
            maintenance_asset_weight=min(10_000, asset + random.choice((0, 500, 1_000))) / 10**4,
            initial_liability_weight=(liability + random.choice((0, 500, 2_000))) / 10**4,
            maintenance_liability_weight=liability / 10**4,
            imf_factor=random.choice((0, 50, 1_250, 10_000, 105_000, 900_000)) / 10**6,
            scale_initial_weight_start_usd=random.choice((0.0, 0.0, 500_000.0, 15_000_000.0)),
            deposits_tokens=min(_LARGEST_BASE, round(deposits_usd / price * 10**decimals)) / 10**decimals,
            oracle_twap_usd=self._average(feed),
        )

    def _perp(self, index: int) -> PerpMarket:
        random, (name, feed) = self._random, PERPS[index]
        maintenance = random.choice((200, 300, 500, 1_000, 3_300, 5_000))
        lowered = random.choice((0, 33, 66, maintenance // 3, maintenance + 50))
        odd_status = random.choice((MarketStatus.SETTLEMENT, MarketStatus.DELISTED, MarketStatus.REDUCE_ONLY))
        kinds = (*[ContractType.PERPETUAL] * 5, *ContractType)
        kind = ContractType.PREDICTION if feed == "vote" else random.choice(kinds)
        return PerpMarket(
            name=name,
            market_index=index,
            oracle_id=feed,
            quote_market_index=random.choice((0, 0, 0, 4)),
            initial_ratio=(maintenance + random.choice((100, 200, 500, maintenance))) / 10**4,
            maintenance_ratio=maintenance / 10**4,
            # Offered only where both are set.
            high_leverage_initial_ratio=(lowered + lowered // 2) * random.choice((0, 1, 1, 1, 1)) / 10**4,
            high_leverage_maintenance_ratio=lowered / 10**4,
            imf_factor=random.choice((0, 0, 50, 500, 4_000, 20_000, 900_000)) / 10**6,
            pnl_initial_weight=random.choice((0, 5_000, 8_000, 10_000)) / 10**4,
            pnl_maintenance_weight=random.choice((10_000, 10_000, 9_000)) / 10**4,
            pnl_imf_factor=random.choice((0, 100, 2_000, 50_000)) / 10**6,
            pnl_max_imbalance_usd=random.choice((0.0, 100.0, 1_000_000.0)),
            net_user_pnl_usd=random.choice((-50_000.0, 0.0, 150.0, 2_345_678.0)),
            funding_long_usd=random.randint(-(10**6), 10**6) / 10**9,
            funding_short_usd=random.randint(-(10**6), 10**6) / 10**9,
            expiry_price_usd=max(1, round(self.prices_1e6[feed] * random.uniform(0.7, 1.3))) / 10**6,
            oracle_twap_usd=self._average(feed),
            status=odd_status if random.random() < (0.5 if feed == "jup" else 0.1) else MarketStatus.ACTIVE,
            contract_type=kind,
        )

    def _position(self, index: int, notional_usd: float) -> PerpPosition:
        random, market = self._random, self.perps[index]
        price_1e6 = self.prices_1e6[market.oracle_id]
        size = max(1, min(_LARGEST_BASE, round(notional_usd * 10**15 / price_1e6)))
        base = size if random.random() < 0.55 else -size
        quote = round(-base * price_1e6 * random.uniform(0.85, 1.15) / 10**9)
        bids, asks, orders = self._orders(size)
        if random.random() < 0.08:
            base, quote = 0, round(random.uniform(-0.3, 0.3) * notional_usd * 10**6)
        isolated = random.random() < 0.25
        own = notional_usd * market.initial_ratio * random.uniform(0.2, 4) if isolated else 0.0
        return PerpPosition(
            market_index=index,
            size_base=base / 10**9,
            quote_usd=quote / 10**6,
            quote_entry_usd=quote / 10**6,
            funding_usd=round(random.uniform(-0.02, 0.02) * notional_usd * 10**6) / 10**6 if base else 0.0,
            open_bids_base=bids / 10**9,
            open_asks_base=asks / 10**9,
            open_orders=orders,
            isolated=isolated,
            isolated_collateral_tokens=round(own * 10**6) / 10**6,
            max_margin_ratio=random.randint(300, 8_000) / 10**4 if random.random() < 0.15 else 0.0,
        )

    def _balance(self, index: int, value_usd: float, *, borrow: float = 0.3) -> SpotBalance:
        random, market = self._random, self.spots[index]
        unit = 10**market.decimals
        size = max(1, min(_LARGEST_BASE, round(value_usd * 10**6 * unit / self.prices_1e6[market.oracle_id])))
        amount = -size if random.random() < borrow else size
        bids, asks, orders = self._orders(size)
        if orders and random.random() < 0.2:
            amount = 0
        return SpotBalance(
            market_index=index,
            amount_tokens=amount / unit,
            open_bids_tokens=bids / unit,
            open_asks_tokens=asks / unit,
            open_orders=orders,
        )

    def _resting(self, positions: Sequence[PerpPosition], balances: Sequence[SpotBalance]) -> tuple[OpenOrder, ...]:
        """One order for every side that rests; margin does not look at them, people do."""
        sides = [
            (MarketKind.PERP, slot.market_index, base)
            for slot in positions
            for base in (slot.open_bids_base, slot.open_asks_base)
        ]
        sides += [
            (MarketKind.SPOT, slot.market_index, tokens)
            for slot in balances
            for tokens in (slot.open_bids_tokens, slot.open_asks_tokens)
        ]
        random = self._random
        return tuple(
            OpenOrder(
                order_id=number,
                market_kind=kind,
                market_index=index,
                side=Side.BUY if size > 0 else Side.SELL,
                kind=random.choice(tuple(OrderKind)),
                size_base=abs(size),
                price_usd=random.choice((None, random.randint(1, 10**12) / 10**6)),
                reduce_only=random.random() < 0.2,
                trigger_price_usd=random.choice((None, random.randint(1, 10**12) / 10**6)),
            )
            for number, (kind, index, size) in enumerate(sides, start=1)
            if size
        )

    def _orders(self, size: int) -> tuple[int, int, int]:
        """Open bids, open asks (<= 0) and the number of orders around a position of a size."""
        random = self._random
        if random.random() < 0.65:
            return 0, 0, 0
        bids = max(1, round(size * random.uniform(0.05, 2.0))) if random.random() < 0.6 else 0
        asks = -max(1, round(size * random.uniform(0.05, 2.0))) if random.random() < 0.6 else 0
        return bids, asks, random.randint(1, 4)


def universes() -> st.SearchStrategy[Universe]:
    """Markets and prices; their ``account()`` keeps drawing from hypothesis."""
    return st.randoms(use_true_random=False).map(Universe)


def accounts() -> st.SearchStrategy[AccountSnapshot]:
    """Single accounts on markets of their own."""
    return universes().map(lambda universe: universe.account())


def fleets(*, largest: int = 5) -> st.SearchStrategy[list[AccountSnapshot]]:
    """Several accounts on the same markets."""
    return st.builds(lambda universe, count: universe.accounts(count), universes(), st.integers(2, largest))
