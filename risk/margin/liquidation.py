"""Liquidation prices: the root of the full engine, nearest to the present price.

Along one price, maintenance collateral minus requirement is a concave, piecewise linear curve for everything the venue
lists today, so a healthy account leaves health at most once on either side. The search does not rest on that: it
brackets the nearest sign change on a grid and closes in on it with the engine itself, floors and thresholds included.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from risk.errors import CannotAssess
from risk.margin.assets import dollar_columns
from risk.margin.book import FleetBook, FloatArray, IntArray
from risk.margin.evaluate import Evaluation, evaluate
from risk.margin.plan import MarginPlan
from risk.model.liquidation import LiquidationPrice, LiquidationStatus

# Factors on today's price: fine around it, down to a ten-thousandth, up to a thousandfold.
_DOWN = np.concatenate([np.linspace(1.0, 0.02, 50), np.geomspace(0.015, 1e-4, 8)])
_UP = np.concatenate([np.linspace(1.0, 3.0, 51), np.geomspace(3.3, 1e3, 24)])
_GUARDS = np.array([-1e-2, -1e-5, -1e-8, 0.0, 1e-8, 1e-5, 1e-2])  # around the secant guess, as shares of the bracket
_CLOSE_ENOUGH = 1e-9  # of the price; the venue's own prices have six decimals
_STEPS = 40  # at most; straight stretches take two, and the middle halves the bracket where the curve bends

Excess = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookMove:
    """A common move of the whole book that liquidates it.

    Attributes:
        move_frac: -0.12 means every asset falls 12 % times its beta; None unless status is AT.
    """

    status: LiquidationStatus
    move_frac: float | None = None


def liquidation_prices(book: FleetBook | MarginPlan) -> tuple[LiquidationPrice, ...]:
    """For the one account of a book: one entry per perp position and per spot balance, others fixed.

    Markets that share a feed move together. An isolated position answers for its own collateral, everything else for
    the cross account. Raises: CannotAssess when a price is missing; ValueError for several accounts.
    """
    plan = book if isinstance(book, MarginPlan) else MarginPlan.of(book)
    source = plan.book
    now = evaluate(plan, maintenance_only=True)
    _require_assessable(now)
    targets = _targets(source)
    if not targets:
        return ()
    feeds = np.array([source.oracles.feeds[target.oracle] for target in targets])
    scopes = np.array([target.isolated_row for target in targets])
    today = _excess_of(now, scopes)
    moves = (source.oracles.feeds[None, :] == feeds[:, None]).astype(np.float64)
    factors = _nearest_roots(_along(plan, moves, scopes), today)
    prices_usd = source.oracles.price_1e6 / 1e6
    return tuple(
        _price_of(target, float(prices_usd[target.oracle]), today=float(excess), factor=float(factor), flagged=flagged)
        for target, excess, factor, flagged in zip(targets, today, factors, _flagged(source, targets), strict=True)
    )


def whole_book_move(book: FleetBook | MarginPlan, betas: FloatArray | None = None) -> BookMove:
    """The common move that liquidates the cross account of a one-account book.

    Args:
        betas: By oracle column; None for 1 on everything but dollar tokens. A price never falls below a ten-thousandth.
    """
    plan = book if isinstance(book, MarginPlan) else MarginPlan.of(book)
    now = evaluate(plan, maintenance_only=True)
    _require_assessable(now)
    scope = np.array([_CROSS])
    today = _excess_of(now, scope)
    if today[0] < 0 or bool(plan.book.accounts.being_liquidated[0]):
        return BookMove(status=LiquidationStatus.ALREADY)
    vector = default_betas(plan.book) if betas is None else np.asarray(betas, dtype=np.float64)
    factor = float(_nearest_roots(_along(plan, vector[None, :], scope), today)[0])
    if np.isnan(factor):
        return BookMove(status=LiquidationStatus.NONE)
    return BookMove(status=LiquidationStatus.AT, move_frac=factor - 1.0)


def default_betas(book: FleetBook) -> FloatArray:
    """1 for every oracle column except those of dollar tokens, which stand still."""
    return np.where(dollar_columns(book), 0.0, 1.0)


_CROSS = -1


@dataclass(frozen=True, slots=True)
class _Target:
    market: str
    oracle: int
    isolated_row: int  # place among the isolated rows, or _CROSS
    row_flag: bool


def _targets(book: FleetBook) -> list[_Target]:
    targets: list[_Target] = []
    isolated = 0
    for row, market in enumerate(book.perps.market):
        own = bool(book.perps.isolated[row])
        name, oracle = book.perp_markets.names[market], int(book.perp_markets.oracle[market])
        if book.perps.base_1e9[row] != 0 or book.perps.open_bids_1e9[row] or book.perps.open_asks_1e9[row]:
            flag = bool(book.perps.being_liquidated[row])
            targets.append(_Target(name, oracle, isolated if own else _CROSS, flag))
        isolated += own
    for row, market in enumerate(book.spots.market):
        if book.spots.tokens_raw[row] != 0:
            spot = book.spot_markets
            targets.append(_Target(spot.names[market], int(spot.oracle[market]), _CROSS, False))
    return targets


def _flagged(book: FleetBook, targets: list[_Target]) -> list[bool]:
    account = bool(book.accounts.being_liquidated[0])
    return [target.row_flag if target.isolated_row != _CROSS else account for target in targets]


def _excess_of(evaluation: Evaluation, scopes: IntArray) -> FloatArray:
    """Collateral minus requirement in each target's scope; for one price vector, shape (n_targets,)."""
    totals = evaluation.maintenance
    cross = totals.collateral_usd[0] - totals.requirement_usd[0]
    own = np.append(totals.isolated_collateral_usd - totals.isolated_requirement_usd, cross)
    return np.asarray(own[scopes])  # _CROSS is -1, the last


