"""/performance: what the account earned, by what, and its round trips."""

import math
from functools import partial

import numpy as np

from bot.charts import NotEnoughPoints
from bot.charts.statistics import months_chart
from bot.commands.common import account_of, reply
from bot.commands.estimates import cautions, drawn, theme_of, without_equity
from bot.commands.meanwhile import calculating
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.ages import age, day
from bot.text.clean import name
from bot.text.reader import figure
from bot.text.tables import fit
from risk.errors import NotEnoughData
from risk.model.performance import EquityCurve, PerformanceMetrics, Period
from risk.performance_tracker import attribution_of, daily_returns

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


async def run(services: Services, request: Request) -> Message:
    watched, rest = account_of(services, request.args)
    period = _period(rest)
    desk = services.desks.performance(watched.account_id)
    found, curve = await desk.metrics(period), await desk.equity_curve(period)
    if not found.n and not found.fills_on_record:
        return without_equity(services, watched, "performance")
    headline = _headline(found)
    blocks: list[Block] = [Line(f"{watched.nickname}: {headline}", strong=True), fit(_figures(found))]
    if found.total_trades:
        blocks.append(fit(_trades(found)))
    blocks += [*_parts(curve), *_since(services, found), *cautions(found.warnings)]
    picture = await _picture(services, request, watched, headline)
    return reply(services, watched, *blocks, *picture)


def _period(rest: tuple[str, ...]) -> Period:
    if not rest:
        return Period.MONTH
    if len(rest) > 1:
        raise Usage(f"{name(rest[1])} is one word too many.")
    try:
        return Period(rest[0].lower())
    except ValueError:
        known = ", ".join(one.value for one in Period)
        raise Usage(f"{name(rest[0])} is no account and no period. Periods: {known}.") from None


def _headline(found: PerformanceMetrics) -> str:
    span = "since it is watched" if found.period is Period.ALL else f"in {found.period.value}"
    if math.isnan(found.total_return):
        return f"no return yet {span}"
    return f"{numbers.percent_of_fraction(found.total_return, signed=True)} {span}"


def _figures(found: PerformanceMetrics) -> list[tuple[str, str]]:
    percent = numbers.percent_of_fraction
    return [
        ("Return a year", percent(found.annualized_return, signed=True)),
        ("Volatility a year", percent(found.volatility)),
        ("Worst fall", percent(found.max_drawdown, rounding=numbers.Rounding.UP)),
        ("Sharpe", f"{_ratio(found.sharpe_ratio)} +/- {_ratio(found.se_sharpe_ratio)}"),
        ("Sortino", _ratio(found.sortino_ratio)),
        ("Calmar", _ratio(found.calmar_ratio)),
    ]


def _trades(found: PerformanceMetrics) -> list[tuple[str, str]]:
    return [
        ("Round trips", numbers.count(found.total_trades)),
        ("Won", f"{numbers.count(found.winning_trades)}, {numbers.percent_of_fraction(found.win_rate, decimals=0)}"),
        ("Profit factor", _ratio(found.profit_factor)),
        ("Average won", numbers.signed_usd_compact(found.average_win)),
        ("Average lost", numbers.signed_usd_compact(found.average_loss)),
        ("Best", numbers.signed_usd_compact(found.largest_win)),
        ("Worst", numbers.signed_usd_compact(found.largest_loss)),
    ]


def _ratio(value: float) -> str:
    if math.isnan(value):
        return numbers.UNKNOWN
    return numbers.UNBOUNDED if math.isinf(value) else figure(f"{value:.2f}")


def _parts(curve: EquityCurve) -> list[Block]:
    try:
        parts = attribution_of(curve)
    except NotEnoughData:
        return []
    rows = [
        ("Price", numbers.signed_usd(parts.price_usd)), ("Funding", numbers.signed_usd(parts.funding_usd)),
        ("Fees", numbers.signed_usd(parts.fees_usd)), ("Deposits, withdrawals", numbers.signed_usd(parts.flows_usd)),
    ]  # fmt: skip
    return [fit(rows, header=("change of equity", numbers.signed_usd(parts.change_usd))), *cautions(parts.warnings)]


def _since(services: Services, found: PerformanceMetrics) -> list[Block]:
    trades: list[Block] = []
    if found.trades_start is not None and found.trades_end is not None:
        window = f"from {day(found.trades_start)} to {day(found.trades_end)}"
        trades.append(Line(f"Trades: {numbers.count(found.total_trades)} {window}."))
    if found.start is None or found.end is None:
        return trades
    days = f"{numbers.count(found.n)} {'day' if found.n == 1 else 'days'}, {day(found.start)} to {day(found.end)}"
    newest = age((services.clock.now() - found.end).total_seconds())
    return [
        *trades,
        Line(f"Daily returns, deposits and withdrawals not counted; {days}, newest sample {newest} old."),
        Line("Ratios and volatility for a year of 365 days; +/- is the standard error."),
    ]


async def _picture(services: Services, request: Request, watched: Watched, headline: str) -> list[Block]:
    months = monthly_returns(await services.desks.performance(watched.account_id).equity_curve())
    draw = partial(
        months_chart, months, title=headline[:1].upper() + headline[1:], subtitle=watched.nickname,
        theme=await theme_of(services, request),
    )  # fmt: skip
    try:
        return [await drawn(services, draw, alt=headline, name="months.png")]
    except NotEnoughPoints:
        return []


def monthly_returns(curve: EquityCurve) -> list[tuple[str, float]]:
    """(label, compounded return) of each month with a day on record, oldest first."""
    days, returns = daily_returns(curve)
    months = days.astype("datetime64[M]")
    found = []
    for month in np.unique(months):
        own = returns[months == month]
        if not np.isnan(own).any():
            found.append((_MONTHS[int(month.astype(int)) % 12], float(np.prod(1 + own) - 1)))
    return found


COMMAND = Command(
    name="performance",
    usage="/performance [account] [7d|30d|90d|all]",
    summary="what it earned, and by what",
    run=run,
    meanwhile=calculating,
)
