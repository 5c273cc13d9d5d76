"""How a trigger order comes to be filled: the venue's rule for its price, and what is assumed of those who act on it.

A trigger order does nothing by itself. Somebody who is paid for it, a keeper, sends a transaction once the trigger
price is crossed; the order then runs through a short auction, and is filled.

The rule (protocol-v2, ``get_trigger_price`` and ``clamp_trigger_price`` of ``state/perp_market.rs``,
``order_satisfies_trigger_condition`` of ``math/orders.rs``): the price that is compared is the median of the last fill,
the oracle plus the basis of the last funding rate, and the oracle plus the five-minute basis of mark to oracle, held
within 0.2 % of the oracle in tiers A and B, 1 % in C and 2.5 % in all others; where that feature is off, the oracle
itself. "Above" fires above its trigger, "below" below it, not at it. Nothing fires while the oracle is invalid, or half
or more away from its five-minute average. So the oracle may be beyond a trigger by that band before it fires, and every
figure here takes the whole band against the account.

How long keepers take nobody publishes. An auction alone is ten slots, four seconds. Half within 15 seconds and 19 of 20
within 90 is taken to be true, with prices moving against the order all the while, and books three times as thin as now.
"""

import math
from dataclasses import dataclass

import numpy as np

from risk.decisions.depth import walk
from risk.margin.book import FleetBook, FloatArray
from risk.model.account import Side
from risk.model.market import ContractTier
from risk.model.trading import MarketDepth
from risk.stats.laws import normal_quantile

_BANDS = {ContractTier.A: 0.002, ContractTier.B: 0.002, ContractTier.C: 0.01}
_WIDEST = 0.025
_HOUR_S = 3_600.0
_BAD = 0.95
# Mean and 95 % quantile of the absolute value of a standard normal variable.
_LIKELY_MOVE, _BAD_MOVE = math.sqrt(2.0 / math.pi), 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepers:
    """Assumptions. A delay is lognormal.

    Attributes:
        median_s, slow_s: Half of all triggers are filled by the one, 95 % by the other.
        longest_s: No delay is taken to be longer; a venue that stands still longer liquidates nobody either.
        thin: Slippage is so many times what today's book says.
        least_slippage_frac: However deep the book.
        nobody_s: After so long a crossed trigger that has not fired is reported.
    """

    median_s: float = 15.0
    slow_s: float = 90.0
    longest_s: float = 600.0
    thin: float = 3.0
    least_slippage_frac: float = 0.001
    nobody_s: float = 120.0

    def delays_s(self, random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Delays drawn."""
        spread = math.log(self.slow_s / self.median_s) / normal_quantile(_BAD)
        return np.minimum(self.median_s * np.exp(spread * random.standard_normal(shape)), self.longest_s)


KEEPERS = Keepers()


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerExecution:
    """What a trigger order is expected to get.

    Attributes:
        likely_usd: Average price after the usual delay.
        bad_usd: After a delay that one in twenty exceeds, with a move that one in twenty exceeds.
        slippage_frac: Of the size, in a book as thin as it is taken to be then.
        fee_usd: At the trigger price.
    """

    trigger_usd: float
    likely_usd: float
    bad_usd: float
    likely_delay_s: float
    bad_delay_s: float
    slippage_frac: float
    fee_usd: float


def band_frac(book: FleetBook, market: str) -> float:
    """How far the price that triggers are compared with may be from the oracle."""
    at = book.perp_markets.names.index(market)
    return _BANDS.get(ContractTier(int(book.perp_markets.contract_tier[at])), _WIDEST)


def slippage_frac(depth: MarketDepth, side: Side, size_base: float, keepers: Keepers = KEEPERS) -> float:
    """What an order of a size loses against the oracle when its trigger fires, without the fee.

    What the book does not hold is taken to cost as much again as the last of what it does.
    """
    got = walk(depth, side, size_base)
    if got.filled_base <= 0 or not depth.oracle_usd > 0:
        return _WIDEST * keepers.thin
    lost = max(got.slippage_usd / (got.filled_base * depth.oracle_usd), 0.0)
    worst = abs(got.worst_usd / depth.oracle_usd - 1.0)
    missing = 1.0 - got.filled_base / size_base
    lost += 2.0 * worst * missing
    return float(max(lost * keepers.thin, keepers.least_slippage_frac))


def bad_frac(sigma_hourly: float, slip_frac: float, band: float, keepers: Keepers = KEEPERS) -> float:
    """By how much a fill may be worse than its trigger, as a fraction of it."""
    return band + _BAD_MOVE * sigma_hourly * math.sqrt(keepers.slow_s / _HOUR_S) + slip_frac


def expected_execution(
    trigger_usd: float, side: Side, size_base: float, *, sigma_hourly: float, slip_frac: float, band: float,
    fee_frac: float, keepers: Keepers = KEEPERS,
) -> TriggerExecution:  # fmt: skip
    """What an order gets whose trigger is crossed.

    Args:
        sigma_hourly: Volatility of an hour.
        slip_frac, band: As of slippage_frac() and band_frac().
    """
    sign = -1.0 if side is Side.SELL else 1.0
    moved = _LIKELY_MOVE * sigma_hourly * math.sqrt(keepers.median_s / _HOUR_S)
    return TriggerExecution(
        trigger_usd=trigger_usd,
        likely_usd=trigger_usd * (1.0 + sign * (moved + slip_frac)),
        bad_usd=trigger_usd * (1.0 + sign * bad_frac(sigma_hourly, slip_frac, band, keepers)),
        likely_delay_s=keepers.median_s,
        bad_delay_s=keepers.slow_s,
        slippage_frac=slip_frac,
        fee_usd=size_base * trigger_usd * fee_frac,
    )
