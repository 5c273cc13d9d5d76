"""python -m benchmarks.live_node WORLD.json SLOTS_PER_S: the tests' node, told by lines on its input what to do.

``FEED PRICE`` moves a price; the answer is the moment it was sent, in seconds of the machine's monotonic clock, which
every process shares. A process of its own, so that it shares no interpreter with what is measured.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.node import ROOT
from tests.support.solana_rpc import running_rpc
from tests.support.world import World, load_world, save_world


class LiveNode:
    """The other end of the pipes."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self._process, self.url = process, url

    def move(self, feed: str, price: float) -> float:
        """Another price; the moment it was sent to whoever is subscribed."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the node was started without pipes")
        self._process.stdin.write(f"{feed} {price:.6f}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


@contextmanager
def live_node(world: World, *, slots_per_s: float) -> Iterator[LiveNode]:
    """Serves a world until the with block ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world.json"
        save_world(world, path)
        command = [sys.executable, "-m", "benchmarks.live_node", str(path), f"{slots_per_s}"]
        # S603: this interpreter and a program of the repository.
        with subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                url = process.stdout.readline().strip() if process.stdout is not None else ""
                if not url:
                    raise RuntimeError("the node of the tests did not start; try: python -m benchmarks.live_node")
                yield LiveNode(process, url)
            finally:
                process.terminate()


def main(world: Path, slots_per_s: float) -> None:
    with running_rpc(load_world(world), slots_per_s=slots_per_s) as rpc:
        print(rpc.url, flush=True)
        for line in sys.stdin:
            feed, price = line.split()
            at_s = time.monotonic()
            rpc.set_oracle(feed, price)
            print(at_s, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
