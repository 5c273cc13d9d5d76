"""/drawdown: how far equity is below its high, and the worst falls on record."""

from datetime import UTC
from functools import partial

from bot.charts import NotEnoughPoints
from bot.charts.statistics import underwater_chart
from bot.commands.common import only_account, reply
from bot.commands.estimates import drawn, theme_of, without_equity
from bot.commands.meanwhile import calculating
from bot.commands.spec import Command, Request, Services
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.ages import age, day, day_and_moment
from bot.text.numbers import Rounding
from bot.text.tables import fit
from risk.errors import NotEnoughData


async def run(services: Services, request: Request) -> Message:
    watched = only_account(services, request.args)
    try:
        found = await services.desks.risk(watched.account_id).calculate_drawdown_analysis()
    except NotEnoughData:
        return without_equity(services, watched, "drawdown")
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
    curve = await services.desks.equity.curve(watched.account_id)
    last = curve.at[-1].astype("datetime64[us]").item().replace(tzinfo=UTC)
    newest = age((services.clock.now() - last).total_seconds())
    blocks.append(
        Line(
            f"Shares of the high; deposits and withdrawals not counted. {numbers.count(found.n)} samples since"
            f" {day_and_moment(found.since)}, the newest {newest} old."
        )
    )
    draw = partial(
        underwater_chart, curve.at, curve.unit_value_usd, title=headline[:1].upper() + headline[1:],
        account=watched.nickname, now=services.clock.now(), theme=await theme_of(services, request),
    )  # fmt: skip
    try:
        blocks.append(await drawn(services, draw, alt=headline, name="drawdown.png"))
    except NotEnoughPoints as exc:
        blocks.append(Line(str(exc)))
    return reply(services, watched, *blocks)


COMMAND = Command(
    name="drawdown", usage="/drawdown [account]", summary="how far below its high", run=run, meanwhile=calculating
)
