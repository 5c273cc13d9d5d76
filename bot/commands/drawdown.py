"""/drawdown: how far equity is below its high, and the worst falls on record."""

from functools import partial

from bot.charts import NotEnoughPoints
from bot.charts.statistics import underwater_chart
from bot.commands.common import reply
from bot.commands.estimates import answered, drawn, theme_of
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.ages import day
from bot.text.clean import name
from bot.text.numbers import Rounding
from bot.text.tables import fit


async def run(services: Services, request: Request) -> Message:
    return await answered(services, request, partial(_drawdown, services, request))


async def _drawdown(services: Services, request: Request, watched: Watched, rest: tuple[str, ...]) -> Message:
    if rest:
        raise Usage(f"No account is called {name(rest[0])}. Accounts: {services.roster.names}.")
    found = await services.desks.risk(watched.account_id).calculate_drawdown_analysis()
    share = partial(numbers.percent_of_fraction, rounding=Rounding.UP)
    headline = f"{share(found.current_frac)} below its high, worst {share(found.max_frac)}"
    blocks: list[Block] = [Line(f"{watched.nickname}: {headline}", strong=True)]
    if found.worst:
        rows = [
            (share(fall.depth_frac), day(fall.peak_at), day(fall.trough_at),
             day(fall.recovered_at) if fall.recovered_at else "open")
            for fall in found.worst
        ]  # fmt: skip
        blocks.append(fit(rows, header=("depth", "high", "low", "back")))
    blocks.append(
        Line(f"Deposits and withdrawals not counted; {numbers.count(found.n)} samples since {day(found.since)}.")
    )
    curve = await services.desks.equity.curve(watched.account_id)
    draw = partial(
        underwater_chart, curve.at, curve.unit_value_usd, title=headline[:1].upper() + headline[1:],
        account=watched.nickname, now=services.clock.now(), theme=await theme_of(services, request),
    )  # fmt: skip
    try:
        blocks.append(await drawn(services, draw, alt=headline, name="drawdown.png"))
    except NotEnoughPoints as exc:
        blocks.append(Line(str(exc)))
    return reply(services, watched, *blocks)


COMMAND = Command(name="drawdown", usage="/drawdown [account]", summary="how far below its high", run=run)
