"""What the embedded venue did is what two readings of it tell: fills, money, liquidations."""

import math

import pytest

from risk.decisions.events import diff
from risk.margin.snapshot import snapshot_of
from risk.model.account import AccountSnapshot, Side
from risk.model.events import AccountEvent, EventKind, FlowEvent, LiquidationEvent, OrderEvent, PositionEvent
from tests.support.clock import FakeClock
from tests.venues.paper.builders import make_exchange, open_funded
from venues.paper.exchange import PaperExchange
from venues.paper.ledger import FillReason
from venues.paper.markets import SOL_ORACLE
from venues.paper.venue import PaperVenue

K = EventKind
SOL = "SOL-PERP"


class Watcher:
    """Reads an account second by second and collects what that tells."""

    def __init__(self, exchange: PaperExchange, account_id: str) -> None:
        self._clock = FakeClock()
        self._venue, self._account_id = PaperVenue(exchange, clock=self._clock), account_id
        self._last: AccountSnapshot | None = None
        self.told: list[AccountEvent] = []

    async def look(self, second: int | None = None) -> list[AccountEvent]:
        """Let time pass, and compare with the look before."""
        if second is not None:
            self._clock.pass_s(second - self._clock.monotonic_s())
        now = snapshot_of(await self._venue.read([self._account_id]), self._account_id)
        new = [] if self._last is None else list(diff(self._last, now))
        self._last = now
        self.told += new
        return new


async def test_orders_fills_and_money_are_told_as_they_were() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (10, 100.0), (11, 94.0)]})
    ann = open_funded(exchange, usdc=5_000.0)
    watcher = Watcher(exchange, ann)
    await watcher.look()

    exchange.market_order(ann, SOL, Side.BUY, 10.0)
    order_id = exchange.limit_order(ann, SOL, Side.BUY, 5.0, 95.0)
    other_id = exchange.limit_order(ann, SOL, Side.BUY, 5.0, 50.0)
    new = await watcher.look(5)
    assert [one.kind for one in new] == [K.POSITION_OPENED, K.ORDER_PLACED, K.ORDER_PLACED]
    exchange.cancel(ann, other_id)
    (ended,) = await watcher.look(9)
    assert isinstance(ended, OrderEvent)
    assert (ended.kind, ended.order_id) == (K.ORDER_ENDED, other_id)
    moved, filled = [one for one in await watcher.look(20) if isinstance(one, OrderEvent | PositionEvent)]
    assert isinstance(moved, PositionEvent)
    assert isinstance(filled, OrderEvent)
    assert (filled.kind, filled.order_id, filled.size_base) == (K.ORDER_FILLED, order_id, 5.0)
    assert (moved.before_base, moved.after_base, moved.by_orders_base) == (10.0, 15.0, 5.0)
    exchange.withdraw(ann, "USDC", 700.0)
    (flow,) = [one for one in await watcher.look(25) if isinstance(one, FlowEvent)]
    assert (flow.kind, flow.amount_usd) == (K.WITHDRAWAL, 700.0)


async def test_what_a_liquidation_takes_is_told_whole_and_its_end() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0.0, 100.0), (60.0, 92.0)]})
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.market_order(ann, SOL, Side.BUY, 120.0)
    watcher = Watcher(exchange, ann)
    for second in range(0, 300, 2):
        await watcher.look(second)

    taken = [fill for fill in exchange.fills if fill.reason is FillReason.LIQUIDATION]
    told = [one for one in watcher.told if isinstance(one, LiquidationEvent)]
    assert [one.kind for one in told if one.kind is not K.LIQUIDATION_TAKEN] == [
        K.LIQUIDATION_BEGUN, K.LIQUIDATION_ENDED
    ]  # fmt: skip
    was_taken = math.fsum(-fill.base_1e9 for fill in taken) / 1e9
    assert math.fsum(one.taken_base for one in told) == pytest.approx(was_taken)
    last = [one for one in told if one.kind is K.LIQUIDATION_TAKEN][-1]
    assert last.remaining_base == exchange.world.accounts[ann].base_1e9(0) / 1e9


async def test_an_account_that_nothing_is_left_of_is_told_to_be_bankrupt() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (10, 100.0), (11, 50.0)]})
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.market_order(ann, SOL, Side.BUY, 150.0)
    watcher = Watcher(exchange, ann)
    for second in range(0, 200, 5):
        await watcher.look(second)

    assert K.BANKRUPT in [one.kind for one in watcher.told]
    taken = math.fsum(one.taken_base for one in watcher.told if isinstance(one, LiquidationEvent))
    assert taken == pytest.approx(150.0)
