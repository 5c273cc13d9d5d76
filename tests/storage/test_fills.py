"""A fill counts once, whoever tells of it and however often; and two that look alike are two."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.model.account import Side
from risk.model.funding import FundingHistory, FundingRate
from risk.model.performance import Fill
from storage import FillLog, FundingLog, Store

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def fill(
    second: float = 0, size: float = 1.0, *, order_id: str = "7", reference: str = "", price: float = 100.0
) -> Fill:
    return Fill(
        at=NOON + timedelta(seconds=second), market="SOL-PERP", side=Side.BUY, size_base=size, price_usd=price,
        fee_usd=0.1, order_id=order_id, reference=reference,
    )  # fmt: skip


async def test_one_source_tells_of_a_fill_as_often_as_it_likes(store: Store) -> None:
    log = FillLog(store)
    assert await log.save("main", [fill(reference="tx/0")], "events") == 1
    # A record that is read again may say it more exactly; it is the same one all the same.
    assert await log.save("main", [fill(reference="tx/0", price=100.01)], "events") == 0
    assert await log.save("main", [fill(reference="tx/1")], "events") == 1
    assert await log.save("other", [fill(reference="tx/0")], "events") == 1


async def test_what_two_sources_tell_of_one_order_is_one_fill(store: Store) -> None:
    log = FillLog(store)
    await log.save("main", [fill(reference="tx/0")], "events")
    assert await log.save("main", [fill(0.4, 1.0000000001, reference="rec-1")], "data service") == 0
    assert await log.save("main", [fill(1.0)], "imported trades") == 0
    assert len(await log.fills("main")) == 1


@pytest.mark.parametrize(
    "other", [fill(3.0), fill(size=1.01), fill(order_id="8"), fill(order_id="")],
    ids=["another second", "another size", "another order", "an unknown order"],
)  # fmt: skip
async def test_what_differs_is_another_fill(other: Fill, store: Store) -> None:
    log = FillLog(store)
    await log.save("main", [fill(reference="tx/0")], "events")
    assert await log.save("main", [other], "imported trades") == 1


async def test_an_order_that_filled_twice_in_a_moment_did_so_for_every_source(store: Store) -> None:
    log = FillLog(store)
    twice = [fill(reference="tx/0"), fill(reference="tx/1")]
    assert await log.save("main", twice, "events") == 2
    assert await log.save("main", [fill(), fill()], "imported trades") == 0
    assert await log.save("main", [fill(), fill(), fill()], "imported trades") == 1
    assert await log.save("main", [fill(), fill(), fill()], "imported trades") == 0


async def test_fills_of_one_moment_keep_their_order(store: Store) -> None:
    log = FillLog(store)
    told = [fill(size=float(size), order_id=str(size)) for size in (5, 3, 9, 1)]
    await log.save("main", told, "events")
    assert list(await log.fills("main")) == told


async def test_it_knows_how_far_a_source_has_told_and_how_many_there_are(store: Store) -> None:
    log = FillLog(store)
    assert await log.newest("main", "events") is None
    await log.save("main", [fill(5, order_id="1"), fill(2, order_id="2")], "events")
    await log.save("other", [fill(9)], "imported trades")
    assert await log.newest("main", "events") == NOON + timedelta(seconds=5)
    assert await log.newest("main", "imported trades") is None
    assert await log.counts() == {"main": 2, "other": 1}


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1.0, 2.0]), st.sampled_from(["", "7", "8"])), max_size=8),
    st.permutations(["a", "b", "c"]),
)
async def test_one_file_under_three_names_is_one_file(told: list[tuple[int, float, str]], names: list[str]) -> None:
    fills = [fill(10.0 * second, size, order_id=order) for second, size, order in told]
    async with await Store.open(":memory:") as fresh:
        log = FillLog(fresh)
        news = [await log.save("main", fills, name) for name in names]
        assert news == [len(fills), 0, 0]


async def test_funding_comes_back_in_order_with_its_sources_and_a_later_rate_replaces(store: Store) -> None:
    log = FundingLog(store)

    def rates(*hours: int, frac: float) -> FundingHistory:
        found = tuple(FundingRate(at=NOON + timedelta(hours=h), hourly_frac=frac, oracle_usd=None) for h in hours)
        return FundingHistory(market="SOL-PERP", rates=found)

    assert await log.save(rates(2, 0, frac=1e-5), "one", NOON) == 2
    await log.save(rates(2, 3, frac=-2e-5), "two", NOON)
    found = await log.history("SOL-PERP")
    assert [rate.hourly_frac for rate in found.rates] == [1e-5, -2e-5, -2e-5]
    assert found.sources == ("two", "one")
    assert await log.markets() == ("SOL-PERP",)
    assert (await log.history("SOL-PERP", NOON + timedelta(hours=3))).rates == found.rates[-1:]
    assert (await log.history("BTC-PERP")).rates == ()
    assert found.daily_frac(timedelta(hours=1)) == pytest.approx(-48e-5)
    assert FundingHistory(market="X").daily_frac(timedelta(days=1)) is None
    with pytest.raises(ValueError, match="cannot be stored"):
        await log.save(rates(1, frac=float("nan")), "one", NOON)
