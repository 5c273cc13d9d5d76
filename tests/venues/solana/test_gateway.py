"""DriftGateway against a node on loopback that executes what arrives."""

import contextlib
import importlib.util
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from solders.transaction import VersionedTransaction

from risk.model.account import Side
from risk.model.market import MarketStatus
from risk.model.trading import Fate, FateKind, OrderStyle
from tests.support import addresses
from tests.support.drift_accounts import OrderSlot
from tests.support.drift_enums import ExchangeStatus
from tests.support.drift_enums import MarketStatus as Status
from tests.support.drift_layout import PERP_POSITION, STATE, USER
from tests.support.drift_market_layout import PERP_MARKET
from tests.support.drift_program import arrived
from tests.support.drift_trading import TradingNode, account_id, trading_settings, trading_world
from tests.support.order_terms import agreed, halting, make_terms
from tests.support.plain_signer import PlainSigner
from tests.support.solana_rpc import Landing, LandingMode, Refusal, SolanaRpc, StaleSlot
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.conftest import StillClock
from tests.venues.solana.reading import DRIFT
from venues import connect, connect_orders
from venues.errors import VenueRejected, VenueUnavailable
from venues.signing import OrderSigner
from venues.solana import gateway as gateways
from venues.solana.answers import LandedTransaction
from venues.solana.gateway import DriftGateway
from venues.solana.mark import Mark
from venues.solana.orders_read import BudgetCaps, read_message, require_exactly
from venues.solana.settings import SolanaSettings

pytestmark = pytest.mark.skipif(importlib.util.find_spec("driftpy") is None, reason="orders on drift need driftpy")

ACCOUNT = account_id()
SELL = make_terms(ACCOUNT)
STOP = make_terms(
    ACCOUNT, style=OrderStyle.TRIGGER_MARKET, limit=0, trigger=120_000_000, triggers_above=False, expires_at_s=0
)
SOL_PERP = addresses.perp_market_address(0)
SIGNER = PlainSigner()


class Venue:
    def __init__(self, gateway: DriftGateway, node: TradingNode, settings: SolanaSettings, clock: StillClock) -> None:
        self.gateway, self.node, self.settings, self.clock = gateway, node, settings, clock

    @property
    def rpc(self) -> SolanaRpc:
        return self.node.rpc

    def patch(self, key: str, layout: object, **fields: int | bytes) -> None:
        account = self.rpc.chain.account(key)
        assert account is not None
        raw = bytearray(account.data)
        named = {name.replace("__", "."): value for name, value in fields.items()}
        layout.write(raw, named.items())  # type: ignore[attr-defined]  # one of the tests' layouts
        self.rpc.put_account(key, data=bytes(raw))


@contextlib.asynccontextmanager
async def opened(
    settings: SolanaSettings, clock: StillClock, signer: OrderSigner | None = SIGNER
) -> AsyncIterator[DriftGateway]:
    gateway = gateways.connect_orders(settings, clock=clock, signer=signer)
    try:
        yield gateway
    finally:
        await gateway.close()


@pytest.fixture
async def venue(tmp_path: Path, clock: StillClock) -> AsyncIterator[Venue]:
    async with SolanaRpc(trading_world(), clock=clock) as rpc:
        node, settings = TradingNode.of(rpc), trading_settings(rpc.url)
        async with opened(settings, clock) as gateway:
            yield Venue(gateway, node, settings, clock)


async def test_what_arrives_is_the_approved_order_and_nothing_else(venue: Venue) -> None:
    batch = agreed(ACCOUNT, SELL)
    signed = await venue.gateway.prepare(batch)
    await venue.gateway.send(signed)
    sent = venue.rpc.sent[signed.signature]
    assert sent.raw == signed.raw
    assert sent.signers == (addresses.address("ann's bot"),)
    assert sent.program_ids == tuple(sorted(["ComputeBudget111111111111111111111111111111", addresses.DRIFT_PROGRAM]))
    (call,) = arrived(sent.raw)
    assert (call.name, call.user, call.authority) == ("take", ACCOUNT, addresses.address("ann's bot"))
    (order,) = call.orders
    assert (order.order_type, order.market_type, order.direction, order.market_index) == (1, 1, 1, 0)
    assert (order.base_1e9, order.price_1e6, order.max_ts) == (2 * 10**9, 140_000_000, 4_000_000_000)
    assert (order.reduce_only, order.post_only, order.bit_flags, order.trigger_price) == (True, 0, 1, None)
    message = bytes(VersionedTransaction.from_bytes(sent.raw).message)
    caps = BudgetCaps.of(venue.settings)
    found = require_exactly(DRIFT, message, batch, signer=addresses.address("ann's bot"), caps=caps)
    assert (found.unit_limit, found.unit_price_micro) == (100_000 + 20_000 + 20_000, 25_000)


