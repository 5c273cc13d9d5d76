"""What happened to an account: two readings in, events out. Pure; no event says more than two readings can tell.

``diff`` compares what stands, so whatever came and went between two readings is not told: read often, and let the
venue's own program events fill the gap after downtime. What is told, and how it is known:

- positions: every perp whose size changed, once: opened, changed, closed or flipped. ``by_orders_base`` is the part
  that fills of resting orders explain; who traded is not in a reading,
- orders: see ``risk.decisions.order_events``,
- deposits and withdrawals: the venue's running sum of both, so one of each within a gap shows as their difference,
- borrows: a balance that fell below zero or came back, whether by a withdrawal, an order or a loss that was settled,
- funding: the market's last hourly rate against the side held. A rate of exactly zero is no side, so no flip,
- a liquidation: the flags of account and isolated positions. What was taken: any part of a flagged position that
  shrank and no order explains, and tokens but the quote token, which settling a loss moves as well. The fee is not in
  a reading, nor is a liquidation that began and ended between two of them,
- delegate, bankruptcy, status of markets the account is in: as they stand. What a venue pauses within a market without
  changing its status stands in FleetBook.notices,
- interest and borrow rates: not told.

Both readings must come with orders: one without them looks like an account whose orders are gone.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from risk.decisions.order_events import liquidating, market_name, moved, negligible, order_events
from risk.decisions.tiers import Tier
from risk.model.account import AccountSnapshot, MarketKind, PerpPosition
from risk.model.events import (
    AccountEvent,
    BorrowEvent,
    DelegateEvent,
    EventKind,
    FlowEvent,
    FundingEvent,
    LiquidationEvent,
    MarketEvent,
    PositionEvent,
)
from risk.model.market import MarketStatus, PerpMarket, SpotMarket

# How loudly a kind is told where nobody chose otherwise. OK is for those who asked to hear of it; a withdrawal and a
# new delegate are as nobody announced them, which whoever knows of an announcement may soften.
DEFAULT_TIERS: Mapping[EventKind, Tier] = MappingProxyType(
    {
        EventKind.POSITION_OPENED: Tier.OK,
        EventKind.POSITION_CHANGED: Tier.OK,
        EventKind.POSITION_CLOSED: Tier.OK,
        EventKind.POSITION_FLIPPED: Tier.WATCH,
        EventKind.ORDER_PLACED: Tier.OK,
        EventKind.ORDER_CHANGED: Tier.OK,
        EventKind.ORDER_TRIGGERED: Tier.WATCH,
        EventKind.ORDER_PARTIALLY_FILLED: Tier.OK,
        EventKind.ORDER_FILLED: Tier.OK,
        EventKind.ORDER_ENDED: Tier.OK,
        EventKind.DEPOSIT: Tier.OK,
        EventKind.WITHDRAWAL: Tier.CRITICAL,
        EventKind.BORROW_BEGUN: Tier.WATCH,
        EventKind.BORROW_REPAID: Tier.OK,
        EventKind.FUNDING_FLIPPED: Tier.OK,
        EventKind.FUNDING_HEAVY: Tier.WATCH,
        EventKind.LIQUIDATION_BEGUN: Tier.LIQUIDATING,
        EventKind.LIQUIDATION_TAKEN: Tier.LIQUIDATING,
        EventKind.LIQUIDATION_ENDED: Tier.HIGH,
        EventKind.BANKRUPT: Tier.LIQUIDATING,
        EventKind.DELEGATE_CHANGED: Tier.CRITICAL,
        EventKind.SUB_ACCOUNT_CREATED: Tier.WARNING,
        EventKind.MARKET_PAUSED: Tier.WARNING,
        EventKind.MARKET_REDUCE_ONLY: Tier.WARNING,
        EventKind.MARKET_SETTLING: Tier.HIGH,
        EventKind.MARKET_ACTIVE: Tier.OK,
    }
)

_STATUS_KINDS: Mapping[MarketStatus, EventKind] = MappingProxyType(
    {
        MarketStatus.INITIALIZED: EventKind.MARKET_PAUSED,
        MarketStatus.ACTIVE: EventKind.MARKET_ACTIVE,
        MarketStatus.FUNDING_PAUSED: EventKind.MARKET_PAUSED,
        MarketStatus.AMM_PAUSED: EventKind.MARKET_PAUSED,
        MarketStatus.FILL_PAUSED: EventKind.MARKET_PAUSED,
        MarketStatus.WITHDRAW_PAUSED: EventKind.MARKET_PAUSED,
        MarketStatus.REDUCE_ONLY: EventKind.MARKET_REDUCE_ONLY,
        MarketStatus.SETTLEMENT: EventKind.MARKET_SETTLING,
        MarketStatus.DELISTED: EventKind.MARKET_SETTLING,
    }
)
_Market = PerpMarket | SpotMarket
_QUOTE = 0
_UNIT_USD = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class EventThresholds:
    """What counts as worth an event.

    Attributes:
        heavy_funding_hourly_frac: Paid an hour as a fraction of the notional; the default is 0.24 % a day.
    """

    heavy_funding_hourly_frac: float = 1e-4


def diff(
    previous: AccountSnapshot, current: AccountSnapshot, thresholds: EventThresholds | None = None
) -> tuple[AccountEvent, ...]:
    """What happened to one account, the gravest family first, within a family by market and order.

    Raises: ValueError for two accounts, or a reading of an older slot than the one before.
    """
    if previous.account_id != current.account_id:
        raise ValueError(f"{previous.account_id} and {current.account_id} are two accounts; compare readings of one")
    if current.slot < previous.slot:
        raise ValueError(f"slot {current.slot} is older than {previous.slot}; give the earlier reading first")
    orders = order_events(previous, current)
    positions = _positions(previous, current, orders.filled_base)
    return (
        *_liquidations(previous, current),
        *_taken(previous, current, orders.filled_base),
        *_delegate(previous, current),
        *_flows(previous, current),
        *_borrows(previous, current),
        *positions,
        *orders.events,
        *_funding(previous, current, thresholds or EventThresholds()),
        *_markets(previous, current),
    )


def sub_accounts_created(
    previous: Collection[AccountSnapshot], current: Iterable[AccountSnapshot]
) -> tuple[AccountEvent, ...]:
    """Accounts of owners known before that are new; by account id. Of a stranger's accounts nothing is told."""
    known, owners = {snapshot.account_id for snapshot in previous}, {snapshot.authority for snapshot in previous}
    new = [s for s in current if s.account_id not in known and s.authority and s.authority in owners]
    return tuple(
        _plain(EventKind.SUB_ACCOUNT_CREATED, snapshot) for snapshot in sorted(new, key=lambda s: s.account_id)
    )


