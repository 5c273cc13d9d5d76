"""Frames on the signer's socket: four bytes of length, then one JSON object, read strictly. Standard library only.

An object is ``{"kind": name of the value, ...its fields}``. Whatever is not exactly such a value is refused, see
records.
"""

import struct
import types
from collections.abc import Mapping

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
from bot.signer.records import Malformed as Malformed
from bot.signer.records import canonical, fields_of, made, object_of

MOST_BYTES = 65_536
HEADER = struct.Struct(">I")
_PAPER_PREFIX = b"\xffsolana offchain"  # no transaction can begin so: its first byte would be 255 signers

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


def framed(value: Ask | Answer) -> bytes:
    """A whole frame. Raises: Malformed for a value that the other side would refuse."""
    body = canonical({"kind": _NAMES[type(value)], **fields_of(value)})
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
    fields = fields_of(value)
    del fields[field]
    return canonical(fields)


def paper_message(intent: Intent) -> bytes:
    """What is signed on paper: all of the intent but its message, behind bytes that no transaction begins with."""
    return _PAPER_PREFIX + canonical_without(intent, "message")


def _value(body: bytes) -> object:
    found = object_of(body)
    name = found.pop("kind", None)
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Malformed("no value of this wire is of that kind")
    return made(kind, found, kind.__name__)
