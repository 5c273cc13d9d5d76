"""A data service is asked page by page, believed where it makes sense, and left alone where it asks for that."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from risk.model.account import Side
from risk.model.candles import Interval
from risk.ports import CandleSource, FillRecords, FundingSource
from tests.support.clock import FakeClock
from tests.support.data_server import DAY, HOUR, DataServer, Failure, candle
from venues.data_records import candle_page, fill_page, funding_rates
from venues.data_service import DataService, UnknownMarket
from venues.errors import VenueRejected, VenueUnavailable

FIRST = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_waiting_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
async def server() -> AsyncIterator[DataServer]:
    async with DataServer() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def service(server: DataServer, clock: FakeClock) -> AsyncIterator[DataService]:
    async with DataService(server.url, clock=clock) as asked:
        yield asked


def days(count: int) -> datetime:
    return BEGIN + timedelta(days=count)


async def test_it_is_a_source_of_candles_funding_and_fills(service: DataService) -> None:
    source: CandleSource = service
    assert source.name == "data service"
    assert isinstance(service, FundingSource)
    assert isinstance(service, FillRecords)


async def test_bars_are_those_of_the_oracle_oldest_first(server: DataServer, service: DataService) -> None:
    server.fill("SOL-PERP", "D", FIRST, 5)
    bars = await service.fetch("SOL", Interval.DAY, days(1), days(4))
    assert bars.at.astype(str).tolist() == [f"2025-01-0{day}T00:00:00" for day in (2, 3, 4)]
    assert bars.open_usd.tolist() == pytest.approx([100.01, 100.02, 100.03])
    assert bars.high_usd[0] == pytest.approx(100.01 * 1.02)  # the oracle's, not the fill's
    assert bars.volume.tolist() == [10.0] * 3
    assert bars.sources == ("data service",)


async def test_a_long_history_is_read_page_by_page_without_duplicates_or_holes(
    server: DataServer, service: DataService
) -> None:
    server.page = 100
    server.fill("SOL-PERP", "60", FIRST, 730)
    bars = await service.fetch("SOL", Interval.HOUR, BEGIN, BEGIN + timedelta(hours=730))
    assert len(bars) == 730
    assert bars.missing == 0
    assert len(server.asked) == 8
    assert all(int(asked.params["limit"]) <= 1_000 for asked in server.asked)


async def test_a_hole_stays_a_hole_and_of_two_bars_of_one_moment_one_is_taken(
    server: DataServer, service: DataService
) -> None:
    records = [candle(FIRST + day * DAY) for day in (0, 1, 1, 4)]
    server.candles["SOL-PERP", "D"] = records
    bars = await service.fetch("SOL", Interval.DAY, BEGIN, days(5))
    assert bars.at.astype(str).tolist() == [f"2025-01-0{day}T00:00:00" for day in (1, 2, 5)]
    assert bars.missing == 2


NONSENSE = {
    "a negative price": {"oracleLow": -1.0},
    "no price": {"oracleOpen": None},
    "infinite": {"oracleHigh": float("inf")},
    "a text": {"oracleClose": "cheap"},
    "truth for a price": {"oracleClose": True},
    "a high below the close": {"oracleHigh": 1.0},
    "a time of no whole day": {"ts": FIRST + DAY + 7},
}


@pytest.mark.parametrize("changed", NONSENSE.values(), ids=NONSENSE.keys())
async def test_a_bar_that_makes_no_sense_is_left_out(
    changed: dict[str, object], server: DataServer, service: DataService
) -> None:
    server.candles["SOL-PERP", "D"] = [candle(FIRST), candle(FIRST + DAY) | changed, candle(FIRST + 2 * DAY)]
    bars = await service.fetch("SOL", Interval.DAY, BEGIN, days(3))
    assert bars.at.astype(str).tolist() == ["2025-01-01T00:00:00", "2025-01-03T00:00:00"]


async def test_a_whole_page_of_nonsense_does_not_end_the_history(server: DataServer, service: DataService) -> None:
    server.page = 2
    good = [candle(FIRST + day * DAY) for day in range(4)]
    server.candles["SOL-PERP", "D"] = good + [candle(FIRST + day * DAY, oracleLow=-1.0) for day in range(4, 8)]
    assert len(await service.fetch("SOL", Interval.DAY, BEGIN, days(8))) == 4


async def test_numbers_may_be_texts_and_an_unknown_volume_is_unknown(server: DataServer, service: DataService) -> None:
    server.candles["SOL-PERP", "D"] = [candle(FIRST, oracleOpen="100.0", ts=str(FIRST), baseVolume=None)]
    bars = await service.fetch("SOL", Interval.DAY, BEGIN, days(1))
    assert bars.open_usd.tolist() == [100.0]
    assert np.isnan(bars.volume[0])


async def test_an_asset_that_is_traded_by_the_million_is_found_and_priced_a_piece(
    server: DataServer, service: DataService
) -> None:
    server.fill("1MBONK-PERP", "D", FIRST, 2, price=20.0)
    bars = await service.fetch("BONK", Interval.DAY, BEGIN, days(2))
    assert bars.open_usd[0] == pytest.approx(20.0 / 1e6)
    before = len(server.asked)
    await service.fetch("BONK", Interval.DAY, BEGIN, days(2))
    assert [asked.path for asked in server.asked[before:]] == ["/market/1MBONK-PERP/candles/D"]


async def test_a_market_it_does_not_know_says_what_to_do(service: DataService) -> None:
    with pytest.raises(UnknownMarket, match=r"has no FOO; keel history import takes files"):
        await service.fetch("FOO", Interval.DAY, BEGIN, days(2))


async def test_a_delisted_market_has_no_bars_of_late_and_is_no_error(server: DataServer, service: DataService) -> None:
    server.fill("LUNA-PERP", "D", FIRST, 3)
    await service.fetch("LUNA", Interval.DAY, BEGIN, days(3))
    assert len(await service.fetch("LUNA", Interval.DAY, days(100), days(110))) == 0


async def test_after_a_429_it_is_left_alone_for_as_long_as_it_says(
    server: DataServer, service: DataService, clock: FakeClock
) -> None:
    server.fill("SOL-PERP", "D", FIRST, 3)
    server.failure = Failure(status=429, headers={"Retry-After": "120"}, times=1)
    with pytest.raises(VenueUnavailable, match="left alone for 120 s"):
        await service.fetch("SOL", Interval.DAY, BEGIN, days(3))
    clock.pass_s(119)
    with pytest.raises(VenueUnavailable, match="another 1 s"):
        await service.funding("SOL-PERP")
    assert len(server.asked) == 1
    clock.pass_s(1)
    assert len(await service.fetch("SOL", Interval.DAY, BEGIN, days(3))) == 3


@pytest.mark.parametrize(
    ("said", "waits_s"),
    [("Mon, 05 Jan 2026 12:00:30 GMT", 30), ("soon", 60), ("nan", 60), ("9e99", 3_600), ("-5", 1), ("", 60)],
)
async def test_retry_after_may_be_a_date_or_rubbish(
    said: str, waits_s: int, server: DataServer, service: DataService
) -> None:
    server.failure = Failure(status=429, headers={"Retry-After": said})
    with pytest.raises(VenueUnavailable, match=f"for {waits_s} s"):
        await service.funding("SOL-PERP")


async def test_trouble_is_asked_again_at_once_and_then_given_up(server: DataServer, service: DataService) -> None:
    server.fill("SOL-PERP", "D", FIRST, 3)
    server.failure = Failure(status=500, times=1)
    assert len(await service.fetch("SOL", Interval.DAY, BEGIN, days(3))) == 3
    server.failure = Failure(status=503)
    with pytest.raises(VenueUnavailable, match="in trouble"):
        await service.fetch("SOL", Interval.DAY, BEGIN, days(3))


GARBAGE = {
    "no JSON": b"<html>", "a list": b"[]", "no records": b'{"success": true}', "odd records": b'{"records": 7}',
    "an abyss": b"[" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_is_unavailable_and_no_crash(body: bytes, server: DataServer, service: DataService) -> None:
    server.failure = Failure(status=200, body=body)
    with pytest.raises(VenueUnavailable):
        await service.fetch("SOL", Interval.DAY, BEGIN, days(3))


async def test_an_answer_without_end_a_redirect_and_a_refusal_are_rejected(
    server: DataServer, service: DataService
) -> None:
    for failure in (
        Failure(status=200, body=b" " * (9 * 2**20)),
        Failure(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        Failure(status=403),
    ):
        server.failure = failure
        with pytest.raises(VenueRejected, match="set another DATA_URL"):
            await service.fetch("SOL", Interval.DAY, BEGIN, days(3))


async def test_a_service_that_is_not_there_is_unavailable(clock: FakeClock) -> None:
    async with DataService("http://127.0.0.1:9", clock=clock) as service:
        with pytest.raises(VenueUnavailable, match="could not be asked"):
            await service.fetch("SOL", Interval.DAY, BEGIN, days(3))


async def test_documented_funding_is_scaled_and_comes_oldest_first(server: DataServer, service: DataService) -> None:
    rows: list[object] = [
        {"ts": str(FIRST + at * HOUR), "slot": 1, "fundingRate": "1500000", "oraclePriceTwap": "150000000"}
        for at in (2, 0, 1, 1)
    ]
    server.funding["SOL-PERP"] = [*rows, {"ts": "x"}, None, {"ts": FIRST, "fundingRate": "1", "oraclePriceTwap": "0"}]
    found = await service.funding("SOL-PERP")
    assert [rate.at.hour for rate in found.rates] == [0, 1, 2]
    assert found.rates[0].hourly_frac == pytest.approx(1e-5)  # 0.0015 USD of 150 USD
    assert found.rates[0].oracle_usd == 150.0
    assert found.daily_frac(timedelta(days=1)) == pytest.approx(24e-5)


async def test_funding_is_also_found_under_the_newer_address_as_plain_decimals(
    server: DataServer, service: DataService
) -> None:
    server.plain_funding["BTC-PERP"] = [
        {"ts": FIRST, "fundingRate": "6.206000708", "oraclePriceTwap": "77262.392462", "symbol": "BTC-PERP"}
    ]
    (rate,) = (await service.funding("BTC-PERP")).rates
    assert rate.hourly_frac == pytest.approx(6.206000708 / 77262.392462)
    with pytest.raises(UnknownMarket):
        await service.funding("FOO-PERP")


def trade(at: int, number: int, *, taker: str = "me", maker: str = "you", **changed: object) -> dict[str, object]:
    return {
        "ts": FIRST + at, "txSig": "s", "txSigIndex": 0, "baseAssetAmountFilled": "2.0", "marketType": "perp",
        "quoteAssetAmountFilled": "300.0", "takerFee": "0.105", "makerFee": "-0.0075", "fillRecordId": str(number),
        "taker": taker, "takerOrderId": "7", "takerOrderDirection": "short", "maker": maker, "makerOrderId": "8",
        "makerOrderDirection": "long", "symbol": "SOL-PERP",
    } | changed  # fmt: skip


async def test_fills_are_read_page_by_page_as_the_account_saw_them(server: DataServer, service: DataService) -> None:
    server.trades["me"] = [
        [trade(30, 3), trade(20, 2, taker="you", maker="me")],
        [trade(20, 2, taker="you", maker="me"), trade(10, 1, marketType="spot"), trade(5, 0, taker="them")],
    ]
    taken, given = reversed(await service.fills_since("me", BEGIN))
    assert (taken.side, taken.size_base, taken.price_usd, taken.fee_usd) == (Side.SELL, 2.0, 150.0, 0.105)
    assert (given.side, given.fee_usd, given.order_id) == (Side.BUY, -0.0075, "8")
    assert given.at < taken.at
    assert taken.reference != given.reference


async def test_pages_older_than_what_is_wanted_are_not_asked_for(server: DataServer, service: DataService) -> None:
    server.trades["me"] = [[trade(30, 3)], [trade(20, 2)], [trade(10, 1)]]
    found = await service.fills_since("me", BEGIN + timedelta(seconds=25))
    assert len(found) == 1
    assert len(server.asked) == 2


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["records", "fundingRates", "ts", "oracleOpen", "meta", "taker"]), inner, max_size=4
    ),
    max_leaves=15,
)  # fmt: skip


@given(json_like)
def test_whatever_is_answered_is_read_or_refused_in_words(body: object) -> None:
    as_told = json.loads(json.dumps(body))
    for read in (
        lambda: candle_page(as_told, Interval.DAY), lambda: funding_rates(as_told), lambda: fill_page(as_told, "me")
    ):  # fmt: skip
        with contextlib.suppress(VenueUnavailable):
            read()
