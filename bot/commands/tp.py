"""/tp: a reduce-only trigger that rests at the venue and takes a profit."""

from collections.abc import Sequence

from bot.commands.meanwhile import calculating
from bot.commands.proposing import Ask, asked
from bot.commands.resting_plans import parsed, rest
from bot.commands.spec import Command, Request, Services
from bot.messages import Message
from risk.model.proposal import Refusal
from risk.protection.triggers import StopPlan
from risk.protection_desk import ProtectionDesk
from storage import Role


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _tp)


async def _tp(ask: Ask) -> Message:
    positions = await ask.positions()
    wanted = parsed(ask.words, tuple(positions), command="/tp", prices=1)

    async def plan(desk: ProtectionDesk, prices: Sequence[float]) -> StopPlan | Refusal:
        (price,) = prices
        return await desk.plan_take_profit(wanted.market, price, share_frac=wanted.share_frac)

    return await rest(ask, wanted, plan)


COMMAND = Command(
    name="tp",
    usage="/tp [account] MARKET PRICE|+5% [half|25%]",
    summary="rest a take-profit at the venue",
    run=run,
    role=Role.TRADER,
    per_account=True,
    meanwhile=calculating,
)
