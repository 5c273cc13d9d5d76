"""Orders that rest are watched: one that does not protect is an incident until it does again."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.trading.stops.watch import StopWatch
from risk.decisions.incidents import CauseKind, Incident
from risk.decisions.tiers import Tier
from risk.model.account import Side
from storage import DiskFull, Resting, RestingEnd, RestingOrder
from tests.bot.trading.chat_world import ChatWorld, chat_world
from tests.support.clock import FakeClock
from tests.support.trade_world import ACCOUNT, still
from venues.paper.demo import demo_exchange
from venues.paper.venue import PaperVenue


@dataclass(slots=True)
class Watched:
    """A bot whose stops are watched by hand."""

    world: ChatWorld
    watch: StopWatch

    async def look(self, after_s: float = 5.0) -> None:
        """A reading, then a look."""
        self.world.clock.pass_s(after_s)
        await self.world.bot.app.services.fleet.refresh()
        await self.watch.look()
        await self.world.bot.deliver()

    async def looks(self, seconds: float) -> None:
        for _ in range(round(seconds / 5)):
            await self.look()

    async def stop(self, text: str = "/stop SOL -5%") -> RestingOrder:
        """Asked for, confirmed, and resting."""
        await self.world.press(await self.world.card(text))
        return (await self.resting())[-1]

    async def resting(self) -> tuple[RestingOrder, ...]:
        return await Resting(self.world.bot.store).standing(ACCOUNT)

    async def recent(self) -> RestingOrder:
        return (await Resting(self.world.bot.store).recent(ACCOUNT, 1))[0]

    async def incidents(self) -> list[Incident]:
        found = await self.world.bot.app.services.incidents.open_incidents()
        return [one for one in found if one.cause.kind is CauseKind.PROTECTION]

    async def cancel_at_the_venue(self, order: RestingOrder) -> None:
        assert order.order_id is not None
        (await self.world.venue.reach()).cancel(ACCOUNT, order.order_id)

    async def sell(self, size: float) -> None:
        (await self.world.venue.reach()).market_order(ACCOUNT, "SOL-PERP", Side.SELL, size, reduce_only=True)


@contextlib.asynccontextmanager
async def watched(**moves: tuple[float, float]) -> AsyncIterator[Watched]:
    clock = FakeClock()
    venue = PaperVenue(demo_exchange(still(**moves), liquidates=False), clock=clock)
    async with chat_world(clock=clock, venue=venue) as world:
        services, app = world.bot.app.services, world.bot.app
        watch = StopWatch(
            fleet=services.fleet, roster=services.roster, resting=Resting(world.bot.store), events=services.events,
            incidents=services.incidents, desk=app.desk, clock=clock,
        )  # fmt: skip
        yield Watched(world, watch)


async def test_a_stop_that_rests_is_silent() -> None:
    async with watched() as at:
        await at.stop()
        await at.looks(60)
        assert await at.incidents() == []
        assert len(await at.resting()) == 1


async def test_a_stop_its_owner_cancelled_is_a_high_incident_until_one_rests_again() -> None:
    async with watched() as at:
        order = await at.stop()
        await at.look()
        await at.cancel_at_the_venue(order)
        await at.looks(30)
        (incident,) = await at.incidents()
        assert incident.tier is Tier.HIGH
        assert f"order {order.order_id}" in incident.fact
        assert incident.remedy == "Place it again: /stop SOL 152"
        assert await at.resting() == ()
        ended = await at.recent()
        assert ended.ended_how in (RestingEnd.CANCELLED, RestingEnd.VANISHED)
        assert any(alert.first.startswith("HIGH main: SOL-PERP stop ") for alert in at.world.bot.alerts)
        await at.stop()
        await at.looks(10)
        assert await at.incidents() == []


async def test_a_cancelled_stop_is_no_matter_once_its_position_is_closed() -> None:
    async with watched() as at:
        order = await at.stop()
        await at.look()
        await at.cancel_at_the_venue(order)
        await at.looks(30)
        assert await at.incidents()
        await at.sell(250.0)
        await at.looks(10)
        assert await at.incidents() == []


async def test_a_stop_larger_than_what_is_left_is_an_incident_until_it_is_cancelled() -> None:
    async with watched() as at:
        order = await at.stop()
        await at.look()
        await at.sell(100.0)
        await at.look()
        (incident,) = await at.incidents()
        assert incident.cause.subject.startswith("oversized/SOL-PERP/sell/below/")
        await at.cancel_at_the_venue(order)
        await at.sell(150.0)
        await at.looks(40)
        assert await at.incidents() == []


async def test_when_one_side_of_a_bracket_has_fired_the_other_is_to_be_cancelled() -> None:
    async with watched(SOL=(60.0, 0.9)) as at:
        await at.stop("/bracket SOL -5% +10%")
        assert len(await at.resting()) == 2
        await at.looks(120)
        (incident,) = await at.incidents()
        assert incident.cause.subject.startswith("oversized/SOL-PERP/sell/above/")
        (left,) = await at.resting()
        assert (incident.tier, incident.remedy) == (Tier.WARNING, f"Send /cancel {left.order_id}")
        assert "closes nothing any more, and would close your next position" in incident.fact
        assert left.terms.triggers_above


async def test_a_stop_that_fired_is_noted_as_filled_and_is_no_incident() -> None:
    async with watched(SOL=(60.0, 0.9)) as at:
        await at.stop()
        await at.looks(120)
        assert await at.incidents() == []
        assert await at.resting() == ()
        assert (await at.recent()).ended_how is RestingEnd.FILLED
        assert await at.world.position() == 0.0


async def test_a_stop_nobody_fires_is_an_incident() -> None:
    async with watched(SOL=(60.0, 0.9)) as at:
        at.world.venue.faults.no_keepers()
        await at.stop()
        await at.looks(90)
        assert await at.incidents() == []
        await at.looks(120)
        (incident,) = await at.incidents()
        assert incident.cause.subject.startswith("not_triggered/")
        assert "/close SOL-PERP" in incident.remedy


async def test_nothing_is_said_on_data_that_cannot_be_trusted() -> None:
    async with watched() as at:
        order = await at.stop()
        await at.look()
        await at.cancel_at_the_venue(order)
        at.world.clock.pass_s(600)
        await at.watch.look()
        assert await at.incidents() == []
        assert len(await at.resting()) == 1


@pytest.mark.parametrize("command", ["/stop SOL -5%", "/tp SOL +5%"])
async def test_an_order_is_not_missed_on_a_reading_older_than_itself(command: str) -> None:
    async with watched() as at:
        await at.world.bot.app.services.fleet.refresh()
        await at.stop(command)
        await at.watch.look()
        assert await at.incidents() == []
        assert len(await at.resting()) == 1


async def test_a_stop_that_fired_is_told_on_its_card_and_in_orders_with_size_and_price() -> None:
    async with watched(SOL=(60.0, 0.9)) as at:
        await at.stop()
        await at.looks(120)
        await at.world.trading.keeper.settle()
        (card,) = at.world.cards()
        shown = at.world.text(card)
        assert shown.startswith("Stop main: fired and filled")
        assert "sell 250 SOL-PERP below $152.00: fired and filled at " in shown
        assert "sold 250 at about $1" in shown
        ended = await at.recent()
        assert ended.filled_raw_1e9 == 250_000_000_000
        assert ended.reason.startswith("sold 250 at about $")


async def test_the_alert_of_one_that_was_too_large_ends_by_what_became_of_it() -> None:
    async with watched(SOL=(60.0, 0.9)) as at:
        order = await at.stop()
        await at.look()
        await at.sell(100.0)
        await at.look()
        (incident,) = await at.incidents()
        assert (incident.tier, incident.remedy) == (Tier.HIGH, f"Send /cancel {order.order_id} and then /stop SOL 152")
        await at.looks(120)
        assert await at.incidents() == []
        assert (await at.recent()).reason.startswith("sold 150 ")
        assert not any("as it should be" in alert.text for alert in at.world.bot.alerts)


async def test_an_alert_that_could_not_be_stored_comes_at_the_next_look() -> None:
    async with watched() as at:
        order = await at.stop()
        await at.looks(20)
        await at.cancel_at_the_venue(order)
        failing = at.watch._desk.settle  # what fails in between

        async def full(findings: object, states: object = None) -> None:
            raise DiskFull("the disk is full")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(at.watch._desk, "settle", full)  # likewise
            with pytest.raises(DiskFull):
                await at.looks(60)
        assert at.watch._desk.settle == failing  # likewise
        assert len(await at.resting()) == 1
        await at.looks(30)
        assert [one.tier for one in await at.incidents()] == [Tier.HIGH]
        assert await at.resting() == ()
