"""Correlations that somebody hands over, checked and with the names of their assets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy.typing as npt

from risk.errors import BadParameter
from risk.margin.book import FloatArray
from risk.model.metrics import CorrelationMatrix
from risk.stats.matrices import checked_correlation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenCorrelations:
    """A positive semi-definite matrix by asset."""

    assets: tuple[str, ...]
    values: FloatArray


def given_correlations(correlations: CorrelationMatrix | npt.ArrayLike, assets: Sequence[str]) -> GivenCorrelations:
    """With the names a matrix brings itself, or those that are given beside it.

    Raises: BadSeries for what is no correlation matrix; BadParameter for names that stand there twice.
    """
    if isinstance(correlations, CorrelationMatrix):
        assets, correlations = correlations.assets, correlations.values
    if len(set(assets)) != len(assets):
        raise BadParameter("every asset of a correlation matrix has one row; a name stands there twice")
    return GivenCorrelations(assets=tuple(assets), values=checked_correlation(correlations, size=len(assets)))
