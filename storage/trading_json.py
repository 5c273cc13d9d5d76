"""Parts of trading rows that are kept as JSON, and the canonical JSON of the audit. Pure."""

import json
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from storage.columns import ReadRow, encodable, text
from storage.errors import BadRow


def facts(**values: object) -> str:
    """Facts of an audit entry: keys sorted, no blanks, whole numbers whole, moments in ISO 8601 and UTC.

    >>> facts(size=2, when=None, prices=(1.5, float("inf")))
    '{"prices":[1.5,"inf"],"size":2,"when":null}'
    """
    return canonical(plain(values))


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> object:
    """A value as JSON can hold it. Raises: TypeError for one it has no way to write."""
    match value:
        case Enum():
            return plain(value.value)
        case None | bool() | int():
            return value
        case str():
            return encodable(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case Mapping():
            return {str(plain(key)): plain(one) for key, one in value.items()}
        case Set():
            return sorted((plain(one) for one in value), key=str)
        case Sequence() if not isinstance(value, bytes | bytearray):
            return [plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    raise TypeError(f"the audit has no way to write a {type(value).__name__}")


@cache
def _codec(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(kind: Any, value: object) -> str:
    """Infinity stays what it is, in the way of Python's JSON."""
    return json.dumps(_codec(kind).dump_python(value, mode="json"))


def from_json(kind: Any, row: ReadRow, column: str) -> Any:
    """Raises: BadRow."""
    stored = text(row, column)
    try:
        return _codec(kind).validate_python(json.loads(stored))
    except (ValidationError, ValueError) as exc:
        raise BadRow(
            f"A stored {column} reads {stored[:80]!r}, which this version of Keel does not understand; "
            "restore a backup, or install the version that wrote it."
        ) from exc


def maybe_from_json(kind: Any, row: ReadRow, column: str) -> Any:
    return None if row[column] is None else from_json(kind, row, column)
