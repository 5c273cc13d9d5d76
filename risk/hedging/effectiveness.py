"""How well hedges have worked: the account with them and as it would have been without, over the days since."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from risk.hedging.exposures import usd_per_base
from risk.margin.assets import asset_of
from risk.margin.book import FleetBook, FloatArray
from risk.model.account import Side
from risk.model.hedge import FilledHedge, HedgeMonitoring
from risk.stats.history import BookHistory

LEAST_DAYS = 10


def effectiveness(
    history: BookHistory | None, hedges: Sequence[FilledHedge], book: FleetBook, equity_usd: float, now: datetime
) -> HedgeMonitoring:
    """Of the trades that were filled, at today's sizes and the returns of the full days since each.

    The account without its hedges is today's account with what they traded undone. Slippage is counted where the oracle
    price of the quote was kept, and funding at the last rate, for the venue does not state it by trade.
    """
    known = [hedge for hedge in hedges if hedge.market in book.perp_markets.names]
    promised = _promised(known)
    cost = sum(_cost_usd(hedge, book, now) for hedge in known)
    since = min((hedge.filled_at for hedge in known), default=None)
    if history is None or not known:
        why = "nothing was hedged yet" if not known else "there is no price history to judge the hedges by"
        return _unknown(len(known), promised, cost, since, 0, why)
    hedged, unhedged, equity = _pnl(history, known, book), _without(history, known, book), equity_usd
    rows = _active(history, known).any(axis=1)
    n = int(rows.sum())
    if n < LEAST_DAYS:
        return _unknown(len(known), promised, cost, since, n, f"{n} of {LEAST_DAYS} full days since the first hedge")
    hedged, unhedged = hedged[rows], unhedged[rows]
    bare = float(np.var(unhedged))
    removed = 1.0 - float(np.var(hedged)) / bare if bare > 0 else None
    ours = hedged - unhedged
    moves = bare > 0 and float(np.var(ours)) > 0
    r2 = float(np.corrcoef(ours, unhedged)[0, 1] ** 2) if moves else None
    tracking = float(np.std(hedged, ddof=1)) / equity if equity > 0 else None
    return HedgeMonitoring(
        hedges=len(known), predicted_reduction=promised, realized_reduction=removed, tracking_error=tracking,
        cost_usd=cost, r2=r2, n=n, since=since, assessed=_assessed(removed, promised, n),
    )  # fmt: skip


def _unknown(
    hedges: int, promised: float | None, cost: float, since: datetime | None, n: int, why: str
) -> HedgeMonitoring:
    return HedgeMonitoring(
        hedges=hedges, predicted_reduction=promised, realized_reduction=None, tracking_error=None, cost_usd=cost,
        r2=None, n=n, since=since, assessed=why,
    )  # fmt: skip


def _assessed(removed: float | None, promised: float | None, n: int) -> str:
    if removed is None:
        return f"the account would not have moved in {n} days, so nothing could be removed"
    what = "removed" if removed >= 0 else "added"
    beside = "" if promised is None else f"; {promised:.0%} was predicted"
    return f"the hedges {what} {abs(removed):.0%} of the daily variance over {n} days{beside}"


def _signed(hedge: FilledHedge) -> float:
    return hedge.size_base if hedge.side is Side.BUY else -hedge.size_base


def _promised(hedges: Sequence[FilledHedge]) -> float | None:
    """Mean of what was predicted, by notional."""
    with_one = [(hedge.size_base * hedge.price_usd, hedge.predicted_reduction) for hedge in hedges]
    weights = [(weight, share) for weight, share in with_one if share is not None]
    total = sum(weight for weight, _ in weights)
    return sum(weight * share for weight, share in weights) / total if total > 0 else None


def _cost_usd(hedge: FilledHedge, book: FleetBook, now: datetime) -> float:
    size, cost = _signed(hedge), hedge.fee_usd
    if hedge.oracle_usd is not None:
        cost += size * (hedge.price_usd - hedge.oracle_usd)
    at = book.perp_markets.names.index(hedge.market)
    rates = book.perp_markets.funding_long_1e9 if size > 0 else book.perp_markets.funding_short_1e9
    hours = max(0.0, (now - hedge.filled_at).total_seconds() / 3600.0)
    return cost + size * float(rates[at]) / 1e9 * hours


def _active(history: BookHistory, hedges: Sequence[FilledHedge]) -> FloatArray:
    """Whether each hedge stood through the whole of each day, shape (n_days, n_hedges)."""
    filled = np.array([_moment(hedge.filled_at) for hedge in hedges])
    return np.asarray(history.returns.at[:, None] >= filled, np.float64)


def _moment(at: datetime) -> np.datetime64:
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "s")


def _of_hedges(history: BookHistory, hedges: Sequence[FilledHedge], book: FleetBook) -> FloatArray:
    """PnL of each hedge on each day, shape (n_days, n_hedges); one whose asset has no history made none."""
    moves, assets = np.expm1(history.returns.log_returns), history.returns.assets
    found = np.zeros((history.returns.n, len(hedges)))
    for at, hedge in enumerate(hedges):
        asset = asset_of(hedge.market)
        if asset in assets:
            found[:, at] = moves[:, assets.index(asset)] * _signed(hedge) * usd_per_base(book, hedge.market)
    return found


def _pnl(history: BookHistory, hedges: Sequence[FilledHedge], book: FleetBook) -> FloatArray:
    """Of the account as it was hedged on each day: today's, without what came later."""
    today = np.expm1(history.returns.log_returns) @ history.margin.equity_slope_usd
    later = _of_hedges(history, hedges, book) * (1.0 - _active(history, hedges))
    return np.asarray(today - later.sum(axis=1))


def _without(history: BookHistory, hedges: Sequence[FilledHedge], book: FleetBook) -> FloatArray:
    today = np.expm1(history.returns.log_returns) @ history.margin.equity_slope_usd
    return np.asarray(today - _of_hedges(history, hedges, book).sum(axis=1))
