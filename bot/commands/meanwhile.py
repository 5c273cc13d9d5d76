"""What is said while a figure is calculated: the last one that was stored, with its age, or that it takes time."""

import math
from collections.abc import Callable

from bot.commands.common import account_of
from bot.commands.spec import Request, Run, Services
from bot.last_answers import CALCULATING
from bot.messages import Line, Message
from bot.text.ages import age
from risk.model.changes import RiskSnapshot

Figure = Callable[[RiskSnapshot], float]
Words = Callable[[float], str]


async def calculating(services: Services, request: Request) -> Message:
    """For figures nothing is stored of."""
    watched, _ = account_of(services, request.args)
    return Message(blocks=(Line(f"{watched.nickname}: calculating", strong=True), Line(CALCULATING)))


def stored(figure: Figure, words: Words) -> Run:
    """For a figure of the daily record."""

    async def run(services: Services, request: Request) -> Message:
        watched, _ = account_of(services, request.args)
        known = await services.desks.snapshots.latest(watched.account_id)
        if known is None or math.isnan(figure(known)):
            return await calculating(services, request)
        ago = age((services.clock.now() - known.at).total_seconds())
        first = Line(f"{ago} ago, {watched.nickname}: {words(figure(known))}", strong=True)
        return Message(blocks=(first, Line(CALCULATING)))

    return run
