"""Correlation and covariance matrices: made positive semi-definite, shrunk, pushed towards one.

Sources: Ledoit, Wolf 2004 for the shrinkage; Higham 2002 for why clipping eigenvalues is near enough for display.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from risk.errors import BadParameter, BadSeries
from risk.margin.book import FloatArray
from risk.stats.series import checked_matrix

_ROUNDING = 1e-12


def correlation_of(covariance: FloatArray) -> FloatArray:
    """Scaled to ones on the diagonal; an asset without variance correlates with nothing.

    >>> correlation_of(np.array([[4.0, 2.0], [2.0, 4.0]]))[0, 1].item()
    0.5
    """
    deviations = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    spread = np.outer(deviations, deviations)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(spread > 0, covariance / spread, 0.0)
    scaled = (scaled + scaled.T) / 2  # a product of matrices need not be symmetric to the last bit
    np.fill_diagonal(scaled, 1.0)
    return np.clip(scaled, -1.0, 1.0)


def checked_correlation(matrix: npt.ArrayLike, *, size: int | None = None) -> FloatArray:
    """A correlation matrix, rounded negative eigenvalues mended.

    Raises: BadSeries for anything else: another shape, no ones on the diagonal, no symmetry, negative eigenvalues.
    """
    given = checked_matrix(matrix, minimum=1, what="correlations")
    k = given.shape[0]
    if given.shape != (k, k) or (size is not None and k != size):
        raise BadSeries(f"correlations must be a square matrix of {size or k} assets, not {given.shape}")
    if not np.allclose(np.diag(given), 1.0, atol=1e-8) or not np.allclose(given, given.T, atol=1e-8):
        raise BadSeries("correlations must be symmetric with ones on the diagonal; is this a covariance?")
    if (np.abs(given) > 1.0 + 1e-9).any():
        raise BadSeries("a correlation lies between -1 and 1")
    if np.linalg.eigvalsh(given)[0] < -1e-6:
        raise BadSeries(
            "these correlations contradict each other: the matrix is not positive semi-definite; estimate all of them"
            " over the same dates, or take nearest_correlation() of it"
        )
    return nearest_correlation(given)


def nearest_correlation(matrix: FloatArray) -> FloatArray:
    """The matrix itself where it is positive semi-definite, else without its negative eigenvalues, rescaled."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    if values[0] >= -_ROUNDING:
        return matrix
    clipped = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return correlation_of(clipped)


def root_of(matrix: FloatArray) -> FloatArray:
    """L with L L' = matrix for any positive semi-definite matrix, singular ones included."""
    try:
        return np.asarray(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shrunk:
    """A covariance pulled towards equal variances without correlation.

    Attributes:
        intensity_frac: How far, from 0 for the sample itself to 1.
    """

    covariance: FloatArray
    intensity_frac: float


def ledoit_wolf(returns: FloatArray) -> Shrunk:
    """Covariance shrunk toward mean variance times identity; the sample covariance divides by n."""
    centred = checked_matrix(returns)
    centred = centred - centred.mean(axis=0)
    n, k = centred.shape
    sample = centred.T @ centred / n
    level = float(np.trace(sample)) / k
    distance = float(np.sum((sample - level * np.eye(k)) ** 2)) / k
    noise = (float(np.sum((centred**2).T @ (centred**2))) / n - float(np.sum(sample**2))) / (n * k)
    intensity = min(1.0, max(0.0, noise / distance)) if distance > 0 else 0.0
    return Shrunk(covariance=(1 - intensity) * sample + intensity * level * np.eye(k), intensity_frac=intensity)


def towards_one(correlations: FloatArray, share_frac: float) -> FloatArray:
    """Correlations moved a share of the way to 1, for stress: 0 leaves them, 1 makes all assets one.

    A mixture of two positive semi-definite matrices, so it is one. Raises: BadParameter outside [0, 1].
    """
    if not 0.0 <= share_frac <= 1.0:
        raise BadParameter(f"the share of the way to one lies between 0 and 1, not at {share_frac:g}")
    return np.asarray((1.0 - share_frac) * correlations + share_frac * np.ones_like(correlations))
