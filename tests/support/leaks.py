"""Looks for canaries: texts that stand in secrets and nowhere else, so that one found anywhere is a leak."""

import base64
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

WORD = "canary"  # stands in every canary, and in nothing else that a bot says


def _written() -> Iterator[bytes]:
    """How the word may stand in bytes, whatever stands beside it: as it is, in base64, in hex, percent-encoded."""
    yield WORD.encode("utf-16-le")
    for case in (WORD, WORD.capitalize(), WORD.upper()):
        raw = case.encode()
        yield raw.hex().encode()
        yield "".join(f"%{byte:02x}" for byte in raw).encode()
        for before in range(3):
            encoded = base64.b64encode(bytes(before) + raw)
            first, last = (0, 2, 3)[before], (before + len(raw)) // 3 * 4
            yield encoded[first:last]


_ANYHOW = re.compile(re.escape(WORD.encode()), re.IGNORECASE)
_ENCODED = re.compile(b"|".join(map(re.escape, dict.fromkeys(_written()))))


def leaks_in(content: str | bytes) -> list[str]:
    """What of a canary stands in a text or in bytes, with some of what is around it."""
    raw = content.encode("utf-8", "replace") if isinstance(content, str) else content
    found = [*_ANYHOW.finditer(raw), *_ENCODED.finditer(raw)]
    return [raw[max(0, hit.start() - 60) : hit.end() + 20].decode("utf-8", "replace") for hit in found]


def leaks_below(folder: Path, *, but: Collection[Path] = ()) -> list[str]:
    """What of a canary stands in any file of a folder, unpacked where packed; ``but`` are those that must hold one."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(path == one or one in path.parents for one in but):
            found += [f"{path.name}: {leak}" for content in _contents(path) for leak in leaks_in(content)]
    return found


def _contents(path: Path) -> Iterator[bytes]:
    raw = path.read_bytes()
    yield raw
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            yield from (packed.read(name) for name in packed.namelist())
    elif raw.startswith(b"\x1f\x8b"):
        yield zlib.decompress(raw, wbits=31)
