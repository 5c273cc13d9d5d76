"""Reads what markets offer: the curve of each, its rules, its status, and whether its oracle may be believed."""

from collections.abc import Sequence

import numpy as np
from solders.pubkey import Pubkey

from risk.model.account import MarginMode, Side
from risk.model.market import MarketStatus, OracleValidity
from risk.model.trading import MarketDepth
from risk.ports import Clock
from venues.errors import BadAccountData, VenueRejected
from venues.solana.accounts import Fetched, checked_record, program_key
from venues.solana.addresses import parse_key, state_address
from venues.solana.amm import Curve, ladder
from venues.solana.client import ClientManager
from venues.solana.decode_markets import decode_state
from venues.solana.integers import wide_integers
from venues.solana.market_directory import MarketDirectory
from venues.solana.market_records import MarketRecords, find_perps
from venues.solana.profiles import Profile, TradingFacts
from venues.solana.reading import Reader, Reading, Touched

_CLOSED = (MarketStatus.SETTLEMENT, MarketStatus.DELISTED)
_WITHOUT_CURVE = (*_CLOSED, MarketStatus.INITIALIZED, MarketStatus.AMM_PAUSED, MarketStatus.FILL_PAUSED)
_HIGH_LEVERAGE_FEE = 2
_RATE_UNITS = 1e9
_PROBLEMS = {
    OracleValidity.MISSING: "the oracle of {market} cannot be read, so no price there can be judged",
    OracleValidity.NON_POSITIVE: "the oracle of {market} states no price above 0; wait for one that does",
    OracleValidity.TOO_VOLATILE: "the oracle of {market} is too far from its own mean; wait until it has settled",
    OracleValidity.TOO_UNCERTAIN: "the oracle of {market} is too uncertain of its price; wait until it is surer",
    OracleValidity.STALE: "the oracle of {market} is stale; wait for a fresh price",
}


