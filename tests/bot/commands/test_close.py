"""/close: which position and how much of it, and what the plan does to resting orders."""

import pytest

from bot.commands.close import parsed
from bot.commands.plan_words import notes_of
from bot.commands.spec import Denied, Usage
from risk.closing import close
from risk.margin.build import book_of
from risk.model.account import Side
from risk.model.market import MarketStatus
from risk.model.proposal import Purpose, Refusal
from storage import Role
from tests.risk.builders import make_account, make_position
from tests.risk.depths import make_order
from tests.risk.protection.books import make_trigger
from tests.support.asking import asking

MARKETS = ("SOL-PERP", "BTC-PERP")
BOTH = make_account(make_position(2.5), make_position(-0.02, entry_usd=50_000.0, market_index=1), usdc=900.0)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("SOL", ("SOL-PERP", 1.0)),
        ("sol-perp half", ("SOL-PERP", 0.5)),
        ("half btc", ("BTC-PERP", 0.5)),
        ("BTC 25%", ("BTC-PERP", 0.25)),
        ("SOL 12.5%", ("SOL-PERP", 0.125)),
        ("SOL 0.001%", ("SOL-PERP", 0.00001)),
        ("SOL all", ("SOL-PERP", 1.0)),
        ("100% SOL", ("SOL-PERP", 1.0)),
    ],
)
def test_words_come_in_any_order(words: str, meant: tuple[str, float]) -> None:
    assert parsed(words.split(), MARKETS) == meant


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "Say which market, such as /close SOL half. Positions: SOL-PERP, BTC-PERP."),
        ("half", "Say which market, such as /close SOL half. Positions: SOL-PERP, BTC-PERP."),
        ("ETH", "ETH is no account and no position here. Positions: SOL-PERP, BTC-PERP."),
        ("SOL BTC", "One market at a time: SOL-PERP or BTC-PERP."),
        ("SOL 25", "25 is no share of a position; write half or 25%."),
        ("SOL 2.5", "2.5 is no share of a position; write half or 25%."),
        ("SOL 0%", "0% of a position cannot be closed; write a share up to 100%, such as half or 25%."),
        ("SOL 101%", "101% of a position cannot be closed; write a share up to 100%, such as half or 25%."),
        ("SOL half 25%", "One share at a time: 50% or 25%."),
        ("SOL -5%", "-5% is no share of a position; write half or 25%."),
    ],
)
def test_what_does_not_fit_says_what_would(words: str, complaint: str) -> None:
    with pytest.raises(Usage) as said:
        parsed(words.split(), MARKETS)
    assert str(said.value) == complaint


async def test_all_of_a_position_goes_reducing_only_with_its_orders_cancelled_before() -> None:
    account = make_account(make_position(2.5), usdc=900.0, open_orders=(make_order(3), make_order(4, reduce_only=True)))
    async with asking(account) as here:
        plan = await here.plan("/close SOL")

        assert plan.purpose is Purpose.CLOSE
        assert plan.title == "Close SOL-PERP"
        (trade,) = plan.trades
        assert (trade.market, trade.side, trade.size_base, trade.reduce_only) == ("SOL-PERP", Side.SELL, 2.5, True)
        assert plan.cancels == (3, 4)
        assert plan.notes == (
            "Cancelled before: order 3, sell 5 SOL-PERP at $120.00.",
            "Cancelled before: order 4, sell 5 SOL-PERP at $120.00.",
        )


async def test_a_small_share_is_said_with_every_digit() -> None:
    async with asking(make_account(make_position(250_000.0), usdc=3e7)) as here:
        assert (await here.plan("/close SOL 0.001%")).title == "Close 0.001% of SOL-PERP"


