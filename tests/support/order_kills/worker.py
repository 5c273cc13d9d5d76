"""python -m tests.support.order_kills.worker FOLDER URL SOCKET: a trade desk without a chat, lived many times over.

Imports everything once, then reads a life as JSON from each line, forks a process that lives it, prints its id, and its
exit status once it is dead. Each life opens the same database, reconciles what an earlier one left, and goes on
proposing, pressing and executing until it is killed at its moment.
"""

import asyncio
import json
import logging
import os
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")  # driftpy's dependencies have many

# Before the first fork, or every life would spend a second or two on them.
import sqlite_utils  # noqa: E402, F401
import structlog  # noqa: E402

import venues.solana.gateway as gateway_module  # noqa: E402
from tests.support.order_kills.bot import drain, live  # noqa: E402
from tests.support.order_kills.moments import Life  # noqa: E402
from venues import ed25519  # noqa: E402
from venues.solana.drift_sdk import DriftInstructions  # noqa: E402


def main(folder: Path, url: str, socket: Path) -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    )
    ed25519.load()
    builder = DriftInstructions()  # a quarter of a second of reading, the same in every life
    gateway_module._load_builder = lambda: builder
    _say("ready")
    for line in sys.stdin:
        life = Life(**json.loads(line))
        child = os.fork()
        if child == 0:
            _live(folder, url, socket, life)
        _say(str(child))
        _say(str(os.waitpid(child, 0)[1]))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _live(folder: Path, url: str, socket: Path, life: Life) -> None:
    """Never returns."""
    try:
        asyncio.run(live(folder, url, socket, life) if life.moment else drain(folder, url, socket))
    except BaseException:  # noqa: BLE001  # the top of a process: its parent sees the status
        structlog.get_logger().exception("a life ended on its own")
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
