"""/risk /var /vol /corr /beta /drawdown /performance /size /liqprob /backtest: what they say, and when nothing."""

import re
from collections.abc import Mapping
from datetime import timedelta

import pytest

from bot.messages import Line, Picture, Table
from bot.text.ages import day
from bot.text.tables import lines as table_lines
from risk.model.account import Side
from risk.model.metrics import VaRMethod
from risk.model.performance import Fill
from risk.model.sizing import Binding
from tests.bot.commands.accounts import stale_oracle, unread_oracle
from tests.bot.commands.histories import calculating_world, give_bars, give_equity, long_and_short
from tests.risk.builders import make_account, make_position, make_usdc_market
from tests.support.bot_world import BotWorld
from tests.support.recording_transport import Sent
from venues.errors import VenueUnavailable

OF_PRICES = ("/risk", "/var", "/vol", "/corr", "/beta", "/size SOL", "/liqprob", "/backtest")
OF_EQUITY = ("/drawdown", "/performance")
HISTORY_AGE = re.compile(r"history (\d+ h \d\d min|\d+ d( \d+ h)?) old")


def cells(answer: Sent) -> Mapping[str, tuple[str, ...]]:
    tables = [block for block in answer.message.blocks if isinstance(block, Table)]
    return {row[0]: row[1:] for table in tables for row in table.rows}


def pictures(answer: Sent) -> list[Picture]:
    return [block for block in answer.message.blocks if isinstance(block, Picture)]


async def asked(world: BotWorld, text: str) -> Sent:
    answer = await world.answer(text)
    assert "inside Keel" not in answer.text
    require_readable(answer)
    return answer


def require_readable(answer: Sent) -> None:
    """Tables fit a phone, nothing reads like a programmer's number, the first line fits a lock screen."""
    for block in answer.message.blocks:
        if isinstance(block, Table):
            assert all(len(line) <= 34 for line in table_lines(block, columns=200)), block
            assert not any("…" in cell for row in block.rows for cell in row), block
        if isinstance(block, Line):
            assert block.text.strip()
            assert block.text[0] != " "
    assert not re.search(r"\b(nan|inf|None|null)\b", answer.text), answer.text
    if answer.first.startswith("main: "):
        assert len(answer.first) <= 80, answer.first


@pytest.mark.parametrize("text", [*OF_PRICES, *OF_EQUITY])
async def test_every_answer_says_of_what_how_old_and_by_which_method(text: str) -> None:
    async with calculating_world() as world:
        await give_equity(world, 100)
        await world.check()
        answer = await asked(world, text)

        assert answer.first.startswith("main: ")
        assert re.search(r"[$%]|\bdays\b|x\b|correlation|filtered|beta|\*|fits best", answer.first), answer.first
        assert answer.text.endswith(f"main · 0 s old · slot {world.reader.slot:,}")
        if text in OF_EQUITY:
            assert re.search(r"newest (sample )?\d+ s old", answer.text), answer.text
        else:
            assert "600 days" in answer.text
            assert HISTORY_AGE.search(answer.text), answer.text


@pytest.mark.parametrize("text", ["/var", "/vol", "/corr", "/liqprob", "/drawdown", "/performance all"])
async def test_where_a_picture_says_more_there_is_one(text: str) -> None:
    async with calculating_world() as world:
        await give_equity(world, 100)
        (picture,) = pictures(await asked(world, text))

        assert picture.png.startswith(b"\x89PNG")
        assert picture.alt
        assert picture.name.endswith(".png")


# /var


async def test_var_names_level_horizon_loss_interval_record_and_source() -> None:
    async with calculating_world() as world:
        answer = await asked(world, "/var")

        assert re.fullmatch(r"main: VaR 95% in 1 day: \$\d+, \d+\.\d% of equity", answer.first)
        assert re.search(r"^Exceeded one day in 20; the mean loss beyond it is \$\d+\.$", answer.text, re.M)
        assert re.search(r"^90% interval \$\d+ to \$\d+\.$", answer.text, re.M)
        assert re.search(r"^One-day back-test at 95%: \d+ of 100 days beyond, 5 expected\.$", answer.text, re.M)
        assert re.search(r" · 600 days since May 2024 · history 12 h 00 min old$", answer.text, re.M)


