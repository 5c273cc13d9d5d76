"""What runs beside the health check: limits, equity and drawdown, housekeeping."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import structlog

from bot.jobs import EquityBook
from risk.decisions.incidents import CauseKind
from risk.decisions.tiers import Tier
from risk.margin.book import FleetBook, FloatArray
from risk.model.limits import RiskLimits
from risk.model.market import OracleValidity
from storage import EquitySample
from tests.risk.builders import make_account, make_btc_market, make_position
from tests.support.bot_world import GENEROUS, BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.tuned_reader import at_ratio
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

        (alert,) = world.alerts
        assert sorted(line[:40] for line in alert.text.split("\n") if line.startswith("LIMIT")) == [
            "LIMIT main: SOL-PERP $1,000, above $900 ",
            "LIMIT main: SOL-PERP 1,429% of equity, a",
            "LIMIT main: health ratio 140.0%, below 1",
            "LIMIT main: leverage 14.3x, above 5.0x ·",
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


class FeeReader:
    """A venue that says what trading has cost every account."""

    def __init__(self, fees_usd: float = 3.5) -> None:
        self.fees_usd, self.asked = fees_usd, 0
        self.error: Exception | None = None

    async def fees_paid_usd(self, book: FleetBook) -> FloatArray:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return np.full(len(book.accounts.ids), self.fees_usd)


def book_with_fees(world: BotWorld, fees: FeeReader) -> EquityBook:
    services = world.app.services
    return EquityBook(
        fleet=services.fleet, roster=services.roster, equity=services.equity, snapshots=services.snapshots,
        incidents=services.incidents, desk=world.app.desk, clock=world.clock, fees=fees,
    )  # fmt: skip


async def sampled(world: BotWorld, book: EquityBook) -> EquitySample:
    """A minute later, as it was recorded."""
    world.clock.pass_s(60)
    await world.app.services.fleet.refresh()
    await book.record()
    sample = await world.app.services.equity.latest(world.account)
    assert sample is not None
    return sample


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
        assert await record(world, 940) == ["DRAWDOWN main: 6.0% below its high, deposits and withdrawals not counted"]
        assert await record(world, 890) == ["DRAWDOWN main: 11.0% below its high, deposits and withdrawals not counted"]
        assert await record(world, 840) == ["DRAWDOWN main: 16.0% below its high, deposits and withdrawals not counted"]
        assert await record(world, 740) == ["DRAWDOWN main: 26.0% below its high, deposits and withdrawals not counted"]
        assert await record(world, 990) == ["RESOLVED main: 1.0% below its high, deposits and withdrawals not counted"]


async def test_drawdown_goes_on_where_it_stood_after_a_restart(tmp_path: object) -> None:
    clock = FakeClock()
    async with bot_world(database=f"{tmp_path}/keel.db", clock=clock) as world:
        await record(world, 1_000)
    async with bot_world(database=f"{tmp_path}/keel.db", clock=clock, linked=False) as world:
        assert await record(world, 880) == ["DRAWDOWN main: 12.0% below its high, deposits and withdrawals not counted"]


async def test_what_funding_and_fees_amount_to_is_recorded_with_the_equity() -> None:
    async with bot_world() as world:
        reader = FeeReader()
        book = book_with_fees(world, reader)
        paid = replace(make_position(10.0), funding_usd=-2.0)
        world.reader.accounts[world.account] = make_account(paid, usdc=1_000.0, funding_booked_usd=-5.0)
        first = await sampled(world, book)
        assert first.funding_usd == pytest.approx(-7.0)
        assert first.fees_usd == 3.5

        reader.fees_usd = 4.5
        assert (await sampled(world, book)).fees_usd is None, "fees are asked every five minutes"
        world.clock.pass_s(240)
        assert (await sampled(world, book)).fees_usd == 4.5
        assert reader.asked == 2


async def test_what_the_venue_does_not_state_is_unknown_and_no_zero() -> None:
    async with bot_world() as world:
        reader = FeeReader(math.nan)
        book = book_with_fees(world, reader)
        world.reader.accounts[world.account] = make_account(usdc=1_000.0, funding_booked_usd=None)
        sample = await sampled(world, book)

        assert (sample.funding_usd, sample.fees_usd) == (None, None)


async def test_fees_that_cannot_be_read_keep_no_equity_from_being_recorded() -> None:
    async with bot_world() as world:
        reader = FeeReader()
        reader.error = VenueUnavailable("no endpoint answers; try later")
        book = book_with_fees(world, reader)

        assert (await sampled(world, book)).fees_usd is None
        assert reader.asked == 1


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
