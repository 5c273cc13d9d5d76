"""A made-up ledger: an account to which things happen slot by slot, with what the program records of each."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, Side
from risk.model.events import AccountEvent, EndReason, EventKind, FlowEvent, LiquidationEvent, OrderEvent
from tests.risk.builders import NOW, SLOT, make_account, make_position

MARKETS = {0: "SOL-PERP", 1: "BTC-PERP"}
_UNIT = 10**9


def at(slot: int) -> timedelta:
    """How long after NOW a slot is."""
    return timedelta(seconds=0.4 * (slot - SLOT))


@dataclass(slots=True)
class Chain:
    """The truth. Sizes are whole units of 1e-9, so sums are exact."""

    random: Random
    slot: int = SLOT
    sizes: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0})
    orders: dict[int, tuple[int, Side, int]] = field(default_factory=dict)  # id -> (market, side, rest)
    flow_1e6: int = 0
    next_order: int = 1
    records: list[AccountEvent] = field(default_factory=list)

    def reading(self) -> AccountSnapshot:
        """The account as it stands."""
        account = make_account(
            *(make_position(size / _UNIT, market_index=market) for market, size in self.sizes.items() if size),
            usdc=1_000.0,
            open_orders=tuple(
                OpenOrder(
                    order_id=number, market_kind=MarketKind.PERP, market_index=market, side=side, kind=OrderKind.LIMIT,
                    size_base=rest / _UNIT, price_usd=90.0 + number, reduce_only=False,
                )
                for number, (market, side, rest) in self.orders.items()
            ),
            net_deposits_usd=self.flow_1e6 / 1e6,
        )  # fmt: skip
        return replace(account, slot=self.slot, observed_at=NOW + at(self.slot))

    def happen(self) -> None:
        """Something, one slot later; sometimes several things in one transaction."""
        self.slot += self.random.randint(1, 3)
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            self.random.choice(self._acts())()

    def _acts(self) -> list[Callable[[], object]]:
        acts: list[Callable[[], object]] = [self.place, self.trade, self.deposit, self.withdraw]
        if self.orders:
            acts += [self.fill, self.fill, self.cancel]
        if any(self.sizes.values()):
            acts.append(self.seize)
        return acts

    def place(self) -> int:
        number, market, side = self.next_order, self.random.choice(list(MARKETS)), self.random.choice(list(Side))
        self.next_order += 1
        size = self.random.randint(1, 5) * _UNIT // 2
        self.orders[number] = (market, side, size)
        self._order(EventKind.ORDER_PLACED, number, market, side, size, size)
        return number

    def trade(self) -> None:
        """A market order: placed and filled in one transaction, so no reading ever shows it."""
        number = self.place()
        self._fill(number, self.orders[number][2])

    def fill(self) -> None:
        number = self.random.choice(list(self.orders))
        rest = self.orders[number][2]
        self._fill(number, self.random.choice((rest, max(1, rest // 2))))

    def cancel(self) -> None:
        number = self.random.choice(list(self.orders))
        market, side, rest = self.orders.pop(number)
        kind = self.random.choice((EventKind.ORDER_CANCELLED, EventKind.ORDER_EXPIRED, EventKind.ORDER_REJECTED))
        self._order(kind, number, market, side, rest, 0, reason=EndReason.OTHER)

    def deposit(self) -> None:
        self._flow(EventKind.DEPOSIT, self.random.randint(1, 10**9))

    def withdraw(self) -> None:
        self._flow(EventKind.WITHDRAWAL, self.random.randint(1, 10**9))

    def seize(self) -> None:
        """A liquidator takes a part of a position."""
        market = self.random.choice([one for one, size in self.sizes.items() if size])
        held = self.sizes[market]
        taken = self.random.randint(1, abs(held))
        self.sizes[market] = held - taken if held > 0 else held + taken
        self._record(
            LiquidationEvent(
                kind=EventKind.LIQUIDATION_TAKEN, account_id="main", slot=self.slot, observed_at=NOW,
                market=MARKETS[market], taken_base=taken / _UNIT, remaining_base=None, price_usd=100.0, fee_usd=1.0,
            )
        )  # fmt: skip

    def _fill(self, number: int, size: int) -> None:
        market, side, rest = self.orders[number]
        self.sizes[market] += size if side is Side.BUY else -size
        if rest == size:
            del self.orders[number]
        else:
            self.orders[number] = (market, side, rest - size)
        kind = EventKind.ORDER_FILLED if rest == size else EventKind.ORDER_PARTIALLY_FILLED
        self._order(kind, number, market, side, size, rest - size, price=100.0)

    def _order(
        self, kind: EventKind, number: int, market: int, side: Side, size: int, rest: int, *,
        price: float | None = None, reason: EndReason = EndReason.UNKNOWN,
    ) -> None:  # fmt: skip
        self._record(
            OrderEvent(
                kind=kind, account_id="main", slot=self.slot, observed_at=NOW, market=MARKETS[market],
                market_kind=MarketKind.PERP, order_id=number, side=side, order_kind=None, size_base=size / _UNIT,
                rest_base=rest / _UNIT, price_usd=None, fill_price_usd=price, reason=reason,
            )
        )  # fmt: skip

    def _flow(self, kind: EventKind, amount_1e6: int) -> None:
        self.flow_1e6 += amount_1e6 if kind is EventKind.DEPOSIT else -amount_1e6
        self._record(
            FlowEvent(
                kind=kind, account_id="main", slot=self.slot, observed_at=NOW, amount_usd=amount_1e6 / 1e6,
                token="USDC", amount_tokens=amount_1e6 / 1e6,
            )
        )  # fmt: skip

    def _record(self, event: AccountEvent) -> None:
        source = f"{len(self.records)}"
        self.records.append(replace(event, source=source, happened_at=NOW + at(event.slot)))
