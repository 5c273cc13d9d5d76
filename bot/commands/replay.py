"""/replay: would it have warned me? Today's book over recorded prices, through the tiers and alerts of the bot."""

from functools import partial

import numpy as np

from bot.commands.common import reply, sight
from bot.commands.estimates import answered, theme_of
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message, Picture
from bot.replaying.question import Answer, Question, Refusal
from bot.replaying.span import Span
from bot.replaying.todays_book import TodaysBook, todays_book
from bot.roster import Watched
from bot.text import numbers
from bot.text.ages import age, day_and_moment
from bot.text.clean import name
from bot.text.reader import figure
from bot.text.tables import fit
from risk.decisions.tiers import LADDER
from risk.margin.evaluate import evaluate
from risk.model.candles import Candles, Interval
from venues.replay import Bars, ReplayBook

_DAYS, _MOST_DAYS = 90, 730
_CRASH = "crash"
_LEAST_BARS = 48


async def run(services: Services, request: Request) -> Message:
    return await answered(services, request, partial(_replay, services, request))


async def _replay(services: Services, request: Request, watched: Watched, rest: tuple[str, ...]) -> Message:
    span = _span(services, rest)
    seen = await sight(services, watched)
    today = todays_book(evaluate(seen.view.single(watched.account_id)))
    if today.book is None:
        return _nothing(services, watched, today)
    folder = services.replays.folder
    history = await _stored(services, today.book) if folder is None else None
    if history is not None and not history:
        return _without_history(services, watched, today.book)
    answer = await services.replays.ask(
        Question(
            book=today.book, thresholds=watched.thresholds, span=span, theme=await theme_of(services, request),
            name=watched.nickname, bars=history, folder=folder,
        )
    )  # fmt: skip
    if isinstance(answer, Refusal):
        return reply(
            services, watched, Line(f"{watched.nickname}: no replay", strong=True), Line(f"! {answer.text}."),
        )  # fmt: skip
    return _told(services, watched, today, answer)


def _span(services: Services, rest: tuple[str, ...]) -> Span:
    """Raises: Usage."""
    if not rest:
        return Span(days=_DAYS)
    text = rest[0].lower()
    if len(rest) == 1 and text == _CRASH:
        return Span(days=None)
    digits = text.removesuffix("d")
    if len(rest) == 1 and digits.isascii() and digits.isdigit() and 1 <= int(digits[:6]) <= _MOST_DAYS:
        return Span(days=int(digits[:6]))
    raise Usage(
        f"{name(rest[0])} is no account ({services.roster.names}), no number of days from 1 to {_MOST_DAYS},"
        f" and not {_CRASH}."
    )


async def _stored(services: Services, book: ReplayBook) -> dict[str, Bars]:
    """Hourly bars of the assets of a book, as far as they are in the store."""
    found = {}
    for position in book.positions:
        candles = await services.desks.history.candles(position.asset, Interval.HOUR)
        if len(candles) >= _LEAST_BARS:
            found[position.asset] = _bars(candles)
    return found


def _bars(candles: Candles) -> Bars:
    columns = (candles.open_usd, candles.high_usd, candles.low_usd, candles.close_usd)
    prices = np.column_stack(columns)
    good = (prices > 0).all(axis=1)
    return Bars(
        asset=candles.asset,
        opened_s=candles.at.astype("datetime64[s]").astype(np.int64)[good],
        prices_usd=prices[good],
        length_s=int(candles.interval.span.total_seconds()),
    )


def _nothing(services: Services, watched: Watched, today: TodaysBook) -> Message:
    return reply(
        services, watched, Line(f"{watched.nickname}: nothing to play", strong=True),
        Line("Its cross account has no perp position."), *(Line(f"! {text}.") for text in today.left_out),
    )  # fmt: skip


def _without_history(services: Services, watched: Watched, book: ReplayBook) -> Message:
    missing = ", ".join(name(one.asset) for one in book.positions)
    return reply(
        services, watched, Line(f"{watched.nickname}: no history to play", strong=True),
        Line(f"There are no hourly bars of {missing}."),
        Line("Set HISTORY_DIR to a folder with one CSV of bars per asset, as keel replay takes them."),
    )  # fmt: skip


def _told(services: Services, watched: Watched, today: TodaysBook, answer: Answer) -> Message:
    ended = answer.liquidated_at is not None
    rows = [
        (tier.name, age(answer.lead_s[tier]) if ended else day_and_moment(answer.first_at[tier]))
        for tier in LADDER
        if tier in answer.first_at
    ]
    blocks: list[Block] = [Line(f"{watched.nickname}: {_verdict(answer)}", strong=True)]
    if rows:
        blocks.append(fit(rows, header=("first told", "before the end" if ended else "at")))
    held = ", ".join(
        f"{numbers.multiple(one.leverage)} {one.side.value} {name(one.asset)}" for one in answer.book.positions
    )
    caveats = [*today.left_out, *(f"{asset} is left out: there is no history of it" for asset in answer.missing)]
    blocks += [
        Line(
            f"Alarms of HIGH or worse: {numbers.count(answer.rung)}, false {numbers.count(answer.false)}"
            f" ({figure(f'{answer.false_per_30d:.2f}')} in 30 days)."
            f" Messages, if nobody answers: {numbers.count(answer.messages)}."
        ),
        Line(
            f"Today's book ({held}), opened {day_and_moment(answer.opened_at)} and left alone for"
            f" {age(answer.days * 86_400)}, {numbers.count(answer.prices)} prices."
        ),
        *(Line(f"! {text}.") for text in caveats),
        Picture(png=answer.png, alt=answer.title, name="replay.png"),
    ]
    return reply(services, watched, *blocks)


def _verdict(answer: Answer) -> str:
    if answer.liquidated_at is None:
        return "would not have been liquidated"
    if answer.page_lead_s is None:
        return f"liquidated {day_and_moment(answer.liquidated_at)}, and no page stood"
    return f"paged {age(answer.page_lead_s)} before liquidation, {day_and_moment(answer.liquidated_at)}"


COMMAND = Command(
    name="replay",
    usage="/replay [account] [days|crash]",
    summary="would it have warned me: today's book over past prices",
    run=run,
)
