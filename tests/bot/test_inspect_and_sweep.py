"""keel inspect and keel sweep: field for field what is promised, and JSON whatever the data."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from bot import inspect as inspection
from bot import sweep as sweeping
from risk.model.account import AccountSnapshot
from tests.bot.commands.accounts import DOUBTFUL, STATES, isolated, rich, stale_oracle, unread_oracle
from tests.risk.builders import make_account, make_position
from tests.support.clock import FakeClock
from tests.support.tuned_reader import TunedReader, at_ratio
from venues.errors import VenueRejected, VenueUnavailable

SWEPT = {
    "account", "authority", "sub_account", "total_collateral_usd", "maintenance_requirement_usd",
    "initial_collateral_usd", "initial_requirement_usd", "health_percent", "health_ratio_percent", "isolated",
    "problems",
}  # fmt: skip
INSPECTED = SWEPT | {
    "slot", "observed_at", "free_collateral_usd", "leverage", "positions", "balances", "open_orders",
    "liquidation_prices", "notices",
}  # fmt: skip
ISOLATED = {
    "market", "total_collateral_usd", "maintenance_requirement_usd", "initial_collateral_usd",
    "initial_requirement_usd", "health_percent",
}  # fmt: skip
POSITION = {
    "market", "market_index", "isolated", "size_base", "entry_price_usd", "oracle_price_usd", "notional_usd",
    "unrealized_pnl_usd", "funding_usd",
}  # fmt: skip
BALANCE = {"market", "market_index", "amount", "value_usd"}
ORDER = {"order_id", "market", "side", "kind", "size_base", "price_usd", "reduce_only"}


def strict(text: str) -> dict[str, Any]:
    """As a parser that knows neither NaN nor Infinity reads it."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    parsed: dict[str, Any] = json.loads(text, parse_constant=refuse)
    assert "\n" not in text
    return parsed


def reader_of(**accounts: AccountSnapshot) -> TunedReader:
    reader = TunedReader(FakeClock(), "placeholder")
    reader.accounts = dict(accounts)
    return reader


async def inspected(account: AccountSnapshot) -> dict[str, Any]:
    return strict(inspection.as_json(await inspection.inspect(reader_of(main=account), "main")))


async def swept(**accounts: AccountSnapshot) -> list[dict[str, Any]]:
    return [strict(sweeping.as_json(row)) for row in await sweeping.sweep(reader_of(**accounts))]


async def test_inspect_has_the_promised_fields_and_no_others() -> None:
    found = await inspected(replace(isolated(), open_orders=rich().open_orders))

    assert set(found) == INSPECTED
    assert {frozenset(one) for one in found["isolated"]} == {frozenset(ISOLATED)}
    assert {frozenset(one) for one in found["positions"]} == {frozenset(POSITION)}
    assert {frozenset(one) for one in found["balances"]} == {frozenset(BALANCE)}
    assert {frozenset(one) for one in found["open_orders"]} == {frozenset(ORDER)}
    assert set(found["liquidation_prices"]) == {"BTC-PERP", "SOL-PERP", "USDC"}
    assert {frozenset(one) for one in found["liquidation_prices"].values()} == {frozenset({"price_usd", "status"})}


async def test_inspect_gives_unrounded_figures() -> None:
    found = await inspected(rich())

    assert (found["slot"], found["observed_at"]) == (400_000_000, "2026-01-05T12:00:00+00:00")
    assert found["positions"][0] | {"funding_usd": None} == {
        "market": "SOL-PERP", "market_index": 0, "isolated": False, "size_base": 30.0, "entry_price_usd": 90.0,
        "oracle_price_usd": 100.0, "notional_usd": 3_000.0, "unrealized_pnl_usd": 298.75, "funding_usd": None,
    }  # fmt: skip
    assert found["positions"][0]["funding_usd"] == -1.25
    assert found["positions"][1]["size_base"] == -0.02
    assert found["balances"] == [
        {"market": "USDC", "market_index": 0, "amount": 700.0, "value_usd": 700.0},
        {"market": "SOL", "market_index": 1, "amount": 10.0, "value_usd": 1_000.0},
    ]
    assert found["open_orders"] == [
        {"order_id": 7, "market": "SOL-PERP", "side": "sell", "kind": "limit", "size_base": 5.0, "price_usd": 123.45,
         "reduce_only": True}
    ]  # fmt: skip
    assert found["problems"] == []


