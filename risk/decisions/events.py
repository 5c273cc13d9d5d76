"""What happened to an account: two readings in, events out. Pure; no event says more than two readings can tell.

``diff`` compares what stands, so whatever came and went between two readings is not told: read often, and let the
venue's own program events fill the gap after downtime (``risk.decisions.event_merge``). What is told, and how it is
known:

- positions: every perp whose size changed, once: opened, changed, closed or flipped. ``by_orders_base`` is the part
  that fills of resting orders explain; who traded is not in a reading, except for orders of Keel, whose ids it knows,
- orders: see ``risk.decisions.order_events``,
- deposits and withdrawals: the venue's running sum of both, so one of each within a gap shows as their difference,
- borrows: a balance that fell below zero or came back, whether by a withdrawal, an order or a loss that was settled,
- interest: what a balance grew by while its shares, which interest leaves alone, did not; where a venue keeps both,
- a borrow rate: what the venue asks for a token an account has borrowed, once it passes a threshold,
- funding: the market's last hourly rate against the side held. A rate of exactly zero is no side, so no flip,
- a liquidation: the flags of account and isolated positions. What was taken: any part of a flagged position that
  shrank and no order explains, and tokens but the quote token, which settling a loss moves as well. The fee is not in
  a reading, nor is a liquidation that began and ended between two of them,
- delegate, bankruptcy, status of markets the account is in: as they stand. What a venue pauses within a market without
  changing its status stands in FleetBook.pauses.

Both readings must come with orders: one without them looks like an account whose orders are gone.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from risk.decisions.event_tiers import DEFAULT_TIERS
from risk.decisions.money_events import EventThresholds, money_events
from risk.decisions.order_events import liquidating, market_name, moved, negligible, order_events
from risk.model.account import AccountSnapshot, MarketKind
from risk.model.events import (
    AccountEvent,
    DelegateEvent,
    EventKind,
    LiquidationEvent,
    MarketEvent,
    OrderEvent,
    PositionEvent,
)
from risk.model.market import MarketStatus, PerpMarket, SpotMarket

__all__ = ["DEFAULT_TIERS", "EventThresholds", "diff", "kind_of_status", "sub_accounts_created"]

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


def diff(
    previous: AccountSnapshot,
    current: AccountSnapshot,
    thresholds: EventThresholds | None = None,
    *,
    ours: Collection[int] | None = None,
) -> tuple[AccountEvent, ...]:
    """What happened to one account, the gravest family first, within a family by market and order.

    Args:
        ours: Ids of orders that Keel placed, of both readings; None where nobody knows.

    Raises: ValueError for two accounts, or a reading of an older slot than the one before.
    """
    if previous.account_id != current.account_id:
        raise ValueError(f"{previous.account_id} and {current.account_id} are two accounts; compare readings of one")
    if current.slot < previous.slot:
        raise ValueError(f"slot {current.slot} is older than {previous.slot}; give the earlier reading first")
    orders = order_events(previous, current, ours)
    money, costs = money_events(previous, current, thresholds or EventThresholds())
    found: tuple[AccountEvent, ...] = (
        *_liquidations(previous, current),
        *_taken(previous, current, orders.filled_base),
        *_delegate(previous, current),
        *money,
        *_positions(previous, current, orders.filled_base, None if ours is None else _by_keel(orders.events)),
        *orders.events,
        *costs,
        *_markets(previous, current),
    )
    return tuple(replace(event, after_slot=previous.slot) for event in found)


def kind_of_status(status: MarketStatus) -> EventKind:
    """What a market that has come to this status is told as."""
    return _STATUS_KINDS[status]


def _by_keel(events: Iterable[OrderEvent]) -> Mapping[str, float]:
    """What fills of Keel's own orders moved, signed, by perp market."""
    moved_base: dict[str, float] = {}
    for event in events:
        if event.is_fill and event.by_keel and event.market_kind is MarketKind.PERP:
            moved_base[event.market] = moved_base.get(event.market, 0.0) + event.signed_base
    return moved_base


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
    previous: AccountSnapshot,
    now: AccountSnapshot,
    filled_base: Mapping[int, float],
    by_keel: Mapping[str, float] | None,
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
        market, change = market_name(MarketKind.PERP, index, now, previous), new - old
        yield PositionEvent(
            kind=kind, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at, market=market,
            before_base=old, after_base=new, by_orders_base=filled_base.get(index, 0.0),
            by_keel=None if by_keel is None else negligible(by_keel.get(market, 0.0) - change, old, new),
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