@pytest.mark.parametrize("method", list(VaRMethod))
async def test_var_by_each_method_says_which(method: VaRMethod) -> None:
    async with calculating_world(days=500) as world:
        answer = await asked(world, f"/var {method.value}")

        assert answer.first.startswith("main: VaR 95% in 1 day: $")
        words = {"historical": "past days as they were", "evt": "extreme value tail", "monte-carlo": "10,000 paths"}
        assert words.get(method.value, "") in answer.text
        assert ("seed 0" in answer.text) == (method is VaRMethod.MONTE_CARLO)


@pytest.mark.parametrize(
    ("short", "method"),
    [("mc", "monte-carlo"), ("t", "student-t"), ("hist", "historical"), ("fhs", "filtered"), ("cf", "cornish-fisher")],
)
async def test_var_knows_the_short_names_of_methods(short: str, method: str) -> None:
    async with calculating_world(days=300) as world:
        answer, same = [(await asked(world, f"/var 99 {word}")).text for word in (short, method)]
        assert answer == same
        assert "is no account" not in answer


@pytest.mark.parametrize("words", ["99 7d", "7d 99", "99% 7d", "0.99 7d", "main 99 7d", ".99 7D"])
async def test_var_takes_level_and_horizon_in_any_order(words: str) -> None:
    async with calculating_world(days=300) as world:
        answer = await asked(world, f"/var {words}")

        assert answer.first.startswith("main: VaR 99% in 7 days: $")
        assert "Exceeded one time in 100;" in answer.text


def loss_usd(answer: Sent) -> float:
    found = re.search(r"\$([\d,]+)", answer.first)
    assert found is not None
    return float(found[1].replace(",", ""))


async def test_seven_days_are_simulated_and_not_scaled() -> None:
    async with calculating_world() as world:
        day, week = [await asked(world, f"/var 99 {days}d historical") for days in (1, 7)]

        scaled = 7**0.5 * loss_usd(day)
        assert loss_usd(day) < loss_usd(week)
        assert abs(loss_usd(week) / scaled - 1) > 0.01
        assert "paths" in week.text
        assert "paths" not in day.text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("1.0", "1.0 is no confidence from 90 to 99.9 %."),
        ("100", "100 is no confidence from 90 to 99.9 %."),
        ("50%", "50% is no confidence from 90 to 99.9 %."),
        ("0.5", "0.5 is no confidence from 90 to 99.9 %."),
        ("31d", "31"),
        ("0d", "0"),
        ("lucky", "lucky is no account, confidence, horizon or method. Methods: historical, filtered, normal,"),
        ("<b>x</b>", "is no account, confidence, horizon or method"),
        ("main 99 1d evt extra", "extra is no account, confidence, horizon or method"),
    ],
)
async def test_var_refuses_what_has_no_answer_and_says_what_has(words: str, said: str) -> None:
    async with calculating_world(days=300) as world:
        answer = await asked(world, f"/var {words}")

        assert said in answer.first
        assert answer.text.endswith("Usage: /var [account] [95|99] [1d|7d] [method]")
        assert "$" not in answer.text


# Words


@pytest.mark.parametrize(
    "text",
    [
        "/risk extra", "/corr extra", "/beta extra", "/drawdown extra", "/liqprob extra", "/backtest extra",
        "/vol DOGE", "/vol SOL extra", "/performance 8d", "/performance 7d extra", "/size", "/size DOGE",
        "/size SOL sideways", "/size SOL kelly 30%", "/size SOL 0%",
    ],
)  # fmt: skip
async def test_words_that_do_not_fit_are_answered_with_the_usage(text: str) -> None:
    async with calculating_world(days=200) as world:
        await give_equity(world, 3)
        answer = await asked(world, text)

        command = text.split(" ")[0]
        assert f"\nUsage: {command} [account]" in answer.text, answer.text
        assert "$" not in answer.text


