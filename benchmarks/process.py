"""The product as a process: how soon it speaks, how long the demo takes, what memory it holds."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import driftpy_peer
from benchmarks.figures import Figure, Peer, Unit, timed
from benchmarks.node import ROOT
from benchmarks.runner import Effort, Timing

_FIRST_LINE_S, _WHOLE_S = 2.0, 20.0
_DEMO = ("-m", "bot", "demo", "--script")
_RUN = ("-m", "bot", "run")
_IMPORT_DRIFTPY = ("-c", "import driftpy.drift_client; print('ready')")
_ENOUGH_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One run of a process, as benchmarks.watched prints it. ``now_mib`` is what it held when it was stopped."""

    code: int
    spoke: bool
    first_line_s: float
    whole_s: float
    peak_mib: float
    now_mib: float


def figures(effort: Effort) -> Iterator[Figure]:
    """With a warm file cache: the first start of each is not counted."""
    demos = [_watch(_DEMO) for _ in range(1 + effort.processes)][1:]
    imports: list[Seen] = []
    if driftpy_peer.installed():
        imports = [_watch(_IMPORT_DRIFTPY) for _ in range(1 + effort.processes)][1:]
    started = _peer([seen.first_line_s for seen in imports])
    held = _peer([seen.peak_mib for seen in imports])
    yield timed(
        "first line of keel demo --script", _timing([seen.first_line_s for seen in demos]),
        peers=started, target_s=_FIRST_LINE_S,
    )  # fmt: skip
    yield timed("keel demo --script, to its end", _timing([seen.whole_s for seen in demos]), target_s=_WHOLE_S)
    yield _memory("peak memory of keel demo --script", [seen.peak_mib for seen in demos], held)
    running = _watch(_RUN, stop_after_s=effort.watch_s)
    yield _memory(f"memory of keel run on paper after {effort.watch_s:.0f} s", [running.now_mib], held)


def _peer(values: Sequence[float]) -> tuple[Peer, ...]:
    return (Peer(name="driftpy, imported", value=statistics.median(values)),) if values else ()


def _timing(samples: Sequence[float]) -> Timing:
    return Timing(median_s=statistics.median(samples), best_s=min(samples), rounds=len(samples))


def _memory(job: str, samples: Sequence[float], peers: tuple[Peer, ...]) -> Figure:
    return Figure(
        job=job, value=statistics.median(samples), best=min(samples), rounds=len(samples), unit=Unit.MEBIBYTES,
        peers=peers,
    )  # fmt: skip


def _watch(arguments: Sequence[str], *, stop_after_s: float = 0.0) -> Seen:
    """Run this interpreter with arguments in an empty folder, without anybody's settings."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.watched", f"{stop_after_s}", sys.executable, *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        environment["DATABASE_PATH"] = str(Path(folder) / "keel.sqlite3")
        # S603: this interpreter and programs of the repository.
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=_ENOUGH_S
        )
    seen = Seen(**json.loads(done.stdout))
    if seen.code or not seen.spoke:
        raise RuntimeError(f"python {' '.join(arguments)} ended with {seen.code}; run it by itself to see why")
    return seen
