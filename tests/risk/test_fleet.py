"""The one reading all desks look at: shared, kept when the venue fails, and never trusted beyond its age."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.errors import CannotAssess, ReadFailed, UnknownAccount
from risk.fleet import Fleet, FleetView, data_problems
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.margin.select import only
from risk.model.account import AccountSnapshot
from risk.model.market import OracleReading, OracleValidity
from risk.portfolio_manager import summarise
from tests.risk.builders import (
    SLOT,
    make_account,
    make_balance,
    make_btc_market,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
)
from tests.risk.fake_reader import FakeReader
from tests.risk.generated import fleets
from tests.support.clock import FakeClock

HEALTHY = make_account(make_position(1.0), usdc=100.0)
RICH = make_account(make_position(2.0), usdc=1_000.0, account_id="rich")


@pytest.fixture
def reader(clock: FakeClock) -> FakeReader:
    return FakeReader(clock, HEALTHY, RICH)


@pytest.fixture
def fleet(reader: FakeReader, clock: FakeClock) -> Fleet:
    return Fleet(reader, ["main", "rich"], clock)


async def test_a_young_view_serves_without_asking_again(fleet: Fleet, reader: FakeReader, clock: FakeClock) -> None:
    view = await fleet.current()
    clock.pass_s(5)
    assert await fleet.current() is view
    clock.pass_s(0.001)
    assert await fleet.current() is not view
    assert reader.reads == [("main", "rich")] * 2


async def test_concurrent_callers_share_one_reading(fleet: Fleet, reader: FakeReader) -> None:
    reader.gate = asyncio.Event()
    waiting = [asyncio.create_task(fleet.current()) for _ in range(5)]
    await asyncio.sleep(0)
    reader.gate.set()
    views = await asyncio.gather(*waiting)
    assert len(reader.reads) == 1
    assert all(view is views[0] for view in views)


async def test_a_refresh_always_asks(fleet: Fleet, reader: FakeReader) -> None:
    await fleet.refresh()
    await fleet.refresh()
    await fleet.refresh(if_older=True)
    assert len(reader.reads) == 2


async def test_without_a_first_reading_a_failure_is_told(fleet: Fleet, reader: FakeReader) -> None:
    reader.fails = ReadFailed("the venue is down")
    with pytest.raises(ReadFailed, match="the venue is down"):
        await fleet.current()
    assert fleet.latest is None
    assert fleet.age_s() is None
    assert fleet.observed_at() is None
    assert fleet.problems("main") == ("no reading yet",)
    assert fleet.reading("main").unknown_because == ("no reading yet",)
    with pytest.raises(CannotAssess, match="no reading yet"):
        fleet.require_assessable("main")


async def test_the_last_good_view_stays_with_its_age_when_the_venue_fails(
    fleet: Fleet, reader: FakeReader, clock: FakeClock
) -> None:
    view = await fleet.current()
    read_at = clock.now()
    reader.fails = ReadFailed("the venue is down")
    clock.pass_s(8)
    assert await fleet.current() is view
    with pytest.raises(ReadFailed):
        await fleet.refresh()
    assert fleet.latest is view
    assert fleet.age_s() == 8
    assert fleet.observed_at() == read_at
    assert fleet.problems("main") == ()
    clock.pass_s(3)
    assert fleet.problems("main") == ("no usable answer from the venue for 11 s",)
    assert fleet.reading("main").unknown


async def test_a_slot_that_stands_still_cannot_be_assessed(fleet: Fleet, clock: FakeClock, reader: FakeReader) -> None:
    await fleet.current()
    for _ in range(3):
        clock.pass_s(5)
        await fleet.refresh()
    assert fleet.problems("main") == (f"slot {SLOT} has not moved for 15 s",)
    with pytest.raises(CannotAssess, match="has not moved"):
        fleet.require_assessable("main")
    reader.slot += 1
    await fleet.refresh()
    assert fleet.problems("main") == ()


async def test_how_long_a_slot_may_stand_still_is_a_setting(reader: FakeReader, clock: FakeClock) -> None:
    patient = Fleet(reader, ["main"], clock, stall=timedelta(seconds=60))
    await patient.current()
    clock.pass_s(60)
    assert patient.why_stale() == ""
    clock.pass_s(1)
    assert patient.why_stale() == "no usable answer from the venue for 61 s"


async def test_an_older_slot_is_refused(fleet: Fleet, reader: FakeReader, clock: FakeClock) -> None:
    good = await fleet.current()
    reader.slot -= 10
    reader.put(replace(HEALTHY, perp_positions=()))
    clock.pass_s(6)
    assert await fleet.current() is good
    clock.pass_s(6)
    await fleet.refresh()
    assert fleet.latest is good
    assert fleet.problems("main") == (f"slot {SLOT} has not moved for 12 s",)
    reader.slot += 11
    assert (await fleet.refresh()).book.slot == SLOT + 1


async def test_the_same_slot_read_again_is_the_newer_view_of_data_as_old_as_its_slot(
    fleet: Fleet, clock: FakeClock
) -> None:
    first = await fleet.current()
    clock.pass_s(6)
    assert await fleet.current() is not first
    assert fleet.age_s() == 6


async def test_watched_accounts_can_change(fleet: Fleet, reader: FakeReader) -> None:
    reader.put(replace(RICH, account_id="new"))
    await fleet.current()
    fleet.watch(["rich", "new"])
    assert fleet.problems("rich") == (), "what was read of it is as good as before"
    assert fleet.problems("new") == ("this account has not been read yet",)
    await fleet.current()
    assert reader.reads[-1] == ("rich", "new")
    assert fleet.problems("new") == ()
    assert fleet.problems("main") == ("this account has not been read yet",)


async def test_an_account_that_was_not_read_is_said_so(fleet: Fleet) -> None:
    view = await fleet.current()
    asks: list[Callable[[FleetView, str], object]] = [
        FleetView.single,
        FleetView.problems,
        FleetView.position_of,
        summarise,
    ]
    for ask in asks:
        with pytest.raises(UnknownAccount, match="account other was not part of this reading"):
            ask(view, "other")
    assert "other" not in view
    assert "main" in view


async def test_a_healthy_reading_has_the_worst_ratio(fleet: Fleet, reader: FakeReader) -> None:
    own = make_position(0.01, entry_usd=50_000.0, market_index=1, isolated=True, isolated_collateral_tokens=30.0)
    reader.put(replace(HEALTHY, perp_positions=(*HEALTHY.perp_positions, own)))
    await fleet.current()
    reading = fleet.reading("main")
    assert (reading.ratio_percent, reading.liquidating, reading.unknown) == (120.0, False, False)
    assert fleet.reading("rich").ratio_percent == 10_000.0


@pytest.mark.parametrize(
    "flagged",
    [
        replace(HEALTHY, being_liquidated=True),
        replace(HEALTHY, bankrupt=True),
        replace(HEALTHY, perp_positions=(make_position(1.0, isolated=True, isolated_collateral_tokens=50.0,
                                                       being_liquidated=True),)),
    ],
    ids=["account", "bankrupt", "isolated position"],
)  # fmt: skip
async def test_the_flag_of_the_venue_is_read_for_the_account_it_is_of(
    fleet: Fleet, reader: FakeReader, flagged: AccountSnapshot
) -> None:
    reader.put(flagged)
    await fleet.current()
    assert fleet.reading("main").liquidating
    assert not fleet.reading("rich").liquidating


@pytest.mark.parametrize(
    ("validity", "sentence"),
    [
        (OracleValidity.MISSING, "the oracle of SOL-PERP cannot be read"),
        (OracleValidity.NON_POSITIVE, "the oracle of SOL-PERP shows no positive price"),
        (OracleValidity.TOO_VOLATILE, "the oracle of SOL-PERP is too far from its average"),
        (OracleValidity.TOO_UNCERTAIN, "the oracle of SOL-PERP is too uncertain"),
        (OracleValidity.STALE, "the oracle of SOL-PERP has not been updated lately"),
    ],
)
async def test_an_invalid_oracle_is_a_reason_not_to_assess(
    clock: FakeClock, validity: OracleValidity, sentence: str
) -> None:
    doubtful = make_account(make_position(1.0), usdc=1_000.0, perp_markets=[make_perp_market(oracle_validity=validity)])
    elsewhere = make_account(
        make_position(0.1, entry_usd=50_000.0, market_index=1), usdc=9_000.0, perp_markets=[make_btc_market()],
        account_id="elsewhere",
    )  # fmt: skip
    fleet = Fleet(FakeReader(clock, doubtful, elsewhere), ["main", "elsewhere"], clock)
    await fleet.current()
    assert fleet.problems("main") == (sentence,)
    assert fleet.reading("main").unknown
    assert fleet.problems("elsewhere") == ()
    assert not fleet.reading("elsewhere").unknown


async def test_every_oracle_an_account_depends_on_counts(clock: FakeClock) -> None:
    stale = {"oracle_validity": OracleValidity.STALE}
    spots = [
        make_usdc_market(**stale),
        make_spot_market(**stale),
        make_spot_market(name="mSOL", market_index=2, **stale),
    ]
    account = make_account(make_position(1.0), balances=[make_balance()], spot_markets=spots)
    fleet = Fleet(FakeReader(clock, account), ["main"], clock)
    await fleet.current()
    assert fleet.problems("main") == (
        "the oracle of USDC has not been updated lately",  # the position settles in it
        "the oracle of SOL has not been updated lately",
    )


async def test_what_the_venue_adapter_found_is_passed_on(fleet: Fleet, reader: FakeReader) -> None:
    def damaged(book: FleetBook) -> FleetBook:
        return replace(book, accounts=replace(book.accounts, problems={0: ("its data is damaged",)}))

    reader.change = damaged
    await fleet.current()
    assert fleet.problems("main") == ("its data is damaged",)
    assert fleet.problems("rich") == ()
    with pytest.raises(CannotAssess) as caught:
        fleet.require_assessable("main")
    assert caught.value.reasons == ("its data is damaged",)


async def test_every_reason_is_given_at_once(fleet: Fleet, reader: FakeReader, clock: FakeClock) -> None:
    reader.change = lambda book: replace(book, accounts=replace(book.accounts, problems={0: ("its data is damaged",)}))
    await fleet.current()
    clock.pass_s(20)
    assert fleet.problems("main") == ("no usable answer from the venue for 20 s", "its data is damaged")
    assert fleet.problems("rich") == ("no usable answer from the venue for 20 s",)


async def test_a_missing_price_is_a_reason_even_where_nobody_called_it_invalid(clock: FakeClock) -> None:
    blind = replace(HEALTHY, oracles={**HEALTHY.oracles, "sol": OracleReading(oracle_id="sol", price_usd=math.nan)})
    fleet = Fleet(FakeReader(clock, blind), ["main"], clock)
    await fleet.current()
    assert fleet.problems("main") == ("its margin cannot be computed from what was read",)
    assert fleet.reading("main").unknown


@given(fleet=fleets(), data=st.data())
def test_an_account_has_a_problem_exactly_where_its_own_markets_have_one(
    fleet: list[AccountSnapshot], data: st.DataObject
) -> None:
    """What is decided for all accounts at once is what looking at each of them finds."""
    book = book_of(fleet)
    states = st.sampled_from([0, 0, 0, OracleValidity.STALE.value])

    def column(size: int) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
        return np.array(data.draw(st.lists(states, min_size=size, max_size=size)), dtype=np.int8)

    doubtful = replace(
        book,
        perp_markets=replace(book.perp_markets, validity=column(len(book.perp_markets.names))),
        spot_markets=replace(book.spot_markets, validity=column(len(book.spot_markets.names))),
    )
    view = FleetView.of(doubtful)
    for account in fleet:
        assert view.problems(account.account_id) == data_problems(only(doubtful, account.account_id))


async def test_whoever_asks_while_a_check_hangs_is_told_what_is_known(
    fleet: Fleet, reader: FakeReader, clock: FakeClock
) -> None:
    known = await fleet.current()
    clock.pass_s(6)
    reader.gate = asyncio.Event()
    checking = asyncio.ensure_future(fleet.refresh())
    await asyncio.sleep(0)

    assert await fleet.current() is known

    reader.gate.set()
    assert await checking is not known
