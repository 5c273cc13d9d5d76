"""/portfolio /positions /health /liq /stress: what they say is what the engine says."""

import pytest

from bot.messages import Table
from risk.model.liquidation import LiquidationStatus
from storage import LastGood
from tests.bot.commands.accounts import isolated, rich, unread_oracle
from tests.risk.builders import make_account, make_position
from tests.support.bot_world import BotWorld, bot_world
from tests.support.recording_transport import Sent
from tests.support.tuned_reader import at_ratio
from venues.errors import VenueUnavailable


def cells(answer: Sent) -> dict[str, tuple[str, ...]]:
    """Every row of every table by its first cell."""
    tables = [block for block in answer.message.blocks if isinstance(block, Table)]
    return {row[0]: row[1:] for table in tables for row in table.rows}


async def asked(world: BotWorld, text: str, ratio: float | None = None) -> Sent:
    await world.check(ratio)
    return await world.answer(text)


async def test_portfolio_answers_with_worth_profit_and_leverage() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = rich()
        answer = await asked(world, "/portfolio")

        # 700 USDC + 10 SOL at 100 + 300 profit on SOL + 40 on BTC - 1.25 funding; 4,000 of positions.
        assert answer.first == "main: $2,039, +$339 open, 2.0x"
        rows = cells(answer)
        assert rows["Equity"] == ("$2,039",)
        assert rows["Open orders"] == ("1",)
        assert rows["SOL-PERP"] == ("$3.0K", "+$299")
        assert rows["BTC-PERP"] == ("-$1.0K", "+$40.00")


async def test_an_empty_portfolio_is_an_answer_too() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = make_account()
        answer = await asked(world, "/portfolio")

        assert answer.first == "main: $0, $0 open, 0.0x"
        assert "No open perp position." in answer.text
        assert cells(answer)["Health ratio"] == ("∞",)


async def test_positions_come_in_full_the_largest_first_with_their_orders() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = rich()
        answer = await asked(world, "/positions")

        assert answer.first == "main: 2 positions, +$339 open"
        assert answer.text.index("SOL-PERP long 30") < answer.text.index("BTC-PERP short 0.02")
        assert cells(answer)["Entry"] == ("52,000.00",)
        assert "SOL-PERP  sell  5  123.45" in answer.text


async def test_an_isolated_position_is_called_so() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = isolated()

        assert "SOL-PERP long 10, isolated" in (await asked(world, "/positions")).text


async def test_health_is_the_venues_number_and_the_tier_of_the_alerts() -> None:
    async with bot_world() as world:
        answer = await asked(world, "/health", 240)

        assert answer.first == "main: health 58%, WATCH"
        rows = cells(answer)
        assert rows["Ratio (100% = liq.)"] == ("240.0%",)
        assert (rows["Collateral"], rows["Maintenance"]) == (("$120",), ("$50.00",))
        assert rows["Room to liquidation"] == ("$70.00",)


async def test_health_keeps_the_tier_of_the_alerts_while_it_eases() -> None:
    async with bot_world() as world:
        await world.check(140)

        assert (await asked(world, "/health", 400)).first == "main: health 75%, HIGH"


async def test_health_of_an_isolated_position_is_named_and_decides_the_tier() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = isolated()
        answer = await asked(world, "/health")

        assert answer.first == "main: health 29%, HIGH"
        assert "Isolated SOL-PERP: health 29%, $70.00 against $50.00" in answer.text


async def test_health_of_several_accounts_lists_the_worst_first() -> None:
    async with bot_world("main", "second", "third") as world:
        world.put(300, "account-of-main")
        world.put(110, "account-of-second")
        world.reader.problems["account-of-third"] = ("its account data is truncated",)
        answer = await asked(world, "/health")

        assert answer.first.startswith("third: UNKNOWN")
        assert list(cells(answer)) == ["third", "second", "main"]
        assert cells(answer)["second"] == ("CRITICAL", "110.0%", "9.0%")
        assert "! third: its account data is truncated" in answer.text
        assert answer.text.endswith("3 accounts · 0 s old · slot 400,000,012")


async def test_health_after_a_restart_shows_the_last_good_one_with_its_age() -> None:
    async with bot_world() as world:
        await world.check(240)
        await world.app.equity.record()
        remembered = await world.app.services.snapshots.last_good(world.account)
    async with bot_world() as world:
        assert isinstance(remembered, LastGood)
        await world.app.services.snapshots.save([remembered])
        world.reader.error = VenueUnavailable("no endpoint answers; try later")
        world.clock.pass_s(7_200)
        answer = await world.answer("/health")

        assert answer.first == "main: UNKNOWN, last health 58%"
        assert "! no endpoint answers; try later" in answer.text
        assert answer.text.endswith("main · STALE 1 h 59 min old · slot 400,000,012")


async def test_health_that_was_never_known_is_no_number() -> None:
    async with bot_world() as world:
        world.reader.error = VenueUnavailable("no endpoint answers; try later")

        assert (await world.answer("/health")).text.split("\n") == [
            "main: cannot be assessed now", "! no endpoint answers; try later", "main · no data"
        ]  # fmt: skip


async def test_health_that_cannot_be_computed_shows_no_figure_for_it() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = unread_oracle()
        answer = await asked(world, "/health")

        assert answer.first == "main: cannot be assessed now"
        assert not cells(answer)