async def test_the_figures_of_a_simple_account_can_be_checked_by_hand() -> None:
    found = await inspected(at_ratio(240))

    assert found["total_collateral_usd"] == 120.0
    assert found["maintenance_requirement_usd"] == 50.0
    assert found["initial_collateral_usd"] == 120.0
    assert found["initial_requirement_usd"] == 100.0
    assert found["free_collateral_usd"] == 20.0
    assert found["health_ratio_percent"] == 240.0
    assert found["health_percent"] == pytest.approx(100 * (1 - 50 / 120))
    assert found["leverage"] == pytest.approx(1_000 / 120)
    assert found["liquidation_prices"]["SOL-PERP"]["status"] == "at"
    assert found["liquidation_prices"]["SOL-PERP"]["price_usd"] == pytest.approx(880 / 9.5)
    assert found["isolated"] == []


async def test_without_a_requirement_the_ratio_is_null_and_health_is_100() -> None:
    found = await inspected(make_account(usdc=12.34))

    assert (found["health_ratio_percent"], found["health_percent"], found["maintenance_requirement_usd"]) == (
        None,
        100,
        0,
    )


async def test_health_is_of_the_cross_account_and_the_isolated_position_has_its_own() -> None:
    found = await inspected(isolated())

    assert found["health_ratio_percent"] == 1_200.0
    assert found["isolated"] == [
        {"market": "SOL-PERP", "total_collateral_usd": 70.0, "maintenance_requirement_usd": 50.0,
         "initial_collateral_usd": 70.0, "initial_requirement_usd": 100.0,
         "health_percent": pytest.approx(100 * (1 - 50 / 70))}
    ]  # fmt: skip


async def test_an_invalid_oracle_blanks_no_figure_but_is_a_problem() -> None:
    found = await inspected(stale_oracle())

    assert found["total_collateral_usd"] == 2_000.0
    assert found["problems"] == ["the oracle of BTC-PERP has not been updated lately"]


async def test_a_price_that_could_not_be_read_is_null_and_a_problem() -> None:
    found = await inspected(unread_oracle())

    assert found["total_collateral_usd"] is None
    assert found["positions"][0]["oracle_price_usd"] is None
    assert found["liquidation_prices"] == {}
    assert "the oracle of SOL-PERP cannot be read" in found["problems"]


@pytest.mark.parametrize("state", [*STATES.values(), *DOUBTFUL.values()], ids=[*STATES, *DOUBTFUL])
async def test_any_account_is_one_line_of_json_and_readable_text(state: AccountSnapshot) -> None:
    found = await inspection.inspect(reader_of(main=state), "main")
    text = inspection.as_text(found, age_s=1.25)

    assert set(strict(inspection.as_json(found))) == INSPECTED
    assert "slot 400,000,000, read 1.2 s ago" in text
    assert not any(word in text.split() for word in ("nan", "inf", "None", "nan%", "$nan", "inf%"))


async def test_the_text_for_people_names_everything_that_is_open() -> None:
    text = inspection.as_text(await inspection.inspect(reader_of(main=rich()), "main"), age_s=0.4)

    for part in ("SOL-PERP", "BTC-PERP", "USDC", "equity $2,038.75", "leverage 2.0x", "limit", "123.45"):
        assert part in text


async def test_inspect_takes_what_a_person_writes_and_refuses_what_is_nobodys() -> None:
    reader = reader_of(a1=replace(rich(), authority="wallet", sub_account=3))

    assert strict(inspection.as_json(await inspection.inspect(reader, "wallet:3")))["account"] == "a1"
    with pytest.raises(VenueRejected):
        await inspection.inspect(reader, "wallet:4")


