"""/close: a position, or a share of one, taken off the market by a reduce-only order."""

from collections.abc import Sequence

from bot.commands.meanwhile import calculating
from bot.commands.orders import open_orders
from bot.commands.plan_words import cancels_of, notes_of
from bot.commands.proposing import Ask, asked, propose
from bot.commands.spec import Command, Request, Services, Usage
from bot.commands.trade_words import only_market, percent, share_in
from bot.messages import Message
from bot.text.clean import name
from risk.closing import close
from risk.model.proposal import Purpose, TradePlan
from storage import Role


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _close)


async def _close(ask: Ask) -> Message:
    market, share = parsed(ask.words, tuple(await ask.positions()))
    depths = await ask.depths([market])
    closing = close(await ask.book(), ask.account_id, market, share, depths.get(market))
    there = open_orders(await ask.view(), ask.account_id)
    what = name(market) if share == 1 else f"{percent(share)} of {name(market)}"
    plan = TradePlan(
        account_id=ask.account_id, purpose=Purpose.CLOSE, title=f"Close {what}", trades=closing.trades,
        cancels=closing.cancels, notes=(*notes_of(closing), *cancels_of(closing.cancels, there)),
    )  # fmt: skip
    return await propose(ask, plan)


def parsed(words: Sequence[str], markets: Sequence[str]) -> tuple[str, float]:
    """(market, share) in any order. Raises: Usage."""
    market, others = only_market(words, markets, command="/close", what=" half")
    share: float | None = None
    for word in others:
        found = share_in(word)
        if found is None:
            raise Usage(f"{name(word)} is no share of a position; write half or {_as_percent(word)}.")
        if share is not None:
            raise Usage(f"One share at a time: {percent(share)} or {percent(found)}.")
        share = found
    return market, 1.0 if share is None else share


def _as_percent(word: str) -> str:
    """The share a bare number may have meant."""
    return f"{word}%" if word.isascii() and word.isdigit() and 0 < int(word[:4]) <= 100 else "25%"


COMMAND = Command(
    name="close",
    usage="/close [account] MARKET [half|25%]",
    summary="close a position or a share of it",
    run=run,
    role=Role.TRADER,
    per_account=True,
    meanwhile=calculating,
)
