"""/positions: every perp position in full."""

from collections.abc import Mapping

from bot.commands.common import nothing_good, only_account, seen, sight
from bot.commands.spec import Command, Request, Services
from bot.market_prices import toward
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.ages import age
from bot.text.clean import name
from bot.text.reader import figure
from bot.text.tables import fit
from risk.errors import CannotAssess
from risk.fleet import FleetView
from risk.margin.assets import asset_of
from risk.margin.liquidation import liquidation_prices
from risk.model.account import MarketKind, OpenOrder
from risk.model.liquidation import LiquidationPrice, LiquidationStatus
from risk.model.portfolio import BookStatistics, PortfolioSummary, PositionAnalysis, with_statistics
from risk.portfolio_manager import summarise

_A_CENT = 0.005  # the venue keeps the row of a position that is closed; without PnL to settle it says nothing


async def run(services: Services, request: Request) -> Message:
    watched = only_account(services, request.args)
    try:
        known = await sight(services, watched)
        prices = {price.market: price for price in liquidation_prices(known.view.single(watched.account_id))}
    except CannotAssess as exc:
        return await nothing_good(services, watched, exc)
    summary = summarise(known.view, watched.account_id)
    listed = [one for one in summary.positions if one.size or abs(one.unrealized_pnl) >= _A_CENT]
    count = sum(bool(one.size) for one in listed)
    answer = f"{count} position{'s' if count != 1 else ''}, {numbers.signed_usd(summary.unrealized_pnl)} open"
    blocks: list[Block] = [Line(known.first(answer), strong=True)]
    known_risk = services.desks.board.of(watched.account_id)
    statistics = known_risk.statistics if known_risk is not None else None
    for bare in listed:
        position = bare if statistics is None else with_statistics(bare, asset_of(bare.market), statistics)
        blocks += [Line(_title(position), strong=True), _figures(position, prices, stated=statistics is not None)]
    if not listed:
        blocks.append(Line("No open perp position."))
    elif known_risk is not None:
        blocks.append(Line(_statistics_from(statistics, services.desks.board.age_s(known_risk))))
    blocks += _orders(known.view, summary)
    return seen(services, known, *blocks)


def _title(position: PositionAnalysis) -> str:
    side = "long" if position.size > 0 else "short" if position.size < 0 else "flat"
    isolated = ", isolated" if position.isolated else ""
    return f"{name(position.market)} {side} {numbers.size(abs(position.size))}{isolated}"


def _figures(position: PositionAnalysis, prices: Mapping[str, LiquidationPrice], *, stated: bool) -> Block:
    return fit(
        [
            ("Notional", numbers.usd(position.notional)),
            ("Entry", numbers.price(position.entry_price)),
            ("Oracle price", numbers.price(position.current_price)),
            ("Liquidation price", _liquidation(position, prices.get(position.market))),
            ("PnL, with funding", numbers.signed_usd(position.unrealized_pnl)),
            ("Unsettled funding", numbers.signed_usd(position.funding, cents=True)),
            ("Maintenance margin", numbers.usd(position.margin_requirement, rounding=numbers.Rounding.UP)),
            *(_statistics(position) if stated else ()),
        ]
    )


def _statistics(position: PositionAnalysis) -> list[tuple[str, str]]:
    return [
        ("Volatility a year", _percent(position.volatility, decimals=0)),
        ("Beta to SOL", _two(position.beta)),
        ("Moves with account", _two(position.correlation_to_portfolio)),
        ("Adds to tail loss", _percent(position.risk_contribution, signed=True)),
    ]


def _percent(value: float | None, *, decimals: int = 1, signed: bool = False) -> str:
    return numbers.UNKNOWN if value is None else numbers.percent_of_fraction(value, decimals=decimals, signed=signed)


def _two(value: float | None) -> str:
    return numbers.UNKNOWN if value is None else figure(f"{value:.2f}")


def _statistics_from(statistics: BookStatistics | None, age_s: float) -> str:
    """Where volatility, beta and the rest come from: they are made by schedule and not for this answer."""
    if statistics is None:
        return "Volatility and beta: not enough history; /var says what is missing."
    made = f"made {age(age_s)} ago" if age_s >= 1 else "made now"
    return (
        f"Tail loss: mean of the account's worst 5% of days, of equity. By {statistics.method},"
        f" {numbers.count(statistics.n)} days, {made}."
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
