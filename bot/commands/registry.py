"""All commands by name, in the order in which /help lists them."""

from collections.abc import Mapping

from bot.commands import (
    accounts,
    ack,
    alerts,
    approvals,
    arm,
    audit,
    backtest,
    beta,
    bracket,
    cancel,
    chart,
    close,
    corr,
    details,
    digest,
    disarm,
    drawdown,
    emergency,
    events,
    expect,
    flatten,
    halt,
    health,
    hedge,
    help,
    here,
    invite,
    limits,
    link,
    liq,
    liqprob,
    mute,
    orders,
    people,
    performance,
    pin,
    portfolio,
    positions,
    protect,
    pulse,
    quiet,
    rebalance,
    replay,
    resume,
    revoke,
    risk,
    routes,
    settings,
    silence,
    size,
    sleep,
    snooze,
    start,
    status,
    stop,
    stress,
    tiers,
    tp,
    unmute,
    var,
    verbosity,
    vol,
    watch,
)
from bot.commands.arguments import arguments_of
from bot.commands.spec import Command, Pressable
from bot.messages import CommandHint
from storage import Role

_MODULES = (portfolio, positions, health, liq, stress, liqprob, risk, var, vol, corr, beta, drawdown, performance,
            size, backtest, replay, hedge, rebalance, close, flatten, protect,
            emergency, stop, tp, bracket, sleep, orders, cancel, approvals, pin, arm, disarm, halt, resume, audit,
            limits, tiers, alerts, ack, snooze, status, pulse, chart, digest,
            accounts, settings, start, link, here, people, invite, revoke, watch, quiet, mute, unmute, silence,
            verbosity, events, expect, routes)  # fmt: skip
_WITH_OTHERS = (watch.UNWATCH_COMMAND,)


def all_commands() -> Mapping[str, Command]:
    """Every command by its name."""
    known = {command.name: command for command in (*(module.COMMAND for module in _MODULES), *_WITH_OTHERS)}
    known["help"] = help.command(known)
    return known


def all_presses(commands: Mapping[str, Command]) -> Mapping[str, Pressable]:
    """Every button's answer and who may press it where, by the prefix of its data."""
    found = {
        prefix: Pressable(
            on_press=on_press, role=command.press_role, per_account=command.per_account, where=command.where
        )
        for command in commands.values()
        for prefix, on_press in command.presses.items()
    }
    found |= {prefix: Pressable(on_press=on_press, role=Role.VIEWER) for prefix, on_press in details.PRESSES.items()}
    return found


def hints(commands: Mapping[str, Command]) -> tuple[CommandHint, ...]:
    """What platforms show in their menus."""
    return tuple(
        CommandHint(name=command.name, summary=command.summary, arguments=arguments_of(command.usage))
        for command in commands.values()
    )
