"""CRITICAL that is blocked goes another way: which, when, once, and what it says."""

from pathlib import Path

import pytest

from bot.messages import RetryAfter, TryAgain, Unreachable
from storage import Store
from tests.bot.alerts.routed_world import ANN, BOB, PAGER, routed_world
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.recording_transport import RecordingTransport

DOWN = TryAgain("Telegram cannot be reached (ConnectError)")
BLOCKED = Unreachable("Telegram refuses this chat (bot was blocked by the user)")
ONLY_ANN = '[[routes]]\nname = "ann"\nsteps = [{ to = ["person:Ann"] }]\n' + PAGER
EVERYBODY = PAGER


def down(*ways: RecordingTransport) -> None:
    """Everything these are asked to send fails, for as long as the test lasts."""
    for way in ways:
        way.connected = False
        for chat in (ANN, BOB, "channel", "pager"):
            way.fail(chat, *[TryAgain(f"{way.name} cannot be reached (ConnectError)")] * 500)


async def test_another_platform_is_tried_within_fifteen_seconds_of_the_first_attempt(figure: Gauge) -> None:
    async with routed_world(ONLY_ANN) as routed:
        down(routed.telegram)
        await routed.stand_at(110)
        began_s = routed.world.clock.monotonic_s()
        await routed.pass_s(9)
        assert routed.told(routed.discord) == []
        while not routed.told(routed.discord):
            await routed.pass_s(1)
            assert routed.world.clock.monotonic_s() < began_s + 60, "nobody was told"
        figure(Measure.ELSEWHERE_AFTER, routed.world.clock.monotonic_s() - began_s)

        (alert,) = routed.alerts(routed.discord)
        assert alert.first.startswith("CRITICAL main: ")
        assert "alert #1" in alert.text
        assert "Comes this way because it does not get through on telegram (telegram cannot be reached" in alert.text


@pytest.mark.parametrize("error", [DOWN, RetryAfter(30), TryAgain("no answer", unknown=True)])
async def test_whatever_blocks_the_way(error: Exception) -> None:
    async with routed_world(ONLY_ANN) as routed:
        routed.telegram.fail(ANN, *[error] * 500)
        await routed.stand_at(110)
        await routed.pass_s(15)

        assert routed.told(routed.discord) == ["CRITICAL"]


async def test_a_chat_that_is_gone_sends_it_round_at_once() -> None:
    async with routed_world(ONLY_ANN) as routed:
        routed.telegram.fail(ANN, BLOCKED)
        await routed.stand_at(110)
        await routed.pass_s(2)

        (alert,) = [one for one in routed.alerts(routed.discord) if one.first.startswith("CRITICAL")]
        assert "Comes this way because a chat of telegram does not take it (Telegram refuses" in alert.text


async def test_a_chat_that_is_gone_says_nothing_against_its_platform() -> None:
    only = ONLY_ANN + '[fallback]\norder = ["telegram", "service:pager"]\n'
    async with routed_world(only) as routed:
        await routed.link("telegram", "1002", "Carol")
        routed.telegram.fail(ANN, BLOCKED)
        await routed.stand_at(110)
        await routed.pass_s(2)

        assert "CRITICAL" in [one.text.split(" ")[0] for one in routed.telegram.sent if one.chat == "1002"]
        assert routed.told(routed.pager) == []


async def test_a_platform_that_is_down_is_not_tried_for_its_other_chats() -> None:
    only = ONLY_ANN + '[fallback]\norder = ["telegram", "service:pager"]\n'
    async with routed_world(only) as routed:
        await routed.link("telegram", "1002", "Carol")
        routed.telegram.fail(ANN, *[DOWN] * 500)
        await routed.stand_at(110)
        await routed.pass_s(15)

        assert routed.told(routed.pager) == ["CRITICAL"]


async def test_the_ways_are_tried_one_after_the_other_until_one_gets_through() -> None:
    async with routed_world(ONLY_ANN) as routed:
        down(routed.telegram, routed.discord, routed.webhook)
        await routed.stand_at(110)
        await routed.pass_s(15)
        # The first that is up, whatever the order: the others are down and known to be.
        assert routed.told(routed.pager) == ["CRITICAL"]

    async with routed_world(ONLY_ANN) as routed:
        down(routed.telegram, routed.discord, routed.webhook)
        for way in (routed.discord, routed.webhook):
            way.connected = True  # nobody knows yet
        await routed.stand_at(110)
        await routed.pass_s(40)
        assert routed.told(routed.pager) == ["CRITICAL"]


