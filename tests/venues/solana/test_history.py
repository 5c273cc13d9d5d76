"""What happened to an account, read back from a node over real sockets: once, in order, and nothing left out."""

from collections.abc import AsyncIterator

import pytest

from risk.model.events import AccountEvent, EventKind, FlowEvent, GapEvent, GapReason
from risk.ports import EventHistory, EventPage
from tests.support import addresses
from tests.support import drift_events as written
from tests.support.solana_rpc import RateLimit, Refusal, Sent, SolanaRpc
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.conftest import StillClock
from venues.errors import VenueRejected, VenueUnavailable
from venues.solana import history as module
from venues.solana.adapter import DriftAdapter, connect
from venues.solana.settings import SolanaSettings

BUILDER = WorldBuilder()
ANN = BUILDER.add_user("ann", perps=[BUILDER.position("SOL-PERP", "1")])
BOB = BUILDER.add_user("bob")
WORLD = BUILDER.build()


@pytest.fixture
async def rpc() -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(WORLD) as node:
        yield node


@pytest.fixture
async def venue(rpc: SolanaRpc, clock: StillClock) -> AsyncIterator[DriftAdapter]:
    adapter = connect(SolanaSettings(rpc_urls=(rpc.url,), timeout_s=30.0), clock=clock)
    yield adapter
    await adapter.close()


def deposit(rpc: SolanaRpc, usdc: int, *, listed: bool = True, advance: int = 1) -> Sent:
    """Ann deposits so many USDC, a slot later."""
    rpc.advance(advance)
    return rpc.post(accounts=[ANN], logs=written.log_of(written.flow(ANN, usdc * 10**6)), listed=listed)


def amounts(events: tuple[AccountEvent, ...]) -> list[float]:
    return [event.amount_usd for event in events if isinstance(event, FlowEvent)]


async def everything(venue: DriftAdapter, cursor: str, *, up_to_slot: int | None = None) -> EventPage:
    """All pages as one."""
    events: tuple[AccountEvent, ...] = ()
    for _ in range(100):
        page = await venue.events_since(ANN, cursor, up_to_slot=up_to_slot)
        events, cursor = events + page.events, page.cursor
        if page.complete:
            return EventPage(events=events, cursor=cursor, complete=True)
    raise AssertionError("it never comes to an end")


async def test_from_now_on_tells_nothing_and_then_everything_once_in_order(venue: DriftAdapter, rpc: SolanaRpc) -> None:
    assert isinstance(venue, EventHistory)
    deposit(rpc, 1)
    begin = await venue.events_since(ANN, "")
    assert (begin.events, begin.complete) == ((), True)
    for usdc in (2, 3):
        deposit(rpc, usdc)
    deposit(rpc, 4, advance=0)  # in the same slot
    page = await venue.events_since(ANN, begin.cursor)
    assert amounts(page.events) == [2.0, 3.0, 4.0]
    assert page.complete
    again = await venue.events_since(ANN, page.cursor)
    assert (again.events, again.cursor, again.complete) == ((), page.cursor, True)
    assert amounts((await venue.events_since(ANN, begin.cursor)).events) == [2.0, 3.0, 4.0]
    names = {event.source for event in page.events}
    assert len(names) == 3


async def test_an_account_without_any_history_begins_at_the_slot_it_was_asked_for(
    venue: DriftAdapter, rpc: SolanaRpc
) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    deposit(rpc, 5)
    assert amounts((await venue.events_since(ANN, begin.cursor)).events) == [5.0]


async def test_from_now_on_means_from_the_slot_of_the_reading(venue: DriftAdapter, rpc: SolanaRpc) -> None:
    deposit(rpc, 1)
    read_at = rpc.slot
    deposit(rpc, 2)  # between the reading and the question
    begin = await venue.events_since(ANN, "", up_to_slot=read_at)
    assert amounts((await venue.events_since(ANN, begin.cursor)).events) == [2.0]


async def test_what_is_later_than_the_reading_waits(venue: DriftAdapter, rpc: SolanaRpc) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    deposit(rpc, 1)
    read_at = rpc.slot
    deposit(rpc, 2)
    page = await venue.events_since(ANN, begin.cursor, up_to_slot=read_at)
    assert (amounts(page.events), page.complete) == ([1.0], True)
    assert amounts((await venue.events_since(ANN, page.cursor)).events) == [2.0]


