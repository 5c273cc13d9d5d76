"""/bracket: two prices, whichever comes first, become a stop and a profit of one size."""

import pytest

from bot.commands.spec import Usage
from risk.model.account import AccountSnapshot
from risk.model.proposal import Purpose
from tests.risk.builders import make_account, make_position
from tests.support.asking import asking

LONG = make_account(make_position(10.0), usdc=600.0)
SHORT = make_account(make_position(-10.0), usdc=600.0)


@pytest.mark.parametrize(
    ("account", "text", "stop", "profit"),
    [
        (LONG, "/bracket SOL -5% +10%", 95.0, 110.0),
        (LONG, "/bracket SOL +10% -5%", 95.0, 110.0),
        (LONG, "/bracket 95 SOL 110 half", 95.0, 110.0),
        (SHORT, "/bracket SOL -5% +10%", 110.0, 95.0),
    ],
)
async def test_the_side_of_the_position_says_which_price_is_the_stop(
    account: AccountSnapshot, text: str, stop: float, profit: float
) -> None:
    async with asking(account) as here:
        plan = await here.plan(text)

        assert plan.purpose is Purpose.BRACKET
        assert [one.trigger_usd for one in plan.trades] == [pytest.approx(stop), pytest.approx(profit)]
        assert {one.size_base for one in plan.trades} == {5.0 if "half" in text else 10.0}
        assert all(one.reduce_only for one in plan.trades)
        assert [one.triggers_above for one in plan.trades] == [stop > profit, stop < profit]
        assert sum("Triggered at" in note for note in plan.notes) == 2


@pytest.mark.parametrize("text", ["/bracket SOL -5%", "/bracket SOL", "/bracket SOL 95 96 97"])
async def test_it_takes_two_prices(text: str) -> None:
    async with asking(LONG) as here:
        with pytest.raises(Usage, match=r"Say two prices, the stop and the profit, such as /bracket SOL -5% \+10%\."):
            await here.answer(text)


async def test_both_prices_on_one_side_are_refused() -> None:
    async with asking(LONG) as here:
        assert "waits above the price" in await here.answer("/bracket SOL 95 90")
        assert here.desk.asked == []