def _plain(kind: EventKind, now: AccountSnapshot) -> AccountEvent:
    return AccountEvent(kind=kind, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at)


def _sizes(snapshot: AccountSnapshot) -> dict[int, float]:
    return {position.market_index: position.size_base for position in snapshot.perp_positions if position.size_base}


def _positions(
    previous: AccountSnapshot, now: AccountSnapshot, filled_base: Mapping[int, float]
) -> Iterable[PositionEvent]:
    before, after = _sizes(previous), _sizes(now)
    for index in sorted(before.keys() | after.keys()):
        old, new = before.get(index, 0.0), after.get(index, 0.0)
        if old == new:
            continue
        if not old:
            kind = EventKind.POSITION_OPENED
        elif not new:
            kind = EventKind.POSITION_CLOSED
        else:
            kind = EventKind.POSITION_FLIPPED if old * new < 0 else EventKind.POSITION_CHANGED
        yield PositionEvent(
            kind=kind, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at,
            market=market_name(MarketKind.PERP, index, now, previous),
            before_base=old, after_base=new, by_orders_base=filled_base.get(index, 0.0),
        )  # fmt: skip


def _liquidations(previous: AccountSnapshot, now: AccountSnapshot) -> Iterable[AccountEvent]:
    def event(kind: EventKind, market: str) -> LiquidationEvent:
        return LiquidationEvent(
            kind=kind, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at, market=market
        )

    if now.bankrupt and not previous.bankrupt:
        yield _plain(EventKind.BANKRUPT, now)
    if now.being_liquidated != previous.being_liquidated:
        yield event(EventKind.LIQUIDATION_BEGUN if now.being_liquidated else EventKind.LIQUIDATION_ENDED, "")
    before, after = _flagged(previous), _flagged(now)
    for index in sorted(before ^ after):
        kind = EventKind.LIQUIDATION_BEGUN if index in after else EventKind.LIQUIDATION_ENDED
        yield event(kind, market_name(MarketKind.PERP, index, now, previous))


def _flagged(snapshot: AccountSnapshot) -> set[int]:
    return {position.market_index for position in snapshot.perp_positions if position.being_liquidated}


