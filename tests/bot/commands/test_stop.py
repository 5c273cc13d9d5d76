"""/stop: what is typed, and the reduce-only trigger that is planned from it."""

import pytest

from bot.commands.resting_plans import TriggerWords, parsed
from bot.commands.spec import Usage
from bot.commands.trade_words import PriceWord
from risk.model.account import AccountSnapshot, Side
from risk.model.proposal import Purpose
from risk.model.trading import OrderStyle
from tests.risk.builders import make_account, make_position
from tests.support.asking import asking

MARKETS = ("SOL-PERP", "BTC-PERP")
LONG = make_account(make_position(10.0), usdc=600.0)
SHORT = make_account(make_position(-10.0), usdc=600.0)


def words(text: str, prices: int = 1) -> TriggerWords:
    return parsed(text.split(), MARKETS, command="/stop", prices=prices)


@pytest.mark.parametrize(
    ("text", "price", "share"),
    [
        ("SOL 95", PriceWord(usd=95.0), 1.0),
        ("SOL $95.50", PriceWord(usd=95.5), 1.0),
        ("95.5 sol", PriceWord(usd=95.5), 1.0),
        ("SOL -5%", PriceWord(move_frac=-0.05), 1.0),
        ("SOL \N{MINUS SIGN}5%", PriceWord(move_frac=-0.05), 1.0),
        ("SOL +5%", PriceWord(move_frac=0.05), 1.0),
        ("SOL -5% half", PriceWord(move_frac=-0.05), 0.5),
        ("25% SOL -2.5%", PriceWord(move_frac=-0.025), 0.25),
        ("SOL 1,250.5 10%", PriceWord(usd=1250.5), 0.1),
        ("BTC 105k", PriceWord(usd=105_000.0), 1.0),
        ("btc $1.05m", PriceWord(usd=1_050_000.0), 1.0),
    ],
)
def test_words_come_in_any_order(text: str, price: PriceWord, share: float) -> None:
    market = "BTC-PERP" if "btc" in text.lower() else "SOL-PERP"
    assert words(text) == TriggerWords(market=market, prices=(price,), share_frac=share)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "Say which market, such as /stop SOL -5%. Positions: SOL-PERP, BTC-PERP."),
        ("-5%", "Say which market, such as /stop SOL -5%. Positions: SOL-PERP, BTC-PERP."),
        ("SOL", "Say one price, such as /stop SOL -5%."),
        ("SOL half", "Say one price, such as /stop SOL -5%."),
        ("SOL 95 96", "Say one price, such as /stop SOL -5%."),
        ("SOL 5%", "5% is read as a share of the position; for a price that far away write -5% or +5%."),
        ("SOL -5% half 25%", "One share at a time: 50% or 25%."),
        ("SOL 0", "A price of zero is none; write one above it, or a move such as -5%."),
        ("SOL -100%", "-100% from here is no price above zero; write a move such as -5% or a price."),
        ("SOL +0%", "+0% from here is no price above zero; write a move such as -5% or a price."),
        ("SOL soon", "soon is no price and no share; write a price, a move such as -5%, or half."),
        ("DOGE -5%", "DOGE is no account and no position here. Positions: SOL-PERP, BTC-PERP."),
    ],
)
def test_what_does_not_fit_says_what_would(text: str, complaint: str) -> None:
    with pytest.raises(Usage) as said:
        words(text)
    assert str(said.value) == complaint


@pytest.mark.parametrize(
    ("account", "text", "side", "trigger", "above"),
    [
        (LONG, "/stop SOL -5%", Side.SELL, 95.0, False),
        (LONG, "/stop SOL 93", Side.SELL, 93.0, False),
        (SHORT, "/stop +5% SOL", Side.BUY, 105.0, True),
    ],
)
async def test_it_rests_a_reduce_only_trigger_on_the_losing_side(
    account: AccountSnapshot, text: str, side: Side, trigger: float, *, above: bool
) -> None:
    async with asking(account) as here:
        plan = await here.plan(text)

        assert plan.purpose is Purpose.STOP
        (trade,) = plan.trades
        assert (trade.side, trade.size_base, trade.reduce_only) == (side, 10.0, True)
        assert (trade.style, trade.triggers_above) == (OrderStyle.TRIGGER_MARKET, above)
        assert trade.trigger_usd == pytest.approx(trigger)
        assert plan.cancels == ()


async def test_the_card_says_what_the_trigger_is_expected_to_get() -> None:
    async with asking(LONG) as here:
        now, first, *rest = (await here.plan("/stop SOL -5% half")).notes

        assert now == ("SOL-PERP was at $100.00 when this was made: oracle of 12:00:05 UTC, 0 s old, slot 400,000,012")
        assert first.startswith("Triggered at $95.00, it is likely sold at about $9")
        assert "on a bad day at $" in first
        assert any("keepers" in note.lower() for note in rest)


@pytest.mark.parametrize(
    ("text", "why", "nearest"),
    [
        ("/stop SOL +5%", "a stop for a long waits below the price", "or lower"),
        ("/stop SOL 100", "would fire at once", "or lower"),
        ("/stop SOL 40", "beyond the liquidation price", "or higher"),
    ],
)
async def test_a_stop_that_would_not_protect_is_refused_with_the_nearest_that_would(
    text: str, why: str, nearest: str
) -> None:
    async with asking(LONG) as here:
        answer = await here.answer(text)

        assert answer.startswith("main: nothing proposed\n")
        assert why in answer.lower()
        assert nearest in next(line for line in answer.split("\n") if line.startswith("What would work: "))
        assert here.desk.asked == []


async def test_with_trading_off_it_is_only_shown() -> None:
    async with asking(LONG, trading=False) as here:
        assert "only reducing" in await here.answer("/stop SOL -5%")
