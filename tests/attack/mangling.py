"""JSON as a broken or hostile server sends it: a good document with a few things in it changed, by a seed."""

import copy
import json
from random import Random
from typing import Any

Json = Any

# Values of every type and of no sense, where something else is expected.
ODD: tuple[Json, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**53 + 1, -(2**63), 2**64, 10**40, 1e308, "", "0", "-1", "1e9", "nan",
    "\ud800", "\udfff x", "\u202eelbaliava", "\u200b", "\x00", "\r\n{}", "@everyone", "<b>x</b>", "x" * 5_000, "١٢٣",
    [], {}, [[]], [None], {"id": None}, {"": {}}, [{}], "../../etc/passwd", "=1+1", "'; DROP TABLE people; --",
)  # fmt: skip
_DEEP = 200


def deep(levels: int = _DEEP) -> Json:
    """Lists in lists in objects."""
    found: Json = []
    for level in range(levels):
        found = [found] if level % 2 else {"message": found}
    return found


def mangled(document: Json, dice: Random, *, changes: int = 3) -> Json:
    """The document with one to so many places of it changed; it itself stays as it is."""
    changed = copy.deepcopy(document)
    for _ in range(dice.randint(1, changes)):
        places = list(_places(changed))
        if not places:
            return copy.deepcopy(dice.choice(ODD))
        holder, key = dice.choice(places)
        match dice.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[dice.choice([f"{key}x", "", "from", "is_bot", "id"])] = holder.pop(key)
            case 2:
                holder[key] = [holder[key]]
            case 3:
                holder[key] = deep(dice.choice([3, _DEEP]))
            case _:
                holder[key] = copy.deepcopy(dice.choice(ODD))
    return changed


def as_bytes(document: Json, dice: Random) -> bytes:
    """As it is sent: now and then cut off, with a bit flipped, or nested deeper than anybody reads."""
    text = json.dumps(document).encode()
    match dice.randrange(40):
        case 0:
            return text[: dice.randrange(len(text) + 1)]
        case 1:
            at = dice.randrange(len(text))
            return text[:at] + bytes([text[at] ^ 1 << dice.randrange(8)]) + text[at + 1 :]
        case 2:
            return b"[" * 100_000
        case 3:
            return b'{"ok": true, "result": ' + b"9" * 6_000 + b"}"
        case _:
            return text


def _places(node: Json) -> Any:
    """Every place there is something in, as what holds it and its key there."""
    if isinstance(node, dict | list):
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            yield node, key
            yield from _places(value)
