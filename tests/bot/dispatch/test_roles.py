"""What each role may do, decided at the press."""

import pytest

from bot.commands.registry import all_commands
from storage import Role
from tests.support.bot_world import bot_world

EVERY_COMMAND = sorted(all_commands())


@pytest.mark.parametrize("command", EVERY_COMMAND)
@pytest.mark.parametrize("role", list(Role))
async def test_a_command_needs_its_role(command: str, role: Role) -> None:
    needed = all_commands()[command].role
    async with bot_world() as world:
        await world.link("bob", role)
        text = (await world.answer(f"/{command}", user="bob")).text

        refused = f"/{command} needs the role {needed.value}; yours is {role.value}."
        assert (text == refused) is (not role.includes(needed))


@pytest.mark.parametrize(
    ("button", "role", "may"),
    [
        ("Ack", Role.VIEWER, False),
        ("Ack", Role.RESPONDER, True),
        ("Snooze 1 h", Role.VIEWER, False),
        ("Snooze 1 h", Role.RESPONDER, True),
        ("Details", Role.VIEWER, True),
    ],
)
async def test_a_button_needs_its_role_at_the_press(button: str, role: Role, *, may: bool) -> None:
    async with bot_world() as world:
        await world.check(110)
        await world.link("bob", role)
        notice = await world.press(world.alerts[0].data(button), user="bob")

        assert notice.startswith("This needs the role responder; yours is viewer.") is (not may)


async def test_only_an_admin_may_change_limits_even_by_somebody_elses_card() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.TRADER)
        assert (await world.answer("/limits leverage 4", user="bob")).first == "Only an admin may change limits."
        card = await world.answer("/limits leverage 4")

        notice = await world.press(card.data("Confirm"), user="bob", ref=card.ref)
        assert notice == "This needs the role admin; yours is trader."
        assert "changed" not in notice
