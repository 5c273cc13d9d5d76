"""/mute: nothing of one market for a while, in one chat."""

import difflib
from collections.abc import Iterable
from datetime import timedelta

from bot.alerts.wishes import Wish
from bot.commands import wishing
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Line, Message
from bot.text.clean import name
from bot.text.durations import BadDuration, duration, written
from risk.errors import ReadFailed
from risk.margin.book import FleetBook

LONGEST = timedelta(days=30)
_DEFAULT = timedelta(hours=1)
_MUCH = timedelta(hours=24)
_NAMES_SHOWN = 8


async def run(services: Services, request: Request) -> Message:
    if not request.args:
        return await _show(services, request)
    await wishing.require_say(services, request.person, request.address)
    market = await known_market(services, request.args[0])
    wanted = span(request.args[1:], default=_DEFAULT, longest=LONGEST)
    ends = services.clock.now() + wanted
    wish = Wish(muted={market: ends})
    done = (f"{name(market)} is muted here {wishing.until(ends)}.", "CRITICAL and worse still comes through.")
    standing = [one for one in await services.incidents.open_incidents() if one.market == market]
    if standing:
        numbers = ", ".join(f"#{one.incident_id} {one.tier.name}" for one in standing[:_NAMES_SHOWN])
        why = f"There is something about it now: {numbers}. It would not be told here any more."
        return await wishing.ask(services, request, wish, f"Mute {name(market)} all the same?", why, done)
    if wanted > _MUCH:
        why = "Its fills, funding, orders and limits would not be told here until then; CRITICAL and worse would."
        question = f"Mute {name(market)} for {written(wanted)}?"
        return await wishing.ask(services, request, wish, question, why, done)
    return await wishing.grant(services, request, wish, done)


async def _show(services: Services, request: Request) -> Message:
    now = services.clock.now()
    standing = sorted(
        (until, market)
        for market, until in (await wishing.wants(services, request.address)).muted.items()
        if until > now
    )
    if not standing:
        return wishing.shown(Line("No market is muted here", strong=True), Line("Mute one: /mute SOL-PERP 2h."))
    lines = (Line(f"{name(market)}: {wishing.until(until)}") for until, market in standing)
    return wishing.shown(Line(f"{len(standing)} muted here", strong=True), *lines, Line("End one: /unmute SOL-PERP."))


def span(words: tuple[str, ...], *, default: timedelta, longest: timedelta) -> timedelta:
    """For how long, as somebody typed it. Raises: Usage."""
    if not words:
        return default
    try:
        wanted = duration(" ".join(words), longest=longest)
    except BadDuration as exc:
        raise wishing.refused(exc) from exc
    if wanted < timedelta(minutes=1):
        raise Usage("Say at least a minute.")
    return wanted


async def known_market(services: Services, typed: str) -> str:
    """The market somebody means, among those their accounts are in. Raises: Usage."""
    try:
        view = await services.view()
    except ReadFailed:
        return typed.upper()  # nobody can tell now which ones there are
    known: dict[str, None] = {}
    for account_id in services.roster.account_ids:
        if account_id in view:
            known.update(dict.fromkeys(_markets(view.single(account_id).book)))
    by_name = {market.lower(): market for market in known}
    wanted = typed.lower()
    for candidate in (wanted, f"{wanted}-perp"):
        if candidate in by_name:
            return by_name[candidate]
    close = difflib.get_close_matches(wanted, by_name, n=1, cutoff=0.5)
    hint = f"Did you mean {by_name[close[0]]}?" if close else f"There is {', '.join(sorted(known)[:_NAMES_SHOWN])}."
    if not known:
        raise Usage("Your accounts are in no market now, so there is nothing to mute.")
    raise Usage(f"Your accounts are in no market called {name(typed)}. {hint}")


def _markets(book: FleetBook) -> Iterable[str]:
    """Markets in which an account has a position, a balance or an order."""
    for rows, table in ((book.perps, book.perp_markets), (book.spots, book.spot_markets)):
        yield from (table.names[at] for at in rows.market)
    if book.orders is not None:
        for at, is_perp in zip(book.orders.market, book.orders.is_perp, strict=True):
            yield (book.perp_markets if is_perp else book.spot_markets).names[at]


COMMAND = Command(
    name="mute", usage="/mute [MARKET [2h]]", summary="nothing of a market for a while", run=run
)  # fmt: skip
