"""/liq: the prices that liquidate."""

from collections.abc import Mapping

from bot.commands.common import nothing_good, only_account, seen, sight
from bot.commands.spec import Command, Request, Services
from bot.market_prices import prices_usd, toward
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.ages import age, span
from bot.text.clean import name
from bot.text.odds import probability
from bot.text.tables import fit
from risk.errors import CannotAssess
from risk.liquidation_probability import LiquidationProbability
from risk.margin.liquidation import BookMove, liquidation_prices, whole_book_move
from risk.model.liquidation import LiquidationPrice, LiquidationStatus

_HOUR_S = 3_600


async def run(services: Services, request: Request) -> Message:
    watched = only_account(services, request.args)
    try:
        known = await sight(services, watched)
        plan = known.view.single(watched.account_id)
        prices, move = liquidation_prices(plan), whole_book_move(plan)
    except CannotAssess as exc:
        return await nothing_good(services, watched, exc)
    now_usd = prices_usd(known.view.book)
    ordered = sorted(prices, key=_nearness)
    blocks: list[Block] = [Line(known.first(_answer(ordered, now_usd)), strong=True)]
    if ordered:
        rows = [_row(price, now_usd.get(price.market)) for price in ordered]
        blocks += [fit(rows, header=("market", "liq. price", "move")), Line(_together(move))]
    if any(price.isolated for price in ordered):
        blocks.append(Line("* isolated: only that position would be liquidated."))
    odds = services.desks.board.of(watched.account_id)
    if odds is not None and odds.liquidation is not None and not known.problems:
        blocks.append(Line(_simulated(odds.liquidation, services.desks.board.age_s(odds))))
    return seen(services, known, *blocks)


def _simulated(found: LiquidationProbability, age_s: float) -> str:
    """How likely it is, from the last simulation: made by schedule and not for this answer."""
    each = ", ".join(f"{span(hit.hours * _HOUR_S)} {probability(hit.probability)}" for hit in found.hits.hits)
    median = found.hits.median_hours
    half = "" if median is None else f" Half of all paths are liquidated within {span(median * _HOUR_S)}."
    made = f"{age(age_s)} ago" if age_s >= 1 else "now"
    return f"P(liquidation): {each}; simulated {made}, see /liqprob.{half}"


def _nearness(price: LiquidationPrice) -> float:
    if price.status is LiquidationStatus.ALREADY:
        return -1.0
    return price.distance_frac if price.distance_frac is not None else float("inf")


def _answer(ordered: list[LiquidationPrice], now_usd: Mapping[str, float]) -> str:
    if not ordered:
        return "nothing to liquidate"
    nearest = ordered[0]
    if nearest.status is LiquidationStatus.ALREADY:
        return "in liquidation now"
    if nearest.status is LiquidationStatus.NONE:
        return "no single price liquidates"
    market = name(nearest.market).removesuffix("-PERP")
    now = now_usd.get(nearest.market)
    away = numbers.distance(nearest.distance_frac)
    return f"{market} {away}{_way(nearest, now)} liquidates, at {_shown(nearest, now)}"


def _way(price: LiquidationPrice, now_usd: float | None) -> str:
    if now_usd is None or price.price_usd is None:
        return ""
    return " lower" if price.price_usd < now_usd else " higher"


def _shown(price: LiquidationPrice, now_usd: float | None) -> str:
    return numbers.price(price.price_usd, rounding=toward(now_usd, price.price_usd))


def _row(price: LiquidationPrice, now_usd: float | None) -> tuple[str, str, str]:
    label = f"{price.market}*" if price.isolated else price.market
    match price.status:
        case LiquidationStatus.AT:
            return label, _shown(price, now_usd), _move(price, now_usd)
        case LiquidationStatus.ALREADY:
            return label, "now", numbers.UNKNOWN
        case LiquidationStatus.NONE:
            return label, "none", numbers.UNKNOWN


def _move(price: LiquidationPrice, now_usd: float | None) -> str:
    """How far and which way the price has to go, never shown further than it is."""
    away = numbers.distance(price.distance_frac)
    if now_usd is None or price.price_usd is None or away == numbers.UNKNOWN:
        return away
    return f"{'-' if price.price_usd < now_usd else '+'}{away}"


def _together(move: BookMove) -> str:
    if move.status is LiquidationStatus.ALREADY:
        return "The account is below its maintenance margin."
    if move.move_frac is None:
        return "No common move of all assets liquidates."
    direction = "fall" if move.move_frac < 0 else "rise"
    return f"All assets together (beta 1): a {direction} of {numbers.distance(abs(move.move_frac))} liquidates."


COMMAND = Command(name="liq", usage="/liq [account]", summary="liquidation price of every market", run=run)
