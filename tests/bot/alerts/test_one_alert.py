"""What somebody gets on their phone of one fall: one alert, in their words, with all that is wrong."""

from dataclasses import replace

from bot.messages import Tone, text_of
from storage import NUMBERS, Role
from tests.support.bot_world import GENEROUS, HOME, bot_world

TIGHT = replace(GENEROUS, max_portfolio_leverage=5.0)


async def test_a_fall_with_its_broken_limit_and_its_drawdown_is_one_alert() -> None:
    async with bot_world(limits=TIGHT) as world:
        await world.check(500)
        await world.app.equity.record()
        await world.deliver()
        heard = len(world.alerts)
        assert await world.check(110) == ["CRITICAL"]

        (alert,) = world.alerts[heard:]
        lines = alert.text.split("\n")
        assert lines[0] == "CRITICAL main: 0.52% to liq, +$45.00 fixes"
        assert any(line.startswith("LIMIT main: leverage 18.2x, above 5.0x") for line in lines)
        assert any(line.startswith("DRAWDOWN main: 78.0% below its high") for line in lines)
        assert alert.message.tone is Tone.URGENT
        assert alert.data("Ack").startswith("acks:")

        world.clock.pass_s(30)
        await world.app.limits.check()
        await world.app.equity.record()
        await world.deliver()
        assert len(world.alerts) == heard + 1, "the jobs that look for them find nothing new"


async def test_one_press_takes_on_the_whole_fall() -> None:
    async with bot_world(limits=TIGHT) as world:
        await world.check(500)
        await world.check(110)
        await world.press(world.alerts[-1].data("Ack"))

        assert {one.acked_by for one in await world.app.services.incidents.open_incidents()} == {"person-owner"}


async def test_a_limit_that_breaks_alone_says_what_would_help_and_how_old_its_figures_are() -> None:
    async with bot_world(limits=TIGHT) as world:
        await world.check(900)
        world.put(500)
        await world.check()
        await world.app.limits.check()
        await world.deliver()

        assert world.alerts == []
        await world.app.services.accounts.save_limits(world.account, replace(GENEROUS, max_portfolio_leverage=3.0))
        await world.app.limits.check()
        world.clock.pass_s(2)
        await world.deliver()
        assert world.alerts[-1].text.split("\n") == [
            "LIMIT main: leverage 4.0x, above 3.0x",
            "Within the limit: deposit $83.34 or cut positions by $250.",
            f"main · 2 s old · slot {world.reader.slot - 5:,d} · alert #1",
        ]


async def test_everybody_reads_of_accounts_by_the_name_they_gave_them_and_of_numbers_as_they_write_them() -> None:
    async with bot_world() as world:
        bob = await world.link("bob", Role.VIEWER)
        personal = world.app.services.personal
        await personal.name_account(bob.person_id, world.account, "the big one")
        await personal.put(NUMBERS, "de", bob.person_id, world.clock.now())
        await world.check(110)

        to = {alert.chat: alert.first for alert in world.alerts}
        assert to == {
            HOME: "CRITICAL main: 0.52% to liq, +$45.00 fixes",
            "bob": "CRITICAL the big one: 0,52% to liq, +$45,00 fixes",
        }
        await world.press(world.alerts[0].data("Ack"))
        edited = {ref.address.chat: text_of(message).split("\n")[0] for ref, message in world.transport.edits}
        assert edited == to


async def test_figures_are_those_of_the_moment_an_alert_leaves() -> None:
    async with bot_world() as world:
        world.put(110)
        await world.app.watch.check()
        world.clock.pass_s(1)
        world.put(105)
        await world.app.services.fleet.refresh()
        await world.deliver()

        assert world.alerts[0].first == "CRITICAL main: 0.26% to liq, +$47.50 fixes"


async def test_figures_that_cannot_be_trusted_any_more_are_those_it_was_found_with() -> None:
    async with bot_world() as world:
        world.put(110)
        await world.app.watch.check()
        world.put(105)
        world.reader.problems[world.account] = ("its account data is truncated",)
        world.clock.pass_s(1)
        await world.app.services.fleet.refresh()
        await world.deliver()

        assert world.alerts[0].first == "CRITICAL main: 0.52% to liq, +$45.00 fixes"
