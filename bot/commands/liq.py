"""/liq: the prices that liquidate."""

from bot.commands.common import cannot, only_account, reply
from bot.commands.spec import Command, Request, Services
from bot.messages import Block, Line, Message
from bot.roster import Watched
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
    ordered = sorted(prices, key=_nearness)
    table = fit([_row(price) for price in ordered], header=("market", "liq. price", "away"))
    lines: list[Block] = [Line(_headline(watched, ordered), strong=True), table, Line(_together(move))]
    if services.fleet.problems(watched.account_id):
        lines.insert(1, Line("UNKNOWN: the data below cannot be trusted now."))
    return reply(services, watched, *lines)


def _nearness(price: LiquidationPrice) -> float:
    if price.status is LiquidationStatus.ALREADY:
        return -1.0
    return price.distance_frac if price.distance_frac is not None else float("inf")


def _headline(watched: Watched, ordered: list[LiquidationPrice]) -> str:
    if not ordered:
        return f"{watched.nickname}: nothing to liquidate"
    nearest = ordered[0]
    if nearest.status is LiquidationStatus.ALREADY:
        return f"{watched.nickname}: in liquidation now"
    if nearest.status is LiquidationStatus.NONE:
        return f"{watched.nickname}: no single price liquidates"
    market = name(nearest.market).removesuffix("-PERP")
    return f"{watched.nickname}: {market} {numbers.distance(nearest.distance_frac)} from liquidation"


def _row(price: LiquidationPrice) -> tuple[str, str, str]:
    label = f"{price.market}*" if price.isolated else price.market
    match price.status:
        case LiquidationStatus.AT:
            return label, numbers.price(price.price_usd), numbers.distance(price.distance_frac)
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
