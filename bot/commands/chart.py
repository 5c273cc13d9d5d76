"""/chart: a picture of equity, of health with its tiers, or of the distance to liquidation."""

import asyncio
import re
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

from bot.charts import (
    MarketDistance,
    NotEnoughPoints,
    Theme,
    distance_chart,
    distance_title,
    equity_chart,
    equity_title,
    health_chart,
    health_title,
)
from bot.commands.common import account_of, cannot, doubtful, reply
from bot.commands.spec import Command, Request, Services, Usage
from bot.market_prices import prices_usd
from bot.messages import Line, Message, Picture
from bot.roster import Watched
from bot.text.clean import name
from risk.decisions.tiers import TierThresholds, on_ratio
from risk.errors import CannotAssess
from storage import THEME, EquitySeries, Scope
from storage import Theme as StoredTheme

_SPAN = re.compile(r"(\d{1,3})(h|d)", re.ASCII)
_KINDS = ("equity", "health", "distance")


async def run(services: Services, request: Request) -> Message:
    watched, rest = account_of(services, request.args)
    kind, span = "equity", timedelta(days=1)
    theme = await _theme(services, request)
    for word in (word.lower() for word in rest):
        if word in _KINDS:
            kind = word
        elif word == "liq":
            kind = "distance"
        elif match := _SPAN.fullmatch(word):
            span = timedelta(hours=int(match[1])) if match[2] == "h" else timedelta(days=int(match[1]))
        elif word in [one.value for one in Theme]:
            theme = Theme(word)
            await _keep(services, request, theme)
        else:
            raise Usage(f"{name(word)} is no account, picture, span or theme.")
    if not timedelta(0) < span <= timedelta(days=730):
        raise Usage("A span lies between 1h and 730d.")
    try:
        picture = await _picture(services, watched, kind, span, theme)
    except CannotAssess as exc:
        return cannot(services, watched, exc)
    except NotEnoughPoints as exc:
        return reply(services, watched, Line(f"{watched.nickname}: no picture yet", strong=True), Line(str(exc)))
    # The titles of the other two say themselves how long nothing has been known.
    known = f"{watched.nickname}: {picture.alt}"
    first = doubtful(services, watched, picture.alt) if kind == "distance" else known
    return reply(services, watched, Line(first, strong=True), picture)


async def _picture(services: Services, watched: Watched, kind: str, span: timedelta, theme: Theme) -> Picture:
    if kind == "distance":
        return await _distance(services, watched, theme)
    now = services.clock.now()
    series = await services.equity.series(watched.account_id, now - span, now + timedelta(seconds=1))
    times = _times(series)
    loop = asyncio.get_running_loop()
    if kind == "equity":
        draw = partial(
            equity_chart, times, series.equity_usd, account=watched.nickname,
            net_deposits_usd=series.net_flow_usd, now=now, theme=theme,
        )  # fmt: skip
        alt = equity_title(times, series.equity_usd, net_deposits_usd=series.net_flow_usd, now=now)
    else:
        tier, bands = services.watch.tier(watched.account_id).tier, _bands(services, watched)
        draw = partial(
            health_chart, times, series.health_ratio_percent, bands, account=watched.nickname,
            tier=tier, now=now, theme=theme,
        )  # fmt: skip
        alt = health_title(times, series.health_ratio_percent, bands, tier=tier, now=now)
    # Threads of the executor know nothing of the reader unless they are told.
    png = await loop.run_in_executor(services.executor, copy_context().run, draw)
    return Picture(png=png, alt=alt, name=f"{kind}.png")


async def _distance(services: Services, watched: Watched, theme: Theme) -> Picture:
    prices = await services.monitor(watched.account_id).liquidation_prices()
    view = await services.view()
    now_usd = prices_usd(view.book)
    markets = [MarketDistance(price_usd=now_usd[price.market], liquidation=price) for price in prices]
    draw = partial(distance_chart, markets, account=watched.nickname, thresholds=watched.thresholds, theme=theme)
    png = await asyncio.get_running_loop().run_in_executor(services.executor, copy_context().run, draw)
    return Picture(png=png, alt=distance_title(markets), name="distance.png")


def _bands(services: Services, watched: Watched) -> TierThresholds:
    """Where the tiers begin on the ratio, at the daily moves of now."""
    view = services.fleet.latest
    if view is None or watched.account_id not in view:
        return watched.thresholds
    return on_ratio(watched.thresholds, float(view.nearness.step_percent[view.position_of(watched.account_id)]))


def _times(series: EquitySeries) -> list[datetime]:
    naive = cast("list[datetime]", series.sampled_at.astype("datetime64[us]").tolist())
    return [at.replace(tzinfo=UTC) for at in naive]


async def _theme(services: Services, request: Request) -> Theme:
    """The one somebody chose, else the one that was chosen in this chat when themes still belonged to chats."""
    if request.person is not None:
        own = await services.personal.get(THEME, request.person.person_id)
        if own is not None:
            return Theme(own.value)
    scope = Scope(transport=request.address.transport, chat=request.address.chat)
    return Theme((await services.settings.get(THEME, scope)).value)


async def _keep(services: Services, request: Request, theme: Theme) -> None:
    if request.person is not None:
        await services.personal.put(THEME, StoredTheme(theme.value), request.person.person_id, services.clock.now())


COMMAND = Command(
    name="chart",
    usage="/chart [account] [equity|health|distance] [24h|7d] [dark|light]",
    summary="a picture of equity, health or distance",
    run=run,
)
