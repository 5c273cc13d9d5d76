"""Values as JSON and back, read strictly: for the wire and for the journal. Standard library only.

Whatever is not exactly such a value is refused: unknown or missing keys, keys twice, numbers that are not whole or too
large, text that is too long or not text, base64 with slack.
"""

import base64
import binascii
import dataclasses
import json
import types
import typing
from collections.abc import Hashable, Mapping
from enum import StrEnum
from functools import lru_cache

_MOST_TEXT = 1_000
_MOST_ITEMS = 600
_MOST_INTEGER = 2**64 - 1

T = typing.TypeVar("T")


class Malformed(Exception):
    """Bytes that are no such value. The text says what is wrong and quotes nothing of them."""


def canonical(fields: Mapping[str, object]) -> bytes:
    """One way, and only one, to write an object of JSON."""
    return json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def fields_of(value: object) -> dict[str, object]:
    """A dataclass as JSON has it, by the names of its fields."""
    return {name: _plain(getattr(value, name)) for name in _hints(type(value))}


def object_of(body: bytes) -> dict[str, object]:
    """The one JSON object that some bytes are. Raises: Malformed."""
    try:
        found = json.loads(
            body.decode("utf-8"), object_pairs_hook=_once, parse_float=_no_float, parse_constant=_no_float
        )
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("a frame holds one JSON object in UTF-8") from None
    if not isinstance(found, dict):
        raise Malformed("a frame holds one JSON object in UTF-8")
    return found


def made(kind: type[T], found: object, where: str, *, most_items: int = _MOST_ITEMS) -> T:
    """A dataclass from what ``fields_of`` makes of it. Raises: Malformed."""
    if not isinstance(found, dict):
        raise Malformed(f"{where} is an object")
    hints = _hints(typing.cast("type", kind))
    if found.keys() != hints.keys():
        raise Malformed(f"{where} has other fields than it should")
    return kind(**{name: _read(hint, found[name], name, most_items) for name, hint in hints.items()})


def _hints(kind: type) -> Mapping[str, object]:
    return _looked_up(typing.cast("Hashable", kind))


@lru_cache(maxsize=64)
def _looked_up(kind: typing.Any) -> Mapping[str, object]:
    # Looking types up costs more than all the rest, and every frame would pay it.
    hints = typing.get_type_hints(kind)
    return types.MappingProxyType({field.name: hints[field.name] for field in dataclasses.fields(kind)})


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | StrEnum | str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return fields_of(value)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key stands twice in an object")
    return found


def _no_float(_: str) -> object:
    raise Malformed("numbers are whole on this wire")


def _read(hint: object, found: object, where: str, most_items: int) -> object:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        inner = next(one for one in arguments if one is not types.NoneType)
        return None if found is None else _read(inner, found, where, most_items)
    if origin is tuple:
        if not isinstance(found, list) or len(found) > most_items:
            raise Malformed(f"{where} is a list of at most {most_items}")
        return tuple(_read(arguments[0], one, where, most_items) for one in found)
    if dataclasses.is_dataclass(hint):
        return made(typing.cast("type", hint), found, where, most_items=most_items)
    return _plainly(typing.cast("type", hint), found, where)


def _plainly(hint: type, found: object, where: str) -> object:
    if hint is bool:
        if not isinstance(found, bool):
            raise Malformed(f"{where} is true or false")
        return found
    if hint is int:
        if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= _MOST_INTEGER:
            raise Malformed(f"{where} is a whole number from 0 to 2^64 - 1")
        return found
    if not isinstance(found, str):
        raise Malformed(f"{where} is text")
    if hint is bytes:
        return _decoded(found, where)
    if issubclass(hint, StrEnum):
        if found not in {one.value for one in hint}:
            raise Malformed(f"{where} has no such value")
        return hint(found)
    if len(found) > _MOST_TEXT or not found.isprintable():
        raise Malformed(f"{where} is at most {_MOST_TEXT} printable characters")
    return found


def _decoded(found: str, where: str) -> bytes:
    try:
        raw = base64.b64decode(found, validate=True)
    except (ValueError, binascii.Error):
        raise Malformed(f"{where} is base64") from None
    if base64.b64encode(raw).decode("ascii") != found:
        raise Malformed(f"{where} is base64 without slack")
    return raw
