"""A hedge for what cannot be cut: one trade in the perp that has moved most like it. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from risk.after_plan import TradeStep, effect_of
from risk.after_trade import Prospect
from risk.decisions.depth import walk
from risk.decisions.order_terms import Untradeable, exact
from risk.margin.assets import asset_of
from risk.margin.book import FleetBook
from risk.model.account import Side
from risk.model.proposal import PlannedTrade
from risk.model.trading import BASE_UNITS, MarketDepth

LEAST_CORRELATION = 0.6
_HALVINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """One trade. ``against`` is the market it stands for."""

    market: str
    against: str
    correlation: float
    trade: PlannedTrade
    step: TradeStep


def hedge_for(
    book: FleetBook, stuck: Mapping[str, float], depth: Mapping[str, MarketDepth], prospect: Prospect
) -> Hedge | None:
    """A trade against the largest of some positions, in a market that can be traded and in which none is held, or one
    that reduces; its size by the regression of the position's asset on it, halved until margin allows it.

    Args:
        stuck: Signed size by market.

    Returns: None where nothing has moved like it, or margin allows no size of it.
    """
    prices = {name: _price(book, name) for name in {*stuck, *depth} if name in book.perp_markets.names}
    against = max(stuck, key=lambda name: abs(stuck[name]) * prices[name])
    exposed_usd = stuck[against] * prices[against]
    best: tuple[float, str, float] | None = None
    assets = prospect.history.returns.assets
    own = asset_of(against)
    if own not in assets:
        return None
    covariance = prospect.covariance
    at = assets.index(own)
    for market, offer in depth.items():
        other = asset_of(market)
        if market in stuck or market not in prices or other not in assets or other == own or not offer.bids:
            continue
        to = assets.index(other)
        correlation = float(covariance[at, to] / math.sqrt(covariance[at, at] * covariance[to, to]))
        if correlation >= LEAST_CORRELATION and (best is None or correlation > best[0]):
            best = (correlation, market, float(covariance[at, to] / covariance[to, to]))
    if best is None:
        return None
    correlation, market, ratio = best
    return _sized(book, against, market, correlation, -exposed_usd * ratio, depth[market])


def _sized(
    book: FleetBook, against: str, market: str, correlation: float, usd: float, offer: MarketDepth
) -> Hedge | None:
    side = Side.BUY if usd > 0 else Side.SELL
    held_raw = _held_raw(book, market)
    if held_raw and (held_raw > 0) is (side is Side.BUY):
        return None  # more of what is held is no protection
    size = abs(usd) / offer.oracle_usd
    for _ in range(_HALVINGS):
        trade = PlannedTrade(
            market=market, side=side, size_base=size, reduce_only=bool(held_raw) and size * BASE_UNITS <= abs(held_raw),
            reasoning=f"Moves against {against}, which cannot be cut at a fair price: correlation {correlation:.2f}.",
        )  # fmt: skip
        try:
            terms = exact(trade, offer, account_id="", held_raw_1e9=held_raw, slippage_frac=0.0, expires_at_s=0).terms
        except Untradeable:
            size /= 2
            continue
        got = walk(offer, side, terms.size_base)
        step = TradeStep(
            market=market, base=terms.signed_base, price_usd=got.average_usd, fee_usd=got.fee_usd,
            oracle_usd=offer.oracle_usd,
        )  # fmt: skip
        effect = effect_of(book, (step,), simulate=False)
        # What opens a position needs initial margin.
        if trade.reduce_only or effect.free_collateral_after_usd > 0:
            sized = PlannedTrade(
                market=market, side=side, size_base=terms.size_base, reduce_only=trade.reduce_only,
                reasoning=trade.reasoning,
            )  # fmt: skip
            return Hedge(market=market, against=against, correlation=correlation, trade=sized, step=step)
        size /= 2
    return None


def _held_raw(book: FleetBook, market: str) -> int:
    rows = np.flatnonzero(book.perps.market == book.perp_markets.names.index(market))
    return round(float(book.perps.base_1e9[rows].sum()))


def _price(book: FleetBook, market: str) -> float:
    at = book.perp_markets.names.index(market)
    return float(book.oracles.price_1e6[book.perp_markets.oracle[at]]) / 1e6
