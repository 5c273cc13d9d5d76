"""What a check finds of the service that knows the past."""

import asyncio
from datetime import timedelta

from bot.checking.facts import Fact, advice, ok
from bot.checking.platforms import Asked
from bot.clock import SystemClock
from bot.config import Settings, VenueName
from bot.text.ages import age
from risk.model.candles import Interval
from venues.data_service import DataService
from venues.errors import VenueError

_ASSET = "SOL"
_DAYS = timedelta(days=4)
_FRESH_S = 2 * 86_400.0
_ELSE = "set DATA_URL to one that answers, or off; until then import bars with keel history import"


async def ask_past(settings: Settings, patience_s: float) -> Asked:
    """One small question to DATA_URL; nothing for a venue whose past is its own."""
    return Asked(facts=tuple(await _facts(settings, patience_s)))


async def _facts(settings: Settings, patience_s: float) -> list[Fact]:
    if settings.venue is VenueName.PAPER:
        return []
    if not settings.data_service_url:
        return [ok("history", "nobody is asked for it (DATA_URL=off), imported bars serve")]
    clock = SystemClock()
    async with DataService(settings.data_service_url, clock=clock) as service:
        subject, now = f"history {service.host}", clock.now()
        try:
            async with asyncio.timeout(patience_s):
                bars = await service.fetch(_ASSET, Interval.DAY, now - _DAYS, now)
        except TimeoutError:
            return [advice(subject, f"no answer within {patience_s:g} s", _ELSE)]
        except VenueError as exc:
            return [advice(subject, str(exc), _ELSE)]
    if not len(bars):
        return [advice(subject, f"it answers, and has no bars of {_ASSET} of the last days", _ELSE)]
    old_s = now.timestamp() - float(bars.at[-1].astype("datetime64[s]").astype(int))
    if old_s > _FRESH_S:
        return [advice(subject, f"its newest day of {_ASSET} began {age(old_s)} ago", _ELSE)]
    return [ok(subject, f"it answers, with bars of {_ASSET} up to now")]
