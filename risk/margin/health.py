"""Health in both conventions, from an Evaluation. One number in two forms: health = 100 * (1 - 100 / ratio)."""

import numpy as np

from risk.margin.book import BoolArray, FloatArray
from risk.margin.evaluate import Evaluation


def ratio_percent(collateral: FloatArray, requirement: FloatArray) -> FloatArray:
    """Collateral over requirement in percent; 100 is where liquidation starts.

    Without a requirement: infinite, or 0 when collateral is negative, for the account owes and can be liquidated.
    NaN stays NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(requirement > 0.0, 100.0 * collateral / requirement, np.where(collateral < 0.0, 0.0, np.inf))
    return np.where(np.isnan(collateral) | np.isnan(requirement), np.nan, ratio)


def health_percent(collateral: FloatArray, requirement: FloatArray, being_liquidated: BoolArray) -> FloatArray:
    """The venue's 0 to 100: 100 without a requirement, 0 without collateral or while being liquidated; NaN stays."""
    with np.errstate(divide="ignore", invalid="ignore"):
        health = np.clip(100.0 * (1.0 - requirement / collateral), 0.0, 100.0)
    health = np.where(collateral <= 0.0, 0.0, health)
    health = np.where((requirement == 0.0) & (collateral >= 0.0), 100.0, health)
    health = np.where(being_liquidated, 0.0, health)
    return np.where(np.isnan(collateral) | np.isnan(requirement), np.nan, health)


def worst_ratio_percent(evaluation: Evaluation) -> FloatArray:
    """Least of cross and isolated ratios of every account; shape (n_accounts,) or (n_scenarios, n_accounts)."""
    totals = evaluation.maintenance
    worst = ratio_percent(totals.collateral_usd, totals.requirement_usd)
    rows = evaluation.isolated_rows
    if rows.size:
        owner = evaluation.book.perps.account[rows]
        isolated = ratio_percent(totals.isolated_collateral_usd, totals.isolated_requirement_usd)
        worst = np.array(worst)
        with np.errstate(invalid="ignore"):  # NaN stays NaN
            np.minimum.at(worst.T, owner, isolated.T)
    return worst


def liquidatable(evaluation: Evaluation) -> BoolArray:
    """Maintenance collateral below the requirement, cross or any isolated position. Unknown counts as not shown."""
    totals = evaluation.maintenance
    below = totals.collateral_usd < totals.requirement_usd
    rows = evaluation.isolated_rows
    if rows.size:
        owner = evaluation.book.perps.account[rows]
        isolated = totals.isolated_collateral_usd < totals.isolated_requirement_usd
        below = np.array(below)
        np.logical_or.at(below.T, owner, isolated.T)
    return below
