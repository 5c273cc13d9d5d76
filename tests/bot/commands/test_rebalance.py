"""/rebalance: shares of equity as they are typed, and what is traded for them."""

import pytest

from bot.commands.rebalance import parsed
from bot.commands.spec import Usage
from risk.model.account import Side
from risk.model.proposal import Purpose
from tests.risk.builders import make_account, make_position
from tests.support.asking import asking

LONG = make_account(make_position(10.0), usdc=1_000.0)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("SOL=40 BTC=40 USDC=20", {"SOL": 0.4, "BTC": 0.4}),
        ("sol=40%, btc=40%", {"SOL": 0.4, "BTC": 0.4}),
        ("SOL=40,BTC=40", {"SOL": 0.4, "BTC": 0.4}),
        ("SOL-PERP:12.5", {"SOL": 0.125}),
        ("SOL=0", {"SOL": 0.0}),
        ("SOL=0.4%", {"SOL": 0.004}),
        ("SOL=0.5 BTC=40", {"SOL": 0.005, "BTC": 0.4}),
        ("BTC=-20", {"BTC": -0.2}),
        ("SOL=150 USDC=-50", {"SOL": 1.5}),
        ("SOL=\N{MINUS SIGN}5 USDC=105", {"SOL": -0.05}),
    ],
)
def test_shares_are_percent_of_equity_and_dollars_what_is_left(text: str, shares: dict[str, float]) -> None:
    assert parsed(text.split()) == pytest.approx(shares)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "Say the shares of equity in percent, such as SOL=40 BTC=40 USDC=20; a short has a minus."),
        ("SOL=40 BTC=40 USDC=10", "These shares add up to 90%, not 100%; USDC=20 would make it fit."),
        ("USDC=20 SOL=90", "These shares add up to 110%, not 100%; USDC=10 would make it fit."),
        ("SOL=40 SOL=20", "SOL stands there twice; give each asset once."),
        ("SOL 40", "SOL is no account and no share; write an asset and its percent, such as SOL=40."),
        ("SOL=much", "SOL=much is no account and no share; write an asset and its percent, such as SOL=40."),
        ("SOL=nan", "SOL=nan is no account and no share; write an asset and its percent, such as SOL=40."),
        ("SOL=4000", "SOL=4000 is beyond 2000% of equity; write 40 for 40%."),
        ("USDC=100", "Name at least one asset beside the dollars; to hold dollars alone use /flatten."),
    ],
)
def test_what_does_not_fit_says_what_would(text: str, complaint: str) -> None:
    with pytest.raises(Usage) as said:
        parsed(text.split())
    assert str(said.value) == complaint


async def test_it_asks_for_the_trades_that_bring_the_shares() -> None:
    async with asking(LONG, days=400) as here:
        plan = await here.plan("/rebalance SOL=50 USDC=50")

        assert plan.purpose is Purpose.REBALANCE
        (trade,) = plan.trades
        assert (trade.market, trade.side) == ("SOL-PERP", Side.SELL)
        assert trade.size_base == pytest.approx(5.0, abs=0.1)
        assert plan.title == "Rebalance to SOL 50%, USDC 50%"
        assert plan.notes[:2] == (
            "SOL 100% of equity now, 50% wanted, 50% after all of it",
            "USDC 0% of equity now, 50% wanted, 50% after all of it",
        )  # fmt: skip


async def test_an_asset_without_a_perp_is_answered_with_those_there_are() -> None:
    async with asking(LONG, days=400) as here:
        with pytest.raises(Usage, match=r"No perp on DOGE was read.*; there is SOL"):
            await here.answer("/rebalance DOGE=10")


async def test_shares_within_tolerance_take_no_trade() -> None:
    async with asking(LONG, days=400) as here:
        answer = await here.answer("/rebalance SOL=100 USDC=0")

        assert answer.startswith("main: within tolerance, nothing to trade")
        assert here.desk.asked == []


async def test_with_trading_off_the_shares_are_shown_before_and_after() -> None:
    async with asking(LONG, trading=False, days=400) as here:
        answer = await here.answer("/rebalance SOL=50")

        assert answer.startswith("main: 1 trade to the shares asked for\n1. sell 5 SOL-PERP")
        assert "SOL" in answer
        assert "Trading is switched off" in answer
