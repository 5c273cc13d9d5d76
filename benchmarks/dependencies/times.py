"""How long a start takes, as a ratio to something else that starts in the same environment."""

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ROUNDS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Two starts of about the same kind."""

    ours: str
    peer: str
    our_code: str
    peer_code: str


RACES: Sequence[Race] = (
    Race(ours="`import risk`", peer="`import numpy`", our_code="import risk", peer_code="import numpy"),
    Race(ours="`import risk`", peer="`import empyrical`", our_code="import risk", peer_code="import empyrical"),
    Race(
        ours="`keel --help`", peer="`sqlite-utils --help`",
        our_code="import sys; sys.argv = ['keel', '--help']; from bot.cli import main; main()",
        peer_code="import sys; sys.argv = ['sqlite-utils', '--help']; from sqlite_utils.cli import cli; cli()",
    ),
    Race(
        ours="reading Drift: `import venues.solana.adapter`", peer="`import driftpy.drift_client`",
        our_code="import venues.solana.adapter", peer_code="import driftpy.drift_client",
    ),
)  # fmt: skip


def ratio(race: Race, root: Path) -> tuple[float, float]:
    """Median seconds of ours, and its ratio to the peer's; taken in turns, so that what else runs hits both."""
    pairs = [(_seconds(race.our_code, root), _seconds(race.peer_code, root)) for _ in range(_ROUNDS)]
    ours, peers = (statistics.median(one) for one in zip(*pairs, strict=True))
    return ours, ours / peers


def _seconds(code: str, root: Path) -> float:
    began_s = time.perf_counter()
    # S603: this interpreter and code of this file.
    subprocess.run(  # noqa: S603
        [sys.executable, "-W", "ignore", "-c", code], cwd=root, capture_output=True, check=True, timeout=100
    )
    return time.perf_counter() - began_s
