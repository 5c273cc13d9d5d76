"""/hedge: what brings the account to a delta, by one of five strategies, and the card that asks for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands.estimates import basis, cautions
from bot.commands.meanwhile import calculating
from bot.commands.plan_words import as_sentence, trades_of
from bot.commands.proposing import OFF, Ask, asked, of_result, said
from bot.commands.spec import Command, Request, Services, Usage
from bot.commands.trade_words import number_in
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.ages import age
from bot.text.clean import name
from bot.text.numbers import Rounding
from bot.text.tables import fit
from risk.model.hedge import HedgeRequirements, HedgeStrategy
from storage import Role

_TARGET = re.compile("([+\N{MINUS SIGN}-]?)([^%+\N{MINUS SIGN}-]+)(%?)", re.ASCII)
_LEAST_USD = 1.0
_SHORT = {
    "corr": HedgeStrategy.CORRELATION,
    "variance": HedgeStrategy.CORRELATION,
    "vol": HedgeStrategy.VOLATILITY,
    "band": HedgeStrategy.DYNAMIC,
}
_STRATEGIES = {one.value: one for one in HedgeStrategy} | _SHORT
_REFERENCES = ("SOL", "BTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeWords:
    """What was asked for. ``target``: USD of delta, for VOLATILITY a fraction of equity a year; None for the usual."""

    target: float | None = None
    strategy: HedgeStrategy = HedgeStrategy.DELTA
    reference: str = ""


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _hedge)


def parsed(words: Sequence[str]) -> HedgeWords:
    """Target, strategy and reference in any order. Raises: Usage."""
    target: tuple[str, str, float] | None = None
    strategy: HedgeStrategy | None = None
    reference = ""
    for word in words:
        low = word.lower()
        if low in _STRATEGIES and strategy in (None, _STRATEGIES[low]):
            strategy = _STRATEGIES[low]
        elif low.upper().removesuffix("-PERP") in _REFERENCES and not reference:
            reference = low.upper().removesuffix("-PERP")
        elif (found := _target_in(word)) is not None and target is None:
            target = found
        elif low in _STRATEGIES or low.upper() in _REFERENCES or found is not None:
            raise Usage(f"{name(word)} is one too many: one target, one strategy, one of {' and '.join(_REFERENCES)}.")
        else:
            known = ", ".join(one.value for one in HedgeStrategy)
            raise Usage(f"{name(word)} is no account, target, strategy or reference. Strategies: {known}.")
    if reference and strategy is None:
        strategy = HedgeStrategy.BETA  # naming one asset to hedge everything in says it
    strategy = strategy or HedgeStrategy.DELTA
    return HedgeWords(target=_target(target, strategy), strategy=strategy, reference=reference)


def _target_in(word: str) -> tuple[str, str, float] | None:
    """(as written, unit, number with its sign); None for a word that is none."""
    match = _TARGET.fullmatch(word)
    number = number_in(match[2]) if match else None
    if match is None or number is None:
        return None
    number *= 0.01 if match[3] else 1.0
    return word, match[3], -number if match[1] not in ("", "+") else number


def _target(said: tuple[str, str, float] | None, strategy: HedgeStrategy) -> float | None:
    if said is None:
        return None
    word, unit, number = said
    if strategy is HedgeStrategy.VOLATILITY:
        if unit != "%" or number <= 0:
            raise Usage(f"Volatility is hedged to a percentage a year, such as 30%, not to {name(word)}.")
        return number
    if unit == "%":
        raise Usage(f"A delta is a sum in USD, such as 0 or -500, not {name(word)}; a percentage goes with volatility.")
    return number


async def _hedge(ask: Ask) -> Message:
    wanted = parsed(ask.words)
    await ask.view()
    engine = ask.services.desks.hedging(ask.account_id, desk=ask.desk)
    requirements = await engine.calculate_hedge_requirements(
        wanted.target, strategy=wanted.strategy, reference=wanted.reference
    )
    if ask.desk is None or not requirements.required_trades:
        return said(ask, headline(requirements), *explained(requirements), *_off(ask, requirements))
    result = await engine.execute_hedge_trades(requirements)
    return await of_result(ask, result, nothing="nothing to hedge", why=explained(requirements))


def _off(ask: Ask, requirements: HedgeRequirements) -> list[Block]:
    return [Line(text) for text in OFF] if ask.desk is None and requirements.required_trades else []


def headline(found: HedgeRequirements) -> str:
    """The answer in one line."""
    number = len(found.required_trades)
    if not number:
        return "no trade hedges it" if abs(found.delta_deviation) >= _LEAST_USD else "nothing to hedge"
    what = "1 trade" if number == 1 else f"{number} trades"
    if found.target_volatility is not None:
        return f"{what} to {numbers.percent_of_fraction(found.target_volatility)} volatility"
    return f"{what} to delta {numbers.usd(found.target_delta)}"


def explained(found: HedgeRequirements) -> list[Block]:
    """The trades, what they cost and leave, and how sure all of it is."""
    where = f" in {found.reference}" if found.reference else ""
    rows = [
        (f"Delta now{where}", numbers.signed_usd_compact(found.current_delta)),
        ("Target", numbers.signed_usd_compact(found.target_delta)),
        ("Delta after", numbers.signed_usd_compact(found.net_delta_after)),
    ]
    if found.required_trades:
        rows += [
            ("Cost", numbers.usd(found.estimated_cost, cents=True, rounding=Rounding.UP)),
            ("Market impact", numbers.percent_of_fraction(found.market_impact, decimals=2, rounding=Rounding.UP)),
            ("Variance removed", numbers.percent_of_fraction(found.variance_reduction, rounding=Rounding.DOWN)),
            ("Confidence", numbers.percent_of_fraction(found.confidence_score, rounding=Rounding.DOWN)),
        ]
    blocks: list[Block] = [*trades_of(found.required_trades), fit(rows)]
    if found.required_trades and found.confidence:
        parts = ", ".join(
            f"{part} {numbers.percent_of_fraction(value, rounding=Rounding.DOWN)}"
            for part, value in found.confidence.items()
        )
        blocks.append(Line(f"Confidence is the least of: {parts}."))
    if found.required_trades and found.horizon_hours:
        blocks.append(Line(f"The cost has fees, spread, impact, and funding for {found.horizon_hours:g} h."))
    blocks += [Line(as_sentence(text)) for text in found.unhedged]
    if found.n:
        blocks.append(basis(n=found.n, since=None, age_s=found.data_age_s, method=found.strategy.value))
    else:
        blocks.append(Line(f"{found.strategy.value} · needs no history · data {age(found.data_age_s)} old"))
    return [*blocks, *cautions(found.warnings)]


COMMAND = Command(
    name="hedge",
    usage="/hedge [account] [target] [delta|beta|correlation|volatility|dynamic] [sol|btc]",
    summary="hedge the account to a delta",
    run=run,
    role=Role.TRADER,
    per_account=True,
    meanwhile=calculating,
)
