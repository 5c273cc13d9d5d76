"""The oracle board: averages, halted feeds, and when a price may be used."""

import math

import pytest

from risk.model.market import OracleReading, OracleValidity
from tests.venues.paper.builders import STILL_USD, make_path
from venues.paper import ScriptedPrices
from venues.paper.markets import DEFAULT_UNIVERSE, SOL_ORACLE, OracleListing
from venues.paper.oracles import OracleBoard, validity

LISTING = OracleListing(oracle_id=SOL_ORACLE)


def make_board(script: list[tuple[float, float]]) -> OracleBoard:
    return OracleBoard(DEFAULT_UNIVERSE.oracles, make_path({SOL_ORACLE: script}))


def test_the_average_is_the_mean_of_the_window_or_of_what_there_is() -> None:
    board = make_board([(0, 100), (600, 700)])
    assert board.average_usd(SOL_ORACLE, 0, 300) == 100
    assert board.average_usd(SOL_ORACLE, 10, 300) == 105
    assert board.average_usd(SOL_ORACLE, 600, 300) == pytest.approx((401 + 700) / 2)


def test_a_halted_oracle_keeps_its_price_and_average_and_grows_old() -> None:
    board = make_board([(0, 100), (100, 200)])
    board.halt(SOL_ORACLE, 40)
    board.halt(SOL_ORACLE, 60)
    assert board.price_1e6(SOL_ORACLE, 90) == 140_000_000
    assert board.average_usd(SOL_ORACLE, 90, 300) == 120
    assert board.updated_s(SOL_ORACLE, 90) == 40
    column = board.oracle_ids.index(SOL_ORACLE)
    assert board.prices_1e6(38, 5)[:, column].tolist() == [138_000_000, 139_000_000] + 3 * [140_000_000]
    assert board.prices_1e6(70, 2)[:, column].tolist() == 2 * [140_000_000]
    board.resume_all()
    assert board.price_1e6(SOL_ORACLE, 90) == 190_000_000


def test_a_path_without_a_listed_oracle_is_refused() -> None:
    prices = ScriptedPrices({oracle_id: [(0, 1)] for oracle_id in STILL_USD if oracle_id != SOL_ORACLE})
    with pytest.raises(ValueError, match="no price for SOL/USD"):
        OracleBoard(DEFAULT_UNIVERSE.oracles, prices)


@pytest.mark.parametrize(
    ("price_usd", "average_usd", "confidence_usd", "slots_behind", "factor", "expected"),
    [
        (100, 100, 0.1, 0, 1, OracleValidity.VALID),
        (math.nan, 100, 0.1, 0, 1, OracleValidity.MISSING),
        (0, 100, 0.1, 0, 1, OracleValidity.NON_POSITIVE),
        (599, 100, 0.1, 0, 1, OracleValidity.VALID),  # 5.99 is floored to 5, which is not more than 5
        (600, 100, 0.1, 0, 1, OracleValidity.TOO_VOLATILE),
        (100, 600, 0.1, 0, 1, OracleValidity.TOO_VOLATILE),
        (100, 100, 2.0, 0, 1, OracleValidity.VALID),
        (100, 100, 2.1, 0, 1, OracleValidity.TOO_UNCERTAIN),
        (100, 100, 2.1, 0, 5, OracleValidity.VALID),
        (100, 100, 0.1, 120, 1, OracleValidity.VALID),
        (100, 100, 0.1, 121, 1, OracleValidity.STALE),
        (600, 100, 90.0, 999, 1, OracleValidity.TOO_VOLATILE),  # the first check that fails is the answer
    ],
)
def test_validity_follows_the_venues_checks_in_order(
    price_usd: float,
    average_usd: float,
    confidence_usd: float,
    slots_behind: int,
    factor: int,
    expected: OracleValidity,
) -> None:
    reading = OracleReading(
        oracle_id=SOL_ORACLE, price_usd=price_usd, confidence_usd=confidence_usd, slots_behind=slots_behind
    )
    assert validity(LISTING, reading, average_usd, factor) is expected
