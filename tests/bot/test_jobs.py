"""What runs beside the health check: limits, equity and drawdown, the watchdog, housekeeping; and the clockwork."""

import asyncio
import math
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from bot.jobs import Watchdog
from bot.process import JobState
from bot.schedule import Schedule, run_once
from risk.decisions.incidents import CauseKind
from risk.decisions.tiers import Tier
from risk.model.limits import RiskLimits
from risk.model.market import OracleValidity
from storage import DiskFull
from tests.risk.builders import make_account, make_btc_market, make_position
from tests.support.bot_world import GENEROUS, BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.tuned_reader import at_ratio
from tests.support.waiting import until
from venues.errors import VenueUnavailable

LEVERAGE_5 = replace(GENEROUS, max_portfolio_leverage=5.0)


async def look_at_limits(world: BotWorld, leverage: float | None = None, *, after_s: float = 5.0) -> list[str]:
    """One check of limits on an account of 1,000 USD notional; what was heard, without the tiers of its health."""
    if leverage is not None:
        world.put(100 * 1_000 / leverage / 50)
    before = len(world.alerts)
    await world.check(after_s=after_s)
    await world.app.limits.check()
    await world.deliver()
    return [alert.first for alert in world.alerts[before:] if "LIMIT" in alert.first or "limit holds" in alert.first]


async def test_a_breached_limit_is_an_alert_once_and_ends_with_a_margin_and_a_dwell() -> None:
    async with bot_world(limits=LEVERAGE_5) as world:
        assert await look_at_limits(world, 4.0) == []
        assert await look_at_limits(world, 5.5) == ["LIMIT main: leverage 5.5x, above 5.0x"]
        assert await look_at_limits(world, 6.0) == []
        assert await look_at_limits(world, 4.9, after_s=120) == [], "it holds, but not by 5 %"
        assert await look_at_limits(world, 4.9, after_s=120) == []
        assert await look_at_limits(world, 4.0) == []
        assert await look_at_limits(world, 4.0, after_s=30) == []
        assert await look_at_limits(world, 4.0, after_s=31) == ["RESOLVED main: leverage limit holds"]
        assert await look_at_limits(world, 5.5) == ["LIMIT main: leverage 5.5x, above 5.0x"]


async def test_a_limit_that_is_reached_exactly_holds() -> None:
    async with bot_world(limits=LEVERAGE_5) as world:
        assert await look_at_limits(world, 5.0) == []


async def test_a_breach_in_between_starts_the_dwell_again() -> None:
    async with bot_world(limits=LEVERAGE_5) as world:
        await look_at_limits(world, 5.5)
        await look_at_limits(world, 4.0)
        await look_at_limits(world, 5.5, after_s=40)

        assert await look_at_limits(world, 4.0) == []
        assert await look_at_limits(world, 4.0, after_s=40) == []


async def test_a_breached_limit_never_moves_the_health_tier() -> None:
    async with bot_world(limits=RiskLimits()) as world:
        await look_at_limits(world, 5.5)

        open_kinds = [one.cause.kind for one in await world.app.services.incidents.open_incidents()]
        assert set(open_kinds) == {CauseKind.LIMIT}
        assert world.app.watch.tier(world.account).tier is Tier.OK


async def test_every_default_limit_is_named_with_its_figure_first() -> None:
    async with bot_world(limits=RiskLimits(max_position_size_usd=900.0)) as world:
        await world.check(140)
        await world.app.limits.check()
        await world.deliver()

        assert sorted(alert.first[:40] for alert in world.alerts if alert.first.startswith("LIMIT")) == [
            "LIMIT main: SOL-PERP $1,000, above $900",
            "LIMIT main: SOL-PERP 1,429% of equity, a",
            "LIMIT main: health ratio 140.0%, below 1",
            "LIMIT main: leverage 14.3x, above 5.0x",
        ]


async def test_a_limit_of_a_position_that_was_closed_ends() -> None:
    async with bot_world(limits=replace(GENEROUS, max_position_size_usd=900.0)) as world:
        await look_at_limits(world, 2.0)
        world.reader.accounts[world.account] = make_account(usdc=500.0)
        await look_at_limits(world)

        assert await look_at_limits(world, after_s=61) == ["RESOLVED main: SOL-PERP size limit holds"]


async def test_limits_are_neither_opened_nor_ended_on_data_that_cannot_be_trusted() -> None:
    async with bot_world(limits=LEVERAGE_5) as world:
        await look_at_limits(world, 5.5)
        world.reader.problems[world.account] = ("its account data is truncated",)
        world.put(2_000)

        assert await look_at_limits(world, after_s=60) == []
        assert await look_at_limits(world, after_s=60) == []


