"""Orders for tests: a gateway to an exchange, and batches that somebody agreed to."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from risk.model.account import Side
from risk.model.trading import (
    Consent,
    ConsentKind,
    Fate,
    FateKind,
    OrderBatch,
    OrderStyle,
    OrderTerms,
    PlacedOrder,
    Signed,
    digest_of,
)
from risk.trade_ports import OrderGateway
from tests.support.clock import FakeClock
from venues.paper import PaperExchange, PaperGateway, PaperVenue
from venues.paper.markets import DEFAULT_UNIVERSE

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SOL = "SOL-PERP"
HOUR_S = 3_600


def make_terms(
    *,
    size: float = 1.0,
    limit: float = 0.0,
    side: Side = Side.BUY,
    style: OrderStyle = OrderStyle.IOC,
    market: str = SOL,
    account_id: str = "ann-0",
    reduce_only: bool = False,
    lasts_s: int = HOUR_S,
    trigger: float = 0.0,
    above: bool | None = None,
) -> OrderTerms:
    """An order; ``lasts_s`` 0 for one that never expires. Without a limit it pays up to a tenth more than 100 USD."""
    if not limit and style is not OrderStyle.TRIGGER_MARKET:
        limit = 110.0 if side is Side.BUY else 90.0
    return OrderTerms(
        account_id=account_id,
        market=market,
        market_index=DEFAULT_UNIVERSE.perp(market).terms.market_index,
        side=side,
        style=style,
        size_raw_1e9=round(size * 1e9),
        limit_raw_1e6=round(limit * 1e6),
        reduce_only=reduce_only or style.is_trigger,
        expires_at_s=int(START.timestamp()) + lasts_s if lasts_s else 0,
        trigger_raw_1e6=round(trigger * 1e6),
        triggers_above=above,
    )


def make_stop(
    *, size: float = 10.0, trigger: float = 95.0, side: Side = Side.SELL, limit: float = 0.0, lasts_s: int = 0
) -> OrderTerms:
    """Gets out below its trigger, or above for a short; with a limit a TRIGGER_LIMIT."""
    style = OrderStyle.TRIGGER_LIMIT if limit else OrderStyle.TRIGGER_MARKET
    return make_terms(
        size=size, side=side, style=style, limit=limit, trigger=trigger, above=side is Side.BUY, lasts_s=lasts_s
    )


def make_batch(*terms: OrderTerms, cancels: tuple[int, ...] = (), account_id: str = "ann-0") -> OrderBatch:
    """Agreed to by somebody, for a day."""
    consent = Consent(
        kind=ConsentKind.CONFIRMED,
        reference="P1",
        revision=1,
        given_by=("person-1",),
        digests=frozenset({digest_of(terms, cancels)}),
        holds_until=START + timedelta(days=1),
    )
    return OrderBatch(account_id=account_id, consent=consent, terms=terms, cancels=cancels)


@dataclass(slots=True)
class Desk:
    """A gateway with its exchange and clock, and the usual steps in one."""

    exchange: PaperExchange
    venue: PaperVenue
    gateway: OrderGateway
    clock: FakeClock

    @classmethod
    def at(cls, exchange: PaperExchange) -> "Desk":
        clock = FakeClock(START)
        venue = PaperVenue(exchange, clock=clock)
        return cls(exchange, venue, PaperGateway(venue, clock=clock), clock)

    async def send(self, *terms: OrderTerms, cancels: tuple[int, ...] = ()) -> Signed:
        signed = await self.gateway.prepare(make_batch(*terms, cancels=cancels))
        await self.gateway.send(signed)
        return signed

    async def place(self, *terms: OrderTerms, cancels: tuple[int, ...] = ()) -> tuple[PlacedOrder, ...]:
        """Sent and landed; how the orders stand at once."""
        signed = await self.send(*terms, cancels=cancels)
        fate = await self.gateway.fate(signed)
        assert fate.kind is FateKind.LANDED, fate
        return await self.gateway.placed(signed, make_batch(*terms, cancels=cancels))

    async def place_one(self, terms: OrderTerms) -> PlacedOrder:
        (placed,) = await self.place(terms)
        return placed

    async def fate(self, signed: Signed) -> Fate:
        return await self.gateway.fate(signed)

    def wait_until(self, second: int) -> None:
        """Lets the clock come to a second of the exchange, and the exchange to its clock."""
        self.clock.pass_s(second - self.clock.monotonic_s())
        self.exchange.advance(second)
