"""keel inspect ACCOUNT: everything about one account, for people or as one JSON object."""

import json
from dataclasses import dataclass

from bot.messages import Table
from bot.sweep import Json, number
from bot.sweep import rows_of as margin_rows
from bot.text import numbers
from bot.text.tables import lines as table_lines
from risk.errors import CannotAssess
from risk.fleet import FleetView, data_problems
from risk.liquidation_monitor import health_of
from risk.margin.liquidation import liquidation_prices
from risk.margin.snapshot import snapshot_of
from risk.model.account import AccountSnapshot, MarketKind, OpenOrder
from risk.model.liquidation import HealthStatus, LiquidationPrice
from risk.model.portfolio import PortfolioSummary
from risk.portfolio_manager import summarise
from risk.ports import AccountReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """All that is known of one account at one slot."""

    view: FleetView
    snapshot: AccountSnapshot
    health: HealthStatus
    summary: PortfolioSummary
    liquidation: tuple[LiquidationPrice, ...]
    problems: tuple[str, ...]


async def inspect(reader: AccountReader, reference: str) -> Inspection:
    """Read one account. Raises: VenueRejected, VenueUnavailable."""
    account_id = await reader.resolve(reference)
    view = FleetView.of(await reader.read([account_id]))
    problems = data_problems(view.single(account_id).book)
    try:
        liquidation = liquidation_prices(view.single(account_id))
    except CannotAssess as exc:
        liquidation = ()
        problems = tuple(dict.fromkeys((*problems, *exc.reasons)))
    return Inspection(
        view=view,
        snapshot=snapshot_of(view.book, account_id),
        health=health_of(view, account_id, problems),
        summary=summarise(view, account_id),
        liquidation=liquidation,
        problems=problems,
    )


def as_json(found: Inspection) -> str:
    """One object with unrounded numbers, null for none."""
    snapshot, health, summary = found.snapshot, found.health, found.summary
    body: Json = {
        **next(margin_rows(found.view)).fields,
        "slot": health.slot,
        "observed_at": health.observed_at.isoformat(),
        "free_collateral_usd": number(health.free_collateral_usd),
        "leverage": number(summary.leverage),
        "positions": _positions(found),
        "balances": _balances(found),
        "open_orders": [_order(found, order) for order in snapshot.open_orders],
        "liquidation_prices": {
            price.market: {"price_usd": number(price.price_usd), "status": price.status.value}
            for price in found.liquidation
        },
        "problems": list(found.problems),
        "notices": list(found.view.book.notices),
    }
    return json.dumps(body)


def _positions(found: Inspection) -> list[Json]:
    by_index = {index: market.name for index, market in found.snapshot.perp_markets.items()}
    details = {position.market: position for position in found.summary.positions}
    rows: list[Json] = []
    for position in found.snapshot.perp_positions:
        name = by_index[position.market_index]
        detail = details[name]
        rows.append(
            {
                "market": name,
                "market_index": position.market_index,
                "isolated": position.isolated,
                "size_base": number(position.size_base),
                "entry_price_usd": number(detail.entry_price),
                "oracle_price_usd": number(detail.current_price),
                "notional_usd": number(detail.notional),
                "unrealized_pnl_usd": number(detail.unrealized_pnl),
                "funding_usd": number(position.funding_usd),
            }
        )
    return rows


def _balances(found: Inspection) -> list[Json]:
    values = found.view.evaluation.full.spot_value_usd
    own = found.view.book.spots.account == found.view.position_of(found.snapshot.account_id)
    names = {index: market.name for index, market in found.snapshot.spot_markets.items()}
    return [
        {
            "market": names[balance.market_index],
            "market_index": balance.market_index,
            "amount": number(balance.amount_tokens),
            "value_usd": number(float(value)),
        }
        for balance, value in zip(found.snapshot.spot_balances, values[own], strict=True)
    ]


def _order(found: Inspection, order: OpenOrder) -> Json:
    return {
        "order_id": order.order_id,
        "market": _market_name(found, order),
        "side": order.side.value,
        "kind": order.kind.value,
        "size_base": number(order.size_base),
        "price_usd": number(order.price_usd),
        "reduce_only": order.reduce_only,
    }


def _market_name(found: Inspection, order: OpenOrder) -> str:
    table = found.view.book.perp_markets if order.market_kind is MarketKind.PERP else found.view.book.spot_markets
    return table.names[list(table.market_index).index(order.market_index)]


def as_text(found: Inspection, *, age_s: float) -> str:
    """For a person at a terminal."""
    snapshot, health, summary = found.snapshot, found.health, found.summary
    head = f"{snapshot.account_id}  (owner {snapshot.authority}, sub-account {snapshot.sub_account})"
    parts = [head, f"slot {numbers.count(health.slot)}, read {age_s:.1f} s ago"]
    parts += [f"! {problem}" for problem in found.problems]
    parts += [f"note: {notice}" for notice in found.view.book.notices]
    parts += [
        f"health {numbers.health_percent(health.health_percent)}"
        f" (ratio {numbers.health_ratio(health.health_ratio_percent)}, 100% is liquidation)",
        f"collateral {numbers.usd(health.total_collateral_usd, cents=True)}"
        f" against maintenance {numbers.usd(health.maintenance_requirement_usd, cents=True)}",
        f"initial {numbers.usd(health.initial_collateral_usd, cents=True)}"
        f" against {numbers.usd(health.initial_requirement_usd, cents=True)},"
        f" free {numbers.usd(health.free_collateral_usd, cents=True)}",
        f"equity {numbers.usd(summary.total_value, cents=True)}, leverage {numbers.leverage(summary.leverage)}",
    ]
    prices = {price.market: price for price in found.liquidation}
    sections = (
        (
            ("position", "size", "entry", "oracle", "PnL", "liquidation"),
            [
                (
                    p.market + ("*" if p.isolated else ""), numbers.size(p.size), numbers.price(p.entry_price),
                    numbers.price(p.current_price), numbers.signed_usd(p.unrealized_pnl, cents=True),
                    _liquidation(prices.get(p.market)),
                )
                for p in summary.positions
            ],
        ),
        (
            ("balance", "amount", "value", "liquidation"),
            [
                (
                    str(row["market"]), numbers.size(_float(row["amount"])),
                    numbers.usd(_float(row["value_usd"]), cents=True), _liquidation(prices.get(str(row["market"]))),
                )
                for row in _balances(found)
            ],
        ),
        (
            ("order", "market", "side", "kind", "size", "price"),
            [
                (
                    str(o.order_id), _market_name(found, o), o.side.value, o.kind.value, numbers.size(o.size_base),
                    numbers.price(o.price_usd),
                )
                for o in snapshot.open_orders
            ],
        ),
    )  # fmt: skip
    for header, rows in sections:
        if rows:
            parts += ["", *table_lines(Table(rows=tuple(rows), header=header), columns=110)]
    if health.isolated:
        parts.append("")
        parts += [
            f"* isolated {one.market}: health {numbers.health_percent(one.health_percent)},"
            f" {numbers.usd(one.total_collateral_usd, cents=True)}"
            f" against {numbers.usd(one.maintenance_requirement_usd, cents=True)}"
            for one in health.isolated
        ]
    return "\n".join(parts)


def _float(value: object) -> float | None:
    return value if isinstance(value, float) else None


def _liquidation(price: LiquidationPrice | None) -> str:
    if price is None or price.price_usd is None:
        return price.status.value if price else numbers.UNKNOWN
    return f"{numbers.price(price.price_usd)} ({numbers.distance(price.distance_frac)})"
