"""Where prices come from: a script, or (in diffusion.py) chance with a seed.

A path is a pure function of whole seconds since the start, so it is the same however often it is read.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol

import numpy as np

from risk.margin.book import FloatArray


class PricePath(Protocol):
    """Prices of several oracles over time."""

    @property
    def oracle_ids(self) -> tuple[str, ...]: ...

    def prices_usd(self, first_s: int, count: int) -> FloatArray:
        """Prices at ``first_s``, ``first_s + 1``, ..., shape (count, n_oracles). ``first_s`` >= 0."""
        ...


class Interpolation(Enum):
    """What happens between two points of a script: a straight line, or nothing until the next point."""

    LINEAR = "linear"
    STEP = "step"


class ScriptedPrices:
    """Prices written down in advance; each oracle holds its last price for ever.

    Args:
        points: By oracle, (seconds since start, price in USD), the first at 0, times rising.

    Raises: ValueError for a script that breaks these rules.

    >>> fall = ScriptedPrices({"SOL/USD": [(0, 100.0), (10, 90.0)]})
    >>> fall.prices_usd(4, 2)[:, 0].tolist()
    [96.0, 95.0]
    """

    def __init__(
        self,
        points: Mapping[str, Sequence[tuple[float, float]]],
        *,
        interpolation: Interpolation = Interpolation.LINEAR,
    ) -> None:
        for oracle_id, script in points.items():
            _check_script(oracle_id, script)
        self._interpolation = interpolation
        self._scripts = {
            oracle_id: (np.array([at for at, _ in script], float), np.array([price for _, price in script], float))
            for oracle_id, script in points.items()
        }

    @property
    def oracle_ids(self) -> tuple[str, ...]:
        return tuple(self._scripts)

    def prices_usd(self, first_s: int, count: int) -> FloatArray:
        seconds = np.arange(first_s, first_s + count, dtype=np.float64)
        return np.stack([self._column(at, price, seconds) for at, price in self._scripts.values()], axis=1)

    def _column(self, at: FloatArray, price: FloatArray, seconds: FloatArray) -> FloatArray:
        if self._interpolation is Interpolation.LINEAR:
            return np.interp(seconds, at, price)
        return price[np.searchsorted(at, seconds, side="right") - 1]


def _check_script(oracle_id: str, script: Sequence[tuple[float, float]]) -> None:
    if not script or script[0][0] != 0:
        raise ValueError(f"the script of {oracle_id} must start at second 0")
    if any(later <= earlier for (earlier, _), (later, _) in itertools.pairwise(script)):
        raise ValueError(f"the times in the script of {oracle_id} must rise")
    if any(not math.isfinite(price) or price <= 0 for _, price in script):
        raise ValueError(f"the prices in the script of {oracle_id} must be positive numbers")
