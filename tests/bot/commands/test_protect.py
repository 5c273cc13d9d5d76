"""/protect: the steps of a risk level, shown with what each does, and the plan that is asked for."""

from dataclasses import replace

import pytest

from bot.commands.protect import explained
from bot.commands.spec import Usage
from risk.model.account import Side
from risk.model.proposal import Effect, PlannedTrade, ProposalState, Purpose
from risk.model.protection import ProtectionAction, ProtectionKind
from risk.protection_desk import ProtectionDesk
from tests.bot.trading.chat_world import chat_world
from tests.risk.builders import make_account, make_position
from tests.risk.depths import make_order
from tests.support.asking import asking
from tests.support.trade_world import ACCOUNT

DEEP = make_account(make_position(50.0), usdc=400.0)  # 5,000 USD of SOL on 400: ratio 160 %
WELL = make_account(make_position(1.0), usdc=5_000.0)


def effect(**changes: float | None) -> Effect:
    return Effect(
        **{
            "health_percent_before": 20.0, "health_percent_after": 55.0, "health_ratio_before": 125.0,
            "health_ratio_after": 220.0, "probability_before": 0.2, "probability_after": 0.0312,
            "leverage_before": 12.0, "leverage_after": 6.0, "fee_usd": 1.0, "slippage_usd": 1.0,
            "free_collateral_after_usd": 10.0, "least_free_usd": 5.0, **changes,
        }  # type: ignore[arg-type] # a builder: names and values of one dataclass
    )  # fmt: skip


def test_each_step_says_what_it_does_to_health_and_odds() -> None:
    cut = ProtectionAction(kind=ProtectionKind.CUT, says="Cut SOL-PERP by 5", effect=effect())
    blind = ProtectionAction(kind=ProtectionKind.CUT, says="Cut BTC-PERP by 1.", effect=effect(probability_before=None))
    deposit = ProtectionAction(kind=ProtectionKind.DEPOSIT, says="Deposit $100.00.", effect=None, deposit_usd=100.0)

    assert [line.text for line in explained((cut, blind, deposit))] == [  # type: ignore[union-attr] # all are lines
        "1. Cut SOL-PERP by 5. Health 20% to 55%, P(liq 24 h) 20.0% to 3.2%.",
        "2. Cut BTC-PERP by 1. Health 20% to 55%.",
        "3. Deposit $100.00.",
    ]


async def test_an_account_in_danger_is_asked_about_with_trades_that_only_reduce() -> None:
    async with asking(make_account(make_position(50.0), usdc=270.0, open_orders=()), days=400) as here:
        plan = await here.plan("/protect")

        assert plan.purpose is Purpose.PROTECT
        (trade,) = plan.trades
        assert trade.reduce_only
        assert 0 < trade.size_base <= 50.0


async def test_an_account_that_is_well_needs_nothing() -> None:
    async with asking(WELL, days=400) as here:
        answer = await here.answer("/protect")

        assert answer.startswith("main: risk low, no step is called for")
        assert here.desk.asked == []


async def test_with_trading_off_the_steps_are_shown() -> None:
    async with asking(make_account(make_position(50.0), usdc=270.0), trading=False, days=400) as here:
        answer = await here.answer("/protect")

        assert answer.split("\n")[0].startswith("main: risk critical, ")
        assert "1. C" in answer
        assert "Health " in answer
        assert "Trading is switched off" in answer


async def test_orders_that_would_enlarge_are_cancelled_first() -> None:
    order = make_order(3, side=Side.BUY, size_base=5.0, price_usd=90.0)
    async with asking(make_account(make_position(50.0), usdc=270.0, open_orders=(order,)), days=400) as here:
        plan = await here.plan("/protect")

        assert plan.cancels == (3,)


def two_steps(monkeypatch: pytest.MonkeyPatch, *, size_base: float = 1.0) -> None:
    """Protection that calls for a cut, and for a hedge of what stays."""
    cut = PlannedTrade(market="SOL-PERP", side=Side.SELL, size_base=10.0, reduce_only=True)
    hedge = PlannedTrade(market="BTC-PERP", side=Side.BUY, size_base=size_base, reduce_only=False)

    async def plan_protection(*_: object) -> tuple[ProtectionAction, ...]:
        return (
            ProtectionAction(kind=ProtectionKind.CUT, says="Cut.", effect=None, trades=(cut,)),
            ProtectionAction(kind=ProtectionKind.HEDGE, says="Hedge.", effect=None, trades=(hedge,)),
        )

    monkeypatch.setattr(ProtectionDesk, "plan_protection", plan_protection)


async def test_the_hedge_beside_it_is_named_and_its_card_follows_in_the_same_chat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    two_steps(monkeypatch, size_base=0.01)
    async with chat_world(reduce_only=False) as world:
        first = await world.card("/protect")
        assert "\nP1: Protect (" in first.text
        assert first.text.endswith("The hedge of what stays is P2: its card follows, and takes a Confirm of its own.")
        await world.trading.keeper.settle()
        assert world.cards() == [first], "what was just asked for may still be on its way as the answer"
        await world.pass_s(3)
        _, second = world.cards()
        assert "\nP2: Hedge what stays (" in second.text
        assert await world.press(second) == "Approved. Sending 1 order."
        assert "bought 0.01 BTC-PERP" in world.text(second)
        assert {one.proposal_id: one.state for one in await world.trading.proposals.recent([ACCOUNT], 2)} == {
            "P1": ProposalState.OPEN, "P2": ProposalState.DONE,
        }  # fmt: skip


async def test_a_hedge_that_cannot_be_is_said_beside_what_can(monkeypatch: pytest.MonkeyPatch) -> None:
    two_steps(monkeypatch)
    async with chat_world(reduce_only=True) as world:
        first = await world.card("/protect")
        assert "! No hedge of what stays is proposed: " in first.text
        await world.pass_s(3)
        assert world.cards() == [first]


@pytest.mark.parametrize(
    "command", ["/protect", "/emergency", "/flatten", "/sleep", "/stop SOL -5%", "/bracket SOL -5% +5%"]
)
async def test_while_the_venue_liquidates_the_answer_is_the_deposit(command: str) -> None:
    account = replace(make_account(make_position(50.0), usdc=150.0, open_orders=()), being_liquidated=True)
    async with asking(account, days=400) as here:
        answer = await here.answer(command)
        first, second, *_ = answer.splitlines()
        assert first == "main: deposit $350 now"
        assert second.startswith("The venue is liquidating this account: it takes no order")
        assert here.desk.asked == []


async def test_a_word_behind_it_is_no_account() -> None:
    async with asking(WELL) as here:
        with pytest.raises(Usage, match=r"No account is called now\. Accounts: main\."):
            await here.answer("/protect now")
