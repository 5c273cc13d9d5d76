"""A halt goes on until nothing rests that it was to cancel, and says what was on its way and what was not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from risk.model.proposal import LegState, ProposalState, Purpose
from risk.model.trading import OrderStyle, Signed
from risk.trade_ports import OrderGateway
from tests.support.trade_world import ACCOUNT, TradeWorld, card_press, sell, trade, trade_world
from venues.errors import VenueUnavailable

STOP = sell(trade(style=OrderStyle.TRIGGER_MARKET, trigger_usd=120.0, triggers_above=False), purpose=Purpose.STOP)


class Mute:
    """A gateway that signs nothing while it is mute."""

    def __init__(self, gateway: OrderGateway) -> None:
        self._gateway, self.mute, self.asked = gateway, False, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._gateway, name)

    async def prepare(self, batch: object) -> Signed:
        self.asked += 1
        if self.mute:
            raise VenueUnavailable("the signer does not answer: nobody listens at its socket")
        return await self._gateway.prepare(batch)  # type: ignore[arg-type]  # passed on


@contextlib.asynccontextmanager
async def muted() -> AsyncIterator[tuple[TradeWorld, Mute]]:
    """With a stop that rests at the venue, and nobody who signs from then on."""
    gates: list[Mute] = []

    def through(gateway: OrderGateway) -> OrderGateway:
        gates.append(Mute(gateway))
        return gates[0]  # type: ignore[return-value]  # by __getattr__

    async with trade_world(through=through) as world:
        await world.press(await world.proposed(STOP))
        gates[0].mute = True
        yield world, gates[0]


async def resting(world: TradeWorld) -> int:
    """At the venue, of ours."""
    return sum(one.trigger_price_usd == 120.0 for one in await world.gateway.open_orders(ACCOUNT))


async def test_what_could_not_be_cancelled_is_cancelled_once_somebody_signs_again() -> None:
    async with muted() as (world, gate):
        world.clock.pass_s(60.0)  # it rested long before the halt
        halted = await world.halting.halt(by="ann", reason="enough")
        assert (len(halted.left), halted.cancelled) == (1, ())
        await world.halting.look()
        assert await resting(world) == 1
        gate.mute = False
        world.clock.pass_s(60.0)
        await world.halting.look()
        assert not await resting(world)
        assert not await world.halting._resting.doomed()


async def test_it_is_tried_again_ever_more_seldom_and_not_at_all_after_a_resume() -> None:
    async with muted() as (world, gate):
        await world.halting.halt(by="ann", reason="enough")
        before = gate.asked
        for _ in range(600):
            world.clock.pass_s(1.0)
            await world.halting.look()
        assert 5 <= gate.asked - before <= 15
        await world.halting.resume(by="ann")
        gate.mute, before = False, gate.asked
        await world.halting.halt(by="ann", reason="again", keep_protection=True)
        world.clock.pass_s(600.0)
        await world.halting.look()
        assert gate.asked == before
        assert await resting(world) == 1, "the first halt was lifted, and the second one keeps stops"


async def test_what_was_agreed_to_and_not_signed_is_not_said_to_be_with_the_venue() -> None:
    async with muted() as (world, _):
        asked = await world.proposed()
        await world.desk.press(card_press(world.handles, asked))
        while (await world.now(asked)).state is not ProposalState.EXECUTING:  # noqa: ASYNC110  # its task runs
            await asyncio.sleep(0)
        halted = await world.halting.halt(by="ann", reason="enough")
        assert (halted.executing, halted.stopped) == ((), (asked.proposal_id,))
        await world.execution.idle()
        assert (await world.now(asked)).legs[0].state is LegState.SKIPPED
