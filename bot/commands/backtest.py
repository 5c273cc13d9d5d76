"""/backtest: how each method would have fared on today's positions."""

from functools import partial

from bot.commands.common import reply
from bot.commands.estimates import answered, basis, cautions
from bot.commands.meanwhile import calculating
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.reader import figure
from bot.text.tables import fit
from risk.errors import NotEnoughData
from risk.risk_figures import choice
from risk.stats.rolling import MINIMUM_FORECASTS, WINDOW


async def run(services: Services, request: Request) -> Message:
    return await answered(services, request, partial(_backtest, services))


async def _backtest(services: Services, watched: Watched, rest: tuple[str, ...]) -> Message:
    if rest:
        raise Usage(f"No account is called {name(rest[0])}. Accounts: {services.roster.names}.")
    desk = services.desks.risk(watched.account_id)
    judged = await desk.backtests()
    book = await desk.book()
    if not judged:
        raise NotEnoughData("days for a back-test", found=book.returns.n, needed=WINDOW + MINIMUM_FORECASTS)
    chosen = choice(judged)
    best = chosen.method
    headline = f"{best.value} is shown: no method is clearly better" if chosen.near_tie else f"{best.value} fits best"
    rows = []
    for method, verdict in judged.items():
        at95, at99 = verdict.at(0.95), verdict.at(0.99)
        rows.append(
            (
                f"{method.value}{'*' if method is best else ''}",
                f"{at95.violations}/{at95.expected:.0f}", f"{at99.violations}/{at99.expected:.0f}",
                figure(f"{min(at95.conditional.p_value, at99.conditional.p_value):.2f}"),
            )
        )  # fmt: skip
    light = judged[best].light
    shown = f", light {light.value}" if light else ""
    n = judged[best].at(0.95).n
    blocks: list[Block] = [
        Line(f"{watched.nickname}: {headline}{shown}", strong=True),
        fit(rows, header=("method", "95%", "99%", "p")),
        Line(f"Days beyond the VaR / expected, over {numbers.count(n)} days, today's positions held."),
        Line("p: Christoffersen, the smaller of both; below 0.05 speaks against a method. * is shown by /var."),
        basis(n=book.returns.n, since=book.window[0], age_s=book.data_age_s, method="rolling, one day ahead"),
        *cautions(book.warnings),
    ]
    return reply(services, watched, *blocks)


COMMAND = Command(
    name="backtest",
    usage="/backtest [account]",
    summary="how each method would have fared",
    run=run,
    meanwhile=calculating,
)
