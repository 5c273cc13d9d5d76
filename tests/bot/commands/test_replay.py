"""/replay: would it have warned me?"""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from bot.messages import Picture, Table
from bot.replaying.asking import Replays
from bot.replaying.question import Answer, Question, Refusal
from risk.model.candles import Candles, Interval
from tests.bot.commands.test_every_reply import require_readable
from tests.risk.builders import make_account, make_balance, make_position
from tests.support.bot_world import BotWorld, bot_world
from tests.support.waiting import until
from tests.venues.replaying import HOUR_S, Bar, flat, write_bars

FALL: list[Bar] = [*flat(*[100.0] * 46), (100, 100, 86, 87), (87, 87, 80, 81)]


async def remember(world: BotWorld, bars: list[Bar], asset: str = "SOL") -> None:
    """Hourly bars in the bot's own history, the last of them over."""
    columns = [np.array(column, np.float64) for column in zip(*bars, strict=True)]
    begin_s = int(world.clock.now().timestamp()) // HOUR_S * HOUR_S - len(bars) * HOUR_S
    candles = Candles(
        asset=asset, interval=Interval.HOUR, at=(begin_s + HOUR_S * np.arange(len(bars))).astype("datetime64[s]"),
        open_usd=columns[0], high_usd=columns[1], low_usd=columns[2], close_usd=columns[3],
        volume=np.ones(len(bars)),
    )  # fmt: skip
    await world.app.services.desks.history.store(candles, "test")


async def test_todays_book_is_played_over_the_hours_that_are_stored() -> None:
    """10 SOL at 100 on 200 USD: five times."""
    async with bot_world() as world:
        await world.check(400)
        await remember(world, FALL)
        answer = await world.answer("/replay")

        require_readable(answer)
        assert answer.first.startswith("main: paged 1 h 00 min before liquidation, ")
        (table,) = [block for block in answer.message.blocks if isinstance(block, Table)]
        assert table.header == ("first told", "before the end")
        assert ("HIGH", "1 h 00 min") in table.rows
        assert "Today's book (5.0x long SOL), opened " in answer.text
        assert "Alarms of HIGH or worse: 1, false 0 (0.00 in 30 days)." in answer.text
        (picture,) = [block for block in answer.message.blocks if isinstance(block, Picture)]
        assert picture.png.startswith(b"\x89PNG")
        assert picture.alt.startswith("Liquidated ")


async def test_a_folder_of_bars_goes_before_the_store_and_what_it_lacks_is_said(tmp_path: Path) -> None:
    write_bars(tmp_path, flat(*[100.0] * 72))
    both = make_account(
        make_position(10.0), make_position(-0.01, market_index=1, entry_usd=50_000.0), usdc=1_000.0,
        balances=[make_balance(2.0)],
    )  # fmt: skip
    async with bot_world() as world:
        world.app.services.replays.folder = tmp_path
        world.reader.accounts[world.account] = both
        await world.check()
        await remember(world, FALL)
        answer = await world.answer("/replay crash")

        require_readable(answer)
        assert answer.first == "main: would not have been liquidated"
        assert "! BTC is left out: there is no history of it." in answer.text
        assert "! SOL, a balance of $200, is held at its price of now; in truth it moves as well." in answer.text


async def test_without_history_it_says_so_and_how_to_get_it(tmp_path: Path) -> None:
    async with bot_world() as world:
        await world.check(400)
        answer = await world.answer("/replay")
        require_readable(answer)
        assert answer.first == "main: no history to play"
        assert "There are no hourly bars of SOL." in answer.text
        assert "HISTORY_DIR" in answer.text

        world.app.services.replays.folder = tmp_path
        assert "! there are no bars of SOL." in (await world.answer("/replay")).text


async def test_an_account_without_perps_has_nothing_to_play() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = make_account(usdc=100.0)
        await world.check()
        answer = await world.answer("/replay")
        require_readable(answer)
        assert answer.first == "main: nothing in it moves with a price"


@pytest.mark.parametrize("text", ["0", "731", "ten", "-5", "9999999999", "crash now", "30 days"])
async def test_what_is_neither_days_nor_crash_is_refused_with_the_usage(text: str) -> None:
    async with bot_world() as world:
        await world.check(400)
        answer = await world.answer(f"/replay {text}")
        assert "is no account (main), no number of days from 1 to 730, and not crash." in answer.first
        assert "Usage: /replay" in answer.text


class Patient(Replays):
    """Remembers what is asked, and answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Question] = []
        self.go_on = asyncio.Event()

    async def _asked(self, question: Question) -> Answer | Refusal:
        self.asked.append(question)
        await self.go_on.wait()
        return Refusal(text="it was let")


@pytest.mark.parametrize(
    ("text", "days"), [("/replay", 90), ("/replay 30", 30), ("/replay main 7d", 7), ("/replay crash", None)]
)
async def test_the_span_the_account_and_its_own_tiers_are_asked_for(
    text: str, days: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = Patient()
    patient.go_on.set()
    async with bot_world() as world:
        monkeypatch.setattr(world.app.services.replays, "ask", patient.ask)
        await world.check(400)
        await remember(world, FALL)
        assert (await world.answer(text)).first == "main: no replay"
        (question,) = patient.asked
        assert question.span.days == days
        assert question.thresholds == world.app.services.roster.thresholds(world.account)


async def test_the_bot_goes_on_while_one_is_played_and_a_second_one_is_told_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient = Patient()
    async with bot_world() as world:
        monkeypatch.setattr(world.app.services.replays, "ask", patient.ask)
        await world.check(400)
        await remember(world, FALL)
        slow = asyncio.create_task(world.app.dispatcher.obey(world.transport, world.written("/replay")))
        await until(lambda: patient.asked)
        assert await world.check(110) == ["CRITICAL"]
        second = await world.answer("/replay")
        assert "! another replay is being played; ask again in a minute." in second.text
        patient.go_on.set()
        await slow
        assert world.transport.sent[-1].first == "main: no replay"
