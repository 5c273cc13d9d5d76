"""How much a start imports and an environment weighs, and what either may come to.

Modules and bytes are counted, never seconds: they are the same on every machine, so a budget can be a test.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from benchmarks.dependencies.locked import pins

_COUNT = """
import json, sys
before = set(sys.modules)
{code}
new = set(sys.modules) - before
tops = {{name.partition(".")[0] for name in new}}
print(json.dumps([len(new), sorted(tops)]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Something that starts often, and what it may import.

    Attributes:
        code: What is run in a fresh interpreter.
        modules: At most so many, those of the standard library included.
        allowed: Third parties that may be imported; None where all may but the refused.
        refused: Third parties that may not.
    """

    name: str
    code: str
    modules: int
    allowed: frozenset[str] | None = None
    refused: frozenset[str] = frozenset()


_HEAVY = frozenset({
    "aiohttp", "anchorpy", "apprise", "arch", "discord", "driftpy", "grpc", "matplotlib", "pandas", "PIL", "solana",
    "solders", "statsmodels", "telegram",
})  # fmt: skip
STARTS: Sequence[Start] = (
    Start(name="`import risk`", code="import risk", modules=300, allowed=frozenset({"numpy"})),
    Start(
        name="`import storage`", code="import storage", modules=500,
        allowed=frozenset({
            "annotated_types", "numpy", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection",
        }),
    ),
    Start(
        name="`keel --help`", code="from click.testing import CliRunner\nimport bot.cli\n"
        "assert CliRunner().invoke(bot.cli.main, ['--help']).exit_code == 0",
        modules=220, allowed=frozenset({"click"}),
    ),
    Start(name="`import bot.app`: what every bot shares", code="import bot.app", modules=1_500, refused=_HEAVY),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What an environment may come to.

    Attributes:
        lock: Its lock.
        distributions: At most so many.
        megabytes: At most so many, compiled Python left out.
    """

    lock: str
    distributions: int
    megabytes: int


SIZES: Sequence[Size] = (
    Size(lock="core", distributions=85, megabytes=520),
    Size(lock="drift", distributions=110, megabytes=620),
    Size(lock="dev", distributions=145, megabytes=820),
    Size(lock="signer", distributions=4, megabytes=60),
)
OWN_MEGABYTES = 8
"""What the four packages may weigh themselves."""


def imported(start: Start, root: Path) -> tuple[int, set[str]]:
    """How many modules a start brings, and which third parties."""
    command = [sys.executable, "-W", "ignore", "-c", _COUNT.format(code=start.code)]
    # S603: this interpreter and code of this file.
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=100, check=True)  # noqa: S603
    count, tops = json.loads(done.stdout.splitlines()[-1])
    ours = {"risk", "venues", "storage", "bot", "__mp_main__"}
    return count, {top for top in tops if top not in sys.stdlib_module_names and top not in ours and top[0] != "_"}


def installed_bytes(lock: Path) -> Mapping[str, int]:
    """Bytes of every distribution of a lock in this environment, compiled Python left out; absent ones are missing."""
    found = {pin.name: _bytes_of(pin.name) for pin in pins(lock)}
    return {name: size for name, size in found.items() if size is not None}


@cache
def _bytes_of(name: str) -> int | None:
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return None
    paths = [Path(f"{file.locate()}") for file in files if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


def own_bytes(root: Path) -> int:
    """What goes into the wheel."""
    files = (path for package in ("risk", "venues", "storage", "bot") for path in (root / package).rglob("*"))
    return sum(path.stat().st_size for path in files if path.is_file() and "__pycache__" not in path.parts)
