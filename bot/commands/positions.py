"""/positions: every perp position in full."""

from collections.abc import Mapping

from bot.commands.common import nothing_good, only_account, seen, sight
from bot.commands.spec import Command, Request, Services
from bot.market_prices import toward
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.clean import name
from bot.text.tables import fit
from risk.errors import CannotAssess
from risk.fleet import FleetView
from risk.margin.liquidation import liquidation_prices
from risk.model.account import MarketKind, OpenOrder
from risk.model.liquidation import LiquidationPrice, LiquidationStatus
from risk.model.portfolio import PortfolioSummary, PositionAnalysis
from risk.portfolio_manager import summarise


async def run(services: Services, request: Request) -> Message:
    watched = only_account(services, request.args)
    try:
        known = await sight(services, watched)
        prices = {price.market: price for price in liquidation_prices(known.view.single(watched.account_id))}
    except CannotAssess as exc:
        return await nothing_good(services, watched, exc)
    summary = summarise(known.view, watched.account_id)
    count = len(summary.positions)
    answer = f"{count} position{'s' if count != 1 else ''}, {numbers.signed_usd(summary.unrealized_pnl)} open"
    blocks: list[Block] = [Line(known.first(answer), strong=True)]
    for position in summary.positions:
        blocks += [Line(_title(position), strong=True), _figures(position, prices)]
    if not summary.positions:
        blocks.append(Line("No open perp position."))
    blocks += _orders(known.view, summary)
    return seen(services, known, *blocks)


def _title(position: PositionAnalysis) -> str:
    side = "long" if position.size > 0 else "short" if position.size < 0 else "flat"
    isolated = ", isolated" if position.isolated else ""
    return f"{name(position.market)} {side} {numbers.size(abs(position.size))}{isolated}"


def _figures(position: PositionAnalysis, prices: Mapping[str, LiquidationPrice]) -> Block:
    return fit(
        [
            ("Notional", numbers.usd(position.notional)),
            ("Entry", numbers.price(position.entry_price)),
            ("Oracle price", numbers.price(position.current_price)),
            ("Liquidation price", _liquidation(position, prices.get(position.market))),
            ("PnL, with funding", numbers.signed_usd(position.unrealized_pnl)),
            ("Unsettled funding", numbers.signed_usd(position.funding, cents=True)),
            ("Maintenance margin", numbers.usd(position.margin_requirement, rounding=numbers.Rounding.UP)),
        ]
    )


def _liquidation(position: PositionAnalysis, found: LiquidationPrice | None) -> str:
    """The same words as /liq has."""
    if found is None:
        return numbers.UNKNOWN
    match found.status:
        case LiquidationStatus.AT:
            return numbers.price(found.price_usd, rounding=toward(position.current_price, found.price_usd))
        case LiquidationStatus.ALREADY:
            return "now"
        case LiquidationStatus.NONE:
            return "none"


def _orders(view: FleetView, summary: PortfolioSummary) -> list[Block]:
    if not summary.open_orders:
        return []
    rows = [
        (
            _market(view, order),
            order.side.value,
            numbers.size(order.size_base),
            numbers.price(order.price_usd or order.trigger_price_usd),
        )
        for order in summary.open_orders
    ]
    return [Line("Open orders", strong=True), fit(rows, header=("market", "side", "size", "price"))]


def _market(view: FleetView, order: OpenOrder) -> str:
    table = view.book.perp_markets if order.market_kind is MarketKind.PERP else view.book.spot_markets
    return table.names[list(table.market_index).index(order.market_index)]


COMMAND = Command(name="positions", usage="/positions [account]", summary="every position and open order", run=run)