async def test_nothing_is_said_of_limits_before_the_first_reading() -> None:
    async with bot_world(limits=None) as world:
        await world.app.limits.check()
        await world.app.equity.record()

        assert await world.app.services.incidents.open_incidents() == ()


# Equity and drawdown: at_ratio(r) is an account of r / 2 USD.


async def record(world: BotWorld, equity_usd: float, *, net_deposits_usd: float = 0.0) -> list[str]:
    """A minute later, at this equity."""
    account = at_ratio(2 * equity_usd)
    world.reader.accounts[world.account] = replace(account, net_deposits_usd=net_deposits_usd)
    world.clock.pass_s(60)
    await world.app.services.fleet.refresh()
    before = len(world.alerts)
    await world.app.equity.record()
    await world.deliver()
    return [alert.first for alert in world.alerts[before:]]


async def test_a_deposit_is_no_gain_and_a_withdrawal_no_loss() -> None:
    async with bot_world() as world:
        await record(world, 1_000)
        await record(world, 1_500, net_deposits_usd=500)
        await record(world, 700, net_deposits_usd=-300)
        sample = await world.app.services.equity.latest(world.account)

        assert sample is not None
        assert sample.equity_usd == pytest.approx(700)
        assert sample.unit_value_usd == pytest.approx(1.0)
        assert await world.app.services.equity.drawdown_frac(world.account) == pytest.approx(0.0)


async def test_a_fall_from_the_high_climbs_the_tiers_of_drawdown_and_resolves() -> None:
    async with bot_world() as world:
        assert await record(world, 1_000) == []
        assert await record(world, 951) == []
        assert await record(world, 940) == ["DRAWDOWN main: 6.0% below its high, flows stripped"]
        assert await record(world, 890) == ["DRAWDOWN main: 11.0% below its high, flows stripped"]
        assert await record(world, 840) == ["DRAWDOWN main: 16.0% below its high, flows stripped"]
        assert await record(world, 740) == ["DRAWDOWN main: 26.0% below its high, flows stripped"]
        assert await record(world, 990) == ["RESOLVED main: 1.0% below its high, flows stripped"]


async def test_drawdown_goes_on_where_it_stood_after_a_restart(tmp_path: object) -> None:
    clock = FakeClock()
    async with bot_world(database=f"{tmp_path}/keel.db", clock=clock) as world:
        await record(world, 1_000)
    async with bot_world(database=f"{tmp_path}/keel.db", clock=clock, linked=False) as world:
        assert await record(world, 880) == ["DRAWDOWN main: 12.0% below its high, flows stripped"]


async def test_equity_that_cannot_be_trusted_is_not_recorded() -> None:
    async with bot_world("main", "second") as world:
        stale = make_btc_market(oracle_validity=OracleValidity.STALE)
        world.reader.accounts["account-of-second"] = make_account(
            make_position(1.0, market_index=1), usdc=100.0, perp_markets=[stale]
        )
        await record(world, 1_000)

        assert await world.app.services.equity.latest("account-of-second") is None
        assert await world.app.services.snapshots.last_good("account-of-second") is None
        assert await world.app.services.equity.latest(world.account) is not None


async def test_an_account_without_money_is_no_reason_to_fail() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = make_account()
        world.clock.pass_s(60)
        await world.app.services.fleet.refresh()
        await world.app.equity.record()

        assert await world.app.services.equity.latest(world.account) is None


async def test_an_account_without_positions_is_recorded_with_its_infinite_ratio() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = make_account(usdc=100.0)
        world.clock.pass_s(60)
        await world.app.services.fleet.refresh()
        await world.app.equity.record()
        sample = await world.app.services.equity.latest(world.account)

        assert sample is not None
        assert sample.health_ratio_percent == math.inf


# The clockwork and what watches it.


async def succeed() -> None:
    pass


async def fail() -> None:
    raise RuntimeError("https://rpc.example/very-secret-key refused")


async def test_a_job_that_fails_is_counted_and_does_not_stop_the_clockwork() -> None:
    clock = FakeClock()
    runs: list[int] = []

    async def sometimes() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise RuntimeError("once")

    schedule = Schedule(clock)
    schedule.every(0.01, "sometimes", sometimes)
    async with schedule:
        await until(lambda: len(runs) >= 3)

    state = schedule.jobs["sometimes"]
    assert state.failures == 1
    assert state.runs >= 3


async def test_two_jobs_run_side_by_side_and_one_that_hangs_holds_up_no_other() -> None:
    clock, hang = FakeClock(), asyncio.Event()
    ticks: list[int] = []

    async def tick() -> None:
        ticks.append(1)

    schedule = Schedule(clock, last_runs_s=0.01)
    schedule.every(0.01, "hangs", lambda: _waited(hang))
    schedule.every(0.01, "ticks", tick)
    async with schedule:
        await until(lambda: len(ticks) >= 3)
        assert schedule.jobs["hangs"].runs == 1


