"""Borsh as programs write it into their logs: layouts as facts, and a reader that is never surprised.

Layouts say what comes in which order; nothing else holds a field name's place. Every read is checked against the bytes
that are there, so bytes of any kind end in values or in Unreadable, and never in an endless list.
"""

import contextlib
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

_NUMBERS: Final = {
    "u8": struct.Struct("<B"),
    "i8": struct.Struct("<b"),
    "u16": struct.Struct("<H"),
    "i16": struct.Struct("<h"),
    "u32": struct.Struct("<I"),
    "i32": struct.Struct("<i"),
    "u64": struct.Struct("<Q"),
    "i64": struct.Struct("<q"),
}
_WIDE: Final = {"u128": False, "i128": True}  # signed?
_WIDE_BYTES: Final = 16
_BLOBS: Final = {"key": 32, "bytes32": 32}
_COUNT_BYTES: Final = 4
DISCRIMINATOR_BYTES: Final = 8


class Unreadable(ValueError):
    """Bytes that are not what their layout says."""


@dataclass(frozen=True, slots=True)
class Maybe:
    """A value that may be left out."""

    of: "Field"


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of any length."""

    of: "Field"


@dataclass(frozen=True, slots=True, init=False)
class Choice:
    """One of several names, written by its number. A number behind the last is a name newer than these: ``#21``."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@dataclass(frozen=True, slots=True, init=False)
class Record:
    """Fields one behind the other."""

    fields: tuple[tuple[str, "Field"], ...]

    def __init__(self, **fields: "Field") -> None:
        object.__setattr__(self, "fields", tuple(fields.items()))


Field: TypeAlias = str | Maybe | Listed | Choice | Record
Value: TypeAlias = "int | bool | bytes | str | tuple[Value, ...] | Values | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLayout:
    """One event of a program.

    Attributes:
        required: How many of its first fields every version of the program writes. Later ones were appended one by one
            and are None where they are missing or something else stands there; what comes behind the last is not read.
    """

    name: str
    discriminator: bytes
    record: Record
    required: int

    @classmethod
    def of(cls, name: str, *, required: str, record: Record) -> "EventLayout":
        """A layout. ``required`` is the last field that every version has."""
        digest = hashlib.sha256(f"event:{name}".encode()).digest()
        names = [field_name for field_name, _ in record.fields]
        return cls(
            name=name,
            discriminator=digest[:DISCRIMINATOR_BYTES],
            record=record,
            required=names.index(required) + 1,
        )

    def read(self, data: bytes) -> "Values":
        """The fields of data that begins with the discriminator. Raises: Unreadable."""
        if not data.startswith(self.discriminator):
            raise Unreadable(f"this is no {self.name}")
        reader = _Reader(data, DISCRIMINATOR_BYTES)
        found: dict[str, Value] = {name: None for name, _ in self.record.fields}
        for name, kind in self.record.fields[: self.required]:
            found[name] = reader.take(kind)
        # Another version may have appended other fields: what they say is no reason not to believe the rest.
        with contextlib.suppress(Unreadable):
            for name, kind in self.record.fields[self.required :]:
                found[name] = reader.take(kind)
        return Values(self.name, found)


@dataclass(frozen=True, slots=True)
class Values:
    """The fields of one record, read by name and kind.

    Raises, from every method: Unreadable for a field of another kind, or one that is not there.
    """

    name: str
    _found: Mapping[str, Value] = field(repr=False)

    def number(self, name: str) -> int:
        value = self._found.get(name)
        if type(value) is not int:
            raise self._other(name)
        return value

    def maybe_number(self, name: str) -> int | None:
        return None if self._found.get(name) is None else self.number(name)

    def flag(self, name: str) -> bool:
        value = self._found.get(name)
        if not isinstance(value, bool):
            raise self._other(name)
        return value

    def blob(self, name: str) -> bytes:
        value = self._found.get(name)
        if not isinstance(value, bytes):
            raise self._other(name)
        return value

    def maybe_blob(self, name: str) -> bytes | None:
        return None if self._found.get(name) is None else self.blob(name)

    def choice(self, name: str) -> str:
        value = self._found.get(name)
        if not isinstance(value, str):
            raise self._other(name)
        return value

    def maybe_choice(self, name: str) -> str | None:
        return None if self._found.get(name) is None else self.choice(name)

    def record(self, name: str) -> "Values":
        value = self._found.get(name)
        if not isinstance(value, Values):
            raise self._other(name)
        return value

    def count(self, name: str) -> int:
        """How long a list is."""
        return len(self._list(name))

    def numbers(self, name: str) -> tuple[int, ...]:
        """A list of numbers."""
        found = tuple(value for value in self._list(name) if type(value) is int)
        if len(found) != self.count(name):
            raise self._other(name)
        return found

    def records(self, name: str) -> "tuple[Values, ...]":
        """A list of records."""
        found = tuple(value for value in self._list(name) if isinstance(value, Values))
        if len(found) != self.count(name):
            raise self._other(name)
        return found

    def _list(self, name: str) -> "tuple[Value, ...]":
        value = self._found.get(name)
        if not isinstance(value, tuple):
            raise self._other(name)
        return value

    def _other(self, name: str) -> Unreadable:
        return Unreadable(f"{name} of {self.name} is not what it should be")


def read_exactly(name: str, record: Record, data: bytes) -> Values:
    """The fields of data that is this record and nothing else. Raises: Unreadable."""
    reader = _Reader(data, 0)
    found = {field_name: reader.take(kind) for field_name, kind in record.fields}
    if reader.left:
        raise Unreadable(f"{reader.left} bytes follow the last field of {name}")
    return Values(name, found)


class _Reader:
    """Reads on from a place in some bytes."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, kind: Field) -> Value:
        if isinstance(kind, str):
            return self._plain(kind)
        if isinstance(kind, Maybe):
            return self.take(kind.of) if self._bit() else None
        if isinstance(kind, Choice):
            number = self._bytes(1)[0]
            return kind.names[number] if number < len(kind.names) else f"#{number}"
        if isinstance(kind, Listed):
            return self._list(kind)
        return Values("a part", {name: self.take(part) for name, part in kind.fields})

    def _plain(self, kind: str) -> Value:
        if kind in _NUMBERS:
            layout = _NUMBERS[kind]
            number: int = layout.unpack(self._bytes(layout.size))[0]
            return number
        if kind in _WIDE:
            return int.from_bytes(self._bytes(_WIDE_BYTES), "little", signed=_WIDE[kind])
        if kind in _BLOBS:
            return self._bytes(_BLOBS[kind])
        return self._bit()

    def _bit(self) -> bool:
        bit = self._bytes(1)[0]
        if bit > 1:
            raise Unreadable("a yes or no is neither")
        return bool(bit)

    def _list(self, kind: Listed) -> tuple[Value, ...]:
        count = int.from_bytes(self._bytes(_COUNT_BYTES), "little")
        if count > self.left:
            raise Unreadable("a list is longer than what is left")
        return tuple(self.take(kind.of) for _ in range(count))

    def _bytes(self, count: int) -> bytes:
        if self.left < count:
            raise Unreadable("it ends too early")
        part = self._data[self._at : self._at + count]
        self._at += count
        return part
