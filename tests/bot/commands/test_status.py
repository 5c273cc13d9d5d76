"""/status: whether Keel itself is well."""

from bot.messages import TryAgain
from bot.process import JobState
from bot.schedule import run_once
from tests.support.bot_world import HOME, BotWorld, bot_world
from venues.errors import VenueUnavailable


async def status(world: BotWorld) -> list[str]:
    return (await world.answer("/status")).text.split("\n")


NOTHING_WAKES_ANYBODY = (
    "! CRITICAL has no route that rings through Do Not Disturb:"
    " add a service with rings_through_dnd = true to a step in ROUTES_FILE."
)


async def test_all_is_well() -> None:
    async with bot_world("main", "second") as world:
        await world.check()
        world.clock.pass_s(2)

        assert await status(world) == [
            "Keel: watching 2 accounts",
            "Venue paper: data 2 s old, slot 400,000,012",
            "Accounts: 2. Open alerts: 0.",
            "Alerts to deliver: 0 waiting, 0 given up, 0 delivered.",
            NOTHING_WAKES_ANYBODY,
            "chat: up for 0 s, polling",
            "Trading: off (read-only).",
            "Running for 7 s.",
        ]


async def test_a_silent_venue_is_the_first_thing_said() -> None:
    async with bot_world() as world:
        await world.check()
        world.reader.error = VenueUnavailable("no endpoint answers; try later")
        await world.checks(15)
        lines = await status(world)

        assert lines[0] == "Keel: UNKNOWN, the venue's data is stale"
        assert lines[1] == "Venue paper: data STALE 15 s old, slot 400,000,012"
        assert "! no usable answer from the venue for 15 s" in lines
        assert "! no endpoint answers; try later" in lines


async def test_before_the_first_check_nothing_is_claimed() -> None:
    async with bot_world() as world:
        assert (await status(world))[0] == "Keel: UNKNOWN, the venue's data is stale"


async def test_an_account_that_cannot_be_assessed_is_named() -> None:
    async with bot_world("main", "second") as world:
        world.reader.problems["account-of-second"] = ("its account data is truncated",)
        await world.check()

        assert (await status(world))[0] == "Keel: cannot assess second"


async def test_a_transport_that_is_down_is_named() -> None:
    async with bot_world() as world:
        await world.check()
        world.transport.connected = False
        lines = await status(world)

        assert lines[0] == "Keel: watching, but chat is down"
        assert "chat: DOWN for 0 s, cannot be reached" in lines


async def test_alerts_that_wait_are_counted_with_their_age() -> None:
    async with bot_world() as world:
        world.transport.fail(HOME, TryAgain("502"))
        await world.check(110)
        world.clock.pass_s(30)

        assert "Alerts to deliver: 1 waiting for 30 s, 0 given up, 0 delivered." in await status(world)


async def test_jobs_that_overran_or_failed_are_counted() -> None:
    async with bot_world() as world:
        await world.check()
        check, equity = JobState(interval_s=5.0), JobState(interval_s=60.0)
        world.app.services.process.jobs |= {"check": check, "equity": equity, "limits": JobState(interval_s=20.0)}
        await run_once("check", lambda: world.clock.sleep(0.25), check, world.clock)
        await run_once("check", lambda: world.clock.sleep(6.0), check, world.clock)
        await run_once("equity", _fail, equity, world.clock)
        world.clock.pass_s(3)
        lines = await status(world)

        assert "check: 3 s ago, took 6000 ms, every 5 s, 1 of 2 took longer than that." in lines
        assert "equity: 3 s ago, took 0 ms, every 60 s, 1 failed: RuntimeError, see the log." in lines
        assert "limits: has not finished yet." in lines


async def _fail() -> None:
    raise RuntimeError("https://rpc.example/very-secret-key")
