"""Consistent worlds: feeds, markets, State and users that belong together, at one slot."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random
from types import MappingProxyType

from tests.support import addresses
from tests.support.catalogue import STANDARD
from tests.support.drift_accounts import OrderSlot, PerpSlot, SpotSlot, make_user, make_user_stats
from tests.support.drift_enums import MarginMode, PositionFlag
from tests.support.drift_markets import make_perp_market, make_spot_market, make_state
from tests.support.drift_oracles import OracleKind, make_oracle
from tests.support.market_specs import Catalogue, FeedSpec, PerpSpec, SpotSpec
from tests.support.world import ChainAccount, World

DEFAULT_SLOT = 300_000_000
_TEN = Decimal(10)


def _1e6(text: str) -> int:
    return int(Decimal(text) * 10**6)


class WorldBuilder:
    """Collects users on the markets of a catalogue and writes everything as accounts.

    Amounts of ``deposit``, ``borrow`` and ``position`` are in whole units, prices in USD.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue = STANDARD,
        slot: int = DEFAULT_SLOT,
        exchange_status: int = 0,
        oracle_age_slots: int = 2,
    ) -> None:
        self.catalogue = catalogue
        self.slot = slot
        self._exchange_status = exchange_status
        self._oracle_age_slots = oracle_age_slots
        self._users: dict[str, bytes] = {}
        self._sub_accounts: dict[str, int] = {}

    def oracle_address(self, feed: str) -> str:
        """Where a feed of the catalogue lives."""
        spec = self.catalogue.feed(feed)
        if spec.kind is OracleKind.PYTH_LAZER:
            return addresses.lazer_oracle_address(1 + self.catalogue.feeds.index(spec))
        return addresses.address(f"feed {feed}")

    def deposit(self, market: str, amount: Decimal | str, **orders: int) -> SpotSlot:
        """``orders`` are the other fields of SpotSlot, such as open_bids_raw and open_orders."""
        return self._balance(market, Decimal(amount), is_borrow=False, **orders)

    def borrow(self, market: str, amount: Decimal | str, **orders: int) -> SpotSlot:
        return self._balance(market, Decimal(amount), is_borrow=True, **orders)

    def _balance(self, market: str, amount: Decimal, *, is_borrow: bool, **orders: int) -> SpotSlot:
        spec = self.catalogue.spot(market)
        scaled = scaled_balance(spec, amount, is_borrow=is_borrow)
        return SpotSlot(market_index=spec.index, scaled_1e9=scaled, is_borrow=is_borrow, **orders)

    def position(
        self,
        market: str,
        base: Decimal | str,
        *,
        entry_usd: Decimal | str | None = None,
        isolated_usdc: Decimal | str | None = None,
        max_ratio_1e4: int = 0,
        **fields: int,
    ) -> PerpSlot:
        """A perp position, base > 0 long, entered at the oracle price unless said, with no funding owed.

        With ``isolated_usdc`` it is isolated and has that deposit of its own.
        """
        spec, base = self.catalogue.perp(market), Decimal(base)
        entry = Decimal(self.catalogue.price_1e6(spec)) / 10**6 if entry_usd is None else Decimal(entry_usd)
        quote = self.catalogue.quote_of(spec)
        own = 0 if isolated_usdc is None else scaled_balance(quote, Decimal(isolated_usdc), is_borrow=False)
        return PerpSlot(
            market_index=spec.index,
            base_1e9=int(base * 10**9),
            quote_1e6=int(-base * entry * 10**6),
            last_funding_rate_1e9=funding_rate_1e9(spec, is_long=base > 0),
            isolated_scaled_1e9=own,
            max_ratio_1e4=max_ratio_1e4,
            flags=PositionFlag(0) if isolated_usdc is None else PositionFlag.ISOLATED,
            **fields,
        )

    def add_user(
        self,
        owner: str,
        *,
        sub_account_id: int = 0,
        name: str = "Main Account",
        spots: Sequence[SpotSlot] = (),
        perps: Sequence[PerpSlot] = (),
        orders: Sequence[OrderSlot] = (),
        max_ratio_1e4: int = 0,
        margin_mode: MarginMode = MarginMode.DEFAULT,
        status: int = 0,
        pool_id: int = 0,
        delegate: str = addresses.SYSTEM_PROGRAM,
    ) -> str:
        """Address of a new user whose authority is the key of the name ``owner`` (see addresses.address)."""
        authority = addresses.address(owner)
        key = addresses.user_address(authority, sub_account_id)
        if key in self._users:
            raise ValueError(f"{owner} already has sub-account {sub_account_id}")
        self._users[key] = make_user(
            authority=authority,
            sub_account_id=sub_account_id,
            name=name,
            spots=spots,
            perps=perps,
            orders=orders,
            max_ratio_1e4=max_ratio_1e4,
            margin_mode=margin_mode,
            status=status,
            pool_id=pool_id,
            extra={"delegate": addresses.key_bytes(delegate)},
        )
        self._sub_accounts[authority] = max(self._sub_accounts.get(authority, 0), sub_account_id + 1)
        return key

    def build(self) -> World:
        """Everything as accounts. The feeds were posted ``oracle_age_slots`` before the slot."""
        program, accounts = addresses.DRIFT_PROGRAM, dict[str, ChainAccount]()
        for feed in self.catalogue.feeds:
            accounts[self.oracle_address(feed.name)] = self._oracle(feed)
        owned = {addresses.state_address(): self._state()}
        for spot in self.catalogue.spots:
            owned[addresses.spot_market_address(spot.index)] = self._spot_market(spot)
        for perp in self.catalogue.perps:
            owned[addresses.perp_market_address(perp.index)] = self._perp_market(perp)
        owned |= self._users
        for authority, count in self._sub_accounts.items():
            owned[addresses.user_stats_address(authority)] = make_user_stats(authority=authority, sub_accounts=count)
        accounts |= {key: ChainAccount.rent_exempt(program, raw) for key, raw in owned.items()}
        return World(accounts=MappingProxyType(accounts), slot=self.slot)

    def _state(self) -> bytes:
        return make_state(
            perp_markets=1 + max(perp.index for perp in self.catalogue.perps),
            spot_markets=1 + max(spot.index for spot in self.catalogue.spots),
            users=len(self._users),
            exchange_status=self._exchange_status,
        )

    def _oracle(self, feed: FeedSpec) -> ChainAccount:
        owner, raw = make_oracle(
            feed.kind, price=feed.price_usd, slot=self.slot - self._oracle_age_slots, exponent=feed.exponent
        )
        return ChainAccount.rent_exempt(owner, raw)

    def _spot_market(self, spec: SpotSpec) -> bytes:
        price, twap = self._prices(spec)
        scaled = scaled_balance(spec, Decimal(spec.deposits_usd) * 10**6 / price, is_borrow=False)
        return make_spot_market(
            market_index=spec.index,
            name=spec.name,
            mint=addresses.USDC_MINT if spec.name.startswith("USDC") else None,
            oracle=addresses.SYSTEM_PROGRAM if spec.feed is None else self.oracle_address(spec.feed),
            oracle_source=spec.source,
            price_1e6=price,
            twap_5min_1e6=twap,
            decimals=spec.decimals,
            deposit_interest_1e10=int(Decimal(spec.deposit_interest) * 10**10),
            borrow_interest_1e10=int(Decimal(spec.borrow_interest) * 10**10),
            deposits_scaled_1e9=scaled,
            borrows_scaled_1e9=scaled // 2,
            initial_asset_1e4=spec.initial_asset,
            maintenance_asset_1e4=spec.maintenance_asset,
            initial_liability_1e4=spec.initial_liability,
            maintenance_liability_1e4=spec.maintenance_liability,
            imf_1e6=spec.imf_1e6,
            scale_start_1e6=spec.scale_start_usd * 10**6,
            asset_tier=spec.tier,
            pool_id=spec.pool_id,
        )

    def _perp_market(self, spec: PerpSpec) -> bytes:
        price, twap = self._prices(spec)
        return make_perp_market(
            market_index=spec.index,
            name=spec.name,
            oracle=self.oracle_address(spec.feed),
            oracle_source=spec.source,
            price_1e6=price,
            twap_5min_1e6=twap,
            initial_1e4=spec.initial,
            maintenance_1e4=spec.maintenance,
            high_leverage_initial_1e4=spec.high_leverage[0],
            high_leverage_maintenance_1e4=spec.high_leverage[1],
            imf_1e6=spec.imf_1e6,
            pnl_initial_weight_1e4=spec.pnl_initial,
            pnl_maintenance_weight_1e4=spec.pnl_maintenance,
            pnl_imf_1e6=spec.pnl_imf_1e6,
            pnl_max_imbalance_1e6=spec.max_imbalance_usd * 10**6,
            funding_long_1e9=funding_rate_1e9(spec, is_long=True),
            funding_short_1e9=funding_rate_1e9(spec, is_long=False),
            status=spec.status,
            contract_type=spec.contract_type,
            tier=spec.tier,
            quote_market_index=spec.quote_index,
            expiry_price_1e6=_1e6(spec.expiry_price_usd),
            pool_id=spec.pool_id,
            extra={"amm.quote_asset_amount": spec.net_user_pnl_usd * 10**6},
        )

    def _prices(self, spec: SpotSpec | PerpSpec) -> tuple[int, int]:
        """The stored price, and a 5-minute mean up to 0.5 % away from it, the same in every run."""
        price = self.catalogue.price_1e6(spec)
        return price, max(1, int(price * Random(spec.name).uniform(0.995, 1.005)))


def scaled_balance(spec: SpotSpec, amount: Decimal, *, is_borrow: bool) -> int:
    """The stored balance that reads back as ``amount``, or a token unit off: a deposit more, a borrow less."""
    interest = Decimal(spec.borrow_interest if is_borrow else spec.deposit_interest)
    raw = (amount * _TEN**spec.decimals).to_integral_value(ROUND_FLOOR)
    scaled = raw * _TEN ** (9 - spec.decimals) / interest
    return int(scaled.to_integral_value(ROUND_FLOOR if is_borrow else ROUND_CEILING))


def funding_rate_1e9(spec: PerpSpec, *, is_long: bool) -> int:
    """The market's cumulative funding rate; shorts stand a little below longs."""
    rate = Decimal(spec.funding_usd) * 10**9
    return int(rate if is_long else rate * 99 / 100)
