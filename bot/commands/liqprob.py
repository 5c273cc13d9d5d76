"""/liqprob: how likely the account is liquidated within an hour, a day, a week."""

from functools import partial

from bot.charts.statistics import fan_chart
from bot.commands.common import reply
from bot.commands.estimates import answered, basis, cautions, drawn, theme_of
from bot.commands.meanwhile import calculating
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.ages import span
from bot.text.clean import name
from bot.text.odds import RARE, probability
from bot.text.tables import fit
from risk.liquidation_probability import LiquidationProbability

_HOUR_S = 3_600


async def run(services: Services, request: Request) -> Message:
    return await answered(services, request, partial(_probability, services, request))


async def _probability(services: Services, request: Request, watched: Watched, rest: tuple[str, ...]) -> Message:
    if rest:
        raise Usage(f"No account is called {name(rest[0])}. Accounts: {services.roster.names}.")
    found = await services.desks.risk(watched.account_id).liquidation_probability()
    headline = f"liquidation in 24 h: {probability(found.hits.hits[1].probability)}"
    rows = [
        (
            span(hit.hours * _HOUR_S), probability(hit.probability),
            f"{probability(hit.interval[0], down=True)}-{probability(hit.interval[1])}",
        )
        for hit in found.hits.hits
    ]  # fmt: skip
    blocks: list[Block] = [
        Line(f"{watched.nickname}: {headline}", strong=True),
        fit(rows, header=("within", "probability", "95% interval")),
        *(Line(text) for text in _meaning(found)),
        Line(f"{found.method}."),
        basis(n=found.n, since=None, age_s=found.data_age_s, method="volatility", seed=found.hits.seed),
        *cautions(found.warnings),
    ]
    draw = partial(
        fan_chart, found.hits.step_hours, found.hits.health_quantiles, title=headline[:1].upper() + headline[1:],
        subtitle=f"{watched.nickname} · {numbers.count(found.hits.n_paths)} paths",
        theme=await theme_of(services, request),
    )  # fmt: skip
    blocks.append(await drawn(services, draw, alt=headline, name="liquidation.png"))
    return reply(services, watched, *blocks)


def _meaning(found: LiquidationProbability) -> list[str]:
    texts = []
    if found.hits.deadliest is not None and found.hits.hits[-1].probability >= RARE:
        asset, share = found.hits.deadliest
        texts.append(f"{name(asset)} is what kills on {numbers.percent_of_fraction(share, decimals=0)} of those paths.")
    if found.hits.median_hours is not None:
        texts.append(f"Half of all paths are liquidated within {span(found.hits.median_hours * _HOUR_S)}.")
    if found.floor is not None:
        left = (
            "would liquidate it" if found.floor.liquidated
            else f"would leave a ratio of {numbers.health_ratio(found.floor.health_ratio_percent)}"
        )  # fmt: skip
        texts.append(f"The worst day on record, {found.floor.scenario}, {left}.")
    if found.worst_past_day is not None:
        day, margin = found.worst_past_day
        after = (
            "liquidates" if margin <= 0 else f"leaves {numbers.percent_of_fraction(margin, decimals=0)} of the margin"
        )
        texts.append(f"Of its own history, {str(day)[:10]} {after}.")
    return texts


COMMAND = Command(
    name="liqprob",
    usage="/liqprob [account]",
    summary="probability of liquidation in 1 h, 24 h, 7 d",
    run=run,
    meanwhile=calculating,
)
