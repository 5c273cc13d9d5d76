"""The paper market has a past: the same for the same seed, complete, plausible, and it ends where the market begins."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from risk.model.candles import Candles, Interval
from risk.ports import CandleSource, FillRecords, FundingSource
from tests.support.clock import FakeClock
from venues.errors import VenueRejected
from venues.paper import PaperSettings, PaperVenue, connect

START = datetime(2026, 1, 5, 12, 20, tzinfo=UTC)
LONG_AGO = START - timedelta(days=1_000)


def market(seed: int = 1, start: datetime = START) -> tuple[PaperVenue, FakeClock]:
    clock = FakeClock(start)
    return connect(PaperSettings(seed=seed), clock=clock), clock


async def bars(venue: PaperVenue, interval: Interval, *, until: datetime = START, asset: str = "SOL") -> Candles:
    assert venue.past is not None
    return await venue.past.fetch(asset, interval, LONG_AGO, until)


async def test_it_is_a_source_of_bars_and_funding_and_the_venue_keeps_a_record_of_fills() -> None:
    venue, _ = market()
    source: CandleSource | None = venue.past
    assert source is not None
    assert source.name == "paper market, seed 1"
    assert isinstance(source, FundingSource)
    assert isinstance(venue, FillRecords)


@pytest.mark.parametrize("asset", ["SOL", "BTC", "ETH"])
async def test_days_and_hours_are_complete_and_make_sense(asset: str) -> None:
    venue, _ = market()
    days, hours = [await bars(venue, interval, asset=asset) for interval in Interval][::-1]
    for one in (days, hours):
        assert one.bars.open_usd.size == len(one)  # no bar contradicts itself
    assert (len(days), days.missing, hours.missing) == (999, 0, 0)
    assert str(days.at[-1]) == "2026-01-04T00:00:00"
    assert str(hours.at[-1]) == "2026-01-05T11:00:00"


async def test_days_are_made_of_their_hours() -> None:
    venue, _ = market()
    days, hours = await bars(venue, Interval.DAY), await bars(venue, Interval.HOUR)
    last = slice(len(hours) - 12 - 24, len(hours) - 12)
    assert days.open_usd[-1] == hours.open_usd[last][0]
    assert days.close_usd[-1] == hours.close_usd[last][-1]
    assert days.high_usd[-1] == hours.high_usd[last].max()
    assert days.low_usd[-1] == hours.low_usd[last].min()


async def test_the_same_seed_gives_the_same_past_and_another_one_another() -> None:
    one, same, other = [await bars(market(seed)[0], Interval.DAY) for seed in (1, 1, 2)]
    assert one.close_usd.tolist() == same.close_usd.tolist()
    assert not np.allclose(one.close_usd, other.close_usd)


async def test_a_part_of_it_is_the_same_as_that_part_of_the_whole() -> None:
    venue, _ = market()
    assert venue.past is not None
    part = await venue.past.fetch("SOL", Interval.DAY, START - timedelta(days=9), START - timedelta(days=3))
    whole = await bars(venue, Interval.DAY)
    assert part.close_usd.tolist() == whole.close_usd[-8:-2].tolist()


async def test_it_leads_up_to_the_price_the_market_starts_with_and_goes_on_with_the_markets_own() -> None:
    venue, clock = market()
    assert (await bars(venue, Interval.HOUR)).close_usd[-1] == pytest.approx(160.0)
    clock.pass_s(3 * 3_600)
    later = await bars(venue, Interval.HOUR, until=START + timedelta(hours=4))
    assert [str(at)[11:16] for at in later.at[-3:]] == ["12:00", "13:00", "14:00"]
    assert later.open_usd[-3] == pytest.approx(160.0)
    book = await venue.read(["demo-0"])
    at_15 = (await venue.reach()).world.board.price_1e6("SOL/USD", 40 * 60 + 2 * 3_600 - 1) / 1e6
    assert later.close_usd[-1] == pytest.approx(at_15, rel=1e-6)
    assert book.slot > 0


async def test_assets_move_as_crypto_does() -> None:
    venue, _ = market()
    returns = {
        asset: np.diff(np.log((await bars(venue, Interval.DAY, asset=asset)).close_usd))
        for asset in ("SOL", "BTC", "ETH")
    }
    volatility = {asset: series.std() * 365**0.5 for asset, series in returns.items()}
    assert 0.7 < volatility["SOL"] < 1.1
    assert volatility["BTC"] < volatility["ETH"] < volatility["SOL"]
    assert 0.6 < np.corrcoef(returns["SOL"], returns["BTC"])[0, 1] < 0.9
    assert ((returns["SOL"] / returns["SOL"].std()) ** 4).mean() > 3.3  # tails


async def test_what_it_does_not_list_it_says() -> None:
    venue, _ = market()
    with pytest.raises(VenueRejected, match="no DOGE; it has BTC, ETH, SOL"):
        await bars(venue, Interval.DAY, asset="DOGE")


async def test_funding_is_a_month_of_small_rates() -> None:
    venue, _ = market()
    assert venue.past is not None
    found = await venue.past.funding("SOL-PERP")
    assert len(found.rates) == 720
    assert found.rates[-1].at == datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
    assert abs(found.daily_frac(timedelta(days=30)) or 1) < 0.001


async def test_fills_of_the_venue_are_told_with_side_price_and_fee_and_are_the_same_each_time() -> None:
    venue, clock = market()
    fills = await venue.fills_since("demo-0", LONG_AGO)
    assert [(fill.market, fill.side.value, fill.size_base) for fill in fills] == [
        ("SOL-PERP", "buy", 250.0), ("ETH-PERP", "buy", 11.0), ("BTC-PERP", "sell", 0.15),
    ]  # fmt: skip
    assert fills[0].fee_usd == pytest.approx(250 * fills[0].price_usd * 3.5e-4, abs=1e-5)
    assert fills[0].at == START
    clock.pass_s(0.3)
    again = await venue.fills_since("demo-0", LONG_AGO)
    assert [fill.reference for fill in again] == [fill.reference for fill in fills]
    assert await venue.fills_since("demo-0", START + timedelta(seconds=1)) == ()
    assert await venue.fills_since("nobody-0", LONG_AGO) == ()
