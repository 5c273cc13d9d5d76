"""/liq: the prices that liquidate."""

from collections.abc import Mapping

from bot.commands.common import cannot, doubtful, only_account, reply
from bot.commands.spec import Command, Request, Services
from bot.market_prices import prices_usd, toward
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.clean import name
from bot.text.tables import fit
from risk.errors import CannotAssess
from risk.margin.liquidation import BookMove
from risk.model.liquidation import LiquidationPrice, LiquidationStatus


async def run(services: Services, request: Request) -> Message:
    watched = only_account(services, request.args)
    monitor = services.monitor(watched.account_id)
    try:
        prices, move = await monitor.liquidation_prices(), await monitor.whole_book_move()
    except CannotAssess as exc:
        return cannot(services, watched, exc)
    now_usd = prices_usd((await services.view()).book)
    ordered = sorted(prices, key=_nearness)
    blocks: list[Block] = [Line(doubtful(services, watched, _answer(ordered, now_usd)), strong=True)]
    if ordered:
        rows = [_row(price, now_usd.get(price.market)) for price in ordered]
        blocks += [fit(rows, header=("market", "liq. price", "away")), Line(_together(move))]
    if any(price.isolated for price in ordered):
        blocks.append(Line("* isolated: only that position would be liquidated."))
    return reply(services, watched, *blocks)


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
    away = numbers.distance(nearest.distance_frac)
    return f"{market} {away} from liq at {_shown(nearest, now_usd.get(nearest.market))}"


def _shown(price: LiquidationPrice, now_usd: float | None) -> str:
    return numbers.price(price.price_usd, rounding=toward(now_usd, price.price_usd))


def _row(price: LiquidationPrice, now_usd: float | None) -> tuple[str, str, str]:
    label = f"{price.market}*" if price.isolated else price.market
    match price.status:
        case LiquidationStatus.AT:
            return label, _shown(price, now_usd), numbers.distance(price.distance_frac)
        case LiquidationStatus.ALREADY:
            return label, "now", numbers.UNKNOWN
        case LiquidationStatus.NONE:
            return label, "none", numbers.UNKNOWN


def _together(move: BookMove) -> str:
    if move.status is LiquidationStatus.ALREADY:
        return "The account is below its maintenance margin."
    if move.move_frac is None:
        return "No common move of all assets liquidates."
    direction = "fall" if move.move_frac < 0 else "rise"
    return f"All assets together (beta 1): a {direction} of {numbers.distance(abs(move.move_frac))} liquidates."


COMMAND = Command(name="liq", usage="/liq [account]", summary="liquidation price of every market", run=run)
