"""Failover between endpoints and every way a node can fail, over real sockets."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support import addresses
from tests.support.solana_rpc import (
    Delay,
    Garbage,
    HttpError,
    RateLimit,
    Refusal,
    Reset,
    SolanaRpc,
    StaleSlot,
)
from tests.support.solana_rpc.faults import Fault
from tests.support.waiting import PATIENCE_S, given_up
from tests.support.world import World
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.conftest import StillClock
from tests.venues.solana.reading import DRIFT
from venues.errors import VenueRejected, VenueUnavailable
from venues.solana.client import ClientManager
from venues.solana.settings import SolanaSettings

KEYS = [Pubkey.from_string(addresses.state_address()), Pubkey.from_string(addresses.spot_market_address(0))]
READ = "getMultipleAccounts"
DEAD = "http://127.0.0.1:9"


@pytest.fixture
def world() -> World:
    builder = WorldBuilder()
    for number in range(12):
        builder.add_user("ann", sub_account_id=number)
    return builder.build()


@pytest.fixture
async def first(world: World) -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(world) as rpc:
        yield rpc


@pytest.fixture
async def second(world: World) -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(world) as rpc:
        yield rpc


@pytest.fixture
async def client(first: SolanaRpc, second: SolanaRpc, clock: StillClock) -> AsyncIterator[ClientManager]:
    settings = SolanaSettings(rpc_urls=(first.url, second.url), timeout_s=PATIENCE_S)
    manager = ClientManager(settings, clock=clock)
    yield manager
    await manager.close()


@pytest.fixture
async def alone(first: SolanaRpc, clock: StillClock) -> AsyncIterator[ClientManager]:
    manager = ClientManager(SolanaSettings(rpc_urls=(first.url,), timeout_s=PATIENCE_S), clock=clock)
    yield manager
    await manager.close()


async def test_one_call_reads_all_accounts_at_one_slot(alone: ClientManager, first: SolanaRpc) -> None:
    fetched = await alone.accounts([*KEYS, Pubkey.from_string(addresses.address("nobody"))])
    assert set(fetched.accounts) == set(KEYS)
    assert (fetched.slot, fetched.slot_spread) == (first.slot, 0)
    assert first.count(READ) == 1


NEVER = Delay(seconds=3_600)
FAULTS: list[Fault] = [
    NEVER,
    RateLimit(),
    RateLimit(retry_after_s=7),
    HttpError(status=500),
    HttpError(status=503),
    HttpError(status=403),
    HttpError(status=301),
    Reset(),
    Garbage(),
    Garbage(body=""),
    Garbage(body='{"jsonrpc":"2.0","id":0,"result":null}'),
    Refusal(),
    Refusal(code=-32_429, message="compute units per second exceeded"),
    Refusal(code=-32_602, message="Too many inputs"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault).replace("https", ""))
async def test_the_second_endpoint_answers_when_the_first_does_not(
    fault: Fault, client: ClientManager, first: SolanaRpc, second: SolanaRpc
) -> None:
    struck = first.inject(fault, methods=[READ])
    asking = client.accounts(KEYS)
    found = await (given_up(asking, heard=lambda: struck.hits) if fault is NEVER else asking)
    assert set(found.accounts) == set(KEYS)
    assert second.count(READ) == 1
    assert client.host == second.url.removeprefix("http://")


async def test_the_endpoint_that_answered_is_asked_first_from_then_on(
    client: ClientManager, first: SolanaRpc, second: SolanaRpc
) -> None:
    first.inject(HttpError(), count=1)
    for _ in range(3):
        await client.accounts(KEYS)
    assert (first.count(READ), second.count(READ)) == (0, 3)
    second.inject(Reset())
    await client.accounts(KEYS)
    assert first.count(READ) == 1


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if not isinstance(fault, HttpError) or fault.status > 499])
async def test_what_may_pass_is_unavailable_and_names_the_host_only(
    fault: Fault, alone: ClientManager, first: SolanaRpc
) -> None:
    struck = first.inject(fault, methods=[READ])
    expected = VenueRejected if fault == FAULTS[-1] else VenueUnavailable
    asking = alone.accounts(KEYS)
    with pytest.raises(expected, match=first.url.removeprefix("http://")):
        await (given_up(asking, heard=lambda: struck.hits) if fault is NEVER else asking)


@pytest.mark.parametrize("status", [301, 401, 403, 404, 410, 413])
async def test_what_will_not_pass_is_rejected_once(status: int, alone: ClientManager, first: SolanaRpc) -> None:
    first.inject(HttpError(status=status), methods=[READ])
    with pytest.raises(VenueRejected, match=str(status)):
        await alone.accounts(KEYS)
    assert len([call for call in first.calls if call.method == READ]) <= 1


async def test_a_read_is_asked_again_before_giving_up(alone: ClientManager, first: SolanaRpc) -> None:
    first.inject(Reset(), methods=[READ], count=1)
    assert (await alone.accounts(KEYS)).accounts


async def test_a_rate_limited_endpoint_is_left_alone_for_as_long_as_it_says(
    client: ClientManager, first: SolanaRpc, second: SolanaRpc, clock: StillClock
) -> None:
    limit = first.inject(RateLimit(retry_after_s=7), methods=[READ])
    await client.accounts(KEYS)
    second.inject(Reset(), methods=[READ])
    with pytest.raises(VenueUnavailable, match=r"allows no more requests \(429\) for another 7 s"):
        await client.accounts(KEYS)
    assert limit.hits == 1
    limit.cancel()
    clock.passed_s = 7.5
    assert (await client.accounts(KEYS)).accounts


async def test_an_endpoint_behind_what_was_already_read_is_passed_over(
    client: ClientManager, first: SolanaRpc, second: SolanaRpc, figure: Gauge
) -> None:
    newest = (await client.accounts(KEYS)).slot
    first.inject(StaleSlot(slots=17), methods=[READ])
    assert (await client.accounts(KEYS)).slot == newest
    second.inject(StaleSlot(slots=400), methods=[READ])
    with pytest.raises(VenueUnavailable, match=r"400 slots behind .* 17 slots behind"):
        await client.accounts(KEYS)
    figure(Measure.ACCEPTED, client.newest_slot != newest)


async def test_a_few_slots_behind_is_how_nodes_are(client: ClientManager, first: SolanaRpc) -> None:
    newest = (await client.accounts(KEYS)).slot
    first.inject(StaleSlot(slots=16), methods=[READ])
    assert (await client.accounts(KEYS)).slot == newest - 16


async def test_a_slot_from_another_century_does_not_become_the_measure(
    alone: ClientManager, first: SolanaRpc, figure: Gauge
) -> None:
    slot = (await alone.accounts(KEYS)).slot
    first.inject(StaleSlot(slots=-(10**9)), methods=[READ], count=2)
    with pytest.raises(VenueUnavailable, match="far beyond"):
        await alone.accounts(KEYS)
    figure(Measure.ACCEPTED, alone.newest_slot != slot)
    assert (await alone.accounts(KEYS)).slot == slot


async def test_an_endpoint_of_another_cluster_is_never_read(world: World, clock: StillClock, figure: Gauge) -> None:
    async with SolanaRpc(replace(world, genesis_hash=addresses.address("devnet"))) as devnet, SolanaRpc(world) as good:
        manager = ClientManager(SolanaSettings(rpc_urls=(devnet.url, good.url), timeout_s=PATIENCE_S), clock=clock)
        assert (await manager.accounts(KEYS)).accounts
        figure(Measure.ACCEPTED, devnet.count(READ))
        await manager.close()
        manager = ClientManager(SolanaSettings(rpc_urls=(devnet.url,), timeout_s=PATIENCE_S), clock=clock)
        with pytest.raises(VenueRejected, match="another cluster"):
            await manager.accounts(KEYS)
        await manager.close()


async def test_the_cluster_is_asked_for_once(alone: ClientManager, first: SolanaRpc) -> None:
    for _ in range(3):
        await alone.accounts(KEYS)
    assert first.count("getGenesisHash") == 1


async def test_a_dead_endpoint_is_passed_over_at_once(first: SolanaRpc, clock: StillClock) -> None:
    manager = ClientManager(SolanaSettings(rpc_urls=(DEAD, first.url), timeout_s=PATIENCE_S), clock=clock)
    assert (await manager.accounts(KEYS)).accounts
    await manager.close()


async def test_an_answer_that_does_not_end_is_cut_off(first: SolanaRpc, clock: StillClock) -> None:
    manager = ClientManager(
        SolanaSettings(rpc_urls=(first.url,), max_answer_bytes=1_500, timeout_s=PATIENCE_S), clock=clock
    )
    with pytest.raises(VenueRejected, match="more than 1500 bytes"):
        await manager.accounts(KEYS)
    await manager.close()


async def test_more_than_a_hundred_accounts_come_in_several_calls(alone: ClientManager, first: SolanaRpc) -> None:
    keys = [Pubkey.from_string(addresses.address(f"account {number}")) for number in range(150)]
    fetched = await alone.accounts([*keys, *KEYS])
    assert set(fetched.accounts) == set(KEYS)
    assert first.count(READ) == 2


async def test_parts_of_a_large_reading_that_lie_apart_are_read_again(alone: ClientManager, first: SolanaRpc) -> None:
    await alone.accounts(KEYS)
    keys = [Pubkey.from_string(addresses.address(f"account {number}")) for number in range(150)]
    first.inject(StaleSlot(slots=10), methods=[READ], count=1)
    fetched = await alone.accounts(keys)
    assert fetched.slot_spread == 0
    assert first.count(READ) == 1 + 2 + 2
    first.inject(StaleSlot(slots=10), methods=[READ], count=1)
    first.inject(StaleSlot(slots=0), methods=[READ])
    assert (await alone.accounts(keys)).slot == first.slot


async def test_every_account_of_a_type_is_listed_with_its_slot(alone: ClientManager, first: SolanaRpc) -> None:
    program = Pubkey.from_string(DRIFT.program_id)
    listed = await alone.program_accounts(program, DRIFT.user)
    assert len(listed.addresses) == len(listed.accounts) == 12
    assert listed.slot == first.slot
    filters = next(call.params for call in first.calls if call.method == "getProgramAccounts")[1]["filters"]
    assert {"dataSize": 4_376} in filters


async def test_no_error_and_no_log_line_of_ours_shows_the_path_of_a_url(
    first: SolanaRpc, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # as the program sets it: its INFO line is the URL
    settings = SolanaSettings(rpc_urls=(f"{first.url}/canary?key=canary",), timeout_s=PATIENCE_S)
    manager = ClientManager(settings, clock=clock)
    for fault in (HttpError(status=401), HttpError(status=302), Reset(), Garbage(), NEVER, Refusal()):
        injection = first.inject(fault, methods=[READ])
        asking = manager.accounts(KEYS)
        with pytest.raises((VenueRejected, VenueUnavailable)) as failure:
            await (given_up(asking, heard=lambda i=injection: i.hits) if fault is NEVER else asking)  # type: ignore[misc]
        injection.cancel()
        link: BaseException | None = failure.value
        while link is not None:
            assert "canary" not in f"{link} {link!r}"
            link = link.__cause__ or link.__context__
    assert "canary" not in caplog.text
    await manager.close()


async def test_a_key_that_a_node_quotes_is_not_passed_on(first: SolanaRpc, clock: StillClock) -> None:
    first.inject(Refusal(message="no more calls for 0a1b2c3d4e5f, see ?api=9f8e7d6c5b"))
    url = f"{first.url}/v1/0a1b2c3d4e5f?api=9f8e7d6c5b"
    client = ClientManager(SolanaSettings(rpc_urls=(url,), timeout_s=PATIENCE_S), clock=clock)
    with pytest.raises(VenueUnavailable) as refusal:
        await client.accounts(KEYS)
    assert "no more calls for [secret], see ?api=[secret]" in str(refusal.value)
    await client.close()
