"""What a plan does to an account, and what a standing approval allows, in words. Pure."""

from bot.alerts.limit_words import breach
from bot.messages import Block, Line
from bot.text import numbers
from bot.text.ages import day_and_moment
from bot.text.clean import name, sentence
from bot.text.numbers import Rounding
from bot.text.odds import probability
from bot.text.tables import fit
from risk.model.proposal import Effect, StandingTerms

_NOISE = 0.002  # fees alone move a ratio by about that much


def standing(terms: StandingTerms) -> list[Block]:
    """What a standing approval allows."""
    markets = ", ".join(name(one) for one in sorted(terms.markets))
    return [
        Line(f"Reduce-only orders in {markets} go out without another press, and are reported at once."),
        Line(f"At most {cap(terms)} notional in all, until {day_and_moment(terms.expires_at)}."),
        Line("/disarm ends it at once."),
    ]


def cap(terms: StandingTerms) -> str:
    """The most that may go out on it."""
    return numbers.usd(terms.cap_usd)


def meanwhile(effect: Effect) -> list[Block]:
    """The account while orders only rest: they change nothing before they fire."""
    health = numbers.health_percent(effect.health_percent_before)
    ratio = numbers.health_ratio(effect.health_ratio_before)
    odds = probability(effect.probability_before)
    unknown = f" ({sentence(effect.probability_unknown)})" if effect.probability_unknown else ""
    return [
        Line(f"Until then nothing changes: health {health}, ratio {ratio}."),
        Line(f"P(liq 24 h) without it: {odds}{unknown}."),
    ]


def cancelling(effect: Effect) -> list[Block]:
    """The account once orders that rest are gone: they may have kept margin."""
    health, after = (numbers.health_percent(one) for one in (effect.health_percent_before, effect.health_percent_after))
    free = numbers.usd(effect.free_collateral_after_usd, rounding=Rounding.DOWN)
    said = f"Health stays {health}" if health == after else f"Health {health} to {after}"
    return [Line(f"{said}; free for new trades after it: {free}.")]


def warnings(effect: Effect) -> list[Block]:
    """What gets worse by it; nothing where the account gets safer."""
    found: list[Block] = []
    if effect.health_ratio_after < effect.health_ratio_before * (1 - _NOISE):
        health, then = (
            numbers.health_percent(one) for one in (effect.health_percent_before, effect.health_percent_after)
        )
        leverage, more = (numbers.leverage(one) for one in (effect.leverage_before, effect.leverage_after))
        found.append(Line(f"! It brings liquidation NEARER: health {health} to {then}, leverage {leverage} to {more}."))
    odds, after = probability(effect.probability_before), probability(effect.probability_after)
    known = effect.probability_before is not None and effect.probability_after is not None
    if known and (effect.probability_after or 0.0) > (effect.probability_before or 0.0) and odds != after:
        found.append(Line(f"! It makes liquidation LIKELIER: P(liq 24 h) {odds} to {after}."))
    return found


def effect(effect: Effect) -> list[Block]:
    """The account before and after, what it costs, and which limits do not hold then."""
    rows = [
        ("health", numbers.health_percent(effect.health_percent_before),
         numbers.health_percent(effect.health_percent_after)),
        ("health ratio", numbers.health_ratio(effect.health_ratio_before),
         numbers.health_ratio(effect.health_ratio_after)),
        ("P(liq 24 h)", probability(effect.probability_before), probability(effect.probability_after)),
        ("leverage", numbers.leverage(effect.leverage_before), numbers.leverage(effect.leverage_after)),
    ]  # fmt: skip
    blocks: list[Block] = [fit(rows, header=("", "before", "after"))]
    if effect.probability_unknown:
        blocks.append(Line(f"P(liq 24 h) is not known: {sentence(effect.probability_unknown)}."))
    fee, slippage = (
        numbers.usd(one, cents=True, rounding=Rounding.UP) for one in (effect.fee_usd, effect.slippage_usd)
    )
    least = numbers.usd(effect.least_free_usd, rounding=Rounding.DOWN)
    free = numbers.usd(effect.free_collateral_after_usd, rounding=Rounding.DOWN)
    blocks.append(Line(f"Costs: fee {fee}, slippage {slippage} against the oracle."))
    tight = f", at no step less than {least}" if effect.least_free_usd < effect.free_collateral_after_usd else ""
    blocks.append(Line(f"Free for new trades after it: {free}{tight}."))
    blocks += [Line(f"! After it: {breach(violation)}") for violation in effect.violations]
    return blocks
