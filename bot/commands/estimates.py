"""What the statistical commands share: which account and words, how far history is, and the line that says how sure."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from bot.charts.palette import Theme
from bot.commands.common import account_of, cannot, reply
from bot.commands.spec import Request, Services
from bot.market_data import ENOUGH_DAYS
from bot.messages import Block, Line, Message, Picture
from bot.roster import Watched
from bot.text.ages import age, month
from bot.text.numbers import count
from risk.errors import BadSeries, CannotAssess, NotEnoughData
from risk.margin.linear import held_assets
from storage import THEME, Scope

T = TypeVar("T")


async def answered(
    services: Services,
    request: Request,
    ask: Callable[[Watched, tuple[str, ...]], Awaitable[Message]],
    *,
    flat: bool = False,
) -> Message:
    """An answer about the account that is meant; what cannot be stated says what is missing and how to get it.

    Args:
        flat: Whether there is something to say of an account that moves with no price.
    """
    watched, rest = account_of(services, request.args)
    try:
        answer = await ask(watched, rest)
        return answer if flat or await _moves(services, watched) else _still(services, watched)
    except CannotAssess as exc:
        return cannot(services, watched, exc)
    except (NotEnoughData, BadSeries) as exc:
        return await without_history(services, watched, exc)


async def without_history(services: Services, watched: Watched, problem: BadSeries) -> Message:
    """How far the history of each asset is, and what to do about it."""
    assets = await _moves(services, watched)
    if not assets:
        return _still(services, watched)
    progress = [await services.desks.history.progress(asset) for asset in assets]
    lines: list[Block] = [Line(f"{watched.nickname}: not enough history", strong=True), Line(f"! {problem}.")]
    lines += [Line(f"{one.sentence}.") for one in progress]
    if services.desks.history.has_source:
        lines.append(Line("More arrives in the background; ask again in a minute."))
    elif short := [f"{one.asset}.csv" for one in progress if one.bars < ENOUGH_DAYS]:
        lines.append(Line(f"While Keel is stopped, import bars: keel history import {' '.join(short)}"))
    return reply(services, watched, *lines)


async def _moves(services: Services, watched: Watched) -> tuple[str, ...]:
    """Assets that the account's worth depends on."""
    return held_assets((await services.view()).single(watched.account_id).book)


def _still(services: Services, watched: Watched) -> Message:
    nothing = Line(f"{watched.nickname}: nothing in it moves with a price", strong=True)
    return reply(services, watched, nothing, Line("It holds no position and no token that is not a dollar."))


def without_equity(services: Services, watched: Watched, what: str) -> Message:
    """For an account that nobody watched for long enough."""
    return reply(
        services, watched, Line(f"{watched.nickname}: no {what} yet", strong=True),
        Line("Its equity is recorded every minute while Keel watches it, and there are too few samples so far."),
        Line("Ask again in a few minutes; ratios take some days."),
    )  # fmt: skip


def basis(*, n: int, since: datetime | None, age_s: float, method: str, seed: int | None = None) -> Line:
    """Method, sample and age of an estimate, in one line."""
    parts = [method, f"{count(n)} days"]
    if since is not None:
        parts[-1] += f" since {month(since)}"
    parts.append(f"history {age(age_s)} old")
    if seed is not None:
        parts.append(f"seed {seed}")
    return Line(" · ".join(parts))


def cautions(warnings: Sequence[str], *, most: int = 5) -> list[Block]:
    """What must be known to believe the figures."""
    shown: list[Block] = [Line(f"! {text}") for text in warnings[:most]]
    if len(warnings) > most:
        shown.append(Line(f"! and {len(warnings) - most} more like these"))
    return shown


async def theme_of(services: Services, request: Request) -> Theme:
    """Light or dark, as the chat has it."""
    scope = Scope(transport=request.address.transport, chat=request.address.chat)
    return Theme((await services.settings.get(THEME, scope)).value)


async def drawn(services: Services, draw: Callable[[], bytes], *, alt: str, name: str) -> Picture:
    """A picture, drawn off the event loop."""
    png = await asyncio.get_running_loop().run_in_executor(services.executor, draw)
    return Picture(png=png, alt=alt, name=name)
