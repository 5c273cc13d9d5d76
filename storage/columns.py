"""Single values in and out of rows. Suspicious: a value of the wrong kind is a damaged row, never a guess.

Moments are integer microseconds since 1970, UTC, which is exact. NaN is refused: SQLite would store it as unknown.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from storage.errors import BadRow

Value = int | float | str | bytes | None
Row = dict[str, Value]
ReadRow = Mapping[str, Any]  # as sqlite-utils gives it

E = TypeVar("E", bound=Enum)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970. Raises: ValueError for a moment without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return (moment - _EPOCH) // _MICROSECOND


def maybe_us(moment: datetime | None) -> int | None:
    return None if moment is None else to_us(moment)


def not_nan(value: float) -> float:
    """The number itself, infinity included. Raises: ValueError for NaN."""
    if math.isnan(value):
        raise ValueError("NaN cannot be stored as a number")
    return value


def finite(value: float) -> float:
    """The number itself. Raises: ValueError for NaN and infinity."""
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be stored as an amount")
    return value


def encodable(words: str) -> str:
    """Text from outside with what UTF-8 cannot hold, lone surrogates, turned into question marks."""
    return words.encode("utf-8", "replace").decode("utf-8")


def integer(row: ReadRow, column: str) -> int:
    value = row[column]
    if not isinstance(value, int):
        raise _bad(column, value)
    return value


def real(row: ReadRow, column: str) -> float:
    value = row[column]
    if not isinstance(value, float):
        raise _bad(column, value)
    return value


def maybe_real(row: ReadRow, column: str) -> float | None:
    return None if row[column] is None else real(row, column)


def text(row: ReadRow, column: str) -> str:
    value = row[column]
    if not isinstance(value, str):
        raise _bad(column, value)
    return value


def maybe_text(row: ReadRow, column: str) -> str | None:
    return None if row[column] is None else text(row, column)


def moment(row: ReadRow, column: str) -> datetime:
    try:
        return _EPOCH + integer(row, column) * _MICROSECOND
    except OverflowError as exc:
        raise _bad(column, row[column]) from exc


def maybe_moment(row: ReadRow, column: str) -> datetime | None:
    return None if row[column] is None else moment(row, column)


def member(kind: type[E], row: ReadRow, column: str) -> E:
    """The member of an enum whose value is stored."""
    try:
        return kind(row[column])
    except ValueError as exc:
        raise _bad(column, row[column]) from exc


def _bad(column: str, value: object) -> BadRow:
    return BadRow(
        f"A stored {column} reads {value!r}, which this version of Keel does not understand; "
        "restore a backup, or install the version that wrote it."
    )
