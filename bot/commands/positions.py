"""/positions: every perp position in full."""

from bot.commands.common import doubtful, only_account, reply
from bot.commands.spec import Command, Request, Services
from bot.market_prices import toward
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.clean import name
from bot.text.tables import fit
from risk.model.account import MarketKind, OpenOrder
from risk.model.portfolio import PortfolioSummary, PositionAnalysis


async def run(services: Services, request: Request) -> Message:
    watched = only_account(services, request.args)
    summary = await services.manager(watched.account_id).get_portfolio_summary()
    count = len(summary.positions)
    answer = f"{count} position{'s' if count != 1 else ''}, {numbers.signed_usd(summary.unrealized_pnl)} open"
    blocks: list[Block] = [Line(doubtful(services, watched, answer), strong=True)]
    for position in summary.positions:
        blocks += [Line(_title(position), strong=True), _figures(position)]
    if not summary.positions:
        blocks.append(Line("No open perp position."))
    blocks += _orders(services, summary)
    return reply(services, watched, *blocks)


def _title(position: PositionAnalysis) -> str:
    side = "long" if position.size > 0 else "short" if position.size < 0 else "flat"
    isolated = ", isolated" if position.isolated else ""
    return f"{name(position.market)} {side} {numbers.size(abs(position.size))}{isolated}"


def _figures(position: PositionAnalysis) -> Block:
    rounding = toward(position.current_price, position.liquidation_price)
    return fit(
        [
            ("Notional", numbers.usd(position.notional)),
            ("Entry", numbers.price(position.entry_price)),
            ("Oracle price", numbers.price(position.current_price)),
            ("Liquidation price", numbers.price(position.liquidation_price, rounding=rounding)),
            ("PnL, with funding", numbers.signed_usd(position.unrealized_pnl)),
            ("Unsettled funding", numbers.signed_usd(position.funding, cents=True)),
            ("Maintenance margin", numbers.usd(position.margin_requirement, rounding=numbers.Rounding.UP)),
        ]
    )


def _orders(services: Services, summary: PortfolioSummary) -> list[Block]:
    if not summary.open_orders or services.fleet.latest is None:
        return []
    rows = [
        (
            _market(services, order),
            order.side.value,
            numbers.size(order.size_base),
            numbers.price(order.price_usd or order.trigger_price_usd),
        )
        for order in summary.open_orders
    ]
    return [Line("Open orders", strong=True), fit(rows, header=("market", "side", "size", "price"))]


def _market(services: Services, order: OpenOrder) -> str:
    view = services.fleet.latest
    if view is None:
        return str(order.market_index)
    table = view.book.perp_markets if order.market_kind is MarketKind.PERP else view.book.spot_markets
    return table.names[list(table.market_index).index(order.market_index)]


COMMAND = Command(name="positions", usage="/positions [account]", summary="every position and open order", run=run)
