"""One person's digest as a message, with its picture."""

import asyncio
from contextvars import copy_context
from functools import partial

from bot.charts import NotEnoughPoints, Theme, equity_chart, equity_title
from bot.commands.spec import Services
from bot.digests.gather import Digest, gather
from bot.digests.view import digest_message
from bot.messages import Message, Picture


async def compose(services: Services, *, theme: Theme = Theme.DARK, again: bool = False) -> Message:
    """The digest of whoever these services are cut to, for the reader of the moment. A day without a curve has no
    picture."""
    digest = await gather(services)
    return digest_message(digest, await _picture(services, digest, theme), again=again)


async def _picture(services: Services, digest: Digest, theme: Theme) -> Picture | None:
    curve = digest.curve
    if curve is None:
        return None
    moved, now = curve.net_deposits_usd, digest.until
    draw = partial(
        equity_chart, curve.times, curve.equity_usd, account=digest.curve_of, net_deposits_usd=moved, now=now,
        theme=theme,
    )  # fmt: skip
    try:
        # Threads of the executor know nothing of the reader unless they are told.
        png = await asyncio.get_running_loop().run_in_executor(services.executor, copy_context().run, draw)
        alt = equity_title(curve.times, curve.equity_usd, net_deposits_usd=moved, now=now)
    except NotEnoughPoints:
        return None
    return Picture(png=png, alt=f"{digest.curve_of}: {alt}", name="equity.png")
