"""Buttons: one effect, in time, and forged ones none."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.dispatch import PRESS_VALID_FOR
from bot.messages import Refused
from risk.decisions.incidents import IncidentStatus
from storage import Role
from tests.support.bot_world import OWNER, BotWorld, bot_world


async def status_of(world: BotWorld, number: int = 1) -> IncidentStatus:
    incident = await world.app.services.incidents.find(number)
    assert incident is not None
    return incident.status


async def test_a_press_that_is_played_again_has_one_effect() -> None:
    async with bot_world() as world:
        await world.check(110)
        data = world.alerts[0].data("Ack")

        assert (await world.press(data, press_id="q1")).startswith("Acked alert #1.")
        world.clock.pass_s(1)
        assert await world.press(data, press_id="q1") == ""
        assert await world.press(data, press_id="q2") == "Alert #1 was acknowledged already."
        assert len(world.transport.edits) == 1


async def test_of_many_presses_at_once_one_acknowledges() -> None:
    async with bot_world() as world:
        await world.check(110)
        users = [f"user-{number}" for number in range(8)]
        for user in users:
            await world.link(user, Role.RESPONDER)
        await world.serve(*(world.pressed(world.alerts[0].data("Ack"), user=user, press_id=user) for user in users))

        notices = [text for _, text in world.transport.answers]
        assert sum(text.startswith("Acked alert #1.") for text in notices) == 1
        assert notices.count("Alert #1 was acknowledged already.") == 7


async def test_a_press_from_before_an_outage_is_not_carried_out() -> None:
    async with bot_world() as world:
        await world.check(110)
        data, pressed_at = world.alerts[0].data("Ack"), world.clock.now()
        world.clock.pass_s(PRESS_VALID_FOR.total_seconds() + 1)
        await world.serve(world.pressed(data, at=pressed_at))

        assert world.transport.answers[-1][1] == "This was pressed while I was down; press it again."
        assert await status_of(world) is IncidentStatus.OPEN


FORGED = [
    "", ":", "\x00", "🤷:1", "nosuch:1", "ACK:1", "ack\u202e:1", ":".join("a" * 30),
    "ack", "ack:", "ack:x", "ack:-1", "ack:1e3", "ack:99", "ack:1:2", "ack:" + "9" * 40, "ack:9223372036854775808",
    "snooze:1", "snooze:1:", "snooze:1:x", "snooze:1:0", "snooze:1:99999", "snooze:x:60",
    "details", "details:", "details:0",
    "limit", "limit:", "limit:0:0:1:5.0", "limit:x:0:1.0:5.0:1", "limit-no:1:2:3",
    "limit:00000000:0:1.0:1000.0:99999999999",
]  # fmt: skip


@pytest.mark.parametrize("data", FORGED)
async def test_forged_data_changes_nothing_and_says_something_short(data: str) -> None:
    async with bot_world() as world:
        await world.check(110)
        limits = await world.app.services.accounts.load_limits(world.account)
        notice = await world.press(data)

        if data == "ack:1:2":
            assert notice.startswith("Acked"), "what follows a number is a later version's business"
        else:
            assert await status_of(world) is IncidentStatus.OPEN
        assert "inside Keel" not in notice
        assert len(notice) <= 200
        assert await world.app.services.accounts.load_limits(world.account) == limits


_ALMOST_OURS = r"(ack|snooze|details|limit|limit-no)(:[-0-9a-f.naix]{0,9}){0,6}"


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.text(max_size=64) | st.from_regex(r"(ack|snooze|details|limit|limit-no)(:[-0-9a-f.naix]{0,9}){0,6}"))
)
def test_no_data_of_a_button_gets_past_the_dispatcher(datas: list[str]) -> None:
    async def press_all() -> None:
        async with bot_world(linked=False) as world:
            await world.link(OWNER, Role.ADMIN)
            await world.serve(*(world.pressed(data) for data in datas))

            assert len(world.transport.answers) == len(datas)
            assert not [text for _, text in world.transport.answers if "inside Keel" in text]

    asyncio.run(press_all())


async def test_a_card_that_is_gone_is_said_anew() -> None:
    async with bot_world() as world:
        card = await world.answer("/limits leverage 4")
        world.transport.edit_error = Refused("message to edit not found")
        await world.press(card.data("Confirm"), ref=card.ref)

        assert world.transport.sent[-1].first == "main: portfolio_leverage is 4.0x now"
