"""How much prices move in a day, from nothing but looks at them. Pure; the same for live data and for a replay.

The tiers measure distance in daily moves, so a move must be known at the first look, rise within a crash while it
happens, and be the same whether prices come every second or four to a bar. So:

- Every span of at least an hour (and three looks) gives one variance: its range squared over 4 ln 2, which is unbiased
  for a price seen often (Parkinson 1980) and for the four prices of a bar alike.
- The running span counts as a whole one as soon as that makes things look worse.
- Two exponential averages, with half-lives of 6 hours and of 11.2 days (lambda .94 a day); the larger one holds.
- Before there is history a move of 5 % a day is assumed, with the weight of five days; and no market counts as calmer
  than 3 % a day, for calm ends without notice. An assumption alone ranks alerts; tiers wait until an hour has been
  watched. Waiting longer leaves those unwarned whose end comes early.

docs/alert-quality.md says how these were chosen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from risk.margin.book import BoolArray, FloatArray, IntArray

HALF_LIVES_S = (6 * 3_600.0, 11.2 * 86_400.0)
PRIOR_FRAC = 0.05
PRIOR_WEIGHT_S = 5 * 86_400.0
LEAST_FRAC = 0.03
WATCHED_S = 3_600.0  # one span; from then on it is a measurement
_A_DAY_S = 86_400.0
_SPAN_S = 3_600.0
_LOOKS = 3
_RANGE = 4 * math.log(2)
_HALF_LIVES = np.array(HALF_LIVES_S)[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class DailyMoves:
    """What was seen of some prices so far. Columns are prices, in the order of ``ids``; NaN before a first look.

    Attributes:
        ids: What each price is of, such as an oracle's address.
        since_s: When each was looked at first.
        begun_s: When the running span of each began; any seconds that only grow, such as Unix time.
        seen_s: When each was looked at last.
        high: Logarithm of the highest price in the running span, likewise ``low``.
        looks: Looks in the running span after its first.
        variance: Decayed sum of variances, one row a half-life.
        weight_s: Decayed sum of the seconds they stand for.
    """

    ids: tuple[str, ...] = ()
    since_s: FloatArray = field(default_factory=lambda: np.zeros(0))
    begun_s: FloatArray = field(default_factory=lambda: np.zeros(0))
    seen_s: FloatArray = field(default_factory=lambda: np.zeros(0))
    high: FloatArray = field(default_factory=lambda: np.zeros(0))
    low: FloatArray = field(default_factory=lambda: np.zeros(0))
    looks: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    variance: FloatArray = field(default_factory=lambda: np.zeros((len(HALF_LIVES_S), 0)))
    weight_s: FloatArray = field(default_factory=lambda: np.zeros((len(HALF_LIVES_S), 0)))

    def after(self, ids: Sequence[str], prices_usd: FloatArray, at_s: float) -> "DailyMoves":
        """After one look.

        Args:
            prices_usd: One for each of ``ids``; NaN, or anything that is no price, where it cannot be trusted now.
            at_s: When; a look that is not later than the last one counts, but never ends a span.
        """
        moves = self if self.ids == tuple(ids) else self._of(tuple(ids))
        with np.errstate(divide="ignore", invalid="ignore"):
            now = np.log(prices_usd)
        seen = np.isfinite(now)
        high, low = np.fmax(moves.high, np.where(seen, now, np.nan)), np.fmin(moves.low, np.where(seen, now, np.nan))
        # A clock that was set back begins a new span; it would otherwise wait until it has caught up.
        begun = np.where(seen, np.fmin(moves.begun_s, at_s), moves.begun_s)
        looks = moves.looks + (seen & (moves.seen_s < at_s))
        length = at_s - begun
        over = seen & (length >= _SPAN_S) & (looks >= _LOOKS)
        since = np.where(seen, np.fmin(moves.since_s, at_s), moves.since_s)
        moves = replace(
            moves,
            since_s=since,
            begun_s=begun,
            high=high,
            low=low,
            looks=looks,
            seen_s=np.where(seen, at_s, moves.seen_s),
        )
        if not over.any():
            return moves
        keep = np.exp2(-length / _HALF_LIVES)
        return replace(
            moves,
            begun_s=np.where(over, at_s, begun),
            high=np.where(over, now, high),
            low=np.where(over, now, low),
            looks=np.where(over, 0, looks),
            variance=np.where(over, moves.variance * keep + moves._variance(), moves.variance),
            weight_s=np.where(over, moves.weight_s * keep + length, moves.weight_s),
        )

    def daily_frac(self) -> FloatArray:
        """The standard deviation of a day's move of each price, a fraction, never below ``LEAST_FRAC``."""
        settled = self.variance / self.weight_s
        length = np.where(np.isnan(self.begun_s), 0.0, self.seen_s - self.begun_s)
        counted = np.maximum(length, _SPAN_S)
        keep = np.exp2(-counted / _HALF_LIVES)
        running = (self.variance * keep + self._variance()) / (self.weight_s * keep + counted)
        # A span that has only begun cannot show that things have calmed down.
        each = np.where(length < _SPAN_S, np.maximum(settled, running), running)
        return np.asarray(np.maximum(np.sqrt(each.max(axis=0) * _A_DAY_S), LEAST_FRAC))

    def measured(self) -> BoolArray:
        """Which prices have been watched long enough for their move to be more than an assumption."""
        with np.errstate(invalid="ignore"):  # NaN, for a price that was never seen, is not long enough
            return np.asarray(self.seen_s - self.since_s >= WATCHED_S)

    def _variance(self) -> FloatArray:
        """Of the running span."""
        return np.where(np.isnan(self.begun_s), 0.0, (self.high - self.low) ** 2 / _RANGE)

    def _of(self, ids: tuple[str, ...]) -> "DailyMoves":
        """The same for other prices: what was known of them stays, what is new begins with the assumption."""
        place = {one: at for at, one in enumerate(self.ids)}
        known = [(to, place[one]) for to, one in enumerate(ids) if one in place]
        to, at = [pair[0] for pair in known], [pair[1] for pair in known]
        weight_s = np.repeat(np.minimum(PRIOR_WEIGHT_S, _HALF_LIVES), len(ids), axis=1)
        since, begun, seen, high, low = np.full((5, len(ids)), np.nan)
        fresh = DailyMoves(
            ids=ids,
            since_s=since,
            begun_s=begun,
            seen_s=seen,
            high=high,
            low=low,
            looks=np.zeros(len(ids), np.int64),
            variance=weight_s * PRIOR_FRAC**2 / _A_DAY_S,
            weight_s=weight_s,
        )
        for mine, its in (
            (fresh.since_s, self.since_s), (fresh.begun_s, self.begun_s), (fresh.seen_s, self.seen_s),
            (fresh.high, self.high), (fresh.low, self.low), (fresh.looks, self.looks),
        ):  # fmt: skip
            mine[to] = its[at]
        fresh.variance[:, to], fresh.weight_s[:, to] = self.variance[:, at], self.weight_s[:, at]
        return fresh
