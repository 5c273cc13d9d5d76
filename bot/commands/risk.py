"""/risk: the account's risk in a dozen numbers."""

import math
from functools import partial

from bot.commands.common import reply
from bot.commands.estimates import answered, basis, cautions
from bot.commands.meanwhile import stored
from bot.commands.spec import Command, Request, Services, Usage
from bot.commands.var import WORDS, shown_before
from bot.messages import Block, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.numbers import Rounding
from bot.text.reader import figure
from bot.text.tables import fit
from risk.model.metrics import RiskMetrics
from risk.risk_engine import DriftRiskEngine


async def run(services: Services, request: Request) -> Message:
    return await answered(services, request, partial(_risk, services), flat=True)


async def _risk(services: Services, watched: Watched, rest: tuple[str, ...]) -> Message:
    if rest:
        raise Usage(f"No account is called {name(rest[0])}. Accounts: {services.roster.names}.")
    desk = services.desks.risk(watched.account_id)
    found = await desk.calculate_portfolio_risk()
    if math.isnan(found.var_1d) and math.isnan(found.max_drawdown):
        await desk.calculate_var()  # there is nothing to show: this says what is missing
    blocks: list[Block] = [
        Line(f"{watched.nickname}: {_headline(found)}", strong=True), fit(_rows(found)), *_contributions(found),
        Line("Losses are shares of equity; volatility and ratios are of a year of 365 days."),
        *await _basis(desk, found),
        Line("More: /var /vol /corr /beta /drawdown /performance /liqprob /backtest"),
        *cautions(found.warnings),
    ]  # fmt: skip
    return reply(services, watched, *blocks)


async def _basis(desk: DriftRiskEngine, found: RiskMetrics) -> list[Block]:
    """Where the value at risk comes from; it is cached by now."""
    if math.isnan(found.var_1d):
        return []
    var = await desk.calculate_var()
    return [basis(n=var.n, since=var.window_start, age_s=var.data_age_s, method=f"VaR by {WORDS[var.method]}")]


def _headline(found: RiskMetrics) -> str:
    if math.isnan(found.var_1d):
        return "no value at risk yet"
    if found.var_1d == 0:
        return "nothing in it moves with a price"
    share = numbers.percent_of_fraction(found.var_1d, rounding=Rounding.UP)
    return f"one day in 20 loses more than {share}"


def _rows(found: RiskMetrics) -> list[tuple[str, str]]:
    up = partial(numbers.percent_of_fraction, rounding=Rounding.UP)
    return [
        ("VaR 95% 1 d", up(found.var_1d)),
        ("VaR 95% 7 d", up(found.var_7d)),
        ("Mean beyond, 1 d", up(found.expected_shortfall_1d)),
        ("Volatility a year", numbers.percent_of_fraction(found.volatility_annualized, decimals=0)),
        ("Beta to SOL", _two(found.beta_sol)),
        ("Beta to BTC", _two(found.beta_btc)),
        ("Below its high", up(found.current_drawdown)),
        ("Worst fall", up(found.max_drawdown)),
        ("Sharpe", _two(found.sharpe_ratio)),
        ("Sortino", _two(found.sortino_ratio)),
        ("Calmar", _two(found.calmar_ratio)),
    ]


def _contributions(found: RiskMetrics) -> list[Block]:
    if not found.risk_contribution:
        return []
    parts = sorted(found.risk_contribution.items(), key=lambda item: -item[1])
    rows = [(name(asset), numbers.percent_of_fraction(part, signed=True)) for asset, part in parts]
    return [fit(rows, header=("adds to mean beyond", "of equity"))]


def _two(value: float) -> str:
    if math.isnan(value):
        return numbers.UNKNOWN
    return numbers.UNBOUNDED if math.isinf(value) else figure(f"{value:.2f}")


COMMAND = Command(
    name="risk",
    usage="/risk [account]",
    summary="its risk in a dozen numbers",
    run=run,
    meanwhile=stored(lambda known: known.var_1d_frac, shown_before),
)
