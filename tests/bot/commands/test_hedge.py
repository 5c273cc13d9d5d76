"""/hedge: target, strategy and reference in any order; the plan with its confidence; the card."""

import re

import pytest

from bot.commands.hedge import HedgeWords, parsed
from bot.commands.spec import Usage
from risk.model.account import Side
from risk.model.hedge import HedgeStrategy
from risk.model.limits import RiskLimits
from risk.model.proposal import Purpose
from tests.bot.commands.histories import long_and_short
from tests.risk.builders import make_account, make_balance, make_position
from tests.support.asking import asking

LONG = make_account(make_position(10.0), usdc=1_000.0)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", HedgeWords()),
        ("0", HedgeWords(target=0.0)),
        ("500", HedgeWords(target=500.0)),
        ("$1,500.50", HedgeWords(target=1_500.5)),
        ("-2k", HedgeWords(target=-2_000.0)),
        ("\N{MINUS SIGN}500 delta", HedgeWords(target=-500.0)),
        ("beta", HedgeWords(strategy=HedgeStrategy.BETA)),
        ("BTC", HedgeWords(strategy=HedgeStrategy.BETA, reference="BTC")),
        ("delta sol", HedgeWords(reference="SOL")),
        ("sol-perp 100 beta", HedgeWords(target=100.0, strategy=HedgeStrategy.BETA, reference="SOL")),
        ("corr", HedgeWords(strategy=HedgeStrategy.CORRELATION)),
        ("vol", HedgeWords(strategy=HedgeStrategy.VOLATILITY)),
        ("dynamic 0", HedgeWords(target=0.0, strategy=HedgeStrategy.DYNAMIC)),
        ("vol 40%", HedgeWords(target=0.4, strategy=HedgeStrategy.VOLATILITY)),
        ("30% Volatility", HedgeWords(target=0.3, strategy=HedgeStrategy.VOLATILITY)),
    ],
)
def test_words_come_in_any_order(text: str, meant: HedgeWords) -> None:
    found = parsed(text.split())
    assert (found.strategy, found.reference) == (meant.strategy, meant.reference)
    assert found.target == pytest.approx(meant.target)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("gamma", "gamma is no account, target, strategy or reference. Strategies: delta, beta, correlation, volatil"),
        ("ETH", "ETH is no account, target, strategy or reference."),
        ("1 2", "2 is one too many: one target, one strategy, one of SOL and BTC."),
        ("delta beta", "beta is one too many"),
        ("SOL BTC", "BTC is one too many"),
        ("50%", "A delta is a sum in USD, such as 0 or -500, not 50%; a percentage goes with volatility."),
        ("vol 40", "Volatility is hedged to a percentage a year, such as 30%, not to 40."),
        ("vol 0%", "Volatility is hedged to a percentage a year, such as 30%, not to 0%."),
        ("nan", "nan is no account, target, strategy or reference."),
    ],
)
def test_what_does_not_fit_says_what_would(text: str, complaint: str) -> None:
    with pytest.raises(Usage) as said:
        parsed(text.split())
    assert str(said.value).startswith(complaint)


async def test_without_words_every_asset_is_hedged_in_its_own_perp() -> None:
    async with asking(LONG, days=400) as here:
        plan = await here.plan("/hedge")

        assert plan.purpose is Purpose.HEDGE
        assert [(one.market, one.side, one.size_base, one.reduce_only) for one in plan.trades] == [
            ("SOL-PERP", Side.SELL, 10.0, True)
        ]
        delta, cost, predicted, confidence = plan.notes[:4]
        assert delta == "delta 1,000 USD now, 0 USD after all of it"
        assert re.fullmatch(
            r"with funding for 24 h all of it costs 1\.\d\d USD; market impact 0\.\d\d% against the oracle", cost
        )
        assert predicted == "predicted variance reduction 100% by delta"
        assert confidence == "confidence 100% (r2 100%, data age 100%, depth 100%)"


async def test_a_volatility_is_said_as_it_was_asked_for() -> None:
    async with asking(long_and_short(), days=600) as here:
        assert (await here.plan("/hedge vol 10%")).title == "Hedge to a volatility of 10% a year"


async def test_a_volatility_beyond_all_bounds_is_answered_in_the_unit_it_is_typed_in() -> None:
    async with asking(long_and_short(), days=600) as here:
        with pytest.raises(Usage, match="lies above 0% and at most at 1,000% a year, such as 50%"):
            await here.answer("/hedge vol 4000%")


async def test_a_limit_that_allows_any_volatility_is_no_error() -> None:
    async with asking(long_and_short(), days=600) as here:
        await here.services.accounts.save_limits(here.world.account, RiskLimits(max_var_1d_percent=1.0))
        assert "nothing to do" in await here.answer("/hedge vol")


async def test_two_orders_of_one_asset_each_say_their_own_share() -> None:
    account = make_account(make_position(10.0), usdc=1_000.0, balances=[make_balance(5.0)])
    async with asking(account, days=400) as here:
        reasons = [one.reasoning for one in (await here.plan("/hedge")).trades]

        assert ["1,000 USD of that by this order" in reasons[0], "500 USD of that by this order" in reasons[1]] == [
            True, True
        ]  # fmt: skip


async def test_a_target_is_what_stays() -> None:
    async with asking(LONG, days=400) as here:
        (trade,) = (await here.plan("/hedge 250")).trades

        assert trade.size_base == pytest.approx(7.5)


@pytest.mark.parametrize("text", ["/hedge beta", "/hedge BTC", "/hedge corr", "/hedge vol 10%"])
async def test_every_strategy_can_be_asked_for(text: str) -> None:
    async with asking(long_and_short(), days=600) as here:
        assert (await here.plan(text)).purpose is Purpose.HEDGE


async def test_with_trading_off_the_plan_is_shown_with_all_its_figures() -> None:
    async with asking(LONG, trading=False, days=400) as here:
        answer = await here.answer("/hedge")

        assert answer.startswith("main: 1 trade to delta $0\n1. sell 10 SOL-PERP, only reducing.")
        for row in (r"Delta now +\+\$1\.0K", r"Target +\$0", r"Delta after +\$0", r"Cost +\$1\.\d\d", "Market impact",
                    "Variance removed", "Confidence"):  # fmt: skip
            assert re.search(row, answer), (row, answer)
        assert "Confidence is the least of: r2 " in answer
        assert re.search(r"^delta · (\d+ days · history|needs no history · data) .* old$", answer, re.M)
        assert "Trading is switched off" in answer
        assert here.desk.asked == []


async def test_nothing_to_hedge_is_an_answer_and_no_card() -> None:
    async with asking(make_account(usdc=500.0), days=400) as here:
        answer = await here.answer("/hedge")

        assert answer.startswith("main: nothing to hedge")
        assert here.desk.asked == []


async def test_without_history_a_strategy_that_needs_one_says_how_to_get_it() -> None:
    async with asking(LONG) as here:
        answer = await here.answer("/hedge corr")

        assert answer.startswith("main: not enough history")
        assert here.desk.asked == []


async def test_a_market_without_a_book_is_named_as_what_stays_open() -> None:
    async with asking(LONG, days=400) as here:
        here.depth.changed["SOL-PERP"] = {"bids": ()}
        answer = await here.answer("/hedge")

        assert answer.startswith("main: no trade hedges it")
        assert "of SOL stays open" in answer
        assert here.desk.asked == []
