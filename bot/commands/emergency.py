"""/emergency: the fastest way out of danger, in at most so many trades that only reduce."""

from collections.abc import Sequence

from bot.commands.liquidating import only_a_deposit
from bot.commands.meanwhile import calculating
from bot.commands.plan_words import as_sentence
from bot.commands.proposing import Ask, OnlyNoted, asked, of_result, only_shown
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.text.clean import name
from storage import Role

USUAL_TRADES = 5
_MOST_TRADES = 20


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _emergency)


async def _emergency(ask: Ask) -> Message:
    most = parsed(ask.words)
    if (deposit := await only_a_deposit(ask)) is not None:
        return deposit
    noted = OnlyNoted()
    found = await ask.services.desks.hedging(ask.account_id, desk=ask.desk or noted).emergency_hedge(most)
    if noted.plan is not None:
        return await only_shown(ask, noted.plan)
    left: list[Block] = [Line(as_sentence(text)) for text in found.unhedged]
    return await of_result(ask, found.result, nothing="nothing that could be reduced", why=left)


def parsed(words: Sequence[str]) -> int:
    """How many trades at most. Raises: Usage."""
    if not words:
        return USUAL_TRADES
    word = words[0].removeprefix("#")
    if len(words) > 1 or not (word.isascii() and word.isdigit()):
        raise Usage(f"{name(words[-1])} is no account and no number of trades, such as {USUAL_TRADES}.")
    if not 1 <= int(word[:9]) <= _MOST_TRADES:
        raise Usage(f"From 1 to {_MOST_TRADES} trades, not {name(word)}.")
    return int(word)


COMMAND = Command(
    name="emergency",
    usage="/emergency [account] [n]",
    summary="the fastest way out of danger",
    run=run,
    role=Role.TRADER,
    per_account=True,
    meanwhile=calculating,
)
