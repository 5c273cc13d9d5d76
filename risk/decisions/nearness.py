"""How near liquidation is, in daily moves of the account's own book. Pure, all accounts in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from risk.margin.assets import asset_of, is_dollar
from risk.margin.book import BoolArray, FleetBook, FloatArray, IntArray
from risk.margin.evaluate import Evaluation
from risk.model.market import OracleValidity

# Between all markets. How closely they move together is not measured: of these two, and all between, the worse counts.
LOOSEST_CORRELATION = 0.5
CLOSEST_CORRELATION = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Nearness:
    """How near the accounts of a book are, shape (n_accounts,) each, for the scope that is nearest.

    Attributes:
        sigmas: Margin excess in daily moves of the book: infinite without anything that moves, negative below
            maintenance, NaN where unknown or where a move is only assumed.
        step_percent: What one daily move is on the health ratio, in points; NaN as ``sigmas``, and where nothing is
            required.
        urgency: As ``sigmas``, assumptions included: good enough to say who is told first.
    """

    sigmas: FloatArray
    step_percent: FloatArray
    urgency: FloatArray


def unknown_nearness(n_accounts: int) -> Nearness:
    """Where nobody has watched the prices."""
    unknown = np.full(n_accounts, np.nan)
    return Nearness(unknown, unknown, unknown)


def nearness(evaluation: Evaluation, daily_frac: FloatArray, measured: BoolArray | None = None) -> Nearness:
    """Margin excess over the standard deviation of its change in a day, at the deltas of now.

    For one perp that is the distance to its liquidation price in daily moves. Several markets are weighed together:
    shorts take from longs, but only where they would do so with a correlation between one half and one as well. The
    worst of the cross account and every isolated position counts. A staked token is the same asset as what it is of,
    and a dollar token does not move.

    Args:
        evaluation: Of a book, with detail.
        daily_frac: Standard deviation of a day's move, one for each oracle column.
        measured: Which of them were watched and not assumed; None for all.
    """
    book, totals, detail = evaluation.book, evaluation.maintenance, evaluation.full
    perp_asset, spot_asset, n_assets = _assets(book.perp_markets.names, book.spot_markets.names)
    perps, spots = book.perps, book.spots
    moves = np.sign(perps.base_1e9) * detail.perp_notional_usd - detail.perp_requirement_usd
    perp_usd = moves * daily_frac[book.perp_markets.oracle[perps.market]]
    spot_usd = np.where(
        spot_asset[spots.market] < 0, 0.0, detail.spot_value_usd * daily_frac[book.spot_markets.oracle[spots.market]]
    )
    isolated = np.zeros(perps.account.size, np.bool_)
    isolated[evaluation.isolated_rows] = True
    cells = np.concatenate(
        [
            perps.account * n_assets + perp_asset[perps.market],
            spots.account * n_assets + np.maximum(spot_asset[spots.market], 0),
        ]
    )
    amounts = np.concatenate([np.where(isolated, 0.0, perp_usd), spot_usd])
    n_accounts = book.n_accounts
    by_asset = np.bincount(cells, amounts, n_accounts * n_assets).astype(np.float64, copy=False)
    deviation = deviation_usd(by_asset.reshape(n_accounts, n_assets))
    sigmas = _over(totals.collateral_usd - totals.requirement_usd, deviation)
    step = _step_percent(deviation, totals.requirement_usd)
    rows = evaluation.isolated_rows
    if rows.size:
        excess = totals.isolated_collateral_usd - totals.isolated_requirement_usd
        own_deviation = np.abs(perp_usd[rows])
        own, own_step = _over(excess, own_deviation), _step_percent(own_deviation, totals.isolated_requirement_usd)
        for place, row in enumerate(rows.tolist()):
            account = perps.account[row]
            if not own[place] >= sigmas[account]:  # NaN is nearest of all: nothing is known
                sigmas[account], step[account] = own[place], own_step[place]
    if measured is None or measured.all():
        return Nearness(sigmas, step, sigmas)
    assumed = np.zeros(n_accounts, np.bool_)
    assumed[perps.account[~measured[book.perp_markets.oracle[perps.market]]]] = True
    moving = spot_asset[spots.market] >= 0
    assumed[spots.account[moving & ~measured[book.spot_markets.oracle[spots.market]]]] = True
    return Nearness(np.where(assumed, np.nan, sigmas), np.where(assumed, np.nan, step), sigmas)


def trusted_prices_usd(book: FleetBook) -> FloatArray:
    """The price of each oracle column; NaN where a market that uses it says that it cannot be trusted now."""
    prices = book.oracles.price_1e6 / 1e6
    for table in (book.perp_markets, book.spot_markets):
        prices[table.oracle[table.validity != OracleValidity.VALID.value]] = np.nan
    return np.asarray(prices)


def deviation_usd(by_asset: FloatArray) -> FloatArray:
    """Of the sum of what each asset moves, (n_accounts, n_assets), at the worse of the two correlations."""
    together, apart = by_asset.sum(axis=1) ** 2, (by_asset**2).sum(axis=1)
    variances = [share * together + (1 - share) * apart for share in (LOOSEST_CORRELATION, CLOSEST_CORRELATION)]
    return np.asarray(np.sqrt(np.maximum(*variances)))


def _over(excess_usd: FloatArray, daily_usd: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        near = excess_usd / daily_usd
    still = (daily_usd == 0.0) & ~np.isnan(excess_usd)
    return np.where(still, np.inf, near)


def _step_percent(daily_usd: FloatArray, requirement_usd: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(requirement_usd > 0, 100.0 * daily_usd / requirement_usd, np.nan)


@lru_cache(maxsize=16)
def _assets(perps: tuple[str, ...], spots: tuple[str, ...]) -> tuple[IntArray, IntArray, int]:
    """(asset of each perp market, of each spot market with -1 for a dollar, how many there are at least one)."""
    names = [asset_of(name) for name in perps]
    other = ["" if is_dollar(name) else asset_of(name) for name in spots]
    every = sorted({*names, *filter(None, other)})
    place = {name: at for at, name in enumerate(every)}
    return _numbers(names, place), _numbers(other, place), max(1, len(every))


def _numbers(names: Sequence[str], place: dict[str, int]) -> IntArray:
    return np.array([place.get(name, -1) for name in names], np.int64)
