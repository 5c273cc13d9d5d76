"""Orders on paper: the same steps as at a real venue, from the simulation to the landing, and the same ways to fail."""

from collections.abc import Mapping, Sequence

from risk.model.account import OpenOrder, Side
from risk.model.market import OracleValidity
from risk.model.trading import (
    BASE_UNITS,
    PRICE_UNITS,
    DepthLevel,
    Fate,
    FateKind,
    MarketDepth,
    OrderBatch,
    PlacedOrder,
    Signed,
)
from risk.ports import Clock
from venues.errors import OutcomeUnknown, VenueRejected, VenueUnavailable
from venues.paper import orders
from venues.paper.depth import levels
from venues.paper.markets import PerpListing
from venues.paper.oracles import PERP_CONFIDENCE_FACTOR
from venues.paper.post import LIFETIME_SLOTS, Arrival
from venues.paper.proofs import require_proof
from venues.paper.venue import PaperVenue
from venues.paper.wire import delivered, encoded, exchange_of, proof_of
from venues.paper.world import World, slots_elapsed
from venues.signing import OrderSigner, SigningRequest

_BPS = 1e4


class PaperGateway:
    """See risk.trade_ports.OrderGateway. A batch is a transaction: all of it happens, or none of it.

    Args:
        venue: The reader of the same exchange; its faults are the gateway's too.
        signer: Where there is one, nothing lands that it has not signed.
    """

    name = "paper"

    def __init__(self, venue: PaperVenue, *, clock: Clock, signer: OrderSigner | None = None) -> None:
        self._venue, self._clock, self._signer = venue, clock, signer

    async def depth(self, account_id: str, markets: Sequence[str]) -> Mapping[str, MarketDepth]:
        """See DepthSource.depth. The levels give what an order gets, to within half a tick."""
        world = await self._reach()
        world.account(account_id)
        return {market: self._depth(world, world.universe.perp(market)) for market in markets}

    async def prepare(self, batch: OrderBatch) -> Signed:
        """See OrderGateway.prepare."""
        world = await self._reach()
        if self._clock.now() > batch.consent.holds_until:
            raise VenueRejected(
                f"the consent {batch.consent.reference} held until {batch.consent.holds_until:%H:%M:%S} UTC; ask again"
            )
        world.post.prepared += 1
        slot, serial, exchange = world.now_slot, world.post.prepared, self._venue.exchange_id
        until = slot + LIFETIME_SLOTS
        unsigned = encoded(batch, serial=serial, last_valid_slot=until, exchange=exchange)
        orders.simulate(world, delivered(unsigned))
        if self._signer is None:
            return unsigned
        request = SigningRequest(batch=batch, message=None, height=slot, valid_until=until)
        proof = await self._signer.sign(request)
        signed = encoded(batch, serial=serial, last_valid_slot=until, exchange=exchange, proof=proof)
        require_proof(delivered(signed), proof, await self._signer.public_key())
        return signed

    async def send(self, signed: Signed) -> None:
        """See OrderGateway.send."""
        world = await self._reach()
        delivery = delivered(signed)
        if not self._is_from_here(signed):
            raise VenueRejected("the orders were made for another paper exchange, which is gone; prepare them again")
        if world.now_slot > delivery.last_valid_slot:
            raise VenueRejected("the orders are too old to land; prepare them again")
        if self._signer is not None:
            require_proof(delivery, proof_of(signed), await self._signer.public_key())
        sending = self._venue.faults.next_sending()
        if sending.rejected:
            raise VenueRejected(sending.rejected)
        if not sending.dropped:
            # The same bytes may come several times: what lands first is all that happens.
            arrival = Arrival(at_s=world.now_s + sending.delay_s, delivery=delivery, failure=sending.failure)
            if sending.delay_s:
                world.post.arrivals.append(arrival)
            else:
                orders.land(world, arrival)
        if sending.answer_lost:
            raise OutcomeUnknown("the paper venue did not answer; whether it took the orders is to be found out")

    async def fate(self, signed: Signed) -> Fate:
        """See OrderGateway.fate."""
        world = await self._reach()
        landing = world.post.landings.get(signed.signature)
        if landing is not None:
            kind = FateKind.FAILED if landing.failure else FateKind.LANDED
            return Fate(kind=kind, reason=landing.failure, slot=landing.slot)
        if not self._is_from_here(signed) or world.now_slot > signed.last_valid_height:
            return Fate(kind=FateKind.GONE)
        return Fate(kind=FateKind.PENDING)

    async def placed(self, signed: Signed, batch: OrderBatch) -> tuple[PlacedOrder, ...]:
        """See OrderGateway.placed. Nothing was placed by a batch that failed, or that this exchange never saw."""
        world = await self._reach()
        landing = world.post.landings.get(signed.signature)
        if landing is not None and not landing.failure:
            account = world.account(batch.account_id)
            return tuple(_placed(world, order_id, order_id in account.orders) for order_id in landing.order_ids)
        if landing is None and self._is_from_here(signed):
            raise VenueUnavailable("the batch has not arrived at the paper venue; ask for its fate")
        why = landing.failure if landing else "the paper venue that took it is gone, and this one never saw it"
        return tuple(PlacedOrder(order_id=None, filled_raw_1e9=0, open=False, reason=why) for _ in batch.terms)

    async def open_orders(self, account_id: str) -> tuple[OpenOrder, ...]:
        """See OrderGateway.open_orders."""
        world = await self._reach()
        return world.snapshot(world.account(account_id)).open_orders

    async def position_raw_1e9(self, account_id: str, market: str) -> int:
        """See OrderGateway.position_raw_1e9."""
        world = await self._reach()
        return world.account(account_id).base_1e9(world.universe.perp(market).terms.market_index)

    def _is_from_here(self, signed: Signed) -> bool:
        return exchange_of(signed) == self._venue.exchange_id

    async def close(self) -> None:
        """The exchange is its reader's to close."""

    async def _reach(self) -> World:
        exchange = await self._venue.reach()
        frozen = self._venue.faults.frozen
        if frozen is not None:
            raise VenueUnavailable(f"the paper venue stands still at slot {frozen.slot}; wait until it goes on")
        return exchange.world

    def _depth(self, world: World, listing: PerpListing) -> MarketDepth:
        price_1e6 = world.price_1e6(listing.terms.oracle_id)
        rate_1e9 = world.funding[listing.terms.market_index].last_rate_1e9
        return MarketDepth(
            market=listing.terms.name,
            market_index=listing.terms.market_index,
            oracle_usd=price_1e6 / PRICE_UNITS,
            bids=_levels(world, listing, Side.SELL),
            asks=_levels(world, listing, Side.BUY),
            taker_fee_frac=listing.taker_fee_bps / _BPS,
            maker_fee_frac=listing.maker_fee_bps / _BPS,
            funding_hourly_frac=rate_1e9 / 1e3 / price_1e6 if price_1e6 > 0 else 0.0,
            step_raw_1e9=listing.step_1e9,
            tick_raw_1e6=listing.tick_1e6,
            minimum_raw_1e9=listing.least_1e9,
            status=world.conditions.status(listing),
            source="venue curve",
            slot=world.now_slot,
            observed_at=self._clock.now(),
            problem=_problem(world, listing),
        )


