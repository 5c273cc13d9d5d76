"""/size: how large a position may be, and what keeps it from being larger."""

import re
from functools import partial

from bot.commands.common import perp_markets, reply
from bot.commands.estimates import answered, basis, cautions
from bot.commands.meanwhile import calculating
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.numbers import Rounding
from bot.text.odds import probability
from bot.text.tables import fit
from risk.errors import BadParameter
from risk.model.account import Side
from risk.model.sizing import Binding, PositionSizing, SizingStrategy

_NUMBER = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(%?)", re.ASCII)
_DEFAULTS = {
    SizingStrategy.FIXED_RISK: 0.02,
    SizingStrategy.VOLATILITY_TARGET: 0.5,
    SizingStrategy.KELLY: 0.25,
    SizingStrategy.INVERSE_LIQUIDATION: 0.01,
}
_SHORT = {"risk": SizingStrategy.FIXED_RISK, "vol": SizingStrategy.VOLATILITY_TARGET,
          "liq": SizingStrategy.INVERSE_LIQUIDATION}  # fmt: skip
_SIDES = {"long": Side.BUY, "buy": Side.BUY, "short": Side.SELL, "sell": Side.SELL}


async def run(services: Services, request: Request) -> Message:
    return await answered(services, request, partial(_size, services), flat=True)


async def _size(services: Services, watched: Watched, rest: tuple[str, ...]) -> Message:
    if not rest:
        raise Usage("Say which market, such as /size SOL.")
    view = await services.view()
    market = _market(rest[0], perp_markets(services, view))
    strategy, tolerance, side = _parsed(rest[1:])
    try:
        found = await services.desks.sizer(watched.account_id).size(
            market, strategy, _DEFAULTS[strategy] if tolerance is None else tolerance, side=side
        )
    except BadParameter as exc:
        raise Usage(f"{exc}.") from exc
    return reply(services, watched, *_blocks(watched, found))


def _market(text: str, markets: tuple[str, ...]) -> str:
    wanted = text.upper().removesuffix("-PERP")
    for market in markets:
        if market.upper().removesuffix("-PERP") == wanted:
            return market
    raise Usage(f"{name(text)} is no account and no market of a position you may see: {', '.join(markets) or 'none'}.")


def _parsed(words: tuple[str, ...]) -> tuple[SizingStrategy, float | None, Side]:
    """(strategy, tolerance, side) in any order."""
    strategy, tolerance, side = SizingStrategy.INVERSE_LIQUIDATION, None, Side.BUY
    for word in (word.lower() for word in words):
        if word in _SIDES:
            side = _SIDES[word]
        elif word in _SHORT:
            strategy = _SHORT[word]
        elif word in [one.value for one in SizingStrategy]:
            strategy = SizingStrategy(word)
        elif match := _NUMBER.fullmatch(word):
            tolerance = float(match[1]) / (100 if match[2] else 1)
        else:
            known = ", ".join(one.value for one in SizingStrategy)
            raise Usage(f"{name(word)} is no side, strategy or number. Strategies: {known}.")
    return strategy, tolerance, side


def _blocks(watched: Watched, found: PositionSizing) -> list[Block]:
    side = "long" if found.side is Side.BUY else "short"
    market = name(found.market).removesuffix("-PERP")
    if found.size_base == 0:
        answer = f"no {side} {market}"
    else:
        size = numbers.size(found.size_base, rounding=Rounding.DOWN)
        answer = f"{size} {market} {side}, {numbers.usd(found.notional_usd, rounding=Rounding.DOWN)}"
    rows = [
        ("P(liq.) 24 h after", probability(found.probability_24h)),
        ("Health ratio after", numbers.health_ratio(found.health_ratio_after)),
        ("Leverage after", numbers.leverage(found.leverage_after)),
        ("VaR 95% 1 d after", numbers.percent_of_fraction(found.var_1d_frac_after, rounding=Rounding.UP)),
    ]
    blocks: list[Block] = [
        Line(f"{watched.nickname}: {answer}", strong=True), Line(_why(found)), fit(rows),
        Line(f"Strategy {found.strategy.value}, tolerance {numbers.percent_of_fraction(found.risk_tolerance)}."),
        basis(n=found.n, since=None, age_s=found.data_age_s, method="simulated", seed=found.seed),
    ]  # fmt: skip
    if found.wanted_base > found.size_base * 1.001:
        blocks.insert(2, Line(f"The strategy alone would take {numbers.size(found.wanted_base)}."))
    return [*blocks, *cautions(found.warnings)]


def _why(found: PositionSizing) -> str:
    """What keeps it from being larger, as a sentence."""
    if found.binding is not Binding.STRATEGY or found.strategy is SizingStrategy.INVERSE_LIQUIDATION:
        return f"With {'more' if found.size_base else 'any'}, {found.reason}."
    if found.size_base:
        return f"It {found.reason}."
    return f"{found.reason[:1].upper()}{found.reason[1:]}."


COMMAND = Command(
    name="size",
    usage="/size [account] MARKET [long|short] [risk|vol|kelly|liq] [2%]",
    summary="how large a position may be",
    run=run,
    meanwhile=calculating,
)
