"""State of the exchange at one second, and the snapshot and book of any account in it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.model.account import (
    AccountSnapshot,
    MarketKind,
    OpenOrder,
    PerpPosition,
    Side,
    SpotBalance,
)
from risk.model.market import OracleReading, PerpMarket, SpotMarket
from venues.errors import VenueRejected
from venues.paper.conditions import Conditions
from venues.paper.funding import FundingState
from venues.paper.ledger import Fill, PaperAccount, RestingOrder, open_sizes_1e9
from venues.paper.markets import QUOTE_TOKEN_INDEX, PerpListing, Universe
from venues.paper.oracles import PERP_CONFIDENCE_FACTOR, SPOT_CONFIDENCE_FACTOR, STRICT_WINDOW_S, OracleBoard
from venues.paper.post import Post
from venues.paper.units import BASE, PRICE, QUOTE

_EPOCH = datetime.fromtimestamp(0, UTC)
_NO_ARRIVAL = datetime.min.replace(tzinfo=UTC)  # books made for the exchange's own margin checks are never shown


def slots_elapsed(seconds: float) -> int:
    """Slots since the start: two and a half a second."""
    return int(seconds * 2.5 + 1e-6)


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that changes. Only whole seconds exist; ``now_s`` counts them since the start.

    Attributes:
        liquidates: Whether an account below maintenance is also reduced, not only flagged.
        taken_1e9: Size already traded this second, by market and the side of the account.
        fills: Every change of a position since the start, oldest first.
        started_unix_s: When second 0 was; 0 for an exchange that nobody has given a calendar.
    """

    universe: Universe
    board: OracleBoard
    first_slot: int
    liquidates: bool
    accounts: dict[str, PaperAccount] = field(default_factory=dict)
    funding: dict[int, FundingState] = field(init=False)
    taken_1e9: dict[tuple[int, Side], int] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    conditions: Conditions = field(default_factory=Conditions)
    post: Post = field(default_factory=Post)
    started_unix_s: float = 0.0
    now_s: int = 0
    next_order_id: int = 1

    def __post_init__(self) -> None:
        self.funding = {index: FundingState() for index in self.universe.perp_at}

    def account(self, account_id: str) -> PaperAccount:
        """Raises: VenueRejected."""
        try:
            return self.accounts[account_id]
        except KeyError:
            known = ", ".join(sorted(self.accounts)) or "none yet"
            raise VenueRejected(f"there is no account {account_id} here; accounts: {known}") from None

    def move_to(self, second: int) -> None:
        self.now_s = second
        self.taken_1e9.clear()

    @property
    def now_slot(self) -> int:
        return self.first_slot + slots_elapsed(self.now_s)

    def price_1e6(self, oracle_id: str) -> int:
        return self.board.price_1e6(oracle_id, self.now_s)

    def second_of(self, unix_s: int) -> int:
        """First second that is not before a time."""
        return math.ceil(unix_s - self.started_unix_s - 1e-6)

    def end_order(self, account: PaperAccount, order_id: int, why: str) -> None:
        """Takes an order off an account and remembers why, as a sentence without its beginning."""
        del account.orders[order_id]
        self.post.endings[order_id] = why

    def available_1e9(self, listing: PerpListing, side: Side) -> int:
        """Size that can still trade this second, in whole steps."""
        price_usd = self.price_1e6(listing.terms.oracle_id) / PRICE
        if price_usd <= 0 or listing.terms.market_index in self.conditions.bookless:
            return 0
        offered = int(listing.available_usd_per_s * self.conditions.offered_frac / price_usd * BASE)
        left = offered - self.taken_1e9.get((listing.terms.market_index, side), 0)
        return max(0, left - left % listing.step_1e9)

    def snapshot(
        self, account: PaperAccount, *, slot: int | None = None, observed_at: datetime = _NO_ARRIVAL
    ) -> AccountSnapshot:
        """An account with the markets it touches, as seen at a slot of this second; its first slot unless given."""
        slot = self.now_slot if slot is None else slot
        perps = sorted({order.market_index for order in account.orders.values()} | account.perps.keys())
        positions = [self._position(account, index) for index in perps]
        positions = [p for p in positions if p.size_base or p.quote_usd or p.open_orders]
        perp_markets = {p.market_index: self._perp_market(p.market_index, slot) for p in positions}
        spot_indices = sorted(account.tokens_raw.keys() | {QUOTE_TOKEN_INDEX})
        spot_markets = {index: self._spot_market(index, slot) for index in spot_indices}
        oracle_ids = {m.oracle_id for m in perp_markets.values()} | {m.oracle_id for m in spot_markets.values()}
        return AccountSnapshot(
            account_id=account.account_id,
            authority=account.authority,
            sub_account=account.sub_account,
            name=account.name,
            perp_positions=tuple(positions),
            spot_balances=tuple(
                SpotBalance(market_index=index, amount_tokens=raw / 10 ** self.universe.spot_at[index].decimals)
                for index, raw in sorted(account.tokens_raw.items())
            ),
            open_orders=tuple(_open_order(order) for order in account.orders.values()),
            perp_markets=perp_markets,
            spot_markets=spot_markets,
            oracles={oracle_id: self._reading(oracle_id, slot) for oracle_id in sorted(oracle_ids)},
            net_deposits_usd=account.net_deposits_1e6 / QUOTE,
            funding_booked_usd=account.funding_1e6 / QUOTE,
            being_liquidated=account.being_liquidated,
            bankrupt=account.bankrupt,
            slot=slot,
            observed_at=observed_at,
        )

    def with_markets(self, snapshot: AccountSnapshot, markets: Sequence[str], slot: int) -> AccountSnapshot:
        """A snapshot with perp markets in which the account has nothing. Raises: VenueRejected."""
        perps, oracles = dict(snapshot.perp_markets), dict(snapshot.oracles)
        for name in markets:
            terms = self.universe.perp(name).terms
            if terms.market_index not in perps:
                perps[terms.market_index] = self._perp_market(terms.market_index, slot)
                oracles[terms.oracle_id] = self._reading(terms.oracle_id, slot)
        return replace(snapshot, perp_markets=perps, oracles=oracles)

    def book(self, accounts: Sequence[PaperAccount]) -> FleetBook:
        """A book for the exchange's own margin checks, at this second."""
        return book_of([self.snapshot(account) for account in accounts])

    def _position(self, account: PaperAccount, market_index: int) -> PerpPosition:
        slot = account.perps.get(market_index)
        orders = account.orders_in(market_index)
        bids, asks = open_sizes_1e9(orders)
        position = PerpPosition(
            market_index=market_index,
            size_base=0.0,
            open_bids_base=bids / BASE,
            open_asks_base=asks / BASE,
            open_orders=len(orders),
        )
        if slot is None:
            return position
        return replace(
            position,
            size_base=slot.base_1e9 / BASE,
            quote_usd=slot.quote_1e6 / QUOTE,
            quote_entry_usd=slot.quote_entry_1e6 / QUOTE,
            funding_usd=slot.funding_due_1e6(self.funding[market_index].index_1e9) / QUOTE,
            settled_pnl_usd=slot.settled_pnl_1e6 / QUOTE,
        )

    def _perp_market(self, market_index: int, slot: int) -> PerpMarket:
        listing = self.universe.perp_at[market_index]
        terms = listing.terms
        rate_usd = self.funding[market_index].last_rate_1e9 / 1e9
        reading = self._reading(terms.oracle_id, slot)
        return replace(
            terms,
            status=self.conditions.status(listing),
            funding_long_usd=rate_usd,
            funding_short_usd=rate_usd,
            oracle_twap_usd=self.board.average_usd(terms.oracle_id, self.now_s, STRICT_WINDOW_S),
            oracle_validity=self.board.validity(reading, self.now_s, PERP_CONFIDENCE_FACTOR[terms.contract_tier]),
        )

    def _spot_market(self, market_index: int, slot: int) -> SpotMarket:
        terms = self.universe.spot_at[market_index]
        reading = self._reading(terms.oracle_id, slot)
        return replace(
            terms,
            deposits_tokens=sum(max(0, a.tokens_raw.get(market_index, 0)) for a in self.accounts.values())
            / 10**terms.decimals,
            oracle_twap_usd=self.board.average_usd(terms.oracle_id, self.now_s, STRICT_WINDOW_S),
            oracle_validity=self.board.validity(reading, self.now_s, SPOT_CONFIDENCE_FACTOR[terms.asset_tier]),
        )

    def _reading(self, oracle_id: str, slot: int) -> OracleReading:
        updated_s = self.board.updated_s(oracle_id, self.now_s)
        return self.board.reading(oracle_id, self.now_s, slot - self.first_slot - slots_elapsed(updated_s))


def _open_order(order: RestingOrder) -> OpenOrder:
    expires_at = _EPOCH + timedelta(seconds=order.expires_unix_s) if order.expires_unix_s else None
    return OpenOrder(
        order_id=order.order_id,
        market_kind=MarketKind.PERP,
        market_index=order.market_index,
        side=order.side,
        kind=order.kind,
        size_base=order.remaining_1e9 / BASE,
        price_usd=order.price_1e6 / PRICE if order.price_1e6 else None,
        reduce_only=order.reduce_only,
        trigger_price_usd=order.trigger_1e6 / PRICE if order.is_trigger else None,
        expires_at=expires_at,
        triggers_above=order.triggers_above,
        triggered=not order.waits if order.is_trigger else None,
    )
