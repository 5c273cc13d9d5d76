"""Falls from a high: of a curve that deposits and withdrawals do not touch."""

from dataclasses import dataclass

import numpy as np

from risk.errors import BadSeries
from risk.margin.book import FloatArray
from risk.stats.series import checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """One fall, from the high before it to the recovery. Positions count values of the curve.

    Attributes:
        depth_frac: Positive.
        peak: Where the high stood.
        trough: Where it was deepest.
        recovery: Where the old high was reached again; None while it is open.
    """

    depth_frac: float
    peak: int
    trough: int
    recovery: int | None

    @property
    def bars(self) -> int | None:
        """From the high to the recovery; None while it is open."""
        return None if self.recovery is None else self.recovery - self.peak


def curve_of(returns: FloatArray) -> FloatArray:
    """Value of one unit after each simple return, starting at 1, shape (n + 1,)."""
    return np.concatenate([[1.0], np.cumprod(1.0 + returns)])


def underwater(curve: FloatArray) -> FloatArray:
    """Distance below the running high as positive fractions, shape (n,); the starting value is a high too.

    Raises: BadSeries for a curve that does not start above zero; NotEnoughData for an empty one.
    """
    values = checked(curve, minimum=1, what="curve")
    if not values[0] > 0:
        raise BadSeries("a curve starts above zero, or nothing can be a share of it; leave out what is before")
    return 1.0 - values / np.maximum.accumulate(values)


def max_drawdown(curve: FloatArray) -> float:
    """Deepest fall as a positive fraction, 0 for a curve that never fell."""
    return float(underwater(curve).max())


def drawdowns(curve: FloatArray) -> tuple[Drawdown, ...]:
    """All falls, deepest first."""
    depth = underwater(curve)
    below = np.concatenate([[False], depth > 0, [False]])
    starts, ends = np.flatnonzero(below[1:] & ~below[:-1]), np.flatnonzero(below[:-1] & ~below[1:])
    found = []
    for start, end in zip(starts, ends, strict=True):
        trough = int(start + np.argmax(depth[start:end]))
        found.append(
            Drawdown(
                depth_frac=float(depth[trough]),
                peak=int(start) - 1,
                trough=trough,
                recovery=int(end) if end < depth.size else None,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.depth_frac, one.peak)))