async def test_failed_transactions_and_those_of_others_tell_nothing(venue: DriftAdapter, rpc: SolanaRpc) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    rpc.advance(1)
    rpc.post(accounts=[ANN], logs=written.log_of(written.flow(ANN, 9)), error={"InstructionError": [0, {"Custom": 1}]})
    rpc.post(accounts=[BOB], logs=written.log_of(written.flow(BOB, 9)))
    rpc.post(accounts=[ANN, BOB], logs=written.log_of(written.flow(BOB, 9)))
    rpc.calls.clear()
    page = await venue.events_since(ANN, begin.cursor)
    assert (page.events, page.complete) == ((), True)
    assert rpc.count("getTransaction") == 1  # the failed one is not even read


async def test_names_and_decimals_come_from_the_markets_and_are_asked_for_once(
    venue: DriftAdapter, rpc: SolanaRpc
) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    sol = BUILDER.catalogue.spot("SOL")
    for _ in range(2):
        rpc.advance(1)
        raw = written.flow(ANN, 2 * 10**sol.decimals, market_index=sol.index, price_1e6=150 * 10**6, withdraw=True)
        rpc.post(accounts=[ANN], logs=written.log_of(raw))
    page = await venue.events_since(ANN, begin.cursor)
    event = page.events[-1]
    assert isinstance(event, FlowEvent)
    assert (event.token, event.amount_tokens, event.amount_usd) == ("SOL", 2.0, 300.0)
    rpc.calls.clear()
    await venue.events_since(ANN, begin.cursor)
    assert rpc.counts() == {"getSignaturesForAddress": 1}  # transactions are remembered too


