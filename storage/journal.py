"""Whether the journal beside a database is whole. SQLite reads it up to the first frame that is not, and says nothing:
what was committed behind that frame would be forgotten, or mixed with newer pages that were moved already.
"""

import struct
from pathlib import Path

_HEADER = struct.Struct(">8I")
_FRAME_BYTES = 24
_MAGIC = 0x377F0682  # and one more where the sums are of big-endian words
_LARGEST_PAGE = 65_536
_MASK = 0xFFFFFFFF


def why_damaged(database: Path) -> str:
    """What is wrong with the journal of a database nobody has open; empty where nothing is, or there is none.

    A last frame cut off in writing is no damage: its transaction was never said to be stored.
    """
    path = database.with_name(database.name + "-wal")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return ""
    if len(raw) <= _HEADER.size:
        return ""
    magic, _, size, _, salt_1, salt_2, sum_1, sum_2 = _HEADER.unpack_from(raw)
    order = ">" if magic & 1 else "<"
    if magic & ~1 != _MAGIC or _summed(raw[:24], order, (0, 0)) != (sum_1, sum_2):
        return f"the head of its journal {path.name} is damaged"
    step = _FRAME_BYTES + (_LARGEST_PAGE if size == 1 else size)
    salts, sums = (salt_1, salt_2), (sum_1, sum_2)
    frames = range(_HEADER.size, len(raw) - step + 1, step)
    for number, at in enumerate(frames, start=1):
        sums = _summed(raw[at : at + 8] + raw[at + _FRAME_BYTES : at + step], order, sums)
        if struct.unpack_from(">4I", raw, at + 8) != (*salts, *sums):
            if any(_commits(raw, later, salts) for later in frames[number:]):
                return f"frame {number} of its journal {path.name} is damaged, and others were stored behind it"
            return ""
    return ""


def _commits(raw: bytes, at: int, salts: tuple[int, int]) -> bool:
    """Whether a frame of this journal ends a transaction."""
    _, pages, *own = struct.unpack_from(">4I", raw, at)
    return pages != 0 and tuple(own) == salts


def _summed(raw: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    words = struct.unpack(f"{order}{len(raw) // 4}I", raw)
    one, two = sums
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & _MASK
        two = (two + odd + one) & _MASK
    return one, two
