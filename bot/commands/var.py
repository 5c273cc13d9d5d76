"""/var: what the account may lose, with the distribution, the method and its record."""

import re
from functools import partial

from bot.charts.errors import NotEnoughPoints
from bot.charts.statistics import distribution_chart
from bot.commands.common import reply
from bot.commands.estimates import answered, basis, cautions, drawn, theme_of
from bot.commands.meanwhile import stored
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.numbers import Rounding
from risk.errors import BadParameter
from risk.model.metrics import VaRMethod, VaRResult

_NUMBER = re.compile(r"(\d{0,3}(?:\.\d{1,4})?)%?", re.ASCII)
_DAYS = re.compile(r"(\d{1,3})d", re.ASCII)
_SHORT = {
    "hist": VaRMethod.HISTORICAL,
    "fhs": VaRMethod.FILTERED,
    "gaussian": VaRMethod.NORMAL,
    "t": VaRMethod.STUDENT_T,
    "student": VaRMethod.STUDENT_T,
    "cf": VaRMethod.CORNISH_FISHER,
    "mc": VaRMethod.MONTE_CARLO,
}
_METHODS = {one.value: one for one in VaRMethod} | _SHORT
WORDS = {
    VaRMethod.HISTORICAL: "past days as they were",
    VaRMethod.FILTERED: "past days at today's volatility",
    VaRMethod.NORMAL: "normal distribution",
    VaRMethod.STUDENT_T: "Student t",
    VaRMethod.CORNISH_FISHER: "Cornish-Fisher",
    VaRMethod.EVT: "extreme value tail",
    VaRMethod.MONTE_CARLO: "Monte Carlo",
}


async def run(services: Services, request: Request) -> Message:
    return await answered(services, request, partial(_var, services, request))


async def _var(services: Services, request: Request, watched: Watched, rest: tuple[str, ...]) -> Message:
    confidence, days, method = _parsed(rest)
    try:
        found = await services.desks.risk(watched.account_id).calculate_var(confidence, days, method=method)
    except BadParameter as exc:
        raise Usage(f"{exc}.") from exc
    headline = title(found)
    blocks: list[Block] = [Line(f"{watched.nickname}: {headline}", strong=True), *explained(found)]
    if found.pnl_usd is not None:
        draw = partial(
            distribution_chart, found.pnl_usd, var_usd=found.var_usd, es_usd=found.es_usd, title=headline,
            subtitle=f"{watched.nickname} · {WORDS[found.method]}",
            unit=f"change of equity in {_span(found.days)}, USD", theme=await theme_of(services, request),
        )  # fmt: skip
        try:
            blocks.append(await drawn(services, draw, alt=headline, name="var.png"))
        except NotEnoughPoints:
            blocks.append(Line("Every outcome is the same, so there is no picture."))
    return reply(services, watched, *blocks)


def _parsed(words: tuple[str, ...]) -> tuple[float, int, VaRMethod | None]:
    """(confidence, days, method) in any order."""
    confidence, days, method = 0.95, 1, None
    for word in (word.lower() for word in words):
        if match := _DAYS.fullmatch(word):
            days = int(match[1])
        elif (match := _NUMBER.fullmatch(word)) and match[1]:
            confidence = _confidence(float(match[1]), word)
        elif word in _METHODS:
            method = _METHODS[word]
        else:
            known = f"{', '.join(one.value for one in VaRMethod)}; in short {', '.join(_SHORT)}"
            raise Usage(f"{name(word)} is no account, confidence, horizon or method. Methods: {known}.")
    return confidence, days, method


def _confidence(number: float, word: str) -> float:
    """Written as 95, 95% or 0.95."""
    confidence = number if number < 1 else round(number / 100, 6)
    if not 0.9 <= confidence <= 0.999:
        raise Usage(f"{name(word)} is no confidence from 90 to 99.9 %.")
    return confidence


def title(found: VaRResult) -> str:
    """The answer in one line."""
    share = numbers.percent_of_fraction(found.var_frac, rounding=Rounding.UP)
    loss = numbers.usd(found.var_usd, rounding=Rounding.UP)
    level = numbers.percent_of_fraction(found.confidence, decimals=0 if found.confidence * 100 % 1 < 1e-9 else 1)
    return f"VaR {level} in {_span(found.days)}: {loss}, {share} of equity"


def explained(found: VaRResult) -> list[Block]:
    """What the number means, how sure it is and how it fared."""
    worse = 1 - found.confidence
    often = f"one day in {round(1 / worse)}" if found.days == 1 else f"one time in {round(1 / worse)}"
    blocks: list[Block] = [
        Line(f"Exceeded {often}; the mean loss beyond it is {numbers.usd(found.es_usd, rounding=Rounding.UP)}."),
        Line(f"90% interval {numbers.usd(found.ci_low_usd)} to {numbers.usd(found.ci_high_usd)}."),
    ]
    if found.backtest is not None:
        record = found.backtest.at(found.confidence)
        light = f"{found.backtest.light.value} light, " if found.backtest.light else ""
        blocks.append(
            Line(
                f"One-day back-test at {numbers.percent_of_fraction(record.confidence, decimals=0)}: {light}"
                f"{record.violations} of {record.n} days beyond, {record.expected:.0f} expected."
            )
        )
    simulated = f", {numbers.count(found.simulations)} paths" if found.simulations else ""
    blocks.append(
        basis(
            n=found.n, since=found.window_start, age_s=found.data_age_s, method=f"{WORDS[found.method]}{simulated}",
            seed=found.seed if found.simulations else None,
        )
    )  # fmt: skip
    return [*blocks, *cautions(found.warnings)]


def _span(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def shown_before(var_frac: float) -> str:
    """The value at risk of the daily record, in words."""
    return f"VaR 95% in 1 day was {numbers.percent_of_fraction(var_frac, rounding=Rounding.UP)} of equity"


COMMAND = Command(
    name="var",
    usage="/var [account] [95|99] [1d|7d] [method]",
    summary="what the account may lose",
    run=run,
    meanwhile=stored(lambda known: known.var_1d_frac, shown_before),
)