async def test_a_long_history_comes_in_pages_of_bounded_work(
    venue: DriftAdapter, rpc: SolanaRpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SIGNATURES", 10)
    monkeypatch.setattr(module, "_LISTINGS", 2)
    monkeypatch.setattr(module, "_TRANSACTIONS", 8)
    real = venue._client.signatures

    async def short_pages(*args: object, **options: object) -> object:
        return await real(*args, **{**options, "limit": 10})  # type: ignore[arg-type]

    monkeypatch.setattr(venue._client, "signatures", short_pages)
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    for usdc in range(1, 56):
        deposit(rpc, usdc)
    rpc.calls.clear()
    page = await venue.events_since(ANN, begin.cursor)
    assert (page.events, page.cursor, page.complete) == ((), begin.cursor, False)
    assert rpc.count() == 2
    whole = await everything(venue, page.cursor)
    assert amounts(whole.events) == [float(usdc) for usdc in range(1, 56)]
    assert rpc.count("getTransaction") == 55
    assert rpc.count("getSignaturesForAddress") < 12  # what is listed is not listed again for every page


async def test_a_history_beyond_all_patience_is_said_to_be_incomplete(
    venue: DriftAdapter, rpc: SolanaRpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    for usdc in range(1, 8):
        deposit(rpc, usdc)
    monkeypatch.setattr(module, "_LONGEST_BACKLOG", 5)
    whole = await everything(venue, begin.cursor)
    gap = whole.events[0]
    assert isinstance(gap, GapEvent)
    assert gap.reason is GapReason.TOO_FAR_BACK


async def test_a_node_that_has_forgotten_says_so(venue: DriftAdapter, rpc: SolanaRpc) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    deposit(rpc, 1, advance=60_000)
    await venue.read([ANN])
    rpc.ledger.first_slot = rpc.slot - 10
    whole = await everything(venue, begin.cursor)
    assert [event.kind for event in whole.events] == [EventKind.HISTORY_GAP, EventKind.DEPOSIT]
    rpc.ledger.first_slot = 0
    assert amounts((await everything(venue, begin.cursor)).events) == [1.0]


async def test_a_transaction_that_is_listed_before_it_can_be_read_is_waited_for(
    venue: DriftAdapter, rpc: SolanaRpc
) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    deposit(rpc, 1)
    late = deposit(rpc, 2)
    deposit(rpc, 3)
    hidden = rpc.ledger.sent.pop(late.signature)
    with pytest.raises(VenueUnavailable, match="not there yet"):
        await venue.events_since(ANN, begin.cursor)
    rpc.ledger.sent[late.signature] = hidden
    assert amounts((await everything(venue, begin.cursor)).events) == [1.0, 2.0, 3.0]


async def test_a_transaction_that_never_comes_is_a_gap_and_the_others_are_told(
    venue: DriftAdapter, rpc: SolanaRpc
) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    lost = deposit(rpc, 1)
    deposit(rpc, 2)
    del rpc.ledger.sent[lost.signature]
    for _ in range(4):
        with pytest.raises(VenueUnavailable):
            await venue.events_since(ANN, begin.cursor)
    page = await venue.events_since(ANN, begin.cursor)
    assert [event.kind for event in page.events] == [EventKind.HISTORY_GAP, EventKind.DEPOSIT]


async def test_what_a_node_lists_late_is_found_by_whoever_begins_at_the_same_place(
    venue: DriftAdapter, rpc: SolanaRpc
) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    late = deposit(rpc, 1, listed=False)
    deposit(rpc, 2)
    assert amounts((await venue.events_since(ANN, begin.cursor)).events) == [2.0]
    late.listed = True
    assert amounts((await venue.events_since(ANN, begin.cursor)).events) == [1.0, 2.0]


async def test_a_node_without_a_log_is_a_gap(venue: DriftAdapter, rpc: SolanaRpc) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    rpc.advance(1)
    rpc.post(accounts=[ANN], logs=None)
    (gap,) = (await venue.events_since(ANN, begin.cursor)).events
    assert isinstance(gap, GapEvent)
    assert gap.reason is GapReason.NO_LOG


async def test_a_failure_on_the_way_keeps_what_was_read(venue: DriftAdapter, rpc: SolanaRpc) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    for usdc in range(1, 8):
        deposit(rpc, usdc)
    rpc.inject(Refusal(), methods=["getTransaction"])
    with pytest.raises(VenueUnavailable):
        await venue.events_since(ANN, begin.cursor)
    rpc.heal()
    assert amounts((await everything(venue, begin.cursor)).events) == [float(usdc) for usdc in range(1, 8)]


async def test_a_node_that_asks_for_a_pause_is_left_alone(venue: DriftAdapter, rpc: SolanaRpc) -> None:
    begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
    deposit(rpc, 1)
    rpc.inject(RateLimit(retry_after_s=30), count=1)
    with pytest.raises(VenueUnavailable):
        await venue.events_since(ANN, begin.cursor)
    rpc.calls.clear()
    with pytest.raises(VenueUnavailable, match="429"):
        await venue.events_since(ANN, begin.cursor)
    assert rpc.count() == 0


async def test_a_node_behind_the_cursor_is_not_believed(rpc: SolanaRpc, clock: StillClock) -> None:
    async with SolanaRpc(WORLD) as behind:
        venue = connect(SolanaSettings(rpc_urls=(behind.url, rpc.url), timeout_s=30.0), clock=clock)
        deposit(rpc, 1, advance=100)
        begin = await venue.events_since(ANN, "", up_to_slot=rpc.slot)
        deposit(rpc, 2)
        assert amounts((await venue.events_since(ANN, begin.cursor, up_to_slot=rpc.slot)).events) == [2.0]
        await venue.close()


@pytest.mark.parametrize("cursor", ["x", ":", "12:nonsense", "-1:", "\u0661:", "12:" + "1" * 200])
async def test_a_cursor_nobody_gave_out_is_refused(venue: DriftAdapter, cursor: str) -> None:
    with pytest.raises(VenueRejected, match="begin anew"):
        await venue.events_since(ANN, cursor)


@pytest.mark.parametrize(
    "answer",
    [
        [{"slot": 1, "err": None}],
        [{"signature": "nonsense", "slot": 1}],
        [{"signature": addresses.address("x"), "slot": 1}],
        {"not": "a list"},
        [3],
    ],
)
async def test_a_listing_of_another_shape_is_no_answer(
    venue: DriftAdapter, rpc: SolanaRpc, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    handlers = {**rpc._front._handlers, "getSignaturesForAddress": lambda call: answer}
    monkeypatch.setattr(rpc._front, "_handlers", handlers)
    with pytest.raises(VenueUnavailable):
        await venue.events_since(ANN, "1:")
