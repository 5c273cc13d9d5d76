"""All commands by name, in the order in which /help lists them."""

from collections.abc import Mapping

from bot.commands import (
    ack,
    alerts,
    chart,
    details,
    health,
    help,
    limits,
    liq,
    portfolio,
    positions,
    snooze,
    start,
    status,
    stress,
    tiers,
)
from bot.commands.spec import Command, OnPress
from bot.messages import CommandHint
from storage import Role

_MODULES = (portfolio, positions, health, liq, stress, limits, tiers, alerts, ack, snooze, status, chart, start)


def all_commands() -> Mapping[str, Command]:
    """Every command by its name."""
    known = {module.COMMAND.name: module.COMMAND for module in _MODULES}
    known["help"] = help.command(known)
    return known


def all_presses(commands: Mapping[str, Command]) -> Mapping[str, tuple[OnPress, Role]]:
    """Every button's answer and the role it needs, by the prefix of its data."""
    found = {
        prefix: (on_press, command.press_role)
        for command in commands.values()
        for prefix, on_press in command.presses.items()
    }
    found |= {prefix: (on_press, Role.VIEWER) for prefix, on_press in details.PRESSES.items()}
    return found


def hints(commands: Mapping[str, Command]) -> tuple[CommandHint, ...]:
    """What platforms show in their menus."""
    return tuple(CommandHint(name=command.name, summary=command.summary) for command in commands.values())