def _levels(world: World, listing: PerpListing, side: Side) -> tuple[DepthLevel, ...]:
    return tuple(
        DepthLevel(price_usd=one.price_1e6 / PRICE_UNITS, size_base=one.size_1e9 / BASE_UNITS)
        for one in levels(world, listing, side)
    )


def _problem(world: World, listing: PerpListing) -> str:
    oracle_id = listing.terms.oracle_id
    behind = world.now_slot - world.first_slot - slots_elapsed(world.board.updated_s(oracle_id, world.now_s))
    reading = world.board.reading(oracle_id, world.now_s, behind)
    validity = world.board.validity(reading, world.now_s, PERP_CONFIDENCE_FACTOR[listing.terms.contract_tier])
    if validity is OracleValidity.VALID:
        return ""
    return f"the price of {oracle_id} is {validity.name.lower().replace('_', ' ')}"


def _placed(world: World, order_id: int, is_open: bool) -> PlacedOrder:
    fills = [fill for fill in world.fills if fill.order_id == order_id]
    return PlacedOrder(
        order_id=order_id,
        filled_raw_1e9=sum(abs(fill.base_1e9) for fill in fills),
        open=is_open,
        quote_raw_1e6=sum(abs(fill.quote_1e6) for fill in fills),
        fee_raw_1e6=sum(fill.fee_1e6 for fill in fills),
        reason="" if is_open else world.post.endings.get(order_id, ""),
    )
