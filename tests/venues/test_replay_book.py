"""Books from JSON: what is understood, and what is refused with a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from venues.replay import BadReplayBook, PositionSide, parse_book, read_book

POSITION = {"market": "SOL-PERP", "leverage": 5, "side": "long"}


def book(*positions: Any, collateral_usd: Any = 10_000, **more: Any) -> str:
    return json.dumps({"collateral_usd": collateral_usd, "positions": list(positions), **more})


def test_the_book_of_the_help_is_understood() -> None:
    found = parse_book(
        '{"collateral_usd": 10000, "positions": [{"market": "SOL-PERP", "leverage": 5, "side": "long"}]}'
    )
    (position,) = found.positions
    assert found.collateral_usd == 10_000
    assert (position.market, position.asset, position.side) == ("SOL-PERP", "SOL", PositionSide.LONG)
    assert (position.leverage, position.size_base) == (5, None)
    assert (position.maintenance_ratio, position.initial_ratio) == (0.05, 0.10)


def test_sizes_ratios_and_several_markets_are_understood() -> None:
    found = parse_book(
        book(
            POSITION,
            {"market": "BTC-PERP", "size": 0.5, "side": "short", "maintenance_ratio": 0.03, "initial_ratio": 0.05},
        )
    )
    btc = found.positions[1]
    assert (btc.size_base, btc.leverage, btc.side) == (0.5, None, PositionSide.SHORT)
    assert (btc.maintenance_ratio, btc.initial_ratio) == (0.03, 0.05)


def test_initial_is_never_below_a_maintenance_that_was_given_alone() -> None:
    (position,) = parse_book(book({**POSITION, "maintenance_ratio": 0.2})).positions
    assert position.initial_ratio == 0.2


@pytest.mark.parametrize(
    ("side", "size", "expected"), [(PositionSide.LONG, None, 500.0), (PositionSide.SHORT, None, -500.0)]
)
def test_leverage_is_notional_over_collateral_at_the_first_open(
    side: PositionSide, size: float | None, expected: float
) -> None:
    (position,) = parse_book(book({**POSITION, "side": side.value})).positions
    assert position.signed_size_base(100.0, 10_000.0) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "must be one JSON object"),
        ("{}", "has no positions"),
        (book(), "has no positions; add at least one"),
        ('{"collateral_usd": 1, "positions": {}}', "has no positions"),
        (book(POSITION, collateral_usd=None), "collateral_usd must be a positive number, not None"),
        (book(POSITION, collateral_usd="10000"), "collateral_usd must be a positive number, not '10000'"),
        (book(POSITION, collateral_usd=0), "collateral_usd must be a positive number"),
        (book(POSITION, collateral_usd=True), "collateral_usd must be a positive number"),
        (book(POSITION, collateral_usd=float("nan")), "collateral_usd must be a positive number, not nan"),
        (book(POSITION, collateral_usd=10**400), "collateral_usd must be a positive number"),
        (book(POSITION, leverage=5), "has 'leverage', which means nothing here"),
        (book("SOL-PERP"), "position 1 must be a JSON object"),
        (book({**POSITION, "market": "SOL"}), "must be a perp such as SOL-PERP, not 'SOL'"),
        (book({**POSITION, "market": "-PERP"}), "must be a perp"),
        (book({**POSITION, "market": 7}), "must be a perp"),
        (book({**POSITION, "side": "up"}), 'must be "long" or "short", not \'up\''),
        (book({**POSITION, "side": ["long"]}), 'must be "long" or "short"'),
        (book({"market": "SOL-PERP", "side": "long"}), "needs either size in base units or leverage, and has none"),
        (book({**POSITION, "size": 3}), "has size and leverage"),
        (book({**POSITION, "leverage": -5}), "leverage must be a positive number, not -5"),
        (book({**POSITION, "maintenance_ratio": 5}), "is a fraction below 1: write 0.05 for 5 %"),
        (book({**POSITION, "initial_ratio": 0.04}), "below maintenance 0.05 cannot be"),
        (book({**POSITION, "maintanance_ratio": 0.1}), "has 'maintanance_ratio', which means nothing here"),
        (book(POSITION, {**POSITION, "side": "short"}), "has SOL-PERP more than once"),
    ],
)
def test_a_malformed_book_is_refused_with_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(BadReplayBook, match=sentence):
        parse_book(text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadReplayBook, match="cannot be read"):
        read_book(tmp_path / "book.json")
    (tmp_path / "book.json").write_bytes(b"\xff")
    with pytest.raises(BadReplayBook, match=r"book\.json is not UTF-8 text"):
        read_book(tmp_path / "book.json")