# Sweep


async def test_sweep_has_the_promised_fields_and_no_others() -> None:
    rows = await swept(one=rich(), two=isolated(), three=make_account())

    assert {frozenset(row) for row in rows} == {frozenset(SWEPT)}


async def test_sweep_and_inspect_agree_on_every_account() -> None:
    states = {name.replace(" ", "_"): state for name, state in STATES.items()}
    for row in await swept(**states):
        alone = await inspected(states[row["account"]])
        assert {key: alone[key] for key in SWEPT - {"account", "problems"}} == {
            key: row[key] for key in SWEPT - {"account", "problems"}
        }


async def test_the_least_healthy_come_first_isolated_positions_counted_and_the_unknown_before_all() -> None:
    rows = await swept(
        rich=rich(), none=make_account(usdc=5.0), low=at_ratio(110), isolated=isolated(), unread=unread_oracle(),
        liquidated=at_ratio(80),
    )  # fmt: skip

    # The others share SOL with the one whose price could not be read: a book has one price for a feed.
    assert [row["account"] for row in rows][-1] == "none"
    alone = await swept(rich=rich(), none=make_account(), low=at_ratio(110), isolated=isolated(), gone=at_ratio(80))
    assert [row["account"] for row in alone] == ["gone", "low", "isolated", "rich", "none"]


async def test_what_could_not_be_decoded_is_listed_first_with_its_problem_and_nulls() -> None:
    reader = reader_of(good=at_ratio(110), bad=at_ratio(400))
    reader.problems = {"bad": ("its data is 12 bytes short",)}
    first, second = [strict(sweeping.as_json(row)) for row in await sweeping.sweep(reader)]

    assert (first["account"], first["problems"]) == ("bad", ["its data is 12 bytes short"])
    assert first["total_collateral_usd"] is None
    assert (second["account"], second["problems"]) == ("good", [])


async def test_accounts_that_depend_on_an_invalid_oracle_say_so_and_keep_their_figures() -> None:
    rows = {row["account"]: row for row in await swept(fine=at_ratio(300), stale=stale_oracle())}

    assert rows["stale"]["problems"] == ["the oracle of BTC-PERP has not been updated lately"]
    assert rows["stale"]["health_ratio_percent"] is not None
    assert rows["fine"]["problems"] == []


async def test_progress_is_told_in_accounts() -> None:
    told: list[int] = []
    accounts = {f"a{number}": at_ratio(100.0 + number) for number in range(7)}
    await sweeping.sweep(reader_of(**accounts), told.append)

    assert sum(told) == 7


async def test_a_table_for_people_ends_with_how_many_there_are() -> None:
    rows = await sweeping.sweep(reader_of(low=at_ratio(110), isolated=isolated(), empty=make_account()))
    lines = list(sweeping.as_text(rows))

    assert lines[0].split() == ["account", "ratio", "health", "collateral", "maintenance"]
    assert lines[1].split() == ["low", "110.0%", "9.0%", "$55.00", "$50.00"]
    assert lines[2].split()[-1] == "isolated"
    assert lines[3].split() == ["empty", "∞", "100%", "$0", "$0"]
    assert lines[-1] == "3 accounts, 0 could not be assessed"


async def test_a_venue_that_does_not_answer_is_an_error_of_its_own() -> None:
    reader = reader_of(main=rich())
    reader.error = VenueUnavailable("down")

    with pytest.raises(VenueUnavailable):
        await sweeping.sweep(reader)
    with pytest.raises(VenueUnavailable):
        await inspection.inspect(reader, "main")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_json_has_null_for_what_is_no_number(value: float | None) -> None:
    assert sweeping.number(value) is None


def test_a_number_stays_what_it_is() -> None:
    assert sweeping.number(0.1 + 0.2) == 0.1 + 0.2
    assert make_position(1.0).size_base == 1.0
