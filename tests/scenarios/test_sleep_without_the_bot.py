"""/sleep as somebody uses it: confirmed on a card, then the bot dies, and the market falls."""

from tests.support.clock import FakeClock
from tests.support.trade_bot import trade_bot
from tests.support.trade_world import ACCOUNT, still
from venues.paper.demo import START_USD, demo_exchange
from venues.paper.ledger import FillReason
from venues.paper.past import market_past
from venues.paper.venue import PaperVenue

NIGHT_S = 8 * 3_600.0
# Everything falls within an hour, as it has before; nobody is there.
CRASH = {"SOL": (4_000.0, 0.80), "ETH": (4_000.0, 0.82), "BTC": (4_000.0, 0.90)}


async def night(*, asleep: bool) -> tuple[bool, str]:
    """(whether the account was liquidated, what the card said)."""
    clock, path = FakeClock(), still(**CRASH)
    exchange = demo_exchange(path, liquidates=True)
    venue = PaperVenue(exchange, clock=clock, past=market_past(path, START_USD, seed=1, clock=clock))
    said = ""
    async with trade_bot(clock=clock, venue=venue) as bot:
        for _ in range(3):
            await bot.app.history.look()
        if asleep:
            (card,) = await bot.say("/sleep main 8h")
            said = card.text
            assert (await bot.click(card, "Confirm")).startswith("Approved")
    # From here on there is no bot, no database and no task: only what rests at the venue.
    clock.pass_s(NIGHT_S)
    await venue.reach()
    account = exchange.world.accounts[ACCOUNT]
    return account.being_liquidated or any(one.reason is FillReason.LIQUIDATION for one in exchange.fills), said


async def test_without_its_orders_the_account_is_liquidated() -> None:
    liquidated, _ = await night(asleep=False)
    assert liquidated


async def test_with_them_it_lives_or_the_card_had_said_that_it_cannot_be_promised() -> None:
    liquidated, said = await night(asleep=True)
    if "NOT promised" not in said.upper() and "CANNOT be promised" not in said:
        assert not liquidated
    assert "Sleep main" in said


async def test_in_the_morning_somebody_else_reads_what_happened(tmp_path: object) -> None:
    clock, path = FakeClock(), still(**CRASH)
    exchange = demo_exchange(path, liquidates=True)
    venue = PaperVenue(exchange, clock=clock, past=market_past(path, START_USD, seed=1, clock=clock))
    file = f"{tmp_path}/keel.sqlite3"
    async with trade_bot(clock=clock, venue=venue, database=file) as bot:
        for _ in range(3):
            await bot.app.history.look()
        (card,) = await bot.say("/sleep main 8h")
        await bot.click(card, "Confirm")
        assert bot.app.nights is not None
        await bot.app.nights.look()
    clock.pass_s(NIGHT_S + 60.0)
    async with trade_bot(clock=clock, venue=venue, database=file, linked=False) as bot:
        await bot.app.watch.check()
        await bot.parts.stops.look()
        assert bot.app.nights is not None
        await bot.app.nights.look()
        report = bot.transport.sent[-1].text
        assert report.startswith("Night over, main")
        assert "fired" in report
