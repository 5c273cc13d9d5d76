"""What is wrong with the lines of an env file, which its parser passes over in silence.

A cap on a line that cannot be read, under a name that is misspelled or beneath another value of the same name, would
leave the default in force, and the default may allow more, ask nobody or tell nobody.
"""

import difflib
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from dotenv.parser import parse_stream

_MOST_BYTES = 1_000_000
_ALIKE = 0.75
# Nobody else's, in the environment of a process: there, names of other programs may well resemble ours.
_OURS = ("TRADING_", "SIGNER_", "ALLOW_", "HEARTBEAT_", "STANDBY_", "BACKUP_")
# In our own file whoever begins so means us.
_GROUPS = (*_OURS, "RPC_", "TELEGRAM_", "DISCORD_", "METRICS_", "PRIORITY_FEE_")
_USED = re.compile(r"\$\{([^}:]+)")


def trouble_in(env_file: Path | None, names: Collection[str], files: Collection[str] = ()) -> tuple[str, ...]:
    """A sentence for each mistake, without any value.

    Args:
        names: Of all settings there are, in upper case.
        files: Of those that name a file which holds a setting.

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
    known = {*names, *files}
    helpers = {one.strip().upper() for _, _, value in lines for one in _USED.findall(value or "")}
    inside = {name for _, name, _ in lines if name} - helpers
    around = {name.upper() for name in os.environ if name.upper().startswith(_OURS)}
    for name in sorted((inside | around) - known):
        meant = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE)
        if meant:
            found.append(f"{name} is no setting; {meant[0]} is one: correct its name, or it has no effect")
        elif name in inside and name.startswith(_GROUPS):
            group = next(one for one in _GROUPS if name.startswith(one))
            there = ", ".join(sorted(one for one in names if one.startswith(group)))
            found.append(f"{name} is no setting, so it has no effect; there is {there}: correct it, or take it out")
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
