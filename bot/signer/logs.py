"""One line of JSON on standard error for every decision. No keys, no messages, nothing an asker wrote at length."""

import json
import os
import select
import sys
from collections import Counter
from datetime import UTC, datetime

_MOST_BYTES = 4_096  # what a pipe that is ready for any takes in one piece
_SAME_KIND = 100
_WITHIN_S = 600


def log(event: str, **fields: object) -> None:
    """Nobody waits for who does not read them: without room for a line it is left out. The journal is what counts."""
    if sys.stderr is None:  # closed before this began
        return
    head = {"timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
    line = json.dumps({**head, **fields}, default=str) + "\n"
    if len(line) > _MOST_BYTES:
        line = json.dumps(head) + "\n"
    try:
        _put(line)
    except (OSError, ValueError):
        return


def _put(line: str) -> None:
    """Raises: OSError, ValueError."""
    try:
        descriptor = sys.stderr.fileno()
    except OSError:  # no file, so nobody who could let it wait
        sys.stderr.write(line)
        return
    room = select.poll()
    room.register(descriptor, select.POLLOUT)
    if any(events & select.POLLOUT for _, events in room.poll(0)):
        os.write(descriptor, line.encode("ascii"))


class Seldom:
    """Lines that whoever asks can bring about without end: so many of a kind within ten minutes, and no more."""

    def __init__(self) -> None:
        self._window, self._counts = 0, Counter[str]()

    def log(self, event: str, kind: str, *, now_s: int, **fields: object) -> None:
        if now_s // _WITHIN_S != self._window:
            self._window, self._counts = now_s // _WITHIN_S, Counter()
        self._counts[kind] += 1
        if self._counts[kind] < _SAME_KIND:
            log(event, **fields)
        elif self._counts[kind] == _SAME_KIND:
            log(event, **fields, more="left out for some minutes")