async def test_what_has_begun_comes_to_its_end_before_the_clockwork_does() -> None:
    begun, done = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        begun.set()
        await asyncio.sleep(0.05)
        done.set()

    schedule = Schedule(FakeClock())
    schedule.every(60.0, "slowly", slowly)
    async with schedule:
        await begun.wait()

    assert done.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def _waited(event: asyncio.Event) -> None:
    await event.wait()


async def test_a_run_longer_than_its_interval_is_counted() -> None:
    clock, state = FakeClock(), JobState(interval_s=5.0)

    await run_once("check", lambda: clock.sleep(5.0), state, clock)
    assert state.overruns == 0
    await run_once("check", lambda: clock.sleep(5.1), state, clock)

    assert (state.overruns, state.runs) == (1, 2)
    assert state.last_duration_s == pytest.approx(5.1)


async def test_a_failed_run_ends_but_does_not_succeed_and_shows_no_foreign_text() -> None:
    clock, state = FakeClock(), JobState(interval_s=5.0)
    await run_once("check", succeed, state, clock)
    good = clock.now()
    clock.pass_s(5)
    await run_once("check", fail, state, clock)

    assert (state.last_succeeded, state.last_finished) == (good, clock.now())
    assert state.last_error == "RuntimeError, see the log"


async def test_an_error_of_ours_is_shown_as_its_sentence() -> None:
    async def full() -> None:
        raise DiskFull("There is no room left; free some space.")

    clock, state = FakeClock(), JobState(interval_s=5.0)
    await run_once("check", full, state, clock)

    assert state.last_error == "There is no room left; free some space."


async def test_a_failed_job_is_one_line_in_the_log() -> None:
    clock, state = FakeClock(), JobState(interval_s=5.0)
    with structlog.testing.capture_logs() as logs:
        await run_once("check", fail, state, clock)

    assert [(entry["event"], entry["job"]) for entry in logs] == [("job.failed", "check")]


async def watched(world: BotWorld) -> tuple[Watchdog, JobState]:
    check = JobState(interval_s=5.0)
    clock = world.clock
    return Watchdog(check=check, desk=world.app.desk, clock=clock, started_at=clock.now()), check


async def test_the_watchdog_tells_when_checks_stop_and_when_they_are_back() -> None:
    async with bot_world() as world:
        dog, check = await watched(world)
        await run_once("check", succeed, check, world.clock)
        world.clock.pass_s(15)
        await dog.look()
        world.clock.pass_s(1)
        await dog.look()
        await dog.look()
        await world.deliver()
        assert [alert.first for alert in world.alerts] == ["CRITICAL Keel: no health check for 16 s"]

        await run_once("check", succeed, check, world.clock)
        await dog.look()
        await world.deliver()
        assert world.alerts[-1].first == "RESOLVED Keel: health checks run again"


async def test_checks_that_run_and_fail_are_no_checks_to_the_watchdog() -> None:
    async with bot_world() as world:
        dog, check = await watched(world)
        for _ in range(5):
            world.clock.pass_s(5)
            await run_once("check", fail, check, world.clock)
            await dog.look()
        await world.deliver()

        (alert,) = world.alerts
        assert alert.first == "CRITICAL Keel: no health check for 20 s: RuntimeError, see the log"


async def test_a_check_that_never_finished_is_noticed_from_the_start() -> None:
    async with bot_world() as world:
        dog, _ = await watched(world)
        world.clock.pass_s(16)
        await dog.look()
        await world.deliver()

        assert world.heads == ["CRITICAL"]


async def test_a_venue_that_is_down_fails_no_check() -> None:
    async with bot_world() as world:
        world.reader.error = VenueUnavailable("down")
        state = JobState(interval_s=5.0)
        await run_once("check", world.app.watch.check, state, world.clock)

        assert (state.failures, state.last_succeeded) == (0, world.clock.now())


async def test_housekeeping_forgets_presses_after_a_week_and_thins_equity() -> None:
    async with bot_world() as world:
        await world.press("ack:1", press_id="p1")
        for minute in range(5):
            await record(world, 1_000 + minute)
        world.clock.pass_s(timedelta(days=8).total_seconds())
        with structlog.testing.capture_logs() as logs:
            await world.app.housekeeping.tidy()

        (done,) = [entry for entry in logs if entry["event"] == "housekeeping.done"]
        assert done["presses_forgotten"] == 1
        assert done["equity_samples_dropped"] == 3