async def test_liq_names_the_nearest_price_first_and_rounds_it_toward_today() -> None:
    async with bot_world() as world:
        answer = await asked(world, "/liq", 240)

        # 120 USD of collateral: 120 + 10 (p - 100) = 0.5 p at p = 92.631...
        assert answer.first == "main: SOL 7.3% lower liquidates, at 92.632"
        assert cells(answer)["SOL-PERP"] == ("92.632", "-7.3%")
        assert "All assets together (beta 1): a fall of 7.3% liquidates." in answer.text


async def test_liq_of_a_short_lies_above_and_is_rounded_down() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = make_account(make_position(-10.0), usdc=120.0)
        prices = await world.app.services.monitor(world.account).liquidation_prices()
        answer = await asked(world, "/liq")

        exact = next(price.price_usd for price in prices if price.market == "SOL-PERP")
        assert exact == pytest.approx(1_120 / 10.5)  # 106.6666...
        assert cells(answer)["SOL-PERP"] == ("106.66", "+6.6%")
        assert "a rise of 6.6% liquidates" in answer.text


async def test_liq_marks_what_is_isolated() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = isolated()
        answer = await asked(world, "/liq")

        assert cells(answer)["SOL-PERP*"][0] == "97.895"
        assert "* isolated: only that position would be liquidated." in answer.text


async def test_liq_of_an_account_below_maintenance_is_now() -> None:
    async with bot_world() as world:
        answer = await asked(world, "/liq", 80)

        assert answer.first == "main: in liquidation now"
        assert cells(answer)["SOL-PERP"] == ("now", "-")


async def test_liq_of_an_empty_account_has_no_table() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = make_account()

        assert (await asked(world, "/liq")).text.split("\n")[:-1] == ["main: nothing to liquidate"]


async def test_liq_where_no_price_liquidates_says_so() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = make_account(make_position(1.0), usdc=10_000.0)
        prices = await world.app.services.monitor(world.account).liquidation_prices()

        assert {price.status for price in prices} == {LiquidationStatus.NONE}
        assert (await asked(world, "/liq")).first == "main: no single price liquidates"


async def test_stress_counts_what_liquidates_and_names_the_mildest() -> None:
    async with bot_world() as world:
        answer = await asked(world, "/stress", 240)
        outcomes = (await world.app.services.monitor(world.account).simulate_stress_scenarios()).outcomes

        gone = [outcome for outcome in outcomes if outcome.liquidated]
        assert answer.first == f"main: {len(gone)} of {len(outcomes)} scenarios liquidate"
        assert "The mildest of them: all -10%, -$100." in answer.text
        rows = cells(answer)
        assert rows["all -50%"][0] == "LIQ"
        assert rows["all +10%"] == ("400.0%", "+$100")


async def test_stress_that_is_survived_names_the_worst() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = make_account(make_position(1.0), usdc=60.0)
        answer = await asked(world, "/stress")

        assert answer.first.startswith("main: survives all ")
        assert "The worst: SOL -50%, ratio 400.0%." in answer.text


FIGURES = {"/portfolio": "$120, $0 open, 8.4x", "/positions": "1 position, $0 open", "/liq": "SOL 7.3% lower"}


@pytest.mark.parametrize("text", FIGURES)
async def test_what_cannot_be_assessed_now_shows_what_it_was_how_old_and_why(text: str) -> None:
    async with bot_world("main", "second") as world:
        await world.check(240)
        world.reader.problems[world.account] = ("its account data is truncated",)
        await world.check(200, after_s=3_600)
        answer = await world.answer(f"{text} main")

        assert answer.first.startswith(f"main: UNKNOWN, last {FIGURES[text]}")
        assert "! its account data is truncated" in answer.text
        assert answer.text.endswith("main · STALE 1 h 00 min old · slot 400,000,012")
        assert "UNKNOWN" not in (await world.answer(f"{text} second")).text


@pytest.mark.parametrize("text", FIGURES)
async def test_what_was_never_known_is_no_figure(text: str) -> None:
    async with bot_world() as world:
        world.reader.problems[world.account] = ("its account data is truncated",)
        answer = await asked(world, text)

        assert answer.first == "main: cannot be assessed now"
        assert "! its account data is truncated" in answer.text
        assert "$" not in answer.text


async def test_positions_say_what_liq_says_where_there_is_no_price() -> None:
    async with bot_world() as world:
        assert cells(await asked(world, "/positions", 80))["Liquidation price"] == ("now",)
        assert cells(await asked(world, "/positions", 10_000))["Liquidation price"] == ("none",)


async def test_asking_again_within_a_check_asks_the_venue_nothing() -> None:
    async with bot_world() as world:
        await world.check()
        reads = world.reader.reads
        for text in ("/portfolio", "/positions", "/health", "/liq", "/stress", "/limits"):
            await world.answer(text)

        assert world.reader.reads == reads


async def test_after_a_missed_check_a_question_reads_anew() -> None:
    async with bot_world() as world:
        await world.check(400)
        world.put(240)
        world.clock.pass_s(8)

        assert (await world.answer("/health")).first.startswith("main: health 58%")


async def test_a_question_between_two_checks_never_shows_a_better_tier_than_its_figures() -> None:
    async with bot_world() as world:
        await world.check(400)
        world.put(110)
        world.clock.pass_s(8)

        assert (await world.answer("/health")).first == "main: health 9.0%, CRITICAL"
        assert at_ratio(110) == world.reader.accounts[world.account]
