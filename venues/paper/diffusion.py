"""Prices by chance: correlated jump diffusion from a seed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from risk.margin.book import FloatArray

SECONDS_PER_DAY = 86_400
SECONDS_PER_YEAR = 365 * SECONDS_PER_DAY
_BLOCK_S = 3_600
_KEPT_BLOCKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetDynamics:
    """How one price moves.

    Attributes:
        drift_annual_frac: Expected simple growth a year, jumps included: 0 makes the price a martingale.
        volatility_annual_frac: Standard deviation of the log return a year, without jumps.
        jump_mean_frac: Mean log size of a jump; < 0 falls.
        jump_sd_frac: Standard deviation of the log size of a jump.
    """

    start_usd: float
    drift_annual_frac: float = 0.0
    volatility_annual_frac: float = 0.6
    jump_mean_frac: float = 0.0
    jump_sd_frac: float = 0.0


class JumpDiffusion:
    """Correlated geometric Brownian motion with jumps that hit all assets at the same moments, on a grid of 1 s.

    Hours are drawn independently, each from (seed, hour), and joined end to end; so any hour can be drawn again, the
    path does not depend on how it is read, and only a few hours are held in memory.

    Args:
        assets: By oracle.
        jumps_per_day: Expected jumps, of all assets together, a day.
        correlation: Of every pair, or a matrix in the order of ``assets``; of moves and of jump sizes alike.
        seed: Same seed, same path.

    Raises: ValueError when the correlations belong to no joint distribution, or a parameter is out of range.
    """

    def __init__(
        self,
        assets: Mapping[str, AssetDynamics],
        *,
        seed: int,
        jumps_per_day: float = 0.0,
        correlation: float | FloatArray = 0.0,
    ) -> None:
        for oracle_id, asset in assets.items():
            if asset.start_usd <= 0 or asset.volatility_annual_frac < 0 or asset.jump_sd_frac < 0:
                raise ValueError(f"{oracle_id}: the price must be positive, deviations not negative")
        if jumps_per_day < 0:
            raise ValueError("the number of jumps a day cannot be negative")
        self._oracle_ids = tuple(assets)
        self._seed = seed
        self._root = _square_root(correlation, len(assets))
        every = list(assets.values())
        self._jumps_per_s = jumps_per_day / SECONDS_PER_DAY
        self._jump_mean = np.array([asset.jump_mean_frac for asset in every])
        self._jump_sd = np.array([asset.jump_sd_frac for asset in every])
        volatility = np.array([asset.volatility_annual_frac for asset in every])
        self._deviation = volatility / np.sqrt(SECONDS_PER_YEAR)
        drift = np.array([asset.drift_annual_frac for asset in every]) / SECONDS_PER_YEAR
        jump_growth = np.expm1(self._jump_mean + self._jump_sd**2 / 2.0)
        self._drift = drift - self._deviation**2 / 2.0 - self._jumps_per_s * jump_growth
        self._starts = [np.log([asset.start_usd for asset in every])]  # log price at the start of each hour
        self._blocks: dict[int, FloatArray] = {}

    @property
    def oracle_ids(self) -> tuple[str, ...]:
        return self._oracle_ids

    def prices_usd(self, first_s: int, count: int) -> FloatArray:
        last_s = first_s + count - 1
        blocks = [self._block(number) for number in range(first_s // _BLOCK_S, last_s // _BLOCK_S + 1)]
        offset = first_s % _BLOCK_S
        return np.exp(np.concatenate(blocks)[offset : offset + count])

    def _block(self, number: int) -> FloatArray:
        """Log prices of one hour, shape (3600, n_assets)."""
        while len(self._starts) <= number:
            self._draw(len(self._starts) - 1)
        if number not in self._blocks:
            self._draw(number)
        return self._blocks[number]

    def _draw(self, number: int) -> None:
        random = np.random.default_rng([self._seed, number])
        shape = (_BLOCK_S, len(self._oracle_ids))
        moves = random.standard_normal(shape) @ self._root.T * self._deviation
        jumps = random.poisson(self._jumps_per_s, (_BLOCK_S, 1))
        sizes = jumps * self._jump_mean + np.sqrt(jumps) * self._jump_sd * (
            random.standard_normal(shape) @ self._root.T
        )
        walked = np.cumsum(self._drift + moves + sizes, axis=0)
        start = self._starts[number]
        self._blocks[number] = start + np.concatenate([np.zeros((1, shape[1])), walked[:-1]])
        if len(self._starts) == number + 1:
            self._starts.append(start + walked[-1])
        while len(self._blocks) > _KEPT_BLOCKS:
            del self._blocks[next(iter(self._blocks))]


def _square_root(correlation: float | FloatArray, size: int) -> FloatArray:
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.ndim == 0:
        matrix = np.full((size, size), float(matrix))
        np.fill_diagonal(matrix, 1.0)
    if matrix.shape != (size, size) or not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1.0):
        raise ValueError(f"correlations must be a symmetric {size} by {size} matrix with ones on its diagonal")
    # Eigenvalues rather than Cholesky: a correlation of exactly 1 is allowed.
    values, vectors = np.linalg.eigh(matrix)
    if values.min() < -1e-9:
        raise ValueError("no joint distribution has these correlations; lower the largest ones")
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
