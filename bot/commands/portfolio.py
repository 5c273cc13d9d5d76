"""/portfolio: what the account is worth and how much of it is used."""

from bot.commands.common import nothing_good, only_account, seen, sight
from bot.commands.spec import Command, Request, Services
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.tables import fit
from risk.errors import CannotAssess
from risk.portfolio_manager import summarise


async def run(services: Services, request: Request) -> Message:
    watched = only_account(services, request.args)
    try:
        known = await sight(services, watched)
    except CannotAssess as exc:
        return await nothing_good(services, watched, exc)
    summary = summarise(known.view, watched.account_id)
    answer = (
        f"{numbers.usd(summary.total_value)}, {numbers.signed_usd(summary.unrealized_pnl)} open,"
        f" {numbers.leverage(summary.leverage)}"
    )
    figures = fit(
        [
            ("Equity", numbers.usd(summary.total_value)),
            ("Unrealised PnL", numbers.signed_usd(summary.unrealized_pnl)),
            ("Realised PnL", numbers.signed_usd(summary.realized_pnl)),
            ("Leverage", numbers.leverage(summary.leverage)),
            ("Initial margin used", numbers.usd(summary.margin_used, rounding=numbers.Rounding.UP)),
            ("Margin free", numbers.usd(summary.margin_available, rounding=numbers.Rounding.DOWN)),
            ("Health ratio", numbers.health_ratio(summary.health_ratio)),
            ("Open orders", numbers.count(len(summary.open_orders))),
        ]
    )
    blocks: list[Block] = [Line(known.first(answer), strong=True), figures]
    if summary.positions:
        blocks.append(
            fit(
                [
                    (p.market, numbers.usd_compact(p.notional if p.size >= 0 else -p.notional),
                     numbers.signed_usd(p.unrealized_pnl))
                    for p in summary.positions
                ],
                header=("position", "notional", "PnL"),
            )
        )  # fmt: skip
    else:
        blocks.append(Line("No open perp position."))
    return seen(services, known, *blocks)


COMMAND = Command(
    name="portfolio", usage="/portfolio [account]", summary="equity, leverage, margin, positions", run=run
)
