"""One line of JSON on standard error for every decision. No keys, no messages, nothing an asker wrote at length."""

import json
import sys
from datetime import UTC, datetime


def log(event: str, **fields: object) -> None:
    """A full pipe or a closed one is no reason not to go on: the journal is what counts."""
    line = json.dumps(
        {"timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}, default=str
    )
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return
