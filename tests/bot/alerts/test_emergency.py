"""While the memory does not work, what is bad is said all the same: at once, from what is known, and once."""

import pytest

from bot.messages import TryAgain
from risk.decisions.tiers import Tier
from storage import Role, StorageError
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.bot_world import HOME, BotWorld, bot_world


async def break_memory(world: BotWorld, *, broken: bool = True) -> None:
    """The disk takes nothing more."""
    await world.store.run(lambda db: db.execute(f"PRAGMA query_only = {int(broken)}"))


async def look(world: BotWorld, ratio: float, *, after_s: float = 5.0) -> list[str]:
    """A check that cannot store what it finds; what was said."""
    world.put(ratio)
    world.clock.pass_s(after_s)
    before = len(world.transport.sent)
    with pytest.raises(StorageError):
        await world.app.watch.check()
    return [sent.first for sent in world.transport.sent[before:]]


async def test_a_fall_that_cannot_be_stored_is_told_from_memory_once_for_each_tier_and_properly_afterwards(
    figure: Gauge,
) -> None:
    async with bot_world() as world:
        await world.link("bob", Role.VIEWER)
        await world.check(400)
        await break_memory(world)
        broke_s = world.clock.monotonic_s()

        assert await look(world, 140) == ["HIGH main: 2.1% to liq, +$30.00 fixes"] * 2
        figure(Measure.TOLD_AFTER, world.clock.monotonic_s() - broke_s)
        text = world.transport.sent[-1].text
        assert "Keel's memory does not work (" in text
        assert "cannot be acknowledged" in text
        assert world.transport.sent[-1].message.buttons == ()
        assert await look(world, 140) == []
        assert await look(world, 110) == ["CRITICAL main: 0.52% to liq, +$45.00 fixes"] * 2
        assert await look(world, 140) == []

        await break_memory(world, broken=False)
        assert await world.check(110) == ["CRITICAL"] * 2
        assert world.app.watch.tier(world.account).tier is Tier.CRITICAL
        figure(Measure.LOST, 0)  # each tier was told, as asserted above


async def test_what_goes_on_is_said_again_after_a_while() -> None:
    async with bot_world() as world:
        await world.check(400)
        await break_memory(world)
        await look(world, 110)

        assert await look(world, 110, after_s=290) == []
        assert len(await look(world, 110, after_s=10)) == 1


async def test_what_is_no_danger_waits_for_the_memory() -> None:
    async with bot_world() as world:
        await world.check(400)
        await break_memory(world)

        assert await look(world, 190) == []


async def test_a_platform_that_fails_as_well_does_not_hide_what_is_wrong() -> None:
    async with bot_world() as world:
        await world.check(400)
        await break_memory(world)
        world.transport.fail(HOME, TryAgain("502"))

        assert await look(world, 110) == []


async def test_a_bot_that_knows_nobody_yet_says_nothing_and_stops_nothing() -> None:
    async with bot_world(linked=False) as world:
        await break_memory(world)

        assert await look(world, 110) == []


async def test_what_gets_better_meanwhile_is_not_told_or_a_second_fall_would_be_news_to_nobody() -> None:
    async with bot_world() as world:
        assert await world.check(90) == ["LIQUIDATING"]
        world.clock.pass_s(5)
        await world.check(160)
        await break_memory(world)
        assert await look(world, 160, after_s=65) == [], "what they heard last stays what is stored"
        assert world.app.watch.tier(world.account).tier is Tier.HIGH

        await break_memory(world, broken=False)
        world.put(90)
        assert await world.check(90) == []
        assert world.app.watch.tier(world.account).tier is Tier.LIQUIDATING
        assert world.transport.sent[-1].first.startswith("LIQUIDATING main: now")
