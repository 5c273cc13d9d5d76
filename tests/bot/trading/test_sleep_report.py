"""The morning after a /sleep: what fired, what it came to, told once, where it was asked for."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.messages import Address, RetryAfter
from bot.trading.sleep_report import NightReports, length_of
from bot.trading.stops.watch import StopWatch
from risk.model.account import Side
from risk.model.proposal import PlannedTrade, Purpose, TradePlan
from risk.model.trading import OrderStyle
from storage import CardPlace, ProposalCards, Resting, Sleeps, Store
from tests.bot.trading.chat_world import ChatWorld, chat_world
from tests.support.bot_world import HOME
from tests.support.clock import FakeClock
from tests.support.recording_transport import Sent
from tests.support.trade_world import ACCOUNT, card_press, still
from venues.paper.demo import START_USD, demo_exchange
from venues.paper.venue import PaperVenue

SOL_USD = START_USD["SOL/USD"]


@dataclass(slots=True)
class Slept:
    """A bot with a night to sleep through."""

    world: ChatWorld
    watch: StopWatch
    nights: NightReports

    @property
    def reports(self) -> list[Sent]:
        return [one for one in self.world.transport.sent if one.first.startswith("Night over")]

    async def propose(self, *, confirm: bool = True, title: str = "Sleep 8 h") -> None:
        """A stop five percent below."""
        stop = PlannedTrade(
            market="SOL-PERP", side=Side.SELL, size_base=250.0, reduce_only=True, style=OrderStyle.TRIGGER_MARKET,
            trigger_usd=SOL_USD * 0.95, triggers_above=False,
        )  # fmt: skip
        plan = TradePlan(
            account_id=ACCOUNT, purpose=Purpose.SLEEP, trades=(stop,), title=title, requested_by="person-owner"
        )
        place = Address(transport=self.world.transport.name, chat=HOME)
        found = await self.world.trading.desk.propose(plan, place=place)
        assert found.proposal is not None, found.refusal
        if confirm:
            handles = await ProposalCards(self.world.bot.store).handles()
            card = CardPlace(transport=place.transport, chat=place.chat)
            await self.world.trading.desk.press(card_press(handles, found.proposal, place=card, by="person-owner"))
            await self.world.idle()

    async def pass_s(self, seconds: float, *, every_s: float = 60.0) -> None:
        """Time in which Keel lives."""
        for _ in range(round(seconds / every_s)):
            self.world.clock.pass_s(every_s)
            await self.world.bot.app.services.fleet.refresh()
            await self.world.bot.app.equity.record()
            await self.watch.look()
            await self.nights.look()


def reports_of(world: ChatWorld, store: Store) -> NightReports:
    services = world.bot.app.services
    assert services.trading is not None
    return NightReports(services, services.trading, sleeps=Sleeps(store), copies=ProposalCards(store))


@contextlib.asynccontextmanager
async def slept(**moves: tuple[float, float]) -> AsyncIterator[Slept]:
    clock = FakeClock()
    venue = PaperVenue(demo_exchange(still(**moves), liquidates=False), clock=clock)
    async with chat_world(clock=clock, venue=venue) as world:
        app, services, store = world.bot.app, world.bot.app.services, world.bot.store
        watch = StopWatch(
            fleet=services.fleet, roster=services.roster, resting=Resting(store), events=services.events,
            incidents=services.incidents, desk=app.desk, clock=clock,
        )  # fmt: skip
        yield Slept(world, watch, reports_of(world, store))


async def test_a_quiet_night_is_reported_once_in_the_chat_that_asked() -> None:
    async with slept() as at:
        await at.propose()
        await at.pass_s(7.5 * 3_600, every_s=900)
        assert at.reports == []
        await at.pass_s(3_600, every_s=300)
        (report,) = at.reports
        assert report.chat == HOME
        assert report.first == "Night over, main: 0 of 1 orders fired"
        assert "SOL-PERP stop" in report.text
        assert "not reached" in report.text
        assert "Still resting: #" in report.text
        assert "Equity $" in report.text


async def test_what_fired_is_told_with_what_it_came_to() -> None:
    async with slept(SOL=(600.0, 0.9)) as at:
        await at.propose()
        await at.pass_s(1_800)
        await at.pass_s(8 * 3_600, every_s=900)
        (report,) = at.reports
        assert report.first == "Night over, main: 1 of 1 orders fired"
        assert "fired and filled at" in report.text
        assert "Least health ratio on record" in report.text
        assert "Still resting" not in report.text
        # Only the short of BTC and the long of ETH are left.
        assert "SOL-PERP 2" not in report.text.rsplit("Now:", 1)[1]


async def test_time_without_keel_is_said() -> None:
    async with slept() as at:
        await at.propose()
        await at.pass_s(120)
        at.world.clock.pass_s(8 * 3_600)
        await at.pass_s(120)
        (report,) = at.reports
        assert "Keel itself saw nothing for 47" in report.text


async def test_a_restart_in_the_night_loses_no_report_and_tells_none_twice() -> None:
    async with slept() as at:
        await at.propose()
        await at.pass_s(120)
        at.nights = reports_of(at.world, at.world.bot.store)
        await at.pass_s(9 * 3_600, every_s=900)
        at.nights = reports_of(at.world, at.world.bot.store)
        await at.pass_s(600)
        assert len(at.reports) == 1


async def test_a_plan_nobody_confirmed_is_no_night() -> None:
    async with slept() as at:
        await at.propose(confirm=False)
        await at.pass_s(9 * 3_600, every_s=900)
        assert at.reports == []


async def test_a_platform_that_fails_is_tried_again() -> None:
    async with slept() as at:
        await at.propose()
        await at.pass_s(8 * 3_600 - 600, every_s=600)
        at.world.transport.fail(HOME, RetryAfter(300.0), RetryAfter(300.0), RetryAfter(300.0), RetryAfter(300.0))
        await at.pass_s(1_200)
        assert at.reports == []
        at.world.transport.heal(HOME)
        await at.pass_s(900)
        assert len(at.reports) == 1


@pytest.mark.parametrize(
    ("title", "hours"), [("Sleep 8 h", 8.0), ("Sleep 1 h 30 min", 1.5), ("Sleep 12h", 12.0), ("Sleep", 8.0)]
)
def test_how_long_it_lasts_stands_in_the_title(title: str, hours: float) -> None:
    assert length_of(title) == timedelta(hours=hours)