class DepthReader:
    """Markets of one venue by name."""

    def __init__(self, profile: Profile, facts: TradingFacts, client: ClientManager, *, clock: Clock) -> None:
        self._profile, self._facts, self._client, self._clock = profile, facts, client, clock
        self._reader, self._directory = Reader(profile, client), MarketDirectory(profile, client)
        self._indexes: dict[str, int] = {}
        self._extra: dict[tuple[int, ...], frozenset[Pubkey]] = {}

    async def indexes(self, markets: Sequence[str]) -> dict[str, int]:
        """Perp markets by name. Raises: VenueRejected for one there is not, VenueUnavailable."""
        if not set(markets) <= self._indexes.keys():
            address = state_address(self._profile)
            fetched = await self._client.accounts([address])
            state = decode_state(self._profile, fetched.accounts.get(address))
            names = await self._directory.names(range(state.perp_count), ())
            self._indexes = {name: index for index, name in names.perps.items()}
        for market in markets:
            if market not in self._indexes:
                raise VenueRejected(f"there is no market {market[:32]!r} here; write one such as SOL-PERP")
        return {market: self._indexes[market] for market in markets}

    async def depth(self, account_id: str, markets: Sequence[str]) -> dict[str, MarketDepth]:
        """See risk.trade_ports.DepthSource."""
        indexes = await self.indexes(markets)
        group = tuple(sorted(set(indexes.values())))
        key = parse_key(account_id)
        touched = Touched(perp_indexes=frozenset(group), spot_indexes=frozenset())
        reading = await self._reader.read([key], self._extra.get(group, ()), lambda _: touched)
        self._extra[group] = reading.extra
        found = find_perps(self._profile, reading.fetched, group)
        for problem in found.unreadable.values():
            raise VenueRejected(problem)
        factor = self._fee_factor(key, reading.fetched)
        return {market: self._one(market, indexes[market], reading, found, factor) for market in markets}

    def _one(
        self, market: str, index: int, reading: Reading[Touched], found: MarketRecords, fee_factor: int
    ) -> MarketDepth:
        perps, oracles = reading.markets.perps, reading.markets.oracles
        row = int(reading.markets.perp_rows.rows[index])
        record: np.void = found.records[found.names.index(market)][0]
        oracle_1e6 = float(oracles.price_1e6[perps.oracle[row]])
        validity = OracleValidity(int(perps.validity[row]))
        problem = "" if validity is OracleValidity.VALID else _PROBLEMS[validity].format(market=market)
        exchange, paused = reading.markets.state.exchange_status, int(record["paused_operations"])
        status = MarketStatus(int(perps.status[row]))
        if status not in _CLOSED and _stops(self._facts.fill_pauses, exchange, paused):
            status = MarketStatus.FILL_PAUSED
        has_curve = status not in _WITHOUT_CURVE and not _stops(self._facts.curve_pauses, exchange, paused)
        usable = has_curve and np.isfinite(oracle_1e6)
        curve = curve_of(record)
        taker, maker = self._fees(reading.fetched, int(record["fee_adjustment"]), fee_factor)
        return MarketDepth(
            market=market, market_index=index, oracle_usd=oracle_1e6 / 1e6,
            bids=ladder(curve, Side.SELL, int(oracle_1e6)) if usable else (),
            asks=ladder(curve, Side.BUY, int(oracle_1e6)) if usable else (),
            taker_fee_frac=taker, maker_fee_frac=maker,
            funding_hourly_frac=_funding(int(record["last_funding_rate_long"]), oracle_1e6 / 1e6),
            step_raw_1e9=int(record["order_step_size"]), tick_raw_1e6=int(record["order_tick_size"]),
            minimum_raw_1e9=int(record["min_order_size"]), status=status, source="venue curve",
            slot=reading.fetched.slot, observed_at=self._clock.now(), problem=problem,
        )  # fmt: skip

    def _fees(self, fetched: Fetched, adjustment_percent: int, factor: int) -> tuple[float, float]:
        """(taker, maker) of the first tier, the dearest one: what an account really pays may be less."""
        account = fetched.accounts[state_address(self._profile)]
        layout = checked_record("the State", account, self._profile.state, program_key(self._profile))
        tier = np.frombuffer(account.data, layout, 1)[0]["perp_fee_tiers"][0]
        adjusted = 1 + adjustment_percent / 100
        taker = _ratio(tier["fee_numerator"], tier["fee_denominator"]) * adjusted * factor
        return taker, -_ratio(tier["maker_rebate_numerator"], tier["maker_rebate_denominator"]) * adjusted

    def _fee_factor(self, key: Pubkey, fetched: Fetched) -> int:
        """An account in high-leverage mode pays twice as much."""
        account = fetched.accounts.get(key)
        if account is None:
            return 1
        try:
            layout = checked_record(f"account {key}", account, self._profile.user, program_key(self._profile))
        except BadAccountData:
            return 1  # whoever trades for it reads it again, and refuses
        if "margin_mode" not in (layout.names or ()):
            return 1
        mode = self._profile.margin_modes.get(int(np.frombuffer(account.data, layout, 1)[0]["margin_mode"]))
        return _HIGH_LEVERAGE_FEE if mode is MarginMode.HIGH_LEVERAGE else 1


def curve_of(record: np.void) -> Curve:
    """The curve a market's account states."""

    def wide(name: str) -> int:
        return wide_integers(np.array([record[name]], record.dtype[name]))[0]

    middle = wide("base_asset_reserve"), wide("quote_asset_reserve")
    spread = bool(record["base_spread"])
    return Curve(
        base=middle[0], quote=middle[1], sqrt_k=wide("sqrt_k"), peg=wide("peg_multiplier"),
        min_base=wide("min_base_asset_reserve"), max_base=wide("max_base_asset_reserve"),
        # Without a spread the program does not look at what it stored for one.
        ask=(wide("ask_base_asset_reserve"), wide("ask_quote_asset_reserve")) if spread else middle,
        bid=(wide("bid_base_asset_reserve"), wide("bid_quote_asset_reserve")) if spread else middle,
        fill_fraction=int(record["max_fill_reserve_fraction"]), step=int(record["order_step_size"]),
        follows_oracle=bool(record["curve_update_intensity"]),
    )  # fmt: skip


def _stops(bits: tuple[int, int], exchange: int, market: int) -> bool:
    return bool(bits[0] & exchange or bits[1] & market)


def _ratio(numerator: np.uint32, denominator: np.uint32) -> float:
    return int(numerator) / int(denominator) if denominator else 0.0


def _funding(rate_1e9: int, oracle_usd: float) -> float:
    return rate_1e9 / _RATE_UNITS / oracle_usd if oracle_usd > 0 else 0.0