@pytest.mark.parametrize("text", [*OF_PRICES, *OF_EQUITY])
async def test_the_account_that_is_named_is_meant(text: str) -> None:
    async with calculating_world() as world:
        await give_equity(world, 3)
        command, _, rest = text.partition(" ")

        assert (await asked(world, f"{command} main {rest}")).first.startswith("main: ")


async def test_an_account_may_be_called_anything() -> None:
    async with calculating_world(days=200) as world:
        answer = await asked(world, "/vol <script>*_`[x](y)")

        assert "is no account and no asset of main: BTC, SOL" in answer.first


# What is missing


@pytest.mark.parametrize("text", OF_PRICES)
async def test_without_history_it_is_said_how_to_get_some(text: str) -> None:
    async with calculating_world(days=0) as world:
        answer = await asked(world, text)

        assert answer.first == "main: not enough history"
        assert "history of BTC: 0 of 500 days." in answer.text
        assert "keel history import BTC.csv SOL.csv" in answer.text
        assert not pictures(answer)
        assert "$" not in answer.text


@pytest.mark.parametrize("text", OF_PRICES)
async def test_one_asset_without_history_is_named(text: str) -> None:
    async with calculating_world(days=600, assets=("SOL",)) as world:
        answer = await asked(world, text)

        assert answer.first == "main: not enough history"
        assert "! daily bars of BTC: 0 of 2 observations" in answer.text
        assert answer.text.count("keel history import BTC.csv\n") == 1
        assert "$" not in answer.text


@pytest.mark.parametrize("text", OF_PRICES)
async def test_too_few_bars_are_counted(text: str) -> None:
    async with calculating_world(days=20) as world:
        answer = await asked(world, text)

        assert answer.first == "main: not enough history"
        assert re.search(r"^! .*: 20 of \d+ observations", answer.text, re.M), answer.text
        assert "history of SOL: 21 of 500 days." in answer.text


async def test_a_back_test_needs_more_days_than_a_value_at_risk() -> None:
    async with calculating_world(days=300) as world:
        assert (await asked(world, "/var")).first.startswith("main: VaR")
        assert "Back-test" not in (await asked(world, "/var")).text
        assert "! days for a back-test: 300 of 550 observations" in (await asked(world, "/backtest")).text


@pytest.mark.parametrize("text", OF_EQUITY)
async def test_an_account_nobody_watched_has_no_record_and_is_told_that_it_comes(text: str) -> None:
    async with calculating_world() as world:
        answer = await asked(world, text)

        assert answer.first in ("main: no drawdown yet", "main: no performance yet")
        assert "recorded every minute" in answer.text
        assert "history import" not in answer.text


async def test_risk_shows_what_equity_knows_where_prices_are_missing() -> None:
    async with calculating_world(days=0) as world:
        await give_equity(world, 100)
        answer = await asked(world, "/risk")

        assert cells(answer)["VaR 95% 1 d"] == ("-",)
        assert cells(answer)["Worst fall"][0].endswith("%")
        assert "! daily bars of BTC: 0 of 2 observations" in answer.text


@pytest.mark.parametrize("text", OF_PRICES)
async def test_an_account_without_a_price_is_never_a_number(text: str) -> None:
    async with calculating_world(unread_oracle()) as world:
        answer = await asked(world, text)

        assert answer.first == "main: cannot be assessed now"
        assert "! the oracle of SOL-PERP cannot be read" in answer.text
        assert not re.search(r"\$\d|\d%", answer.text)


@pytest.mark.parametrize("text", OF_PRICES)
async def test_a_price_that_is_too_old_is_never_a_number(text: str) -> None:
    async with calculating_world(stale_oracle()) as world:
        answer = await asked(world, "/size BTC" if text == "/size SOL" else text)

        assert answer.first == "main: cannot be assessed now"
        assert not re.search(r"\$\d|\d%", answer.text)


