"""The watched accounts as columns: where each stands, where it is in the latest view, and who needs a look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from bot.roster import Watched
from risk.decisions.screening import Readings, Standing, may_change
from risk.decisions.tiers import Tier, TierState, TierThresholds
from risk.fleet import FleetView
from risk.margin.book import IntArray

_ABSENT = -1
_ThresholdsKey = tuple[tuple[tuple[int, float], ...], ...] | float | timedelta


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Accounts, by row, whose tiers begin at the same thresholds."""

    thresholds: TierThresholds
    rows: IntArray


class WatchTable:
    """Rows are the watched accounts in the order of the roster.

    Attributes:
        watched: One for each row.
    """

    def __init__(self, watched: Sequence[Watched], states: Mapping[str, TierState]) -> None:
        self.watched = tuple(watched)
        self._groups, self._alone = _grouped(self.watched)
        self._states = [states.get(one.account_id, TierState()) for one in self.watched]
        self._standing = Standing.of(self._states)
        self._positions: IntArray = np.zeros(0, np.int64)
        self._view_of_positions: FleetView | None = None

    def put(self, row: int, state: TierState) -> None:
        """An account stands somewhere else now."""
        self._states[row] = state
        one = Standing.of([state])
        for column, value in (
            (self._standing.tier, one.tier), (self._standing.known, one.known), (self._standing.easing, one.easing),
        ):  # fmt: skip
            column[row] = value[0]

    def state(self, row: int) -> TierState:
        return self._states[row]

    def to_look_at(self, view: FleetView | None, *, stale: bool) -> IntArray:
        """Rows of the accounts whose state may change with this view, and of those that are not in it.

        Args:
            stale: Whether the venue's data is too old to say anything of any account.
        """
        if view is None:
            return np.arange(len(self.watched))
        at = self._at(view)
        here = at != _ABSENT
        readings = Readings(
            ratio_percent=view.worst_ratio_percent[at],
            sigmas=view.nearness.sigmas[at],
            liquidating=view.liquidating[at],
            unknown=np.ones(at.size, np.bool_) if stale else view.doubtful[at],
        )
        moving = ~here
        moving[self._alone] = True
        for group in self._groups:
            moving[group.rows] |= may_change(
                _part(self._standing, group.rows), _part_of(readings, group.rows), group.thresholds
            )
        return np.flatnonzero(moving)

    def standing_rows(self) -> IntArray:
        """Rows of the accounts that are in any tier but the best."""
        return np.flatnonzero(self._standing.tier != Tier.OK.value)

    def _at(self, view: FleetView) -> IntArray:
        """Position of each row in a view; the last account's for those that are not in it, marked by _ABSENT."""
        before = self._view_of_positions
        if before is None or not before.has_positions_of(view):
            self._positions = np.array(
                [view.position_of(one.account_id) if one.account_id in view else _ABSENT for one in self.watched],
                np.int64,
            )
        self._view_of_positions = view
        return self._positions


def _part(standing: Standing, rows: IntArray) -> Standing:
    return Standing(standing.tier[rows], standing.known[rows], standing.easing[rows])


def _part_of(readings: Readings, rows: IntArray) -> Readings:
    return Readings(
        readings.ratio_percent[rows], readings.sigmas[rows], readings.liquidating[rows], readings.unknown[rows]
    )


def _grouped(watched: Sequence[Watched]) -> tuple[tuple[_Group, ...], IntArray]:
    """(accounts by equal thresholds, rows that no screen can judge)."""
    rows: dict[tuple[_ThresholdsKey, ...], list[int]] = {}
    alone: list[int] = []
    for row, one in enumerate(watched):
        if one.thresholds.distance_frac:
            alone.append(row)
        else:
            rows.setdefault(_key(one.thresholds), []).append(row)
    groups = tuple(_Group(watched[own[0]].thresholds, np.array(own, np.int64)) for own in rows.values())
    return groups, np.array(alone, np.int64)


def _key(thresholds: TierThresholds) -> tuple[_ThresholdsKey, ...]:
    ladders = tuple(
        tuple(sorted((tier.value, step) for tier, step in ladder.items()))
        for ladder in (thresholds.ratio_percent, thresholds.distance_sigmas)
    )
    return ladders, thresholds.ease_margin_frac, thresholds.ease_dwell
