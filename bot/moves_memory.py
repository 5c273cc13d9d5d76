"""What was seen of the prices outlives the process: a restart in a crash must not begin with an assumption of calm."""

import json

import numpy as np
import structlog

from risk.decisions.volatility import HALF_LIVES_S, DailyMoves
from risk.fleet import Fleet
from risk.margin.book import FloatArray
from risk.ports import Clock
from storage import BadRow, Setting, Settings

log = structlog.get_logger()

SAVED_EVERY_S = 300.0


def _encoded(moves: DailyMoves | None) -> str:
    if moves is None:
        return ""
    return json.dumps(
        {
            "half_lives_s": HALF_LIVES_S,
            "ids": moves.ids,
            "looks": moves.looks.tolist(),
            # NaN, for a price that was never seen, is nothing JSON knows.
            **{name: _plain(column) for name, column in _columns(moves).items()},
        }
    )


def _decoded(text: str) -> DailyMoves | None:
    """Raises: ValueError for a text of other averages than these."""
    if not text:
        return None
    body = json.loads(text)
    try:
        if body["half_lives_s"] != list(HALF_LIVES_S):
            raise ValueError("averages of another version")
        n = len(body["ids"])
        shapes = {name: (len(HALF_LIVES_S), n) if name in _BY_HALF_LIFE else (n,) for name in _columns(DailyMoves())}
        return DailyMoves(
            ids=tuple(map(str, body["ids"])),
            looks=np.array(body["looks"], np.int64).reshape(n),
            **{name: np.array(body[name], np.float64).reshape(shape) for name, shape in shapes.items()},
        )
    except (KeyError, TypeError) as exc:
        raise ValueError(f"no averages ({exc})") from exc


_BY_HALF_LIFE = frozenset({"variance", "weight_s"})


def _columns(moves: DailyMoves) -> dict[str, FloatArray]:
    return {
        "since_s": moves.since_s, "begun_s": moves.begun_s, "seen_s": moves.seen_s,
        "high": moves.high, "low": moves.low,
        "variance": moves.variance, "weight_s": moves.weight_s,
    }  # fmt: skip


def _plain(column: FloatArray) -> list[float | None]:
    """Row by row; the shape follows from the name."""
    return [None if np.isnan(value) else value for value in column.ravel().tolist()]


MOVES: Setting[DailyMoves | None] = Setting(key="daily_moves", default=None, encode=_encoded, decode=_decoded)


class MovesMemory:
    """Keeps the fleet's daily moves in the database."""

    def __init__(self, *, fleet: Fleet, settings: Settings, clock: Clock) -> None:
        self._fleet, self._settings, self._clock = fleet, settings, clock
        self._saved = fleet.moves

    async def load(self) -> None:
        """Before the first look. What cannot be read is begun anew, and said in the log."""
        try:
            known = await self._settings.get(MOVES)
        except BadRow as exc:
            log.warning("moves.forgotten", error=str(exc))
            return
        if known is not None:
            self._fleet.moves = self._saved = known

    async def save(self) -> None:
        """Store them, where anything was seen since."""
        moves = self._fleet.moves
        if moves is not self._saved:
            await self._settings.put(MOVES, moves, self._clock.now())
            self._saved = moves
