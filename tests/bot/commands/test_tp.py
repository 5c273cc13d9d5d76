"""/tp: a reduce-only trigger on the winning side."""

import pytest

from risk.model.account import AccountSnapshot, Side
from risk.model.proposal import Purpose
from tests.risk.builders import make_account, make_position
from tests.support.asking import asking

LONG = make_account(make_position(10.0), usdc=600.0)
SHORT = make_account(make_position(-10.0), usdc=600.0)


@pytest.mark.parametrize(
    ("account", "text", "side", "trigger", "above"),
    [
        (LONG, "/tp SOL +10%", Side.SELL, 110.0, True),
        (LONG, "/tp SOL 120 25%", Side.SELL, 120.0, True),
        (SHORT, "/tp SOL -10%", Side.BUY, 90.0, False),
    ],
)
async def test_it_takes_a_profit_on_the_winning_side(
    account: AccountSnapshot, text: str, side: Side, trigger: float, *, above: bool
) -> None:
    async with asking(account) as here:
        plan = await here.plan(text)

        assert plan.purpose is Purpose.TAKE_PROFIT
        (trade,) = plan.trades
        assert (trade.side, trade.reduce_only, trade.triggers_above) == (side, True, above)
        assert trade.trigger_usd == pytest.approx(trigger)
        assert trade.size_base == (2.5 if "25%" in text else 10.0)


async def test_a_profit_on_the_losing_side_is_refused() -> None:
    async with asking(LONG) as here:
        answer = await here.answer("/tp SOL -5%")

        assert "a take-profit for a long waits above the price" in answer.lower()
        assert here.desk.asked == []