@pytest.mark.parametrize(("floor", "cap", "price"), [(0, 200_000, 25_000), (30_000, 200_000, 30_000), (0, 500, 500)])
async def test_the_priority_fee_keeps_to_floor_and_cap(
    tmp_path: Path, clock: StillClock, floor: int, cap: int, price: int
) -> None:
    async with SolanaRpc(trading_world(), clock=clock) as rpc:
        TradingNode.of(rpc)
        settings = replace(trading_settings(rpc.url), priority_fee_floor_micro=floor, priority_fee_cap_micro=cap)
        async with opened(settings, clock) as gateway:
            signed = await gateway.prepare(agreed(ACCOUNT, SELL))
            message = bytes(VersionedTransaction.from_bytes(signed.raw).message)
            assert read_message(DRIFT, message).unit_price_micro == price
            (call,) = [call for call in rpc.calls if call.method == "getRecentPrioritizationFees"]
            assert call.params == ([ACCOUNT, SOL_PERP],)


async def test_a_node_without_the_fee_method_costs_the_floor(venue: Venue) -> None:
    venue.rpc.inject(Refusal(code=-32_601, message="Method not found"), methods=["getRecentPrioritizationFees"])
    signed = await venue.gateway.prepare(agreed(ACCOUNT, SELL))
    message = bytes(VersionedTransaction.from_bytes(signed.raw).message)
    assert read_message(DRIFT, message).unit_price_micro == venue.settings.priority_fee_floor_micro


async def test_nothing_is_sent_before_it_is_simulated_and_a_refusal_has_words(venue: Venue) -> None:
    venue.rpc.set_landing(Landing(mode=LandingMode.REJECT))
    with pytest.raises(VenueRejected, match="too little free collateral"):
        await venue.gateway.prepare(agreed(ACCOUNT, SELL))
    assert venue.rpc.count("simulateTransaction") == 1
    assert venue.rpc.count("sendTransaction") == 0


async def test_the_second_order_takes_one_round_of_questions(venue: Venue) -> None:
    await venue.gateway.prepare(agreed(ACCOUNT, SELL))
    venue.rpc.calls.clear()
    await venue.gateway.prepare(agreed(ACCOUNT, SELL))
    assert venue.rpc.counts() == {
        "getMultipleAccounts": 1, "getLatestBlockhash": 1, "getRecentPrioritizationFees": 1, "simulateTransaction": 1,
        "getEpochInfo": 1,
    }  # fmt: skip


@pytest.mark.parametrize("keeps_logs", [True, False])
async def test_a_fill_is_told_with_and_without_a_log(venue: Venue, keeps_logs: bool) -> None:
    venue.node.program.keeps_logs = keeps_logs
    venue.node.program.books[0].bid_1e9 = 10**9
    batch = agreed(ACCOUNT, SELL)
    signed = await venue.gateway.prepare(batch)
    await venue.gateway.send(signed)
    (placed,) = await venue.gateway.placed(signed, batch)
    assert (placed.order_id, placed.filled_raw_1e9, placed.open) == (1, 10**9, False)
    assert placed.reason
    assert placed.average_usd == (149.9 if keeps_logs else None)
    assert placed.fee_raw_1e6 == (149_900 if keeps_logs else None)
    assert await venue.gateway.position_raw_1e9(ACCOUNT, "SOL-PERP") == 9 * 10**9