def _along(plan: MarginPlan, moves: FloatArray, scopes: IntArray) -> Excess:
    """excess(factors) for factors of shape (n_targets, n): target t's columns are scaled by 1 + (factor - 1) * move."""
    prices = plan.book.oracles.price_1e6 / 1e6

    def excess(factors: FloatArray) -> FloatArray:
        n_targets, n = factors.shape
        scaled = prices * np.maximum(1.0 + (factors[:, :, None] - 1.0) * moves[:, None, :], _DOWN[-1])
        result = evaluate(plan, scaled.reshape(n_targets * n, -1), maintenance_only=True).maintenance
        gap = (result.collateral_usd - result.requirement_usd)[:, 0].reshape(n_targets, n)
        own = scopes != _CROSS
        if own.any():
            isolated = result.isolated_collateral_usd - result.isolated_requirement_usd
            by_target = isolated.reshape(n_targets, n, -1)
            gap[own] = by_target[np.flatnonzero(own), :, scopes[own]]
        return gap

    return excess


def _nearest_roots(excess: Excess, today: FloatArray) -> FloatArray:
    """Factor at which each target's excess turns negative, nearest to 1; NaN where none does or it is negative now."""
    grid = np.concatenate([_DOWN, _UP])
    on_grid = excess(np.broadcast_to(grid, (today.size, grid.size)))
    # Prices that became USD and units again may be one floor off, so today's own figure opens either side.
    on_grid[:, [0, _DOWN.size]] = today[:, None]
    sides = _bracketed(_DOWN, on_grid[:, : _DOWN.size]), _bracketed(_UP, on_grid[:, _DOWN.size :])
    roots = np.full((2, today.size), np.nan)
    for side, (bounds, gaps) in enumerate(sides):
        other = sides[1 - side][0]
        # A bracket that begins where the other one has ended cannot hold the nearer root.
        beyond = np.abs(bounds[:, 0] - 1.0) > np.abs(other[:, 1] - 1.0)
        active = np.flatnonzero(~np.isnan(bounds[:, 0]) & ~beyond)
        roots[side, active] = _closed_in(excess, bounds, gaps, active)
    distance = np.abs(roots - 1.0)
    return np.asarray(roots[np.where(np.isnan(distance), np.inf, distance).argmin(axis=0), np.arange(today.size)])


def _bracketed(factors: FloatArray, on_grid: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(bounds, gaps) on either side of the first factor that liquidates, shape (n_targets, 2); NaN where none does."""
    first = (on_grid < 0).argmax(axis=1)
    ends = np.stack([first - 1, first], axis=1)
    found = (first > 0)[:, None]
    return np.where(found, factors[ends], np.nan), np.where(found, np.take_along_axis(on_grid, ends, axis=1), np.nan)


def _closed_in(excess: Excess, bounds: FloatArray, gaps: FloatArray, active: IntArray) -> FloatArray:
    """The liquidatable end of the brackets of ``active`` targets once they are narrow enough."""
    if active.size:
        for _ in range(_STEPS):
            width = bounds[active, 1] - bounds[active, 0]
            if np.all(np.abs(width) <= _CLOSE_ENOUGH * np.abs(bounds[active, 1])):
                break
            bounds, gaps = _closer(excess, bounds, gaps, active)
    return np.asarray(bounds[active, 1])


def _closer(excess: Excess, bounds: FloatArray, gaps: FloatArray, active: IntArray) -> tuple[FloatArray, FloatArray]:
    """Narrower brackets [healthy, liquidatable]: a secant guess with guards on either side of it, and the middle."""
    inner, outer = bounds[:, :1], bounds[:, 1:]
    share = np.clip(gaps[:, :1] / (gaps[:, :1] - gaps[:, 1:]), 0.0, 1.0)
    shares = np.sort(np.clip(np.concatenate([share + _GUARDS, np.full_like(share, 0.5)], axis=1), 0.0, 1.0), axis=1)
    tries = inner + (outer - inner) * shares
    tries = np.where(np.isnan(tries), 1.0, tries)
    values = excess(tries)
    bounds, gaps = bounds.copy(), gaps.copy()
    for t in active:
        negative = values[t] < 0
        first = int(negative.argmax()) if negative.any() else tries.shape[1]
        if first > 0:
            bounds[t, 0], gaps[t, 0] = tries[t, first - 1], values[t, first - 1]
        if first < tries.shape[1]:
            bounds[t, 1], gaps[t, 1] = tries[t, first], values[t, first]
    return bounds, gaps


def _price_of(target: _Target, now_usd: float, *, today: float, factor: float, flagged: bool) -> LiquidationPrice:
    isolated = target.isolated_row != _CROSS
    if today < 0 or flagged:
        return LiquidationPrice(market=target.market, status=LiquidationStatus.ALREADY, isolated=isolated)
    if np.isnan(factor):
        return LiquidationPrice(market=target.market, status=LiquidationStatus.NONE, isolated=isolated)
    return LiquidationPrice(
        market=target.market, status=LiquidationStatus.AT, price_usd=now_usd * factor,
        distance_frac=abs(factor - 1.0), isolated=isolated,
    )  # fmt: skip


def _require_assessable(evaluation: Evaluation) -> None:
    book, totals = evaluation.book, evaluation.maintenance
    if book.n_accounts != 1:
        raise ValueError("liquidation prices are asked for one account at a time")
    reasons = book.accounts.problems.get(0, ())
    figures = (
        totals.collateral_usd, totals.requirement_usd,
        totals.isolated_collateral_usd, totals.isolated_requirement_usd,
    )  # fmt: skip
    if reasons or any(np.isnan(values).any() for values in figures):
        raise CannotAssess(reasons or ("a price this account depends on is missing",))