@pytest.mark.parametrize("text", [*OF_PRICES, *OF_EQUITY])
async def test_a_silent_venue_is_called_stale_and_its_age_is_shown(text: str) -> None:
    async with calculating_world() as world:
        await give_equity(world, 100)
        world.reader.error = VenueUnavailable("no endpoint answers; try later")
        await world.checks(35)
        answer = await asked(world, text)

        assert "! no usable answer from the venue for 35 s" in answer.text
        assert "main · STALE 35 s old" in answer.text
        if text in OF_PRICES:
            assert answer.first == "main: cannot be assessed now"
        else:
            assert "newest" in answer.text


@pytest.mark.parametrize("text", [one for one in OF_PRICES if one != "/size SOL"])
async def test_an_account_that_moves_with_no_price_is_told_so(text: str) -> None:
    async with calculating_world(make_account(usdc=1_000.0, spot_markets=[make_usdc_market()])) as world:
        answer = await asked(world, text)

        assert answer.first == "main: nothing in it moves with a price"
        assert not pictures(answer)


@pytest.mark.parametrize("text", [one for one in OF_PRICES if one != "/backtest"])
async def test_history_that_ended_long_ago_says_so(text: str) -> None:
    async with calculating_world(days=300, ends="2025-11-01") as world:
        answer = await asked(world, text)

        assert "history 65 d old" in answer.text
        assert re.search("^! history ends 6[56] days ago: volatility is that of then$", answer.text, re.M)


async def test_days_that_one_asset_lacks_are_left_out_and_counted() -> None:
    async with calculating_world(days=300, assets=("SOL",)) as world:
        await give_bars(world, 200, ("BTC",))

        assert " · 200 days since " in (await asked(world, "/var")).text


# What they say


async def test_vol_ranks_each_asset_among_its_past() -> None:
    async with calculating_world() as world:
        answer = await asked(world, "/vol SOL")

        assert re.match(r"main: equity moves \d+% a year", answer.first)
        assert set(cells(answer)) == {"BTC", "SOL"}
        assert pictures(answer)[0].alt.startswith("SOL moves ")


async def test_corr_of_one_asset_has_nothing_to_say() -> None:
    async with calculating_world(make_account(make_position(50.0), usdc=3_000.0)) as world:
        answer = await asked(world, "/corr")

        assert answer.first == "main: one asset, SOL, so nothing to correlate"
        assert not pictures(answer)


async def test_beta_gives_dollars_for_one_percent() -> None:
    async with calculating_world() as world:
        answer = await asked(world, "/beta")

        assert re.fullmatch(r"main: SOL \+1% is \+\$\d+\.\d\d, beta \d\.\d\d", answer.first)
        assert cells(answer)["SOL"][:2] == ("1.00", "0.00")


async def test_size_names_what_keeps_it_from_being_larger_and_what_it_leaves() -> None:
    async with calculating_world() as world:
        answer = await asked(world, "/size SOL long liq 0.2%")

        assert re.fullmatch(r"main: [\d.,]+ SOL long, \$[\d,]+", answer.first)
        assert "With more, the probability of liquidation in 24 h would pass 0.20%." in answer.text
        assert cells(answer)["P(liq.) 24 h after"] in (("0.20%",), ("0.19%",))
        assert "The strategy alone would take" in (await asked(world, "/size SOL long liq 5%")).text
        risk = await asked(world, "/size SOL short risk 2%")
        assert "It loses 2.0% of equity at a stop" in risk.text


async def test_the_size_proposed_has_the_probability_promised_by_liqprob() -> None:
    async with calculating_world() as world:
        sizer = world.app.services.desks.sizer(world.account)
        sizing = await sizer.size("SOL-PERP", "inverse_liquidation", 0.002)
        short = make_position(-0.02, entry_usd=50_000.0, market_index=1)
        after = make_account(make_position(50.0 + sizing.size_base), short, usdc=3_000.0)
        world.reader.accounts[world.account] = after
        world.clock.pass_s(10)
        await world.check()
        found = await world.app.services.desks.risk(world.account).liquidation_probability()

        assert sizing.binding is Binding.STRATEGY
        assert found.hits.hits[1].probability == pytest.approx(0.002, abs=0.0004)


