"""/bracket: a stop-loss and a take-profit for one position, both resting at the venue."""

from collections.abc import Sequence

from bot.commands.meanwhile import calculating
from bot.commands.proposing import Ask, asked
from bot.commands.resting_plans import arranged, parsed, rest
from bot.commands.spec import Command, Request, Services
from bot.messages import Message
from risk.model.proposal import Refusal
from risk.protection.triggers import StopPlan
from risk.protection_desk import ProtectionDesk
from storage import Role


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _bracket)


async def _bracket(ask: Ask) -> Message:
    positions = await ask.positions()
    wanted = parsed(ask.words, tuple(positions), command="/bracket", prices=2)

    async def plan(desk: ProtectionDesk, prices: Sequence[float]) -> StopPlan | Refusal:
        stop_usd, profit_usd = arranged(prices, long=positions[wanted.market].size_base > 0)
        return await desk.plan_bracket(wanted.market, stop_usd, profit_usd, share_frac=wanted.share_frac)

    return await rest(ask, wanted, plan)


COMMAND = Command(
    name="bracket",
    usage="/bracket [account] MARKET STOP TP [half|25%]",
    summary="rest a stop-loss and a take-profit",
    run=run,
    role=Role.TRADER,
    per_account=True,
    meanwhile=calculating,
)
