"""The oracle board: prices in whole units, their averages, and whether they may be used."""

import math
from collections.abc import Sequence

import numpy as np

from risk.margin.book import IntArray
from risk.model.market import AssetTier, ContractTier, OracleReading, OracleValidity
from venues.paper.markets import OracleListing
from venues.paper.prices import PricePath
from venues.paper.units import PRICE

STRICT_WINDOW_S = 300
VOLATILITY_WINDOW_S = 3_600
_KEPT_AVERAGES = 64

# How much more uncertain than its limit a price may be, by the tier of the market that uses it.
PERP_CONFIDENCE_FACTOR = {
    ContractTier.A: 1,
    ContractTier.B: 1,
    ContractTier.C: 2,
    ContractTier.SPECULATIVE: 10,
    ContractTier.HIGHLY_SPECULATIVE: 50,
    ContractTier.ISOLATED: 50,
}
SPOT_CONFIDENCE_FACTOR = {
    AssetTier.COLLATERAL: 1,
    AssetTier.PROTECTED: 1,
    AssetTier.CROSS: 5,
    AssetTier.ISOLATED: 50,
    AssetTier.UNLISTED: 50,
}


class OracleBoard:
    """Prices of every listed oracle by second. A halted oracle keeps the price it had and grows old.

    Raises: ValueError when the path lacks a listed oracle.
    """

    def __init__(self, listings: Sequence[OracleListing], path: PricePath) -> None:
        missing = [listing.oracle_id for listing in listings if listing.oracle_id not in path.oracle_ids]
        if missing:
            raise ValueError(f"the price path has no price for {', '.join(missing)}")
        self.oracle_ids = tuple(listing.oracle_id for listing in listings)
        self._listings = {listing.oracle_id: listing for listing in listings}
        self._path = path
        self._from_path = [path.oracle_ids.index(oracle_id) for oracle_id in self.oracle_ids]
        self._column = {oracle_id: column for column, oracle_id in enumerate(self.oracle_ids)}
        self._halted_at_s: dict[str, int] = {}
        self._averages: dict[tuple[str, int, int], float] = {}
        self._last: tuple[int, IntArray] = (-1, np.zeros(0, dtype=np.int64))  # second and its prices

    def halt(self, oracle_id: str, at_s: int) -> None:
        """Stops an oracle. Halting it again does not move the moment it stopped."""
        self._halted_at_s.setdefault(oracle_id, at_s)

    def resume_all(self) -> None:
        self._halted_at_s.clear()

    def is_halted(self, oracle_id: str) -> bool:
        return oracle_id in self._halted_at_s

    def updated_s(self, oracle_id: str, now_s: int) -> int:
        """Second of the last update at or before ``now_s``."""
        return min(now_s, self._halted_at_s.get(oracle_id, now_s))

    def prices_1e6(self, first_s: int, count: int) -> IntArray:
        """Prices at ``first_s`` and the seconds after it, shape (count, n_oracles), in the order of ``oracle_ids``."""
        prices = self._live_1e6(first_s, count)
        for oracle_id, halted_s in self._halted_at_s.items():
            column = self._column[oracle_id]
            prices[max(0, halted_s - first_s) :, column] = self._live_1e6(halted_s, 1)[0, column]
        return prices

    def price_1e6(self, oracle_id: str, now_s: int) -> int:
        updated_s = self.updated_s(oracle_id, now_s)
        if self._last[0] != updated_s:
            self._last = (updated_s, self._live_1e6(updated_s, 1)[0])
        return int(self._last[1][self._column[oracle_id]])

    def average_usd(self, oracle_id: str, now_s: int, window_s: int) -> float:
        """Mean price of the last ``window_s`` seconds up to the last update, or since the start where that is less."""
        updated_s = self.updated_s(oracle_id, now_s)
        key = (oracle_id, updated_s, window_s)
        if key not in self._averages:
            if len(self._averages) >= _KEPT_AVERAGES:
                self._averages.clear()
            first_s = max(0, updated_s - window_s + 1)
            window = self._live_1e6(first_s, updated_s - first_s + 1)[:, self._column[oracle_id]]
            self._averages[key] = float(np.rint(window.mean())) / PRICE
        return self._averages[key]

    def reading(self, oracle_id: str, now_s: int, slots_behind: int) -> OracleReading:
        price_usd = self.price_1e6(oracle_id, now_s) / PRICE
        return OracleReading(
            oracle_id=oracle_id,
            price_usd=price_usd,
            confidence_usd=round(price_usd * self._listings[oracle_id].confidence_frac, 6),
            slots_behind=slots_behind,
        )

    def validity(self, reading: OracleReading, now_s: int, confidence_factor: int) -> OracleValidity:
        """Whether a reading may be used to state margin in a market of this confidence factor."""
        average_usd = self.average_usd(reading.oracle_id, now_s, VOLATILITY_WINDOW_S)
        return validity(self._listings[reading.oracle_id], reading, average_usd, confidence_factor)

    def _live_1e6(self, first_s: int, count: int) -> IntArray:
        prices_usd = self._path.prices_usd(first_s, count)[:, self._from_path]
        return np.rint(prices_usd * PRICE).astype(np.int64)


def validity(
    listing: OracleListing, reading: OracleReading, hourly_average_usd: float, confidence_factor: int
) -> OracleValidity:
    """The venue's checks in its order; the first that fails is the answer. Source: program file math/oracle.rs."""
    price = reading.price_usd
    if math.isnan(price):
        return OracleValidity.MISSING
    if price <= 0:
        return OracleValidity.NON_POSITIVE
    if math.floor(max(price, hourly_average_usd) / min(price, hourly_average_usd)) > listing.too_volatile_ratio:
        return OracleValidity.TOO_VOLATILE
    if reading.confidence_usd / price > listing.confidence_max_frac * confidence_factor:
        return OracleValidity.TOO_UNCERTAIN
    if reading.slots_behind > listing.slots_before_stale:
        return OracleValidity.STALE
    return OracleValidity.VALID