async def test_liqprob_gives_an_interval_for_each_horizon_and_the_worst_day_on_record() -> None:
    async with calculating_world() as world:
        answer = await asked(world, "/liqprob")

        assert list(cells(answer)) == ["60 min", "24 h", "7 d"]
        assert "The worst day on record, 2025-10-10, would leave a ratio of " in answer.text
        assert "10,000 paths through the margin engine" in answer.text


async def test_backtest_counts_every_method_and_marks_the_one_that_is_shown() -> None:
    async with calculating_world(days=800) as world:
        answer = await asked(world, "/backtest")

        said = r"main: ([a-z-]+ fits best|filtered is shown: no method is clearly better), light (green|yellow|red)"
        assert re.fullmatch(said, answer.first)
        best = answer.first.split(" ")[1]
        assert {row.removesuffix("*") for row in cells(answer)} == {method.value for method in VaRMethod}
        assert [row for row in cells(answer) if row.endswith("*")] == [f"{best}*"]


async def test_performance_splits_the_change_and_says_how_sure_ratios_are() -> None:
    async with calculating_world() as world:
        await give_equity(world, 100)
        answer = await asked(world, "/performance 30d")

        assert re.fullmatch(r"main: [+-]\d+\.\d% in 30d", answer.first)
        rows = cells(answer)
        assert re.fullmatch(r"-?\d+\.\d\d \+/- \d+\.\d\d", rows["Sharpe"][0])
        assert rows["Calmar"] == ("-",)
        assert {"Price", "Funding", "Fees"} <= set(rows)
        assert "! Calmar is withheld: 30 of 90 days" in answer.text
        assert (await asked(world, "/performance all")).first.endswith("since it is watched")


async def test_drawdown_lists_the_worst_falls() -> None:
    async with calculating_world() as world:
        await give_equity(world, 100)
        answer = await asked(world, "/drawdown")

        assert re.fullmatch(r"main: \d+\.\d% below its high, worst \d+\.\d%", answer.first)
        assert 1 <= len(cells(answer)) <= 5
        assert "400 samples since" in answer.text


async def test_risk_and_var_show_one_number() -> None:
    async with calculating_world() as world:
        var, risk = await asked(world, "/var"), await asked(world, "/risk")

        (share,) = re.findall(r", (\d+\.\d%) of equity", var.first)
        assert cells(risk)["VaR 95% 1 d"] == (share,)
        assert risk.first == f"main: one day in 20 loses more than {share}"


async def test_the_same_question_has_the_same_answer() -> None:
    async with calculating_world(long_and_short(), days=300) as world:
        first, again = await asked(world, "/var 99 7d monte-carlo"), await asked(world, "/var 99 7d monte-carlo")

        assert first.text == again.text


async def test_trades_are_told_with_their_own_window_where_no_equity_is_recorded() -> None:
    async with calculating_world() as world:
        now = world.clock.now()
        trades = [
            Fill(at=now - timedelta(days=days), market="SOL-PERP", side=side, size_base=1.0, price_usd=price)
            for days, side, price in ((9, Side.BUY, 100.0), (5, Side.SELL, 110.0))
        ]
        await world.app.services.desks.fills.save(world.account, trades, "a test")
        answer = await asked(world, "/performance")

        assert answer.first == "main: no return yet in 30d"
        assert cells(answer)["Average won"] == ("+$10.00",)
        assert cells(answer)["Calmar"] == ("-",)
        assert f"Trades: 1 from {day(trades[0].at)} to {day(trades[1].at)}." in answer.text

        week = await asked(world, "/performance 7d")
        assert "Trades: 1" in week.text, "it was closed within the week"
