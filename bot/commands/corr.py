"""/corr: how the account's assets move together."""

from functools import partial

import numpy as np

from bot.charts.errors import NotEnoughPoints
from bot.charts.heatmap_limits import MOST_ASSETS
from bot.charts.statistics import heatmap_chart
from bot.commands.common import reply
from bot.commands.estimates import answered, basis, cautions, drawn, theme_of
from bot.commands.meanwhile import stored
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.roster import Watched
from bot.text.clean import name
from bot.text.reader import figure
from risk.model.metrics import CorrelationMatrix

_METHODS = {"dcc": "dynamic (DCC), tomorrow's forecast", "sample": "plain, over the whole window"}


async def run(services: Services, request: Request) -> Message:
    return await answered(services, request, partial(_correlations, services, request))


async def _correlations(services: Services, request: Request, watched: Watched, rest: tuple[str, ...]) -> Message:
    if rest:
        raise Usage(f"No account is called {name(rest[0])}. Accounts: {services.roster.names}.")
    found = await services.desks.risk(watched.account_id).calculate_correlation_matrix()
    if len(found.assets) < 2:
        only = Line(f"{watched.nickname}: one asset, {found.assets[0]}, so nothing to correlate", strong=True)
        return reply(services, watched, only)
    headline = _headline(found)
    blocks: list[Block] = [
        Line(f"{watched.nickname}: {headline}", strong=True),
        basis(
            n=found.n, since=found.window_start, age_s=(services.clock.now() - found.window_end).total_seconds(),
            method=_METHODS[found.method],
        ),
        *cautions(found.warnings),
    ]  # fmt: skip
    more = len(found.assets) - MOST_ASSETS
    draw = partial(
        heatmap_chart, found.assets, found.values, title=headline[:1].upper() + headline[1:],
        subtitle=f"{watched.nickname} · {found.n} days" + (f" · {more} more assets" if more > 0 else ""),
        note="daily log returns; orange moves together, blue apart", theme=await theme_of(services, request),
    )  # fmt: skip
    try:
        blocks.append(await drawn(services, draw, alt=headline, name="correlation.png"))
    except NotEnoughPoints as exc:
        blocks.append(Line(str(exc)))
    return reply(services, watched, *blocks)


def _headline(found: CorrelationMatrix) -> str:
    """The average, and the pair that moves together most."""
    off = found.values - 2 * np.eye(len(found.assets))
    row, column = np.unravel_index(int(np.argmax(off)), off.shape)
    pair = f"{found.assets[int(row)]} and {found.assets[int(column)]}"
    return f"correlation {figure(f'{found.average:.2f}')} on average, {pair} {figure(f'{off[row, column]:.2f}')}"


COMMAND = Command(
    name="corr",
    usage="/corr [account]",
    summary="how its assets move together",
    run=run,
    meanwhile=stored(lambda known: known.correlation, lambda mean: f"correlation was {figure(f'{mean:.2f}')}"),
)
