"""What trading has cost: stated by the ledger for an owner, and an account's own where the owner has no other."""

from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from risk.margin.book import FleetBook
from risk.margin.snapshot import snapshot_of
from risk.ports import FeeStatements
from tests.support import addresses
from tests.support.drift_accounts import make_user_stats
from tests.support.drift_layout import USER
from tests.support.solana_rpc import Refusal, SolanaRpc
from tests.support.world import ChainAccount, World
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.conftest import StillClock
from tests.venues.solana.reading import book_of
from venues.errors import VenueUnavailable
from venues.solana.adapter import DriftAdapter, connect
from venues.solana.settings import SolanaSettings

ANN, BOB, EVE = (addresses.address(owner) for owner in ("ann", "bob", "eve"))


def stats(owner: str, *, created: int, paid: int, rebate: int) -> ChainAccount:
    extra = {"fees.total_fee_paid": paid, "fees.total_fee_rebate": rebate}
    data = make_user_stats(authority=owner, sub_accounts=created, extra=extra)
    return ChainAccount.rent_exempt(addresses.DRIFT_PROGRAM, data)


@pytest.fixture
def world() -> World:
    """Ann has one account, Bob two, Eve one and no statistics."""
    builder = WorldBuilder()
    for owner, sub_account in (("ann", 0), ("bob", 0), ("bob", 1), ("eve", 0)):
        builder.add_user(owner, sub_account_id=sub_account, spots=[builder.deposit("USDC", "1000")])
    made = builder.build()
    changed = {
        addresses.user_stats_address(ANN): stats(ANN, created=1, paid=12_345_678, rebate=345_678),
        addresses.user_stats_address(BOB): stats(BOB, created=2, paid=99_000_000, rebate=0),
    }
    made = made.with_accounts(changed)
    without = {key: one for key, one in made.accounts.items() if key != addresses.user_stats_address(EVE)}
    return replace(made, accounts=without)


@pytest.fixture
async def rpc(world: World) -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(world) as rpc:
        yield rpc


@pytest.fixture
async def drift(rpc: SolanaRpc, clock: StillClock) -> AsyncIterator[DriftAdapter]:
    adapter = connect(SolanaSettings(rpc_urls=(rpc.url,), timeout_s=30.0), clock=clock)
    yield adapter
    await adapter.close()


def everybody() -> list[str]:
    return [addresses.user_address(owner, number) for owner, number in ((ANN, 0), (BOB, 0), (BOB, 1), (EVE, 0))]


async def read(drift: DriftAdapter, *more: str) -> FleetBook:
    return await drift.read([*everybody(), *more])


async def test_fees_are_stated_where_the_owner_has_opened_one_account(drift: DriftAdapter) -> None:
    assert isinstance(drift, FeeStatements)
    paid = await drift.fees_paid_usd(await read(drift))

    assert paid[0] == 12.0
    assert np.isnan(paid[1:]).all()


async def test_an_account_that_does_not_exist_has_paid_nothing_that_is_known(drift: DriftAdapter) -> None:
    paid = await drift.fees_paid_usd(await read(drift, addresses.address("nobody")))
    assert np.isnan(paid[-1])
    assert paid[0] == 12.0


async def test_a_node_that_does_not_answer_is_no_statement(drift: DriftAdapter, rpc: SolanaRpc) -> None:
    book = await read(drift)
    rpc.inject(Refusal())
    with pytest.raises(VenueUnavailable):
        await drift.fees_paid_usd(book)


def test_funding_is_what_the_account_itself_says() -> None:
    builder = WorldBuilder()
    builder.add_user("ann", spots=[builder.deposit("USDC", "1000")])
    made = builder.build()
    (ann,) = made.users
    account, at = made.accounts[ann], USER.fields["cumulative_perp_funding"].offset
    data = account.data[:at] + (-1_250_000).to_bytes(8, "little", signed=True) + account.data[at + 8 :]
    book = book_of(made.with_accounts({ann: replace(account, data=data)}))

    assert book.accounts.funding_booked_1e6.tolist() == [-1_250_000]
    assert snapshot_of(book, ann).funding_booked_usd == -1.25