async def test_a_share_says_what_stays_open_and_what_still_rests() -> None:
    account = make_account(make_position(-2.5), usdc=900.0, open_orders=(make_order(4, reduce_only=True),))
    async with asking(account) as here:
        plan = await here.plan("/close half SOL")

        assert plan.title == "Close 50% of SOL-PERP"
        assert [(one.side, one.size_base) for one in plan.trades] == [(Side.BUY, 1.25)]
        assert plan.cancels == ()
        assert plan.notes == (
            "Stays open: 1.25 SOL-PERP short, $125.",
            "Still resting: order 4, sell 5 SOL-PERP at $120.00. Only reducing, sized as before the close.",
        )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": MarketStatus.FILL_PAUSED}, "! SOL-PERP is paused: no order is filled now."),
        ({"status": MarketStatus.DELISTED}, "! SOL-PERP is delisted."),
        ({"problem": "its oracle is 40 s old"}, "! SOL-PERP cannot be traded on now: its oracle is 40 s old."),
        ({"bids": ()}, "! SOL-PERP has nothing on offer to sell now."),
        ({"oracle_usd": 0.0}, "! The oracle of SOL-PERP shows no positive price."),
    ],
)
async def test_a_market_that_takes_no_order_is_refused_before_the_desk_is_asked(
    changes: dict[str, object], why: str
) -> None:
    async with asking(BOTH) as here:
        here.depth.changed["SOL-PERP"] = changes
        answer = await here.answer("/close SOL")

        assert answer.startswith("main: nothing proposed\n")
        assert why in answer
        assert "Nothing was proposed, and nothing went out." in answer
        assert here.desk.asked == []


async def test_a_share_below_the_smallest_order_says_how_much_that_is() -> None:
    async with asking(make_account(make_position(0.25), usdc=90.0)) as here:
        answer = await here.answer("/close SOL 25%")

        assert "! 0.07 SOL-PERP is less than the market's smallest order." in answer
        assert "What would work: 0.1 is the smallest, about $10.00." in answer


async def test_a_refusal_of_the_desk_is_said_with_what_would_work() -> None:
    async with asking(BOTH) as here:
        here.desk.refusal = Refusal(reason="trading is halted: somebody said so", nearest="/resume lifts it")
        answer = await here.answer("/close BTC")

        assert "! Trading is halted: somebody said so.\nWhat would work: /resume lifts it." in answer


async def test_with_trading_off_the_plan_is_shown_and_nobody_is_asked() -> None:
    async with asking(BOTH, trading=False) as here:
        answer = await here.answer("/close BTC")

        assert answer.startswith("main: buy 0.02 BTC-PERP\nTrading is switched off, so this is only shown.\n")
        assert "1. buy 0.02 BTC-PERP, only reducing. Closes the whole short" in answer
        assert "TRADING_ENABLED=true" in answer


async def test_only_a_trader_of_the_account_may_ask() -> None:
    async with asking(BOTH) as here:
        bob = await here.world.link("bob", Role.RESPONDER)
        with pytest.raises(Denied, match="needs the role trader for main; yours is responder"):
            await here.answer("/close SOL", person=bob)
        assert here.desk.asked == []


async def test_with_several_accounts_one_must_be_named() -> None:
    async with asking(BOTH, "main", "second") as here:
        with pytest.raises(Usage, match="Say which account: main, second"):
            await here.answer("/close SOL")
        assert (await here.plan("/close second SOL")).account_id == "account-of-second"


async def test_an_account_that_cannot_be_assessed_is_not_traded_on() -> None:
    async with asking(BOTH) as here:
        here.world.reader.problems[here.world.account] = ("its account data is truncated",)
        await here.world.check()
        answer = await here.answer("/close SOL")

        assert answer.startswith("main: cannot be assessed now\n! its account data is truncated")
        assert here.desk.asked == []


def test_a_stop_larger_than_what_a_close_leaves_is_named_with_the_commands() -> None:
    stop = make_trigger(5, 95.0, size_base=10.0)
    account = make_account(make_position(10.0), usdc=1_000.0, open_orders=(stop,))
    closing = close(book_of([account]), account.account_id, "SOL-PERP", 0.5, None)
    assert notes_of(closing)[-1] == ("Order 5 is then larger than what stays: send /cancel 5 and then /stop SOL 95")
