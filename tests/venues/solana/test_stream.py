"""Accounts followed over a websocket: each change arrives by itself, in order, and as a reading would show it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from risk.margin.evaluate import evaluate
from risk.ports import AccountStream
from tests.support import addresses
from tests.support.scenarios import OnePosition, sol_long
from tests.support.solana_rpc import UPGRADE, Delay, SolanaRpc, StaleSlot, Truncate, Withheld
from tests.support.waiting import until
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.ledger import assert_same
from tests.venues.solana.reading import NOON
from tests.venues.solana.streaming import READ, SOON_S, SUBSCRIBE, Heard, gone_from, listening, reader
from venues.errors import VenueRejected
from venues.solana.settings import SolanaSettings


@pytest.fixture
def scene() -> OnePosition:
    return sol_long()


@pytest.fixture
async def rpc(scene: OnePosition) -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(scene.world, slots_per_s=25) as rpc:
        yield rpc


async def test_the_first_book_is_what_a_reading_shows(rpc: SolanaRpc, scene: OnePosition) -> None:
    rpc.set_tick(0)
    async with listening(rpc, scene.user) as (heard, adapter):
        assert isinstance(adapter, AccountStream)
        assert_same(heard.last, await adapter.read([scene.user]))
        assert heard.last.observed_at == NOON


async def test_a_price_reaches_the_reader_without_a_question(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with listening(rpc, scene.user) as (heard, _):
        rpc.calls.clear()
        rpc.set_oracle(scene.oracle, "123.5")
        await until(lambda: heard.price(scene.oracle) == 123.5, within_s=SOON_S)
        assert not [call for call in rpc.calls if not call.websocket]
        ratios = evaluate(heard.last).maintenance
        assert ratios.collateral_usd[0] < 300


async def test_a_change_of_an_account_reaches_the_reader(rpc: SolanaRpc, scene: OnePosition) -> None:
    richer = WorldBuilder()
    richer.add_user("alice", spots=[richer.deposit("USDC", "5000")], perps=[richer.position("SOL-PERP", "33.33")])
    async with listening(rpc, scene.user) as (heard, _):
        rpc.put_account(scene.user, data=richer.build().users[scene.user])
        await until(lambda: heard.last.spots.tokens_raw.tolist() == [5_000e6], within_s=SOON_S)


async def test_a_venue_that_moves_stays_fresh_by_its_slots_alone(scene: OnePosition) -> None:
    async with SolanaRpc(scene.world) as still, listening(still, scene.user) as (heard, _):
        first = heard.last
        still.advance(3)
        await until(lambda: heard.last.slot == first.slot + 3, within_s=SOON_S)
        assert heard.last.perps is first.perps, "nothing but the slot was made anew"
        assert heard.last.oracles.slots_behind.tolist() == [
            age + 3 if name != "quote asset" else 0
            for age, name in zip(first.oracles.slots_behind.tolist(), first.oracles.ids, strict=True)
        ]


async def test_slots_never_fall_and_books_keep_their_order(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with listening(rpc, scene.user) as (heard, _):
        await until(lambda: len(heard.books) >= 10, within_s=SOON_S)
        slots = [book.slot for book in heard.books]
        assert slots == sorted(slots)


async def test_an_older_notification_changes_nothing(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with listening(rpc, scene.user) as (heard, _):
        rpc.set_tick(0)
        rpc.set_oracle(scene.oracle, "140")
        await until(lambda: heard.price(scene.oracle) == 140, within_s=SOON_S)
        rpc.inject(StaleSlot(slots=5), methods=[SUBSCRIBE], count=1)
        rpc.set_oracle(scene.oracle, "99")
        rpc.advance(1)
        await until(lambda: heard.last.slot == rpc.slot, within_s=SOON_S)
        assert heard.price(scene.oracle) == 140


async def test_a_new_position_is_asked_for_and_followed(rpc: SolanaRpc, scene: OnePosition) -> None:
    wider = WorldBuilder()
    wider.add_user(
        "alice", spots=[wider.deposit("USDC", "1000")],
        perps=[wider.position("SOL-PERP", "33.33"), wider.position("ETH-PERP", "0.5")],
    )  # fmt: skip
    eth = wider.oracle_address("ETH")
    async with listening(rpc, scene.user) as (heard, _):
        before = rpc.subscriptions.count
        rpc.put_account(scene.user, data=wider.build().users[scene.user])
        await until(lambda: len(heard.last.perps.market) == 2, within_s=SOON_S)
        assert not heard.last.accounts.problems
        assert not any(book.accounts.problems for book in heard.books), "it never showed half of a position"
        assert rpc.subscriptions.count == before + 2
        rpc.set_oracle(eth, "3000")
        await until(lambda: heard.price(eth) == 3_000, within_s=SOON_S)


async def test_prices_go_on_while_a_new_market_is_asked_for(rpc: SolanaRpc, scene: OnePosition) -> None:
    wider = WorldBuilder()
    wider.add_user("alice", spots=[wider.deposit("USDC", "1000")], perps=[wider.position("ETH-PERP", "0.5")])
    async with listening(rpc, scene.user) as (heard, _):
        slow = rpc.inject(Delay(seconds=3_600), methods=[READ])
        rpc.put_account(scene.user, data=wider.build().users[scene.user])
        await until(lambda: slow.hits, within_s=SOON_S)
        rpc.set_oracle(scene.oracle, "111")
        await until(lambda: heard.price(scene.oracle) == 111, within_s=SOON_S)
        assert heard.last.perp_markets.names == ("SOL-PERP",)


async def test_a_thousand_accounts_are_one_set_of_subscriptions() -> None:
    builder = WorldBuilder()
    users = [
        builder.add_user(
            f"owner {number}", spots=[builder.deposit("USDC", "1000")], perps=[builder.position("SOL-PERP", "20")]
        )
        for number in range(1_000)
    ]
    async with SolanaRpc(builder.build()) as rpc, listening(rpc, *users) as (heard, _):
        # One for each account, for State, two markets, two feeds, and the slot.
        assert rpc.subscriptions.count == 1_000 + 1 + 2 + 2 + 1
        assert rpc.count(UPGRADE) == 0
        before = evaluate(heard.last).maintenance.collateral_usd
        rpc.set_oracle(builder.oracle_address("SOL"), "140")
        await until(lambda: heard.price(builder.oracle_address("SOL")) == 140, within_s=SOON_S)
        after = evaluate(heard.last).maintenance.collateral_usd
        assert len(after) == 1_000
        assert (after < before).all()


async def test_what_comes_together_is_one_book(rpc: SolanaRpc, scene: OnePosition) -> None:
    rpc.set_tick(0)
    async with listening(rpc, scene.user) as (heard, _):
        before = len(heard.books)
        for price in range(101, 151):
            rpc.set_oracle(scene.oracle, str(price))
        await until(lambda: heard.price(scene.oracle) == 150, within_s=SOON_S)
        assert len(heard.books) - before < 25


async def test_a_consumer_that_takes_its_time_gets_the_newest_book_next(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with reader(rpc) as adapter:
        stream = adapter.stream([scene.user])
        await anext(stream)
        for price in range(100, 140):
            rpc.set_oracle(scene.oracle, str(price))
        await asyncio.sleep(0.3)
        book = await anext(stream)
        assert float(book.oracles.price_1e6[book.oracles.ids.index(scene.oracle)]) == 139e6
        await stream.aclose()


async def test_what_a_reading_finds_and_the_stream_was_not_told_is_shown_and_ends_the_stream(
    rpc: SolanaRpc, scene: OnePosition
) -> None:
    poorer = WorldBuilder()
    poorer.add_user("alice", spots=[poorer.deposit("USDC", "100")], perps=[poorer.position("SOL-PERP", "33.33")])
    async with listening(rpc, scene.user) as (heard, adapter):
        rpc.inject(Withheld(), pubkeys=[scene.user])
        rpc.put_account(scene.user, data=poorer.build().users[scene.user])
        rpc.advance(1)
        await adapter.read([scene.user])
        await until(lambda: heard.last.spots.tokens_raw.tolist() == [100e6], within_s=SOON_S)
        assert "kept back a change" in str(await heard.ended())


async def test_a_reading_that_is_ahead_of_the_stream_by_a_little_is_no_reason_to_leave_it(
    rpc: SolanaRpc, scene: OnePosition
) -> None:
    async with listening(rpc, scene.user) as (heard, adapter):
        withheld = rpc.inject(Withheld(), pubkeys=[scene.user])
        rpc.put_account(scene.user, lamports=1)
        richer = WorldBuilder()
        richer.add_user("alice", spots=[richer.deposit("USDC", "5000")], perps=[richer.position("SOL-PERP", "33.33")])
        rpc.put_account(scene.user, data=richer.build().users[scene.user])
        rpc.advance(1)
        await adapter.read([scene.user])
        await until(lambda: heard.last.spots.tokens_raw.tolist() == [5_000e6], within_s=SOON_S)
        withheld.cancel()
        rpc.put_account(scene.user, lamports=2)
        seen = heard.last.slot
        await until(lambda: heard.last.slot > seen + 40 or heard.error, within_s=SOON_S)
        assert heard.error is None


async def test_damage_that_only_a_reading_shows_is_not_hidden_by_the_stream(rpc: SolanaRpc, scene: OnePosition) -> None:
    builder = WorldBuilder()
    bob = builder.add_user("bob", spots=[builder.deposit("USDC", "1000")])
    rpc.put_account(bob, data=builder.build().users[bob], owner=addresses.DRIFT_PROGRAM)
    async with listening(rpc, scene.user, bob) as (heard, adapter):
        rpc.inject(Truncate(length=4_000), methods=[READ], pubkeys=[bob])
        rpc.advance(1)
        await adapter.read([scene.user, bob])
        await until(lambda: 1 in heard.last.accounts.problems, within_s=SOON_S)
        assert 0 not in heard.last.accounts.problems


async def test_leaving_a_stream_leaves_nothing_behind(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with reader(rpc) as adapter:
        stream = adapter.stream([scene.user])
        await anext(stream)
        assert rpc.subscriptions.count
        assert at_work("/following.py")
        await stream.aclose()
        await gone_from(rpc)
        await until(lambda: not at_work("/following.py") and not at_work("websockets/"), within_s=SOON_S)


def at_work(path: str) -> list[str]:
    """Files with this in their path whose code tasks run."""
    files = [task.get_coro().cr_code.co_filename for task in asyncio.all_tasks()]  # type: ignore[union-attr]
    return [file for file in files if path in file]


async def test_two_streams_live_side_by_side(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with listening(rpc, scene.user) as (one, adapter):
        two = Heard(adapter, scene.user)
        await two.begun()
        rpc.set_oracle(scene.oracle, "133")
        await until(lambda: one.price(scene.oracle) == two.price(scene.oracle) == 133, within_s=SOON_S)
        await two.stop()


async def test_known_accounts_are_asked_for_in_one_go(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with reader(rpc) as adapter:
        await adapter.read([scene.user])
        rpc.calls.clear()
        stream = adapter.stream([scene.user])
        await anext(stream)
        assert rpc.count(READ) == 1
        await stream.aclose()


@pytest.mark.parametrize(
    ("rpc_urls", "ws_url", "expected"),
    [
        (("https://a.example/k", "https://b.example:1/k"), "", ("wss://a.example/k", "wss://b.example:1/k")),
        (("https://a.example",), "wss://w.example/k", ("wss://w.example/k",)),
        (("https://a.example", "https://b.example"), "wss://w.example", ("wss://w.example", "wss://b.example")),
        (("http://127.0.0.1:8899",), "", ("ws://127.0.0.1:8899",)),
    ],
)
def test_every_endpoint_has_a_websocket(rpc_urls: tuple[str, ...], ws_url: str, expected: tuple[str, ...]) -> None:
    assert SolanaSettings(rpc_urls=rpc_urls, ws_url=ws_url).websocket_urls == expected


@pytest.mark.parametrize("url", ["ws://rpc.example.com", "https://rpc.example.com", "wss://u:p@rpc.example.com", "w:"])
def test_a_websocket_url_is_checked_as_an_rpc_url_is(url: str) -> None:
    with pytest.raises(VenueRejected):
        SolanaSettings(rpc_urls=("https://rpc.example.com",), ws_url=url)