async def test_a_resting_order_is_followed_through_its_fills_to_its_end(venue: Venue) -> None:
    terms = make_terms(ACCOUNT, style=OrderStyle.LIMIT, limit=180_000_000)
    batch = agreed(ACCOUNT, terms)
    signed = await venue.gateway.prepare(batch)
    await venue.gateway.send(signed)

    def keeper(base: int) -> None:
        executed = venue.node.program.fill(ACCOUNT, 1, base, 180_000_000)
        venue.rpc.post(accounts=[ACCOUNT], logs=executed.logs, effects=executed.effects)

    keeper(5 * 10**8)
    venue.rpc.advance(3)
    (part,) = await venue.gateway.placed(signed, batch)
    assert (part.open, part.filled_raw_1e9, part.average_usd) == (True, 5 * 10**8, 180.0)
    assert part.fee_raw_1e6 == 90_000
    keeper(15 * 10**8)
    (whole,) = await venue.gateway.placed(signed, batch)
    assert (whole.open, whole.filled_raw_1e9, whole.average_usd, whole.reason) == (False, 2 * 10**9, 180.0, "")
    assert whole.fee_raw_1e6 == 360_000


async def test_a_log_that_is_not_there_yet_is_asked_for_again_and_nothing_is_guessed(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two orders prepared at the same moment: only the first gets anything."""
    first, second = agreed(ACCOUNT, SELL), agreed(ACCOUNT, replace(SELL, limit_raw_1e6=141_000_000))
    signed_first, signed_second = await venue.gateway.prepare(first), await venue.gateway.prepare(second)
    await venue.gateway.send(signed_first)
    venue.node.program.books[0].bid_1e6 = 100_000_000
    await venue.gateway.send(signed_second)

    async def not_yet(signature: str) -> None:
        del signature

    with monkeypatch.context() as lag:
        lag.setattr(venue.gateway._client, "transaction", not_yet)
        for slots in (0, 49):
            venue.rpc.advance(slots)
            with pytest.raises(VenueUnavailable, match="does not have its log yet"):
                await venue.gateway.placed(signed_second, second)
        venue.rpc.advance(1)
        (guessed,) = await venue.gateway.placed(signed_second, second)
    assert "other orders were placed meanwhile" in guessed.reason
    assert (guessed.quote_raw_1e6, guessed.fee_raw_1e6) == (None, None)
    (told,) = await venue.gateway.placed(signed_second, second)
    assert told.filled_raw_1e9 == 0
    assert told.reason.startswith("nothing was to be had within its limit")


async def test_a_later_log_that_is_not_there_yet_is_asked_for_again(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = agreed(ACCOUNT, make_terms(ACCOUNT, style=OrderStyle.LIMIT, limit=180_000_000))
    signed = await venue.gateway.prepare(batch)
    await venue.gateway.send(signed)
    executed = venue.node.program.fill(ACCOUNT, 1, 2 * 10**9, 180_000_000)
    later = venue.rpc.post(accounts=[ACCOUNT], logs=executed.logs, effects=executed.effects)
    real = venue.gateway._client.transaction

    async def not_the_later(signature: str) -> LandedTransaction | None:
        return None if signature == later.signature else await real(signature)

    with monkeypatch.context() as lag:
        lag.setattr(venue.gateway._client, "transaction", not_the_later)
        with pytest.raises(VenueUnavailable, match="does not have its log yet"):
            await venue.gateway.placed(signed, batch)
    (placed,) = await venue.gateway.placed(signed, batch)
    assert (placed.filled_raw_1e9, placed.open, placed.reason) == (2 * 10**9, False, "")


async def test_a_resting_order_whose_end_the_node_does_not_list_yet_is_not_said_to_be_unfilled(venue: Venue) -> None:
    batch = agreed(ACCOUNT, make_terms(ACCOUNT, style=OrderStyle.LIMIT, limit=180_000_000))
    signed = await venue.gateway.prepare(batch)
    await venue.gateway.send(signed)
    executed = venue.node.program.fill(ACCOUNT, 1, 2 * 10**9, 180_000_000)
    later = venue.rpc.post(accounts=[ACCOUNT], logs=executed.logs, effects=executed.effects, listed=False)
    (guessed,) = await venue.gateway.placed(signed, batch)
    assert (guessed.filled_raw_1e9, guessed.fee_raw_1e6) == (2 * 10**9, None)
    assert "told by how the position moved" in guessed.reason
    later.listed = True
    (placed,) = await venue.gateway.placed(signed, batch)
    assert (placed.filled_raw_1e9, placed.fee_raw_1e6, placed.reason) == (2 * 10**9, 360_000, "")


async def test_what_never_arrived_is_gone_without_a_doubt_where_the_account_is_as_it_was(venue: Venue) -> None:
    signed = await venue.gateway.prepare(agreed(ACCOUNT, SELL))
    venue.rpc.advance(200)
    assert await venue.gateway.fate(signed) == Fate(kind=FateKind.GONE)


async def test_what_landed_and_was_forgotten_by_every_node_is_not_gone_without_a_doubt(venue: Venue) -> None:
    signed = await venue.gateway.prepare(agreed(ACCOUNT, SELL))
    await venue.gateway.send(signed)
    venue.rpc.advance(200)
    venue.rpc.ledger.sent.clear()
    fate = await venue.gateway.fate(signed)
    assert fate.kind is FateKind.GONE
    assert fate.reason == "orders were placed on the account since; look at the venue before asking again"


async def test_a_position_that_moved_since_is_a_doubt_and_a_cancellation_has_none(venue: Venue) -> None:
    signed = await venue.gateway.prepare(agreed(ACCOUNT, SELL))
    cancelling = await venue.gateway.prepare(halting(ACCOUNT, 3))
    account = venue.rpc.chain.account(ACCOUNT)
    assert account is not None
    raw = bytearray(account.data)
    PERP_POSITION.write(raw, [("base_asset_amount", 9 * 10**9)], USER.fields["perp_positions"].offset)
    venue.rpc.put_account(ACCOUNT, data=bytes(raw))
    venue.rpc.advance(200)
    assert "the position has changed since" in (await venue.gateway.fate(signed)).reason
    assert await venue.gateway.fate(cancelling) == Fate(kind=FateKind.GONE)
    unmarked = replace(signed, mark="")
    assert "is not known" in (await venue.gateway.fate(unmarked)).reason


async def test_an_account_read_from_a_node_that_is_behind_takes_no_doubt_away(venue: Venue) -> None:
    signed = await venue.gateway.prepare(agreed(ACCOUNT, SELL))
    venue.rpc.advance(200)
    venue.rpc.inject(StaleSlot(slots=1), methods=["getMultipleAccounts"])
    with pytest.raises(VenueUnavailable, match="stands at slot"):
        await venue.gateway.fate(signed)


async def test_a_last_height_that_a_node_states_too_low_does_not_make_it_gone_early(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = venue.rpc.ledger.new_blockhash
    monkeypatch.setattr(venue.rpc.ledger, "new_blockhash", lambda: (real()[0], real()[1] - 149))
    signed = await venue.gateway.prepare(agreed(ACCOUNT, SELL))
    venue.rpc.advance(150)
    assert (await venue.gateway.fate(signed)).kind is FateKind.PENDING
    await venue.gateway.send(signed)
    assert (await venue.gateway.fate(signed)).kind is FateKind.LANDED


async def test_a_node_that_has_not_seen_the_landing_is_not_believed(venue: Venue) -> None:
    batch = agreed(ACCOUNT, SELL)
    signed = await venue.gateway.prepare(batch)
    with pytest.raises(VenueUnavailable, match="not landed"):
        await venue.gateway.placed(signed, batch)
    venue.rpc.advance(5)
    await venue.gateway.send(signed)
    venue.rpc.set_slot(venue.rpc.slot - 3)
    with pytest.raises(VenueUnavailable, match="landed in"):
        await venue.gateway.placed(signed, batch)


async def test_the_mark_says_how_the_account_stood_before(venue: Venue) -> None:
    signed = await venue.gateway.prepare(agreed(ACCOUNT, SELL))
    assert Mark.of(signed.mark) == Mark(slot=venue.rpc.slot, next_order_id=1, bases_raw_1e9={0: 10 * 10**9}, resting=())


async def test_cancel_and_place_travel_in_one_transaction(venue: Venue) -> None:
    first = await venue.gateway.prepare(agreed(ACCOUNT, STOP))
    await venue.gateway.send(first)
    batch = agreed(ACCOUNT, replace(STOP, trigger_raw_1e6=125_000_000), SELL, cancels=[1])
    signed = await venue.gateway.prepare(batch)
    await venue.gateway.send(signed)
    assert [call.name for call in arrived(signed.raw)] == ["cancel", "place", "take"]
    stop, sale = await venue.gateway.placed(signed, batch)
    assert (stop.order_id, stop.open, sale.order_id, sale.filled_raw_1e9) == (2, True, 3, 2 * 10**9)


async def test_a_halt_only_cancels(venue: Venue) -> None:
    signed = await venue.gateway.prepare(halting(ACCOUNT, 3, 4))
    (call,) = arrived(signed.raw)
    assert (call.name, call.cancels) == ("cancel", (3, 4))


async def test_a_key_that_is_neither_delegate_nor_owner_signs_nothing(venue: Venue) -> None:
    venue.patch(ACCOUNT, USER, delegate=addresses.key_bytes(addresses.address("somebody else")))
    with pytest.raises(VenueRejected, match="not the account's delegate"):
        await venue.gateway.prepare(agreed(ACCOUNT, SELL))


@pytest.mark.parametrize("allowed", [False, True])
async def test_the_owners_key_is_refused_unless_allowed_on_purpose(
    tmp_path: Path, clock: StillClock, allowed: bool
) -> None:
    async with SolanaRpc(trading_world(), clock=clock) as rpc:
        TradingNode.of(rpc)
        settings = replace(trading_settings(rpc.url), allow_owner_key=allowed)
        async with opened(settings, clock, PlainSigner("ann")) as gateway:
            if allowed:
                assert (await gateway.prepare(agreed(ACCOUNT, SELL))).raw
            else:
                with pytest.raises(VenueRejected, match="can also withdraw"):
                    await gateway.prepare(agreed(ACCOUNT, SELL))


async def test_without_a_signer_it_quotes_and_sends_nothing(venue: Venue) -> None:
    async with opened(venue.settings, venue.clock, None) as gateway:
        assert gateway.name == "Drift on loopback"
        assert (await gateway.depth(ACCOUNT, ["SOL-PERP"]))["SOL-PERP"].bids
        with pytest.raises(VenueRejected, match=r"nobody signs orders here; .* SIGNER_SOCKET"):
            await gateway.prepare(agreed(ACCOUNT, SELL))


async def test_the_signer_is_asked_with_all_it_takes_to_make_the_message_again(venue: Venue) -> None:
    signer = PlainSigner()
    batch = replace(agreed(ACCOUNT, SELL), leg=2)
    async with opened(venue.settings, venue.clock, signer) as gateway:
        signed = await gateway.prepare(batch)
    (asked,) = signer.asked
    transaction = VersionedTransaction.from_bytes(signed.raw)
    assert asked.batch == batch
    assert asked.message == bytes(transaction.message)
    assert (asked.authority, asked.sub_account) == (addresses.address("ann"), 0)
    assert asked.blockhash == str(transaction.message.recent_blockhash)
    assert asked.valid_until == signed.last_valid_height
    assert 0 < asked.height <= asked.valid_until
    assert (asked.unit_limit, asked.unit_price_micro) == (100_000 + 20_000 + 20_000, 25_000)
    assert asked.remaining[-1] == SOL_PERP


async def test_what_the_signer_says_no_to_is_not_sent_and_says_why(venue: Venue) -> None:
    signer = PlainSigner(refusal=VenueRejected("the signer refused: an order is worth more than max_order_usd"))
    async with opened(venue.settings, venue.clock, signer) as gateway:
        with pytest.raises(VenueRejected, match="more than max_order_usd"):
            await gateway.prepare(agreed(ACCOUNT, SELL))
    assert not venue.rpc.sent


async def test_a_signature_of_another_key_is_noticed(venue: Venue) -> None:
    class Impostor(PlainSigner):
        async def public_key(self) -> str:
            return addresses.address("ann's bot")

    async with opened(venue.settings, venue.clock, Impostor("eve")) as gateway:
        with pytest.raises(VenueRejected, match="does not fit"):
            await gateway.prepare(agreed(ACCOUNT, SELL))


async def test_the_gateway_is_found_by_the_venues_name(venue: Venue) -> None:
    reader = connect("drift", venue.settings, clock=venue.clock)
    found = connect_orders("drift", venue.settings, reader=reader, clock=venue.clock, signer=SIGNER)
    assert isinstance(found, DriftGateway)
    await found.close()
    await reader.close()
    with pytest.raises(VenueRejected, match="takes no orders"):
        connect_orders("replay", venue.settings, reader=reader, clock=venue.clock)


async def test_a_dead_first_endpoint_is_no_obstacle(tmp_path: Path, clock: StillClock) -> None:
    async with SolanaRpc(trading_world(), clock=clock) as rpc:
        TradingNode.of(rpc)
        async with opened(trading_settings("http://127.0.0.1:9", rpc.url), clock) as gateway:
            batch = agreed(ACCOUNT, SELL)
            signed = await gateway.prepare(batch)
            await gateway.send(signed)
            assert (await gateway.fate(signed)).kind is FateKind.LANDED
            (placed,) = await gateway.placed(signed, batch)
            assert placed.filled_raw_1e9 == 2 * 10**9


async def test_more_than_fits_into_one_transaction_is_told_so(tmp_path: Path, clock: StillClock) -> None:
    builder = WorldBuilder()
    perps = [perp for perp in builder.catalogue.perps if perp.pool_id == 0][:4]
    user = builder.add_user(
        "ann",
        perps=[builder.position(perp.name, "1") for perp in perps],
        spots=[builder.deposit("USDC", "1"), builder.deposit("SOL", "1")],
        delegate=addresses.address("ann's bot"),
    )
    async with SolanaRpc(builder.build(), clock=clock) as rpc:
        TradingNode.of(rpc)
        async with opened(trading_settings(rpc.url), clock) as gateway:
            terms = [make_terms(user, style=OrderStyle.LIMIT, limit=180_000_000 + 100 * n) for n in range(20)]
            with pytest.raises(VenueRejected, match="one transaction"):
                await gateway.prepare(agreed(user, *terms))
            signed = await gateway.prepare(agreed(user, make_terms(user)))
            assert len(signed.raw) <= 1_232


async def test_an_account_in_too_many_markets_is_told_how_many_accounts_fit(tmp_path: Path, clock: StillClock) -> None:
    builder = WorldBuilder()
    perps = [perp for perp in builder.catalogue.perps if perp.pool_id == 0][:8]
    spots = [spot for spot in builder.catalogue.spots if spot.pool_id == 0][:8]
    user = builder.add_user(
        "ann",
        perps=[builder.position(perp.name, "1") for perp in perps],
        spots=[builder.deposit(spot.name, "1") for spot in spots],
        delegate=addresses.address("ann's bot"),
    )
    async with SolanaRpc(builder.build(), clock=clock) as rpc:
        TradingNode.of(rpc)
        async with opened(trading_settings(rpc.url), clock) as gateway:
            with pytest.raises(VenueRejected, match=r"takes \d+ accounts, and \d+ fit; .* venue's own site") as caught:
                await gateway.prepare(agreed(user, make_terms(user)))
    assert "together" not in str(caught.value)


async def test_an_account_that_is_not_there_is_refused(venue: Venue) -> None:
    nobody = addresses.user_address(addresses.address("nobody"))
    with pytest.raises(VenueRejected, match="does not exist"):
        await venue.gateway.prepare(agreed(nobody, make_terms(nobody)))
    with pytest.raises(VenueRejected):
        await venue.gateway.prepare(agreed("no address", make_terms("no address")))


async def test_open_orders_are_everybodys(tmp_path: Path, clock: StillClock) -> None:
    mine = OrderSlot(order_id=7, market_index=0, is_buy=False, base_raw=10**9, price_1e6=170 * 10**6)
    world = trading_world(orders=[mine])
    async with SolanaRpc(world, clock=clock) as rpc, opened(trading_settings(rpc.url), clock) as gateway:
        (order,) = await gateway.open_orders(ACCOUNT)
        assert (order.order_id, order.side, order.price_usd) == (7, Side.SELL, 170.0)


async def test_depth_is_the_curve_the_market_states(venue: Venue) -> None:
    depth = (await venue.gateway.depth(ACCOUNT, ["SOL-PERP"]))["SOL-PERP"]
    assert depth.asks[0].price_usd == pytest.approx(150 * 1.00025, rel=1e-4)
    assert depth.bids[0].price_usd == pytest.approx(150 * 0.99975, rel=1e-4)
    assert sum(one.size_base for one in depth.asks) == pytest.approx(10_000)
    assert (depth.step_raw_1e9, depth.tick_raw_1e6, depth.minimum_raw_1e9) == (10**6, 100, 10**6)
    assert (depth.taker_fee_frac, depth.maker_fee_frac) == (0.001, -0.0002)
    assert (depth.source, depth.slot, depth.problem) == ("venue curve", venue.rpc.slot, "")
    venue.rpc.calls.clear()
    await venue.gateway.depth(ACCOUNT, ["SOL-PERP"])
    assert venue.rpc.counts() == {"getMultipleAccounts": 1}


@pytest.mark.parametrize(("stored", "exchange", "paused", "status", "has_levels"), [
    (Status.ACTIVE, 0, 0, MarketStatus.ACTIVE, True),
    (Status.REDUCE_ONLY, 0, 0, MarketStatus.REDUCE_ONLY, True),
    (Status.SETTLEMENT, 0, 0, MarketStatus.SETTLEMENT, False),
    (Status.DELISTED, ExchangeStatus.FILL_PAUSED, 4, MarketStatus.DELISTED, False),
    (Status.INITIALIZED, 0, 0, MarketStatus.INITIALIZED, False),
    (Status.ACTIVE, ExchangeStatus.FILL_PAUSED, 0, MarketStatus.FILL_PAUSED, False),
    (Status.ACTIVE, 255, 0, MarketStatus.FILL_PAUSED, False),
    (Status.ACTIVE, 0, 4, MarketStatus.FILL_PAUSED, False),
    (Status.ACTIVE, ExchangeStatus.AMM_PAUSED, 0, MarketStatus.ACTIVE, False),
    (Status.ACTIVE, 0, 2, MarketStatus.ACTIVE, False),
    (Status.ACTIVE, ExchangeStatus.WITHDRAW_PAUSED, 1, MarketStatus.ACTIVE, True),
])  # fmt: skip
async def test_what_a_market_allows_is_said(
    venue: Venue, stored: Status, exchange: int, paused: int, status: MarketStatus, has_levels: bool
) -> None:
    venue.patch(SOL_PERP, PERP_MARKET, status=int(stored), paused_operations=paused)
    venue.patch(addresses.state_address(), STATE, exchange_status=int(exchange))
    depth = (await venue.gateway.depth(ACCOUNT, ["SOL-PERP"]))["SOL-PERP"]
    assert depth.status is status
    assert bool(depth.bids) is bool(depth.asks) is has_levels


async def test_a_stale_oracle_is_a_problem(venue: Venue) -> None:
    venue.rpc.advance(1_000)
    depth = (await venue.gateway.depth(ACCOUNT, ["SOL-PERP"]))["SOL-PERP"]
    assert "stale" in depth.problem


async def test_high_leverage_costs_twice_and_the_market_adjusts(venue: Venue) -> None:
    venue.patch(ACCOUNT, USER, margin_mode=1)
    venue.patch(SOL_PERP, PERP_MARKET, fee_adjustment=-50, amm__last_funding_rate_long=15_000_000)
    depth = (await venue.gateway.depth(ACCOUNT, ["SOL-PERP"]))["SOL-PERP"]
    assert depth.taker_fee_frac == pytest.approx(0.001)
    assert depth.maker_fee_frac == pytest.approx(-0.0001)
    assert depth.funding_hourly_frac == pytest.approx(0.015 / 150)
