"""Which of the signer's caps an order would break, said before it is asked: it locks itself after refusals."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.trading.signer_intents import beyond
from risk.model.account import Side
from risk.model.trading import OrderStyle, OrderTerms
from tests.support.order_terms import make_terms
from tests.support.scripted_signer import WELL

ACCOUNT = "ann-0"
SELL = make_terms(ACCOUNT)
STOP = make_terms(
    ACCOUNT, style=OrderStyle.TRIGGER_MARKET, trigger=120_000_000, triggers_above=False, limit=0, expires_at_s=0
)
LASTING = {"order_lasts_at_most_s": 60}
FAR_STOP = replace(STOP, trigger_raw_1e6=49_000_000)
NOW_S = SELL.expires_at_s - 60.0

BEYOND: dict[str, tuple[dict[str, Any], Sequence[OrderTerms], int, str]] = {
    "nothing": ({}, [SELL, STOP], 3, ""),
    "a stop without a limit": ({"stops_without_limit": False}, [STOP], 0, "stops_without_limit = true"),
    "an order that lasts as long as may be": (LASTING, [SELL], 0, ""),
    "an order that lasts longer": (LASTING, [replace(SELL, expires_at_s=SELL.expires_at_s + 1)], 0, "TRADING_VALID_S"),
    "a stop that waits": (LASTING, [STOP], 0, ""),
    "the signatures of today": ({"signatures_left": 0}, [SELL], 0, "its signatures for today are used up"),
    "the last cancellations": ({"cancels_left": 2}, [], 2, ""),
    "one cancellation too many": ({"cancels_left": 2}, [], 3, "2 cancellations are left today"),
    "an order that adds": ({}, [make_terms(ACCOUNT, reduce_only=False)], 0, "only orders that reduce"),
    "a trigger far away": ({}, [FAR_STOP], 0, "a trigger in SOL-PERP may be $50.00 to $500"),
    "a limit far away": ({}, [make_terms(ACCOUNT, side=Side.BUY, limit=501_000_000)], 0, "a limit in SOL-PERP may be"),
    "too much for a day": ({"daily_raw_1e6": 279 * 10**6}, [SELL], 0, "$279 of its $279 a day are left"),
}


@pytest.mark.parametrize(("rules", "terms", "cancels", "words"), BEYOND.values(), ids=BEYOND)
def test_what_the_signer_s_file_does_not_allow_is_known_before_it_is_asked(
    rules: dict[str, Any], terms: Sequence[OrderTerms], cancels: int, words: str
) -> None:
    found = beyond(replace(WELL, **rules), ACCOUNT, terms, now_s=NOW_S, cancels=cancels)

    assert words in found
    assert bool(found) is bool(words)
