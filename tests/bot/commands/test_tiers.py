"""/tiers: where they begin, changed as limits are."""

import pytest

from bot.messages import Table
from risk.decisions.tiers import LADDER, Tier, TierThresholds
from storage import Role
from tests.risk.builders import RATIO_ALONE
from tests.support.bot_world import BotWorld, bot_world


def now_of(world: BotWorld) -> TierThresholds:
    return world.app.services.roster.thresholds(world.account)


async def change(world: BotWorld, text: str) -> str:
    card = await world.answer(text)
    return await world.press(card.data("Confirm"), ref=card.ref)


async def test_tiers_show_the_tier_now_and_where_each_begins() -> None:
    async with bot_world() as world:
        await world.check(240)
        answer = await world.answer("/tiers")
        (table,) = [block for block in answer.message.blocks if isinstance(block, Table)]

        assert answer.first == "main: WATCH now"
        assert [row[0] for row in table.rows] == [tier.name for tier in LADDER]
        assert table.rows[3] == ("CRITICAL", "120.0%", "off", "off")


async def test_a_changed_threshold_counts_from_the_next_check_and_after_a_restart() -> None:
    async with bot_world() as world:
        assert await world.check(140) == ["HIGH"]
        assert await change(world, "/tiers critical 145") == "Changed"

        assert await world.check(140) == ["CRITICAL"]
        stored = await world.app.services.accounts.load_thresholds(world.account)
        assert stored is not None
        assert stored.ratio_percent[Tier.CRITICAL] == 145.0


async def test_a_distance_can_be_watched_and_switched_off_again() -> None:
    async with bot_world() as world:
        assert await change(world, "/tiers high distance 50%") == "Changed"
        assert now_of(world).distance_frac == {Tier.HIGH: 0.5}
        assert await world.check(400) == ["HIGH"]

        assert await change(world, "/tiers high distance off") == "Changed"
        assert now_of(world).distance_frac == {}


async def test_daily_moves_are_shown_and_can_be_changed_and_switched_off() -> None:
    async with bot_world(thresholds=TierThresholds()) as world:
        await world.check(240)
        answer = await world.answer("/tiers")
        (table,) = [block for block in answer.message.blocks if isinstance(block, Table)]
        assert table.rows[3] == ("CRITICAL", "120.0%", "0.75", "off")
        assert "daily moves to liquidation." in answer.text

        card = await world.answer("/tiers high moves 2.5")
        assert card.first == "main: HIGH below 2.5 daily moves to liquidation?"
        assert await world.press(card.data("Confirm"), ref=card.ref) == "Changed"
        assert now_of(world).distance_sigmas[Tier.HIGH] == 2.5
        stored = await world.app.services.accounts.load_thresholds(world.account)
        assert stored == now_of(world)

        assert await change(world, "/tiers high moves off") == "Changed"
        assert Tier.HIGH not in now_of(world).distance_sigmas


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("/tiers high moves 9", "daily move thresholds must fall from WATCH to LIQUIDATING."),
        ("/tiers high moves nan", "nan is not a positive number."),
        ("/tiers critical off", "off is not a positive number."),
        ("/tiers critical", "To change a tier give its name"),
        ("/tiers severe 130", "No tier is called severe."),
        ("/tiers unknown 130", "No tier is called unknown."),
        ("/tiers critical much", "much is not a positive number."),
        ("/tiers critical nan", "nan is not a positive number."),
        ("/tiers critical -5", "-5 is not a positive number."),
        ("/tiers critical 999", "ratio thresholds must fall from WATCH to LIQUIDATING."),
        ("/tiers critical near 5", "To change a tier give its name"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_the_usage(text: str, complaint: str) -> None:
    async with bot_world(thresholds=TierThresholds()) as world:
        answer = await world.answer(text)

        assert answer.first.startswith(complaint)
        assert "Usage: /tiers" in answer.text
        assert now_of(world) == TierThresholds()


async def test_a_card_that_expired_or_was_overtaken_changes_nothing() -> None:
    async with bot_world() as world:
        first, second = await world.answer("/tiers critical 130"), await world.answer("/tiers critical 125")
        await world.press(second.data("Confirm"), ref=second.ref)
        assert "was changed meanwhile" in await world.press(first.data("Confirm"), ref=first.ref)

        third = await world.answer("/tiers critical 130")
        world.clock.pass_s(121)
        assert "expired" in await world.press(third.data("Confirm"), ref=third.ref)
        assert now_of(world).ratio_percent[Tier.CRITICAL] == 125.0


async def test_a_forged_card_changes_nothing() -> None:
    async with bot_world() as world:
        card = await world.answer("/tiers critical 130")
        prefix, mark, measure, tier, value, old, expires = card.data("Confirm").split(":")
        for forged in (
            [prefix, "0" * 8, measure, tier, value, old, expires],
            [prefix, mark, "x", tier, value, old, expires],
            [prefix, mark, measure, "SEVERE", value, old, expires],
            [prefix, mark, measure, tier, "nan", old, expires],
            [prefix, mark, measure, tier, "-1", old, expires],
            [prefix, mark, measure, tier, "999.0", old, expires],
            [prefix, mark, measure, tier, value, "7.0", expires],
            [prefix, mark, measure, tier, value, old, "9" * 30],
            [prefix, mark, measure, tier, "off", old, expires, "more"],
        ):
            assert await world.press(":".join(forged), ref=card.ref) != "Changed", forged
            assert now_of(world) == RATIO_ALONE


async def test_only_an_admin_may_change_tiers() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.TRADER)

        assert (await world.answer("/tiers critical 130", user="bob")).first == "Only an admin may change tiers."
        assert (await world.answer("/tiers", user="bob")).first.startswith("main: ")


async def test_with_several_accounts_a_change_names_its_account() -> None:
    async with bot_world("main", "second") as world:
        await world.check(300.0)

        assert "Say which account: main, second." in (await world.answer("/tiers watch 260")).text
        assert "Say which account: main, second." in (await world.answer("/limits leverage 6")).text
        assert "second: WATCH below a health ratio of 260.0%?" in (await world.answer("/tiers second watch 260")).text
