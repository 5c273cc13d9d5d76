"""Records of the venue's program as events of one account.

One act may write several records, and is told once: an order that is placed is its OrderRecord, and the action that
placed it adds nothing; what a liquidation takes is its LiquidationRecord, and the order and the fills it made up to
take it are part of that. A liquidation in which the account was the liquidator, or traded with one, is a fill like any
other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from risk.model.events import (
    AccountEvent,
    EventKind,
    FlowEvent,
    FundingPaidEvent,
    GapEvent,
    GapReason,
    LiquidityEvent,
    SettlementEvent,
    SubAccountEvent,
    SwapEvent,
)
from venues.solana.borsh import Unreadable, Values
from venues.solana.liquidation_records import Seizures, liquidation_events, taken_without_record
from venues.solana.market_names import MarketNames
from venues.solana.order_records import OwnAction, Whose, action_event, placed_event
from venues.solana.program_records import LIQUIDATION, ORDER, ProgramRecord, Reading, Transaction

_BASE, _QUOTE = 1e9, 1e6
_QUOTE_UNIT = 10**6
_LAST_MOMENT_S = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_FLOWS = {
    ("Deposit", False): EventKind.DEPOSIT,
    ("Withdraw", False): EventKind.WITHDRAWAL,
    ("Deposit", True): EventKind.TRANSFER_IN,
    ("Withdraw", True): EventKind.TRANSFER_OUT,
}


def events_of(
    account: bytes, transaction: Transaction, reading: Reading, names: MarketNames, whose: Whose
) -> tuple[AccountEvent, ...]:
    """The events of one account, by its 32 bytes, in one transaction as they happened, and what could not be read."""
    gaps = list(reading.gaps)
    found: list[tuple[int, AccountEvent]] = []
    context = _Context(account, reading.records, names, whose)
    for record in reading.records:
        try:
            at = moment_of(record.values.number("ts")) or transaction.at
            found += [(record.place, replace(event, happened_at=at)) for event in context.translated(record)]
        except Unreadable:
            gaps.append((record.place, GapReason.UNREADABLE))
    found += [(place, _gap(whose, reason, transaction.at)) for place, reason in gaps]
    in_order = sorted(found, key=lambda one: one[0])  # stable: what one record says stays in its order
    return tuple(_named(in_order, transaction.signature))


def _named(found: Iterable[tuple[int, AccountEvent]], signature: str) -> Iterator[AccountEvent]:
    """Events under the name of their line; one line may say two things."""
    last, more = -1, 0
    for place, event in found:
        last, more = place, more + 1 if place == last else 0
        yield replace(event, source=f"{signature}/{place}" + (f"+{more}" if more else ""))


def _gap(whose: Whose, reason: GapReason, at: datetime | None) -> GapEvent:
    return GapEvent(
        kind=EventKind.HISTORY_GAP, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        happened_at=at, reason=reason,
    )  # fmt: skip


def moment_of(ts: int) -> datetime | None:
    """A moment from seconds since 1970; None for one that cannot be."""
    return datetime.fromtimestamp(ts, UTC) if 0 < ts < _LAST_MOMENT_S else None


class _Context:
    """What the records of one transaction say of each other."""

    def __init__(self, account: bytes, records: Iterable[ProgramRecord], names: MarketNames, whose: Whose) -> None:
        self._account, self._names, self._whose = account, names, whose
        own = [one.values for one in records if one.name == LIQUIDATION and one.values.blob("user") == account]
        self._seizures = Seizures.of(own)
        orders = [one.values.record("order") for one in records if one.name == ORDER]
        self._recorded_orders = {order.number("order_id") for order in orders}

    def translated(self, record: ProgramRecord) -> Iterator[AccountEvent]:
        """Raises: Unreadable."""
        values, names, whose = record.values, self._names, self._whose
        match record.name:
            case "OrderActionRecord":
                yield from self._action(OwnAction.of(values, self._account))
            case "OrderRecord":
                order = values.record("order")
                if not self._seizures.made_up(order.number("market_index"), order.number("order_id")):
                    yield placed_event(values, whose, names)
            case "LiquidationRecord":
                yield from liquidation_events(values, whose, names)
            case "DepositRecord":
                yield _flow(values, whose, names)
            case "FundingPaymentRecord":
                yield _funding(values, whose, names)
            case "SettlePnlRecord":
                yield _settled(values, whose, names)
            case "LPRecord":
                yield _liquidity(values, whose, names)
            case "SwapRecord":
                yield _swap(values, whose, names)
            case "NewUserRecord":
                yield SubAccountEvent(
                    kind=EventKind.SUB_ACCOUNT_CREATED, account_id=whose.account_id, slot=whose.slot,
                    observed_at=whose.observed_at, created=whose.account_id,
                )  # fmt: skip
            case "DeleteUserRecord":
                yield AccountEvent(
                    kind=EventKind.ACCOUNT_CLOSED, account_id=whose.account_id, slot=whose.slot,
                    observed_at=whose.observed_at,
                )  # fmt: skip

    def _action(self, own: OwnAction) -> Iterator[AccountEvent]:
        if self._seizures.tell(own):
            return
        if own.action == "Place" and (own.order_id in self._recorded_orders or own.closes_out):
            return
        if own.action == "Fill" and own.closes_out:
            yield taken_without_record(own, self._whose, self._names)
            return
        yield action_event(own, self._whose, self._names)


def _flow(values: Values, whose: Whose, names: MarketNames) -> FlowEvent:
    token, amount = names.token(values.number("market_index")), values.number("amount")
    direction, explanation = values.choice("direction"), values.choice("explanation")
    kind = _FLOWS.get((direction, explanation == "Transfer"))
    if kind is None:
        raise Unreadable(f"money that moved in the direction {direction}")
    # As the program values it for its running sums: in its own units, rounded down.
    value = amount * max(0, values.number("oracle_price")) // 10**token.decimals
    return FlowEvent(
        kind=kind, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        amount_usd=value / _QUOTE, token=token.name, amount_tokens=amount / 10**token.decimals,
        borrowed=explanation in ("Borrow", "RepayBorrow"),
    )  # fmt: skip


def _funding(values: Values, whose: Whose, names: MarketNames) -> FundingPaidEvent:
    return FundingPaidEvent(
        kind=EventKind.FUNDING_PAID, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        market=names.perp(values.number("market_index")), size_base=values.number("base_asset_amount") / _BASE,
        amount_usd=values.number("funding_payment") / _QUOTE,
    )  # fmt: skip


def _settled(values: Values, whose: Whose, names: MarketNames) -> SettlementEvent:
    return SettlementEvent(
        kind=EventKind.PNL_SETTLED, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        market=names.perp(values.number("market_index")), amount_usd=values.number("pnl") / _QUOTE,
        price_usd=values.number("settle_price") / _QUOTE, expired=values.choice("explanation") == "ExpiredPosition",
    )  # fmt: skip


def _liquidity(values: Values, whose: Whose, names: MarketNames) -> LiquidityEvent:
    return LiquidityEvent(
        kind=EventKind.LIQUIDITY_CHANGED, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        market=names.perp(values.number("market_index")),
        position_base=values.number("delta_base_asset_amount") / _BASE, pnl_usd=values.number("pnl") / _QUOTE,
    )  # fmt: skip


def _swap(values: Values, whose: Whose, names: MarketNames) -> SwapEvent:
    sold, bought = names.token(values.number("in_market_index")), names.token(values.number("out_market_index"))
    return SwapEvent(
        kind=EventKind.SWAP, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        sold=sold.name, sold_tokens=values.number("amount_in") / 10**sold.decimals,
        bought=bought.name, bought_tokens=values.number("amount_out") / 10**bought.decimals,
    )  # fmt: skip
