"""What is wrong with the lines of an env file, which its parser passes over in silence.

A cap on a line that cannot be read, under a name that is misspelled or beneath another value of the same name, would
leave the default in force, and the default may allow more.
"""

import difflib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from dotenv.parser import parse_stream

_MOST_BYTES = 1_000_000
_BOUNDS = "TRADING_"


def trouble_in(env_file: Path | None, names: Collection[str]) -> tuple[str, ...]:
    """A sentence for each mistake, without any value.

    Args:
        names: Of all settings there are, in upper case.

    Raises: OSError, UnicodeDecodeError.
    """
    lines = list(_lines(env_file)) if env_file is not None and env_file.is_file() else []
    found = [f"{env_file}, line {at}, cannot be read; write NAME=value" for at, name, _ in lines if name is None]
    said: dict[str, str | None] = {}
    for at, name, value in lines:
        if name is None or name not in names:
            continue
        if said.setdefault(name, value) != value:
            found.append(f"{env_file}, line {at}, sets {name} a second time, to something else; keep one of them")
    mentioned = {name for _, name, _ in lines if name} | {name.upper() for name in os.environ}
    for name in sorted(mentioned):
        meant = difflib.get_close_matches(name, names, n=1, cutoff=0.75) if name.startswith(_BOUNDS) else []
        if meant and name not in names:
            found.append(f"{name} is no setting; {meant[0]} is one: correct its name, or what it bounds is not bounded")
    return tuple(found)


def _lines(env_file: Path) -> Iterator[tuple[int, str | None, str | None]]:
    """Where it is, what it sets, to what; no name for what cannot be read."""
    if env_file.stat().st_size > _MOST_BYTES:
        raise OSError("it is too large for settings")
    with env_file.open(encoding="utf-8") as stream:
        for binding in parse_stream(stream):
            if binding.error:
                yield binding.original.line, None, None
            elif binding.key is not None:
                yield binding.original.line, binding.key.upper(), binding.value
