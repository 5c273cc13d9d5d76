"""Which events are executions: what the performance of an account is made of. Pure."""

from collections.abc import Iterable, Mapping

from risk.model.account import MarketKind
from risk.model.events import AccountEvent, LiquidationEvent, OrderEvent
from risk.model.performance import Fill


def fills_of(events: Iterable[AccountEvent]) -> Mapping[str, tuple[Fill, ...]]:
    """Perp fills by account, in the order of the events.

    Only what the venue's program recorded counts: readings show that something was traded, and neither price nor fee.
    """
    found: dict[str, tuple[Fill, ...]] = {}
    for event in events:
        fill = _fill(event)
        if fill is not None:
            found[event.account_id] = (*found.get(event.account_id, ()), fill)
    return found


def _fill(event: AccountEvent) -> Fill | None:
    if isinstance(event, LiquidationEvent):
        return _taken(event)
    if not isinstance(event, OrderEvent) or not event.is_fill or event.market_kind is not MarketKind.PERP:
        return None
    if not event.recorded or not event.fill_price_usd or not event.size_base:
        return None
    return Fill(
        at=event.happened_at or event.observed_at, market=event.market, side=event.side, size_base=event.size_base,
        price_usd=event.fill_price_usd, fee_usd=event.fee_usd or 0.0, order_id=str(event.order_id),
        reference=event.source,
    )  # fmt: skip


def _taken(event: LiquidationEvent) -> Fill | None:
    """What a liquidator took of a perp position was sold or bought back like by an order, at the liquidator's price."""
    if event.side is None or not event.recorded or not event.price_usd or not event.taken_base:
        return None
    return Fill(
        at=event.happened_at or event.observed_at, market=event.market, side=event.side, size_base=event.taken_base,
        price_usd=event.price_usd, fee_usd=event.fee_usd or 0.0, reference=event.source,
    )  # fmt: skip
