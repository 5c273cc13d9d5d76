"""/beta: what the account does when SOL or BTC moves."""

import math
from functools import partial

from bot.commands.common import reply
from bot.commands.estimates import answered, basis, cautions
from bot.commands.meanwhile import stored
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.reader import figure
from bot.text.tables import fit


async def run(services: Services, request: Request) -> Message:
    return await answered(services, request, partial(_betas, services))


async def _betas(services: Services, watched: Watched, rest: tuple[str, ...]) -> Message:
    if rest:
        raise Usage(f"No account is called {name(rest[0])}. Accounts: {services.roster.names}.")
    desk = services.desks.risk(watched.account_id)
    found, book = await desk.calculate_beta_analysis(), await desk.book()
    per_cent = numbers.signed_usd(found.delta_sol_usd / 100)
    rows = [
        (row.asset, _two(row.beta_sol), _two(row.beta_sol_se), _two(row.beta_btc), _two(row.r2_btc))
        for row in found.assets
    ]
    blocks: list[Block] = [
        Line(f"{watched.nickname}: SOL +1% is {per_cent}, beta {_two(found.beta_sol)}", strong=True),
        Line(f"BTC +1% is {numbers.signed_usd(found.delta_btc_usd / 100)}, beta {_two(found.beta_btc)}."),
        fit(rows, header=("asset", "SOL", "+/-", "BTC", "R2")),
        Line("+/- is the standard error of the beta to SOL; R2 is that of the beta to BTC."),
        basis(n=found.n, since=book.window[0], age_s=book.data_age_s, method="daily log returns"),
        *cautions(found.warnings),
    ]
    return reply(services, watched, *blocks)


def _two(value: float) -> str:
    return numbers.UNKNOWN if math.isnan(value) else figure(f"{value:.2f}")


COMMAND = Command(
    name="beta",
    usage="/beta [account]",
    summary="what SOL and BTC moves do to it",
    run=run,
    meanwhile=stored(lambda known: known.beta_sol, lambda beta: f"beta to SOL was {figure(f'{beta:.2f}')}"),
)