def _taken(
    previous: AccountSnapshot, now: AccountSnapshot, filled_base: Mapping[int, float]
) -> Iterable[LiquidationEvent]:
    def event(kind: MarketKind, index: int, taken: float, remaining: float) -> LiquidationEvent:
        return LiquidationEvent(
            kind=EventKind.LIQUIDATION_TAKEN, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at,
            market=market_name(kind, index, now, previous), market_kind=kind, taken_base=taken,
            remaining_base=remaining,
        )  # fmt: skip

    for index, old in sorted(_sizes(previous).items()):
        change = moved(previous, now, MarketKind.PERP, index)
        against = (filled_base.get(index, 0.0) - change) * math.copysign(1.0, old)
        if against > 0 and not negligible(against, old, change) and liquidating(previous, now, index):
            yield event(MarketKind.PERP, index, min(against, abs(old)), old + change)
    if not liquidating(previous, now, None):
        return
    for balance in sorted(previous.spot_balances, key=lambda one: one.market_index):
        if balance.market_index == _QUOTE or balance.amount_tokens <= 0:
            continue
        left = balance.amount_tokens + moved(previous, now, MarketKind.SPOT, balance.market_index)
        taken = balance.amount_tokens - max(0.0, left)
        if taken > 0 and not negligible(taken, balance.amount_tokens):
            yield event(MarketKind.SPOT, balance.market_index, taken, left)


def _delegate(previous: AccountSnapshot, now: AccountSnapshot) -> Iterable[DelegateEvent]:
    if previous.delegate != now.delegate:
        yield DelegateEvent(
            kind=EventKind.DELEGATE_CHANGED, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at,
            before=previous.delegate, after=now.delegate,
        )  # fmt: skip


def _flows(previous: AccountSnapshot, now: AccountSnapshot) -> Iterable[FlowEvent]:
    flow_usd = now.net_deposits_usd - previous.net_deposits_usd
    if abs(flow_usd) < _UNIT_USD / 2:
        return
    kind = EventKind.DEPOSIT if flow_usd > 0 else EventKind.WITHDRAWAL
    yield FlowEvent(
        kind=kind, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at, amount_usd=abs(flow_usd)
    )


def _borrows(previous: AccountSnapshot, now: AccountSnapshot) -> Iterable[BorrowEvent]:
    before, after = ({b.market_index: b.amount_tokens for b in s.spot_balances} for s in (previous, now))
    for index in sorted(before.keys() | after.keys()):
        old, new = before.get(index, 0.0), after.get(index, 0.0)
        if (old < 0) != (new < 0):
            yield BorrowEvent(
                kind=EventKind.BORROW_BEGUN if new < 0 else EventKind.BORROW_REPAID, account_id=now.account_id,
                slot=now.slot, observed_at=now.observed_at, token=market_name(MarketKind.SPOT, index, now, previous),
                before_tokens=old, after_tokens=new,
            )  # fmt: skip


def _funding(previous: AccountSnapshot, now: AccountSnapshot, thresholds: EventThresholds) -> Iterable[FundingEvent]:
    held = {position.market_index: position for position in previous.perp_positions}
    heavy = thresholds.heavy_funding_hourly_frac
    for position in sorted(now.perp_positions, key=lambda one: one.market_index):
        earlier = held.get(position.market_index)
        same_side = earlier is not None and earlier.size_base * position.size_base > 0
        before = _pays_hourly_frac(previous, earlier) if earlier is not None and same_side else math.nan
        after = _pays_hourly_frac(now, position)
        if math.isnan(after) or (same_side and math.isnan(before)):
            continue
        kinds = [
            EventKind.FUNDING_FLIPPED if before * after < 0 else None,
            EventKind.FUNDING_HEAVY if after >= heavy and not before >= heavy else None,
        ]
        for kind in filter(None, kinds):
            yield FundingEvent(
                kind=kind, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at,
                market=market_name(MarketKind.PERP, position.market_index, now), size_base=position.size_base,
                before_hourly_frac=before, after_hourly_frac=after,
            )  # fmt: skip


def _pays_hourly_frac(snapshot: AccountSnapshot, position: PerpPosition) -> float:
    market = snapshot.perp_markets.get(position.market_index)
    reading = snapshot.oracles.get(market.oracle_id) if market else None
    if market is None or reading is None or not position.size_base or not reading.price_usd > 0:
        return math.nan
    rate_usd = market.funding_long_usd if position.size_base > 0 else market.funding_short_usd
    return math.copysign(1.0, position.size_base) * rate_usd / reading.price_usd


def _markets(previous: AccountSnapshot, now: AccountSnapshot) -> Iterable[MarketEvent]:
    families: tuple[tuple[MarketKind, Mapping[int, _Market], Mapping[int, _Market]], ...] = (
        (MarketKind.PERP, previous.perp_markets, now.perp_markets),
        (MarketKind.SPOT, previous.spot_markets, now.spot_markets),
    )
    for market_kind, before, after in families:
        for index in sorted(before.keys() & after.keys()):
            old, new = before[index], after[index]
            if old.status is not new.status:
                yield MarketEvent(
                    kind=_STATUS_KINDS[new.status], account_id=now.account_id, slot=now.slot,
                    observed_at=now.observed_at, market=new.name, market_kind=market_kind,
                    before=old.status, after=new.status,
                )  # fmt: skip
