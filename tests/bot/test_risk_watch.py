"""Risk figures by schedule: limits on them say the number that /var says, and changes since yesterday are incidents."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from bot.messages import Table
from risk.decisions.incidents import CauseKind, Incident
from risk.decisions.tiers import Tier
from risk.model.changes import RiskSnapshot
from risk.model.limits import LimitName, LimitState, RiskLimits
from risk.model.metrics import VaRMethod
from storage import RiskSnapshotLog
from tests.risk.builders import make_account, make_position
from tests.risk.histories import correlated, daily_candles
from tests.support.bot_world import GENEROUS, BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.waiting import until

TIGHT = replace(GENEROUS, max_var_1d_percent=0.05)
DAY_S = 86_400.0


async def remember(world: BotWorld, days: int = 300, *, assets: Sequence[str] = ("SOL", "BTC")) -> None:
    """Price history of 4 % a day for SOL and 2 % for BTC, correlated at 0.9."""
    returns = correlated(days, (0.04, 0.02), 0.9)
    for at, asset in enumerate(("SOL", "BTC")):
        if asset in assets:
            await world.app.services.desks.history.store(daily_candles(asset, returns[:, at]), "a test")


def put(world: BotWorld, equity_usd: float, sol: float = 10.0, btc: float = 0.0) -> None:
    positions = [make_position(sol)] if sol else []
    if btc:
        positions.append(make_position(btc, entry_usd=50_000, market_index=1))
    world.reader.accounts[world.account] = make_account(*positions, usdc=equity_usd)


async def look(world: BotWorld, equity_usd: float | None = None, *, after_s: float = 60.0) -> list[str]:
    """A round of figures, then one of limits; what was heard of either."""
    if equity_usd is not None:
        put(world, equity_usd)
    world.clock.pass_s(after_s)
    await world.app.services.fleet.refresh()
    before = len(world.alerts)
    await world.app.risk.look()
    await world.app.limits.check()
    await world.deliver()
    return [alert.first for alert in world.alerts[before:]]


async def standing(world: BotWorld, kind: CauseKind = CauseKind.RISK) -> dict[str, Incident]:
    found = await world.app.services.incidents.open_incidents()
    return {one.cause.subject: one for one in found if one.cause.kind is kind}


async def yesterday(world: BotWorld, **figures: float) -> None:
    """What the daily record says of 24 hours ago."""
    calm = dict.fromkeys(("var_1d_frac", "volatility", "beta_sol", "leverage"), 1.0)
    calm |= {"correlation": math.nan, "funding_daily_frac": 0.0} | figures
    at = world.clock.now() - timedelta(hours=24)
    await RiskSnapshotLog(world.store).save(world.account, RiskSnapshot(at=at, **calm))


async def test_the_alert_of_a_limit_says_the_number_that_var_says() -> None:
    async with bot_world(limits=TIGHT) as world:
        await remember(world)
        (alert,) = await look(world, 1_000)
        answer = (await world.answer("/var")).text
        found = await world.app.services.desks.risk(world.account).calculate_var()

        share = answer.split("\n")[0].partition(", ")[2].removesuffix(" of equity")
        assert alert == f"LIMIT main: one-day VaR {share}, above 5.0%"
        assert world.app.services.desks.board.limit_figures(world.account).var_1d_frac == found.var_frac
        assert float(share.removesuffix("%")) == pytest.approx(100 * found.var_frac, abs=0.1)


async def test_the_alert_says_what_would_bring_it_within_the_limit() -> None:
    async with bot_world(limits=TIGHT) as world:
        await remember(world)
        await look(world, 1_000)
        frac = world.app.services.desks.board.limit_figures(world.account).var_1d_frac
        assert frac is not None
        text = world.alerts[-1].text
        assert "Within the limit: deposit $" in text
        assert f"cut every position by {math.ceil(1_000 * (1 - 0.05 / frac)) / 10:.1f}%" in text

        await look(world, 1_000 * frac / 0.05 + 1, after_s=301)
        assert world.app.services.desks.board.limit_figures(world.account).var_1d_frac == pytest.approx(0.05, rel=1e-2)


async def test_a_limit_that_cannot_be_checked_is_not_said_to_hold() -> None:
    async with bot_world(limits=replace(RiskLimits(), max_position_size_percent=3.0)) as world:
        with structlog.testing.capture_logs() as logs:
            assert await look(world, 1_000) == []
            assert await look(world) == []
        told = [entry for entry in logs if entry["event"] == "limits.unchecked"]
        assert len(told) == 1, "once for a change"
        assert "daily bars of SOL: 0 of 2" in told[0]["why"]["max_var_1d_percent"]

        answer = await world.answer("/limits")
        rows = {row[0]: row[2] for block in answer.message.blocks if isinstance(block, Table) for row in block.rows}
        assert answer.first == "main: all checked limits hold, 3 not checked"
        assert (rows["var_1d_percent"], rows["drawdown_percent"]) == ("-", "-")
        assert "! correlation_exposure, var_1d_percent not checked: daily bars of SOL: 0 of 2" in answer.text


async def test_before_the_first_figures_limits_on_them_are_unknown() -> None:
    async with bot_world(limits=TIGHT) as world:
        await remember(world)
        await world.check(400)
        answer = await world.answer("/limits")
        assert "var_1d_percent not checked: no risk figures yet" in answer.text


async def test_a_breach_does_not_end_because_it_can_no_longer_be_measured() -> None:
    async with bot_world(limits=TIGHT) as world:
        await remember(world)
        await look(world, 1_000)
        assert set(await standing(world, CauseKind.LIMIT)) == {"max_var_1d_percent"}

        # The account buys what has no history: nothing is known of its risk any more.
        put(world, 1_000, sol=10.0, btc=0.1)
        await remember(world, assets=())
        world.app.services.desks.history._known.clear()  # as after a restart without the files
        await world.store.run(lambda db: db.execute("DELETE FROM candles").rowcount)
        for _ in range(4):
            assert await look(world, after_s=301) == []
        assert set(await standing(world, CauseKind.LIMIT)) == {"max_var_1d_percent"}


async def test_figures_that_are_too_old_judge_nothing() -> None:
    async with bot_world(limits=TIGHT) as world:
        await remember(world)
        await look(world, 1_000)
        world.clock.pass_s(16 * 60)
        known = world.app.services.desks.board.limit_figures(world.account)
        assert known.var_1d_frac is None
        assert "too old to judge by" in known.unknown[LimitName.MAX_VAR_1D_PERCENT]


async def test_one_bet_under_two_names_is_a_breach_and_one_asset_is_none() -> None:
    async with bot_world(limits=replace(GENEROUS, max_correlation_exposure=0.7)) as world:
        await remember(world)
        assert await look(world, 10_000) == []
        judged = await world.app.services.manager(world.account).judge_limits()
        assert judged.states[LimitName.MAX_CORRELATION_EXPOSURE] is LimitState.NOT_APPLICABLE

        put(world, 10_000, sol=10.0, btc=0.02)
        (alert,) = await look(world)
        assert alert.startswith("LIMIT main: correlated exposure 9")  # correlated at 0.9, so 1 and 0.9 of the two
        assert alert.endswith(", above 70.0%")

        put(world, 10_000, sol=10.0, btc=-0.02)
        assert await look(world) == [], "a hedge is no second bet; easing takes its dwell"
        assert await look(world, after_s=61) == ["RESOLVED main: correlated exposure limit holds"]


async def test_figures_are_made_every_five_minutes_or_when_the_account_has_changed() -> None:
    async with bot_world() as world:
        await remember(world)
        board = world.app.services.desks.board
        await look(world, 1_000)
        first = board.of(world.account)
        await look(world)
        assert board.of(world.account) is first, "nothing has changed"
        await look(world, 1_030)
        second = board.of(world.account)
        assert second is not first, "its equity has"
        await look(world, after_s=301)
        assert board.of(world.account) is not second, "time has passed"


async def test_a_rise_since_yesterday_opens_escalates_and_eases_with_a_dwell() -> None:
    async with bot_world() as world:
        await remember(world)
        await look(world, 4_000)
        known = world.app.services.desks.board.of(world.account)
        assert known is not None
        assert known.limits.var_1d_frac is not None
        now = known.limits.var_1d_frac
        assert await standing(world) == {}, "on the first day there is nothing to compare with"
        await yesterday(world, var_1d_frac=now, leverage=0.25, volatility=10.0, beta_sol=0.25)

        (first,) = await look(world, 4_000 / 1.3, after_s=301)
        assert first == f"RISK main: VaR {_up(1.3 * now)} of equity, 1.3x yesterday's"
        assert (await standing(world))["var"].tier is Tier.WATCH
        assert "More: /var" in world.alerts[-1].text
        (worse,) = await look(world, 4_000 / 2.1)
        assert worse == f"RISK main: VaR {_up(2.1 * now)} of equity, 2.1x yesterday's"
        assert (await standing(world))["var"].tier is Tier.HIGH

        await look(world, 4_000 / 1.6)
        assert (await standing(world))["var"].tier is Tier.HIGH, "left only where WARNING begins"
        await look(world, 4_000 / 1.1)
        assert (await standing(world))["var"].tier is Tier.HIGH, "and only after a dwell"
        await look(world, 4_000 / 2.1)
        await look(world, 4_000 / 1.1)
        assert await look(world, after_s=301) == []
        (over,) = await look(world, after_s=301)
        assert over.startswith("RESOLVED main: VaR ")
        assert await standing(world) == {}


def _up(frac: float) -> str:
    return f"{math.ceil(round(1_000 * frac, 6)) / 10:.1f}%"


async def test_what_stands_survives_a_restart_and_a_gap_in_history(tmp_path: object) -> None:
    clock, database = FakeClock(), f"{tmp_path}/keel.db"
    async with bot_world(database=database, clock=clock) as world:
        await remember(world)
        put(world, 2_000)
        await yesterday(world, var_1d_frac=0.01, leverage=0.5, volatility=10.0, beta_sol=0.5)
        (heard,) = await look(world)
        assert heard.startswith("RISK main: VaR ")
    async with bot_world(database=database, clock=clock, linked=False) as world:
        put(world, 2_000)
        assert await look(world) == [], "it is known already"
        await world.store.run(lambda db: db.execute("DELETE FROM candles").rowcount)
        world.app.services.desks.history._known.clear()
        for _ in range(4):
            assert await look(world, after_s=301) == [], "what cannot be measured is not over"
        assert (await standing(world))["var"].tier is Tier.HIGH


async def test_the_daily_record_is_written_once_a_day_and_again_when_more_is_known() -> None:
    async with bot_world() as world:

        async def records() -> int:
            return int(await world.store.run(lambda db: db.table("risk_snapshots").count))

        await look(world, 1_000)
        await look(world, after_s=301)
        assert await records() == 1
        await remember(world)
        await look(world, after_s=301)
        assert await records() == 2, "now its VaR is known"
        await look(world, after_s=301)
        assert await records() == 2
        await look(world, after_s=DAY_S)
        assert await records() == 3


async def test_an_account_that_holds_nothing_has_no_risk_and_is_no_gap() -> None:
    async with bot_world(limits=RiskLimits()) as world:
        put(world, 1_000, sol=0.0)
        assert await look(world) == []
        known = world.app.services.desks.board.of(world.account)
        assert known is not None
        assert known.limits.var_1d_frac == 0.0
        assert known.limits.unknown == {}
        assert known.liquidation is not None
        assert [hit.probability for hit in known.liquidation.hits.hits] == [0.0, 0.0, 0.0]


async def test_accounts_that_cannot_be_assessed_are_left_alone() -> None:
    async with bot_world("main", "second") as world:
        await remember(world)
        world.reader.problems[world.account] = ("its account data is truncated",)
        put(world, 1_000)
        world.reader.accounts["account-of-second"] = make_account(make_position(10.0), usdc=1_000.0)
        await look(world)
        board = world.app.services.desks.board
        assert board.of(world.account) is None
        assert board.of("account-of-second") is not None


async def test_the_figure_is_by_the_method_that_var_shows() -> None:
    async with bot_world() as world:
        await remember(world)
        await look(world, 1_000)
        known = world.app.services.desks.board.limit_figures(world.account)
        shown = await world.app.services.desks.risk(world.account).calculate_var()
        assert known.var_method == shown.method.value == VaRMethod.FILTERED.value


async def test_positions_and_liquidation_prices_show_what_is_known_and_wait_for_nothing() -> None:
    async with bot_world() as world:
        await remember(world)
        await look(world, 1_000)
        world.clock.pass_s(60)
        await world.app.services.fleet.refresh()
        positions, liq = await world.answer("/positions"), await world.answer("/liq")
        rows = {row[0]: row[1] for block in positions.message.blocks if isinstance(block, Table) for row in block.rows}
        assert rows["Beta to SOL"] == "1.00"
        assert rows["Moves with account"] == "1.00"
        assert rows["Adds to tail loss"].startswith("+")
        assert "By exponential averages, 300 days, made 60 s ago." in positions.text
        assert "P(liquidation): 60 min 0%, 24 h " in liq.text
        assert "simulated 60 s ago, see /liqprob." in liq.text


async def test_without_history_positions_say_so_and_liquidation_prices_stay_as_they_are() -> None:
    async with bot_world() as world:
        await look(world, 1_000)
        assert "Volatility and beta: not enough history" in (await world.answer("/positions")).text
        assert "P(liquidation)" not in (await world.answer("/liq")).text


async def test_parts_of_positions_sum_to_the_expected_shortfall() -> None:
    async with bot_world() as world:
        await remember(world)
        put(world, 2_000, sol=10.0, btc=-0.01)
        await look(world)
        manager = world.app.services.desks.portfolio(world.account)
        positions = await manager.get_position_breakdown()
        found = await world.app.services.desks.risk(world.account).calculate_var(method=VaRMethod.FILTERED)
        parts = {one.market: one.risk_contribution for one in positions}
        assert None not in parts.values()
        assert sum(part for part in parts.values() if part is not None) == pytest.approx(found.es_frac, rel=1e-6)
        by_market = {one.market: one for one in positions}
        hedge = by_market["BTC-PERP"]
        assert hedge.risk_contribution is not None
        assert hedge.risk_contribution < 0, "the short takes risk away"
        assert hedge.correlation_to_portfolio is not None
        assert hedge.correlation_to_portfolio < 0
        assert hedge.beta == pytest.approx(0.45, abs=0.1)
        assert by_market["SOL-PERP"].volatility == pytest.approx(0.04 * math.sqrt(365), rel=0.6)


async def test_after_a_start_a_limit_is_judged_within_seconds_not_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.app._RISK_AFTER_CHECK_S", 0.0)
    async with bot_world(limits=TIGHT) as world:
        await remember(world)
        put(world, 1_000)
        async with world.app._schedule():
            await until(lambda: world.app.services.desks.board.of(world.account) is not None)
            await until(lambda: world.app.services.process.jobs["limits"].runs >= 2)
        assert set(await standing(world, CauseKind.LIMIT)) == {"max_var_1d_percent"}


async def test_figures_that_lacked_history_are_made_again_once_it_may_have_come() -> None:
    async with bot_world(limits=TIGHT) as world:
        assert await look(world, 1_000) == []
        await remember(world)
        assert await look(world, after_s=59.0) == [], "not at once: there may be no history of it anywhere"
        (alert,) = await look(world, after_s=2.0)
        assert "one-day VaR" in alert
