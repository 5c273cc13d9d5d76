"""From the services of one person to what their digest is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.commands.health import tier_now
from bot.commands.spec import Services
from bot.digests.happened import happened
from bot.digests.report import AccountDay, Curve, curve_of, profit_of
from bot.roster import Watched
from risk.decisions.limits import breaches
from risk.errors import CannotAssess
from risk.margin.liquidation import liquidation_prices
from risk.model.limits import RiskLimits
from risk.model.liquidation import LiquidationPrice
from risk.portfolio_manager import summarise
from storage import EVERYWHERE, EquitySeries

DAY = timedelta(hours=24)
MOST_IN_ONE_CURVE = 20  # each is a day of samples; beyond that the curve is the first account's
_NEAR = timedelta(minutes=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Everything one digest says.

    Attributes:
        days: Account by account, in the reader's order.
        curve: Of all accounts together, or of ``curve_of`` alone.
        elsewhere: What happened that concerns no single account.
    """

    since: datetime
    until: datetime
    days: tuple[AccountDay, ...]
    curve: Curve | None
    curve_of: str
    elsewhere: tuple[str, ...]


async def gather(services: Services) -> Digest:
    """The last day of every account a person may see. ``services`` are cut to that person."""
    now = services.clock.now()
    since = now - DAY
    watched = services.roster.all
    all_series = [await _samples(services, one.account_id, since, now, whole=len(watched) <= MOST_IN_ONE_CURVE)
                  for one in watched]  # fmt: skip
    changes = await happened(services, since, now)
    days = [await _day(services, one, series, since, tuple(changes.get(one.account_id, ())))
            for one, series in zip(watched, all_series, strict=True)]  # fmt: skip
    drawn = all_series if len(watched) <= MOST_IN_ONE_CURVE else all_series[:0]
    of = f"{len(watched)} accounts" if len(watched) > 1 else (watched[0].nickname if watched else "")
    if len(watched) > MOST_IN_ONE_CURVE:
        drawn = [await services.equity.series(watched[0].account_id, since, now + timedelta(seconds=1))]
        of = watched[0].nickname
    return Digest(
        since=since,
        until=now,
        days=tuple(days),
        curve=curve_of(drawn, since) if drawn and any(series.sampled_at.size for series in drawn) else None,
        curve_of=of,
        elsewhere=tuple(changes.get(EVERYWHERE, ())),
    )


async def _samples(services: Services, account_id: str, since: datetime, now: datetime, *, whole: bool) -> EquitySeries:
    """A day of samples, or, of many accounts, its ends: the same profit, and not a day of samples of each."""
    until = now + timedelta(seconds=1)
    if not whole:
        begin = await services.equity.series(account_id, since - _NEAR, since + _NEAR)
        if begin.sampled_at.size:
            return begin.followed_by(await services.equity.series(account_id, now - _NEAR, until))
    return await services.equity.series(account_id, since - _NEAR, until)


async def _day(
    services: Services, watched: Watched, series: EquitySeries, since: datetime, changes: tuple[str, ...]
) -> AccountDay:
    account_id, view = watched.account_id, services.fleet.latest
    profit, tier = profit_of(series, since), tier_now(services, watched)
    unknown = AccountDay(
        account_id=account_id, nickname=watched.nickname, tier=tier, profit=profit, health_ratio_percent=None,
        distance_frac=None, nearest_market="", leverage=None, violations=None, happened=changes,
    )  # fmt: skip
    if view is None or services.fleet.problems(account_id):
        return unknown
    try:
        summary, prices = summarise(view, account_id), liquidation_prices(view.single(account_id))
    except CannotAssess:
        return unknown
    limits = await services.accounts.load_limits(account_id) or RiskLimits()
    drawdown = await services.equity.drawdown_frac(account_id)
    nearest, figures = _nearest(prices), services.desks.board.limit_figures(account_id)
    return AccountDay(
        account_id=account_id,
        nickname=watched.nickname,
        tier=tier,
        profit=profit,
        health_ratio_percent=summary.health_ratio,
        distance_frac=nearest.distance_frac if nearest else None,
        nearest_market=nearest.market if nearest else "",
        leverage=summary.leverage,
        violations=tuple(breaches(limits, summary, drawdown, figures)),
        happened=changes,
    )


def _nearest(prices: Sequence[LiquidationPrice]) -> LiquidationPrice | None:
    near = [price for price in prices if price.distance_frac is not None]
    return min(near, key=lambda price: price.distance_frac or 0.0, default=None)
