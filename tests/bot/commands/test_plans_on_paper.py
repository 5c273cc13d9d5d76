"""The commands that make plans, to the end on paper: asked, confirmed, filled, and read again at the venue."""

from typing import Any

import pytest

from risk.model.hedge import HedgeStrategy
from risk.model.proposal import ProposalState
from tests.support.recording_transport import Sent
from tests.support.trade_bot import TradeBot, trade_bot
from tests.support.trade_world import ACCOUNT

LARGE: dict[str, Any] = {"reduce_only": False, "max_order_usd": 1e6, "daily_usd": 1e7}
MARKETS = ("SOL-PERP", "ETH-PERP", "BTC-PERP")


async def health_ratio(bot: TradeBot) -> float:
    view = await bot.app.services.fleet.refresh()
    return float(view.worst_ratio_percent[view.position_of(ACCOUNT)])


async def confirmed(bot: TradeBot, text: str) -> Sent:
    """Ask, and press Confirm."""
    card = await bot.answer(text)
    assert any(button.label == "Confirm" for button in bot.buttons(card.ref)), card.text
    await bot.click(card, "Confirm")
    return card


async def remember(bot: TradeBot) -> None:
    """As much price history as the venue has."""
    for _ in range(10):
        bot.clock.pass_s(1)
        await bot.app.history.look()
    await bot.app.watch.check()


async def test_half_of_a_position_is_closed_and_nothing_else() -> None:
    async with trade_bot(**LARGE) as bot:
        before = {market: await bot.position(market) for market in MARKETS}
        await confirmed(bot, "/close SOL half")

        assert await bot.position("SOL-PERP") == before["SOL-PERP"] / 2
        assert {one: await bot.position(one) for one in MARKETS[1:]} == {one: before[one] for one in MARKETS[1:]}
        assert (await bot.latest()).state is ProposalState.DONE


async def test_asking_sends_nothing() -> None:
    async with trade_bot(**LARGE) as bot:
        before = {market: await bot.position(market) for market in MARKETS}
        for text in ("/hedge", "/close SOL", "/flatten", "/stop SOL -4%", "/emergency 1", "/rebalance SOL=100"):
            await bot.answer(text)
        await bot.settle()

        assert {market: await bot.position(market) for market in MARKETS} == before
        assert (await bot.latest()).state is ProposalState.OPEN


async def test_flatten_closes_everything_in_one_confirmed_step_and_cancels_what_rests() -> None:
    async with trade_bot(**LARGE) as bot:
        card = await confirmed(bot, "/flatten")

        assert [await bot.position(market) for market in MARKETS] == [0.0, 0.0, 0.0]
        view = await bot.app.services.fleet.refresh()
        orders = view.single(ACCOUNT).book.orders
        assert orders is not None
        assert orders.order_id.size == 0
        assert "Still there: 20 SOL" in card.text
        assert "Cancelled before: order 4, sell 100 SOL-PERP at $178.00." in card.text
        assert (await bot.answer("/positions")).first.startswith("main: 0 positions, ")
        assert "∞" in (await bot.answer("/health")).text
        assert (await bot.latest()).state is ProposalState.DONE


async def test_a_hedge_lifts_health_as_its_card_said() -> None:
    async with trade_bot(**LARGE) as bot:
        before = await health_ratio(bot)
        await confirmed(bot, "/hedge")
        effect = (await bot.latest()).effect

        assert effect is not None
        assert effect.health_ratio_before == pytest.approx(before, rel=1e-6)
        assert await health_ratio(bot) == pytest.approx(effect.health_ratio_after, rel=0.01)
        assert effect.health_ratio_after > before
        engine = bot.app.services.desks.hedging(ACCOUNT)
        left = await engine.calculate_hedge_requirements(0.0, strategy=HedgeStrategy.DELTA)
        assert abs(left.current_delta) < 50.0


async def test_a_stop_rests_at_the_venue_as_it_was_confirmed() -> None:
    async with trade_bot(**LARGE) as bot:
        await confirmed(bot, "/stop SOL -4% half")
        view = await bot.app.services.fleet.refresh()
        book = view.single(ACCOUNT).book

        assert book.orders is not None
        row = int(book.orders.order_id.argmax())
        price = float(book.oracles.price_1e6[book.perp_markets.oracle[book.perp_markets.names.index("SOL-PERP")]]) / 1e6
        assert float(book.orders.trigger_price_1e6[row]) / 1e6 == pytest.approx(0.96 * price, rel=1e-3)
        assert bool(book.orders.reduce_only[row])
        assert float(book.orders.size_base[row]) == await bot.position("SOL-PERP") / 2


async def test_where_only_reducing_is_allowed_a_hedge_says_what_it_leaves_out() -> None:
    async with trade_bot(**{**LARGE, "reduce_only": True}) as bot:
        card = await bot.answer("/hedge")  # the last of its orders sells what is held as a token

        assert "Left out: to sell 20 SOL-PERP would open or add to a position" in card.text
        assert all(leg.terms is not None and leg.terms.reduce_only for leg in (await bot.latest()).legs)


async def test_with_trading_off_every_plan_is_shown_and_no_card_is_made() -> None:
    async with trade_bot(**{**LARGE, "enabled": False}) as bot:
        await remember(bot)
        for text in ("/hedge", "/close SOL", "/flatten", "/stop SOL -4%", "/bracket SOL -4% +8%", "/tp SOL +8%",
                     "/emergency 1", "/sleep", "/rebalance SOL=100"):  # fmt: skip
            answer = await bot.answer(text)
            assert "Trading is switched off, so this is only shown." in answer.text, answer.text
            assert answer.message.card == ""
            assert bot.buttons(answer.ref) == ()
        assert await bot.parts.trading.proposals.recent([ACCOUNT], 5) == ()


@pytest.mark.parametrize(
    ("text", "first", "figures"),
    [
        ("/close SOL half", "Close main: sell 125 SOL-PERP ≥$159.17", ("fee $7.00", "health  71%  78%", "quote")),
        ("/flatten", "Flatten main: sell 250 SOL-PERP +2 more", ("Costs: fee ", "Free for new trades", "quote")),
        ("/stop SOL -4%", "Stop main: sell 250 SOL-PERP at $153.60", ("Until then nothing changes: health 71%",)),
        ("/emergency 1", "Emergency main: ", ("fee $", "Free for new trades", "quote")),
        ("/rebalance SOL=100", "main: 3 trades to the shares asked for", ("Estimated cost",)),
    ],
)
async def test_with_trading_off_a_plan_has_its_quote_cost_and_effect(
    text: str, first: str, figures: tuple[str, ...]
) -> None:
    async with trade_bot(**{**LARGE, "enabled": False}) as bot:
        await remember(bot)
        answer = await bot.answer(text)
        lines = answer.text.split("\n")
        assert lines[0].startswith(first)
        for figure in figures:
            assert figure in answer.text, (figure, answer.text)
        if not first.startswith("main:"):
            assert lines[1] == "Trading is switched off, so this is only shown."
        assert await bot.parts.trading.proposals.recent([ACCOUNT], 5) == ()
