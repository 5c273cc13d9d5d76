"""python -m tests.support.solana_rpc WORLD.json [--port 8899] [--tick SLOTS_PER_S]"""

import argparse
import contextlib
import sys
import threading
from pathlib import Path

from tests.support.solana_rpc.background import running_rpc
from tests.support.world import load_world


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.support.solana_rpc", description="Serve a keel-world-1 file.")
    parser.add_argument("world", type=Path)
    parser.add_argument("--port", type=int, default=8_899, help="0 picks a free one")
    parser.add_argument("--tick", type=float, default=0.0, metavar="SLOTS_PER_S", help="0 is frozen, mainnet 2.5")
    args = parser.parse_args()
    with (
        contextlib.suppress(KeyboardInterrupt),
        running_rpc(load_world(args.world), slots_per_s=args.tick, port=args.port) as rpc,
    ):
        sys.stdout.write(f"{rpc.url} slot {rpc.slot}, {len(rpc.chain.world.accounts)} accounts\n")
        sys.stdout.flush()
        threading.Event().wait()


main()
