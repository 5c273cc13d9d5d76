"""Caps are read from the settings, and what cannot be meant is refused by name."""

import math

import pytest

from bot.trading.rules import Quorum, TradingRules
from bot.trading.settings import TradingSettings, parse_quorums


def test_out_of_the_box_nothing_is_traded_and_then_only_reduced() -> None:
    rules = TradingSettings().trading_rules({})
    assert not rules.enabled
    assert rules.reduce_only
    assert rules.pin_above_usd == math.inf
    assert rules.approvals("anybody", 1e9) == 1


def test_quorums_are_of_the_account_or_of_all() -> None:
    rules = TradingSettings(trading_approvals="2@10000,fund=3@0").trading_rules({"fund": "F", "main": "M"})
    assert rules.approvals("M", 10_000.0) == 1
    assert rules.approvals("M", 10_000.01) == 2
    assert rules.approvals("F", 1.0) == 3


def test_a_pin_is_asked_for_from_the_notional_that_was_named() -> None:
    rules = TradingSettings(trading_pin_above_usd=5_000.0).trading_rules({})
    assert not rules.pin_needed(4_999.99)
    assert rules.pin_needed(5_000.0)


@pytest.mark.parametrize("text", ["2", "0@5", "2@", "=2@5", "2@-1", "a=b@5", "2@1e5", "12@5"])
def test_what_is_no_rule_says_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="write 2@10000"):
        parse_quorums(text)


def test_one_account_has_one_rule() -> None:
    with pytest.raises(ValueError, match="says again"):
        parse_quorums("2@5,3@6")


def test_a_rule_for_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="which is not watched"):
        TradingSettings(trading_approvals="ghost=2@5").trading_rules({"main": "M"})


def test_rules_are_frozen() -> None:
    with pytest.raises(AttributeError):
        TradingRules().max_order_usd = 1e9  # type: ignore[misc]  # what is tried
    assert parse_quorums("2@5") == {"": Quorum(approvals=2, above_usd=5.0)}
