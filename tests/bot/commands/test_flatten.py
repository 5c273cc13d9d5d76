"""/flatten: everything that can be closed in one plan, and what stays is named."""

import pytest

from bot.commands.spec import Usage
from risk.model.account import MarketKind, Side
from risk.model.market import MarketStatus
from risk.model.proposal import Purpose
from tests.risk.builders import make_account, make_balance, make_position
from tests.risk.depths import make_order
from tests.support.asking import asking

BOTH = make_account(
    make_position(2.5), make_position(-0.5, entry_usd=50_000.0, market_index=1), usdc=9_000.0,
    balances=[make_balance(-4.0)],
    open_orders=(make_order(3), make_order(9, market_kind=MarketKind.SPOT, market_index=1)),
)  # fmt: skip


async def test_every_position_is_closed_the_largest_first_and_every_order_cancelled_before() -> None:
    async with asking(BOTH) as here:
        plan = await here.plan("/flatten")

        assert plan.purpose is Purpose.FLATTEN
        assert [(one.market, one.side, one.size_base, one.reduce_only) for one in plan.trades] == [
            ("BTC-PERP", Side.BUY, 0.5, True), ("SOL-PERP", Side.SELL, 2.5, True)
        ]  # fmt: skip
        assert plan.cancels == (3, 9)
        assert plan.notes == (
            "Still there: 9,000 USDC.", "Still owed: 4 SOL, $400. Repay it at the venue.",
            "Cancelled before: order 9, sell 5 SOL at $120.00.",
            "Cancelled before: order 3, sell 5 SOL-PERP at $120.00.",
        )  # fmt: skip


async def test_what_cannot_be_closed_is_named_and_holds_up_nothing() -> None:
    async with asking(BOTH) as here:
        here.depth.changed["BTC-PERP"] = {"status": MarketStatus.FILL_PAUSED}
        plan = await here.plan("/flatten")

        assert [one.market for one in plan.trades] == ["SOL-PERP"]
        assert plan.notes[0] == ("Stays open: 0.5 BTC-PERP short, $25,000. BTC-PERP is paused: no order is filled now.")


async def test_orders_alone_are_cancelled() -> None:
    async with asking(make_account(usdc=100.0, open_orders=(make_order(3),))) as here:
        plan = await here.plan("/flatten main")

        assert (plan.trades, plan.cancels) == ((), (3,))


async def test_nothing_to_close_is_an_answer() -> None:
    async with asking(make_account(usdc=100.0)) as here:
        answer = await here.answer("/flatten")

        assert answer.startswith("main: nothing to close, and no order rests\nStill there: 100 USDC.")
        assert here.desk.asked == []


async def test_a_word_behind_it_is_refused_with_the_command_for_one_position() -> None:
    async with asking(BOTH) as here:
        with pytest.raises(Usage, match=r"SOL is no account: main\. To close one position use /close MARKET"):
            await here.answer("/flatten SOL")


async def test_with_trading_off_it_is_only_shown() -> None:
    async with asking(BOTH, trading=False) as here:
        answer = await here.answer("/flatten")

        assert "1. buy 0.5 BTC-PERP, only reducing." in answer
        assert "Before that, 2 resting orders would be cancelled." in answer
        assert "Trading is switched off" in answer
