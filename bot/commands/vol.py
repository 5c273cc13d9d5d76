"""/vol: how much the account and its assets move, and where that stands among the past."""

import asyncio
from functools import partial

from bot.charts.statistics import cone_chart
from bot.commands.common import reply
from bot.commands.estimates import answered, basis, cautions, drawn, theme_of
from bot.commands.meanwhile import stored
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.tables import fit
from risk.model.candles import Interval
from risk.stats.realized import volatility_cone
from risk.stats.series import log_returns


async def run(services: Services, request: Request) -> Message:
    return await answered(services, request, partial(_volatility, services, request))


async def _volatility(services: Services, request: Request, watched: Watched, rest: tuple[str, ...]) -> Message:
    if len(rest) > 1:
        raise Usage(f"{name(rest[1])} is one word too many.")
    found = await services.desks.risk(watched.account_id).calculate_volatility_metrics()
    by_asset = {row.asset.upper(): row for row in found.assets}
    chosen = by_asset.get(rest[0].upper()) if rest else found.assets[0]
    if chosen is None:
        raise Usage(f"{name(rest[0])} is no account and no asset of {watched.nickname}: {', '.join(by_asset)}.")
    percent = partial(numbers.percent_of_fraction, decimals=0)
    rows = [
        (row.asset, percent(row.ewma), percent(row.garch) if row.garch is not None else numbers.UNKNOWN,
         percent(row.realized_30d), percent(row.percentile_frac))
        for row in found.assets
    ]  # fmt: skip
    blocks: list[Block] = [
        Line(f"{watched.nickname}: equity moves {percent(found.portfolio_annualized)} a year", strong=True),
        fit(rows, header=("asset", "ewma", "garch", "30 d", "rank")),
        Line("Annualised; rank: share of past 30-day windows that were calmer."),
        basis(
            n=found.n,
            since=found.window_start,
            age_s=(services.clock.now() - found.window_end).total_seconds(),
            method="daily bars",
        ),
        *cautions(found.warnings),
    ]
    candles = await services.desks.history.candles(chosen.asset, Interval.DAY)
    loop = asyncio.get_running_loop()
    cone = await loop.run_in_executor(services.executor, lambda: volatility_cone(log_returns(candles.close_usd)))
    rank = percent(chosen.percentile_frac)
    title = f"{chosen.asset} moves {percent(chosen.ewma)} a year, more than in {rank} of past months"
    draw = partial(
        cone_chart, cone, title=title, subtitle=f"{chosen.asset} · {numbers.count(len(candles))} days",
        theme=await theme_of(services, request),
    )  # fmt: skip
    blocks.append(await drawn(services, draw, alt=title, name="volatility.png"))
    return reply(services, watched, *blocks)


COMMAND = Command(
    name="vol",
    usage="/vol [account] [asset]",
    summary="how much it moves, and against the past",
    run=run,
    meanwhile=stored(
        lambda known: known.volatility,
        lambda volatility: f"equity moved {numbers.percent_of_fraction(volatility, decimals=0)} a year",
    ),
)
