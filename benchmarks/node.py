"""The tests' Solana node as a process of its own, so it does not share the interpreter with what is measured."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.world import World, save_world

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def serving(world: World, *, slots_per_s: float = 0.0) -> Iterator[str]:
    """The URL of a node on loopback that serves a world until the with block ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world.json"
        save_world(world, path)
        command = [
            sys.executable,
            "-m",
            "tests.support.solana_rpc",
            str(path),
            "--port",
            "0",
            "--tick",
            f"{slots_per_s}",
        ]
        # S603: this interpreter and a program of the repository.
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            try:
                line = process.stdout.readline() if process.stdout is not None else ""
                if not line:
                    raise RuntimeError("the node of the tests did not start; try: python -m tests.support.solana_rpc")
                yield line.split()[0]
            finally:
                process.terminate()
