"""The log of a transaction: which bytes which program wrote into it.

The runtime begins each of its own lines with ``Program`` and an address, and puts ``Program log: `` or
``Program data: `` before everything a program says, so no program can write a line of the runtime. Programs call each
other; who speaks is whoever was called last and has not returned. This program writes its events in both ways: most as
data, those about orders as a log line of base64, between lines of plain text.
"""

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from venues.solana.borsh import DISCRIMINATOR_BYTES

_LOG, _DATA = "Program log: ", "Program data: "
_ADDRESS = "[1-9A-HJ-NP-Za-km-z]{32,44}"
_INVOKED = re.compile(rf"Program ({_ADDRESS}) invoke \[(\d{{1,4}})\]")
_RETURNED = re.compile(rf"Program ({_ADDRESS}) (?:success|failed(?:: .*)?)", re.DOTALL)
_CUT_OFF = "Log truncated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramData:
    """What one program wrote into one log.

    Attributes:
        parts: Everything it wrote that may be an event, with its place among all lines of the log.
        truncated: Whether the log was cut off, so that more may have been written.
    """

    parts: tuple[tuple[int, bytes], ...]
    truncated: bool


def written_by(program_id: str, lines: Sequence[str]) -> ProgramData:
    """What a program itself wrote, whoever called it."""
    calls: list[str] = []
    parts: list[tuple[int, bytes]] = []
    for place, line in enumerate(lines):
        if line.startswith((_LOG, _DATA)):
            data = _decoded(line) if calls and calls[-1] == program_id else None
            if data is not None:
                parts.append((place, data))
        elif line == _CUT_OFF:
            # Nothing follows it, and a node that says more is not to be believed.
            return ProgramData(parts=tuple(parts), truncated=True)
        elif (invoked := _INVOKED.fullmatch(line)) is not None:
            # The depth is the runtime's own; a call that ended without a line of its own is over by it.
            del calls[max(0, int(invoked[2]) - 1) :]
            calls.append(invoked[1])
        elif (returned := _RETURNED.fullmatch(line)) is not None and calls and calls[-1] == returned[1]:
            calls.pop()
    return ProgramData(parts=tuple(parts), truncated=False)


def _decoded(line: str) -> bytes | None:
    """The bytes of a line; None for text, and for what is too short to be an event."""
    text = line[len(_LOG) if line.startswith(_LOG) else len(_DATA) :]
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):  # ValueError for what is not ASCII
        return None
    return data if len(data) >= DISCRIMINATOR_BYTES else None
