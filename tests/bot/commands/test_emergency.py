"""/emergency: at most so many trades, all reducing."""

from collections.abc import Sequence

import pytest

from bot.commands.emergency import USUAL_TRADES, parsed
from bot.commands.spec import Usage
from risk.model.account import Side
from risk.model.proposal import Purpose
from tests.risk.builders import make_account, make_position
from tests.support.asking import asking

DEEP = make_account(
    make_position(50.0), make_position(0.02, entry_usd=50_000.0, market_index=1), usdc=500.0
)  # 6,000 USD held by 500


@pytest.mark.parametrize(("words", "most"), [((), USUAL_TRADES), (("1",), 1), (("#3",), 3), (("20",), 20)])
def test_how_many_trades_at_most(words: Sequence[str], most: int) -> None:
    assert parsed(words) == most


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("0",), "From 1 to 20 trades, not 0."),
        (("21",), "From 1 to 20 trades, not 21."),
        (("9" * 40,), "From 1 to 20 trades, not"),
        (("now",), "now is no account and no number of trades, such as 5."),
        (("1", "2"), "2 is no account and no number of trades, such as 5."),
        (("-1",), "-1 is no account and no number of trades, such as 5."),
    ],
)
def test_what_does_not_fit_says_what_would(words: Sequence[str], complaint: str) -> None:
    with pytest.raises(Usage) as said:
        parsed(words)
    assert str(said.value).startswith(complaint)


@pytest.mark.parametrize("most", [1, 2])
async def test_it_asks_for_trades_that_reduce_and_no_more_than_were_wanted(most: int) -> None:
    async with asking(DEEP, days=400) as here:
        plan = await here.plan(f"/emergency {most}")

        assert plan.purpose is Purpose.EMERGENCY
        assert 1 <= len(plan.trades) <= most
        held = {"SOL-PERP": 50.0, "BTC-PERP": 0.02}
        for trade in plan.trades:
            assert trade.reduce_only
            assert trade.side is Side.SELL
            assert 0 < trade.size_base <= held[trade.market]


async def test_nothing_held_is_nothing_to_reduce() -> None:
    async with asking(make_account(usdc=100.0)) as here:
        answer = await here.answer("/emergency")

        assert answer.startswith("main: ")
        assert here.desk.asked == []


async def test_with_trading_off_it_is_only_shown() -> None:
    async with asking(DEEP, trading=False, days=400) as here:
        answer = await here.answer("/emergency 1")

        assert answer.startswith("main: sell ")
        assert "\n1. sell " in answer
        assert "Trading is switched off" in answer