async def test_the_order_is_telegram_discord_webhook_services_unless_the_file_has_another() -> None:
    reverse = ONLY_ANN + '[fallback]\norder = ["service:pager", "discord-webhook", "discord"]\nafter = "3 s"\n'
    async with routed_world(reverse) as routed:
        down(routed.telegram)
        await routed.stand_at(110)
        await routed.pass_s(5)

        assert [routed.told(way) for way in routed.ways] == [[], [], [], ["CRITICAL"]]


async def test_where_everybody_was_told_the_next_way_is_one_that_has_not() -> None:
    async with routed_world(EVERYBODY) as routed:
        down(routed.telegram)
        await routed.stand_at(110)
        await routed.pass_s(15)

        assert routed.told(routed.discord) == ["CRITICAL"]  # as everybody, at once
        assert routed.told(routed.webhook) == ["CRITICAL"]  # in the place of Ann
        assert routed.told(routed.pager) == []


async def test_it_goes_round_once_for_each_state_however_long_it_lasts() -> None:
    async with routed_world(ONLY_ANN) as routed:
        down(routed.telegram)
        await routed.stand_at(110)
        await routed.pass_s(120)
        assert routed.told(routed.discord) == ["CRITICAL"]
        assert routed.told(routed.webhook) == routed.told(routed.pager) == []

        await routed.stand_at(90)
        assert routed.told(routed.discord) == ["CRITICAL", "LIQUIDATING"]  # who was told hears on
        await routed.pass_s(20)
        assert routed.told(routed.webhook) == ["LIQUIDATING"]  # and this state goes round as well


async def test_less_than_critical_waits_for_its_own_way() -> None:
    async with routed_world(ONLY_ANN) as routed:
        down(routed.telegram)
        await routed.stand_at(140)
        await routed.pass_s(120, step_s=5)

        assert [routed.told(way) for way in routed.ways] == [[], [], [], []]


async def test_what_somebody_has_taken_on_goes_nowhere() -> None:
    async with routed_world(EVERYBODY) as routed:
        down(routed.telegram)
        await routed.stand_at(110)
        await routed.press(routed.discord, BOB, routed.alerts(routed.discord)[0], "Ack")
        await routed.pass_s(30)

        assert routed.told(routed.webhook) == routed.told(routed.pager) == []


async def test_the_original_may_still_arrive_under_the_same_number_and_the_end_is_told_everywhere() -> None:
    async with routed_world(ONLY_ANN) as routed:
        routed.telegram.fail(ANN, *[DOWN] * 6)
        await routed.stand_at(110)
        await routed.pass_s(60)
        assert routed.told(routed.telegram) == routed.told(routed.discord) == ["CRITICAL"]
        assert "alert #1" in routed.alerts(routed.telegram)[0].text
        for _ in range(20):
            routed.world.clock.pass_s(5)
            await routed.stand_at(400)

        assert routed.told(routed.telegram)[-1] == routed.told(routed.discord)[-1] == "RESOLVED"


async def test_with_no_other_way_it_waits_for_its_own_and_is_looked_at_again() -> None:
    alone = '[fallback]\norder = ["telegram"]\n'
    async with routed_world(alone) as routed:
        down(routed.telegram, routed.discord)
        await routed.stand_at(110)
        await routed.pass_s(60)
        assert [routed.told(way) for way in routed.ways] == [[], [], [], []]


async def test_the_next_process_takes_up_what_was_blocked_and_repeats_nothing(tmp_path: Path) -> None:
    database = str(tmp_path / "keel.sqlite3")
    async with routed_world(ONLY_ANN, database=database) as routed:
        down(routed.telegram)
        await routed.stand_at(110)
        await routed.pass_s(5)
        clock = routed.world.clock

    async with routed_world(ONLY_ANN, database=database, linked=False, clock=clock) as routed:
        down(routed.telegram)
        await routed.pass_s(10)
        assert routed.told(routed.discord) == ["CRITICAL"]

    async with routed_world(ONLY_ANN, database=database, linked=False, clock=clock) as routed:
        down(routed.telegram)
        await routed.pass_s(60)
        assert routed.told(routed.discord) == []


async def rows(store: Store) -> int:
    return await store.run(lambda db: int(db.execute("SELECT count(*) FROM fallbacks").fetchone()[0]))


async def test_what_arrives_goes_nowhere_else() -> None:
    accounts = [f"a{number}" for number in range(40)]
    async with routed_world(ONLY_ANN, *accounts) as routed:
        for name in accounts:
            routed.world.put(110, f"account-of-{name}")
        await routed.world.app.watch.check()
        await routed.pass_s(60, step_s=2)

        assert routed.told(routed.telegram)[:1] == ["CRITICAL"]
        assert await rows(routed.world.store) == 0
        assert routed.told(routed.discord) == []
