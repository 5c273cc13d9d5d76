"""Frames on the signer's socket: four bytes of length, then one JSON object, read strictly. Standard library only.

An object is ``{"kind": name of the value, ...its fields}``. Whatever is not exactly such a value is refused: unknown or
missing keys, keys twice, numbers that are not whole or too large, text that is too long or not text, base64 with slack.
"""

import base64
import binascii
import dataclasses
import json
import struct
import types
import typing
from collections.abc import Mapping
from enum import StrEnum

from bot.signer.intent import (
    Answer,
    Ask,
    AskIdentity,
    Enter,
    Given,
    Identity,
    Intent,
    Refusal,
    Sign,
)

MOST_BYTES = 65_536
HEADER = struct.Struct(">I")
_PAPER_PREFIX = b"\xffsolana offchain"  # no transaction can begin so: its first byte would be 255 signers
_MOST_TEXT = 1_000
_MOST_ITEMS = 600
_MOST_INTEGER = 2**64 - 1

_KINDS: Mapping[str, type] = types.MappingProxyType(
    {
        "identify": AskIdentity,
        "enter": Enter,
        "sign": Sign,
        "identity": Identity,
        "signature": Given,
        "refusal": Refusal,
    }
)
_NAMES = types.MappingProxyType({kind: name for name, kind in _KINDS.items()})
_ASKS, _ANSWERS = (AskIdentity, Enter, Sign), (Identity, Given, Refusal)


class Malformed(Exception):
    """Bytes that are no value of this wire. The text says what is wrong and quotes nothing of them."""


def framed(value: Ask | Answer) -> bytes:
    """A whole frame. Raises: Malformed for a value that the other side would refuse."""
    body = _text({"kind": _NAMES[type(value)], **_fields(value)})
    if len(body) > MOST_BYTES:
        raise Malformed(f"a frame holds {MOST_BYTES} bytes at most; ask for less at once")
    return HEADER.pack(len(body)) + body


def length(header: bytes) -> int:
    """Of the body that follows a header. Raises: Malformed for nothing, or more than a frame holds."""
    found: int = HEADER.unpack(header)[0]
    if not 0 < found <= MOST_BYTES:
        raise Malformed(f"a frame holds 1 to {MOST_BYTES} bytes")
    return found


def read_ask(body: bytes) -> Ask:
    """Raises: Malformed."""
    found = _value(body)
    if not isinstance(found, _ASKS):
        raise Malformed("that is no question to a signer")
    return found


def read_answer(body: bytes) -> Answer:
    """Raises: Malformed."""
    found = _value(body)
    if not isinstance(found, _ANSWERS):
        raise Malformed("that is no answer of a signer")
    return found


def canonical_without(value: object, field: str) -> bytes:
    """One way, and only one, to write a value down without one of its fields; what seals and signatures are made of."""
    fields = _fields(value)
    del fields[field]
    return _text(fields)


def paper_message(intent: Intent) -> bytes:
    """What is signed on paper: all of the intent but its message, behind bytes that no transaction begins with."""
    return _PAPER_PREFIX + canonical_without(intent, "message")


def _text(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _fields(value: object) -> dict[str, object]:
    return {name: _plain(getattr(value, name)) for name in typing.get_type_hints(type(value))}


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | StrEnum | str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return _fields(value)


def _value(body: bytes) -> object:
    try:
        found = json.loads(
            body.decode("utf-8"), object_pairs_hook=_once, parse_float=_no_float, parse_constant=_no_float
        )
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("a frame holds one JSON object in UTF-8") from None
    if not isinstance(found, dict) or not isinstance(found.get("kind"), str):
        raise Malformed("a frame holds one object with its kind")
    kind = _KINDS.get(found.pop("kind"))
    if kind is None:
        raise Malformed("no value of this wire is of that kind")
    return _made(kind, found, kind.__name__)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key stands twice in an object")
    return found


def _no_float(_: str) -> object:
    raise Malformed("numbers are whole on this wire")


def _made(kind: type, found: object, where: str) -> object:
    if not isinstance(found, dict):
        raise Malformed(f"{where} is an object")
    hints, fields = typing.get_type_hints(kind), dataclasses.fields(kind)
    if set(found) != {field.name for field in fields}:
        raise Malformed(f"{where} has other fields than it should")
    return kind(**{field.name: _read(hints[field.name], found[field.name], field.name) for field in fields})


def _read(hint: object, found: object, where: str) -> object:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        inner = next(one for one in arguments if one is not types.NoneType)
        return None if found is None else _read(inner, found, where)
    if origin is tuple:
        if not isinstance(found, list) or len(found) > _MOST_ITEMS:
            raise Malformed(f"{where} is a list of at most {_MOST_ITEMS}")
        return tuple(_read(arguments[0], one, where) for one in found)
    if dataclasses.is_dataclass(hint):
        return _made(typing.cast("type", hint), found, where)
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
