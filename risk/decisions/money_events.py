"""What two readings tell of an account's money: deposits and withdrawals, borrows, interest, funding. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from risk.decisions.order_events import market_name, negligible
from risk.model.account import AccountSnapshot, MarketKind, PerpPosition, SpotBalance
from risk.model.events import (
    AccountEvent,
    BorrowEvent,
    BorrowRateEvent,
    EventKind,
    FlowEvent,
    FundingEvent,
    InterestEvent,
)

_UNIT_USD = 1e-6
_YEAR_S = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class EventThresholds:
    """What counts as worth an event.

    Attributes:
        heavy_funding_hourly_frac: Paid an hour as a fraction of the notional; the default is 0.24 % a day.
        dear_borrow_annual_frac: What a borrow costs a year as a fraction; from here on it has spiked.
    """

    heavy_funding_hourly_frac: float = 1e-4
    dear_borrow_annual_frac: float = 0.30


def money_events(
    previous: AccountSnapshot, now: AccountSnapshot, thresholds: EventThresholds
) -> tuple[tuple[AccountEvent, ...], tuple[AccountEvent, ...]]:
    """(what moved: deposits, withdrawals, borrows; what it costs: funding, borrow rates, interest)."""
    moved = (*_flows(previous, now), *_borrows(previous, now))
    return moved, (*_funding(previous, now, thresholds), *_rates(previous, now, thresholds), *_interest(previous, now))


def costs_eased(previous: AccountSnapshot, now: AccountSnapshot, thresholds: EventThresholds) -> bool:
    """Whether something that was heavy or dear is so no longer: no news, but the next time it will be."""
    back = (*_funding(now, previous, thresholds), *_rates(now, previous, thresholds))
    return any(event.kind in (EventKind.FUNDING_HEAVY, EventKind.BORROW_RATE_SPIKE) for event in back)


def _flows(previous: AccountSnapshot, now: AccountSnapshot) -> Iterable[FlowEvent]:
    flow_usd = now.net_deposits_usd - previous.net_deposits_usd
    if abs(flow_usd) < _UNIT_USD / 2:
        return
    kind = EventKind.DEPOSIT if flow_usd > 0 else EventKind.WITHDRAWAL
    yield FlowEvent(
        kind=kind, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at, amount_usd=abs(flow_usd)
    )


def _borrows(previous: AccountSnapshot, now: AccountSnapshot) -> Iterable[BorrowEvent]:
    before, after = ({index: b.amount_tokens for index, b in _balances(s).items()} for s in (previous, now))
    for index in sorted(before.keys() | after.keys()):
        old, new = before.get(index, 0.0), after.get(index, 0.0)
        if (old < 0) != (new < 0):
            yield BorrowEvent(
                kind=EventKind.BORROW_BEGUN if new < 0 else EventKind.BORROW_REPAID, account_id=now.account_id,
                slot=now.slot, observed_at=now.observed_at, token=market_name(MarketKind.SPOT, index, now, previous),
                before_tokens=old, after_tokens=new,
            )  # fmt: skip


def _balances(snapshot: AccountSnapshot) -> Mapping[int, SpotBalance]:
    return {balance.market_index: balance for balance in snapshot.spot_balances}


def _rates(previous: AccountSnapshot, now: AccountSnapshot, thresholds: EventThresholds) -> Iterable[BorrowRateEvent]:
    """Borrows that have become dear, or were begun at a rate that is."""
    held, dear = _balances(previous), thresholds.dear_borrow_annual_frac
    for index, balance in sorted(_balances(now).items()):
        after = _borrow_rate(now, index)
        if balance.amount_tokens >= 0 or after is None or after < dear:
            continue
        borrowed = index in held and held[index].amount_tokens < 0
        before = _borrow_rate(previous, index) if borrowed else None
        if borrowed and (before is None or before >= dear):
            continue
        yield BorrowRateEvent(
            kind=EventKind.BORROW_RATE_SPIKE, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at,
            token=market_name(MarketKind.SPOT, index, now), borrowed_tokens=-balance.amount_tokens,
            before_annual_frac=before, after_annual_frac=after,
        )  # fmt: skip


def _borrow_rate(snapshot: AccountSnapshot, index: int) -> float | None:
    market = snapshot.spot_markets.get(index)
    return None if market is None else market.borrow_rate_annual_frac


def _interest(previous: AccountSnapshot, now: AccountSnapshot) -> Iterable[InterestEvent]:
    held = _balances(previous)
    for index, balance in sorted(_balances(now).items()):
        before, market = held.get(index), now.spot_markets.get(index)
        earned = None if before is None else _earned(before, balance)
        if before is None or market is None or not earned:
            continue
        # A balance is rounded to its unit in either reading, so less than two units is nothing.
        if abs(earned) < 2 * 10.0**-market.decimals or negligible(earned, before.amount_tokens):
            continue
        reading = now.oracles.get(market.oracle_id)
        priced = reading is not None and reading.price_usd > 0
        yield InterestEvent(
            kind=EventKind.INTEREST, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at,
            token=market.name, amount_tokens=earned, balance_tokens=before.amount_tokens, since=previous.observed_at,
            amount_usd=earned * reading.price_usd if reading is not None and priced else None,
        )  # fmt: skip


def _earned(before: SpotBalance, now: SpotBalance) -> float | None:
    """What a balance grew by without anybody moving it; None where the venue does not keep both apart.

    A borrow that grew earned less than nothing.
    """
    if not before.shares or not now.shares or (before.shares < 0) != (now.shares < 0):
        return None
    if before.shares == now.shares:
        return now.amount_tokens - before.amount_tokens
    growth = (now.amount_tokens / now.shares) / (before.amount_tokens / before.shares) if before.amount_tokens else 1.0
    return before.amount_tokens * (growth - 1.0)


def annual_frac(event: InterestEvent, until: datetime) -> float | None:
    """What an interest would be in a year, as a fraction of its balance; None for no time at all."""
    seconds = (until - event.since).total_seconds()
    if seconds <= 0 or not event.balance_tokens:
        return None
    return event.amount_tokens / event.balance_tokens * _YEAR_S / seconds


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
