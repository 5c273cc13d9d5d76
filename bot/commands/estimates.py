"""What the statistical commands share: which account and words, how far history is, and the line that says how sure."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from bot.charts.palette import Theme
from bot.commands.common import account_of, cannot, reply
from bot.commands.spec import Request, Services
from bot.messages import Block, Line, Message, Picture
from bot.roster import Watched
from bot.text.ages import age, day
from bot.text.numbers import count
from risk.errors import BadSeries, CannotAssess, NotEnoughData
from risk.margin.linear import held_assets
from storage import THEME, Scope

T = TypeVar("T")


async def answered(
    services: Services, request: Request, ask: Callable[[Watched, tuple[str, ...]], Awaitable[Message]]
) -> Message:
    """An answer about the account that is meant; what cannot be stated says what is missing and how to get it."""
    watched, rest = account_of(services, request.args)
    try:
        return await ask(watched, rest)
    except CannotAssess as exc:
        return cannot(services, watched, exc)
    except (NotEnoughData, BadSeries) as exc:
        lines: list[Block] = [Line(f"{watched.nickname}: not enough history", strong=True), Line(f"! {exc}.")]
        lines += [Line(text) for text in await missing(services, watched)]
        return reply(services, watched, *lines)


async def missing(services: Services, watched: Watched) -> list[str]:
    """How far the history of each asset is, and what to do about it."""
    view = await services.view()
    assets = held_assets(view.single(watched.account_id).book)
    progress = [await services.desks.history.progress(asset) for asset in assets]
    texts = [f"{one.sentence}." for one in progress]
    if services.desks.history.has_source:
        return [*texts, "More arrives in the background; ask again in a minute."]
    return [*texts, "Import bars with: keel history import SOL.csv"]


def basis(*, n: int, since: datetime | None, age_s: float, method: str, seed: int | None = None) -> Line:
    """Method, sample and age of an estimate, in one line."""
    parts = [method, f"{count(n)} days"]
    if since is not None:
        parts[-1] += f" since {day(since)}"
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
