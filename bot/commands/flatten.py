"""/flatten: out of every position in one proposal; resting orders are cancelled first, and what remains is named."""

from bot.commands.liquidating import only_a_deposit
from bot.commands.meanwhile import calculating
from bot.commands.orders import open_orders
from bot.commands.plan_words import cancels_of, notes_of
from bot.commands.proposing import Ask, asked, propose, said
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Line, Message
from bot.text.clean import name
from risk.closing import flatten
from risk.model.proposal import Purpose, TradePlan
from storage import Role


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _flatten)


async def _flatten(ask: Ask) -> Message:
    if ask.words:
        accounts = ask.services.roster.names
        raise Usage(f"{name(ask.words[0])} is no account: {accounts}. To close one position use /close MARKET.")
    if (deposit := await only_a_deposit(ask)) is not None:
        return deposit
    closing = flatten(await ask.book(), ask.account_id, await ask.depths(tuple(await ask.positions())))
    notes = notes_of(closing)
    if not closing.trades and not closing.cancels:
        return said(ask, "nothing to close, and no order rests", *map(Line, notes))
    plan = TradePlan(
        account_id=ask.account_id, purpose=Purpose.FLATTEN, title="Flatten: close every position",
        trades=closing.trades, cancels=closing.cancels,
        notes=(*notes, *cancels_of(closing.cancels, open_orders(await ask.view(), ask.account_id))),
    )  # fmt: skip
    return await propose(ask, plan)


COMMAND = Command(
    name="flatten",
    usage="/flatten [account]",
    summary="close every position, cancel every order",
    run=run,
    role=Role.TRADER,
    per_account=True,
    meanwhile=calculating,
)
