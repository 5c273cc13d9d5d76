"""How a lock is taken away: by a file that somebody at this machine puts into the state folder. Never over the socket.

The file's name says which lock is meant, so none can be taken away before it is there.
"""

import os
import stat
from pathlib import Path

from bot.signer.files import write_new


def put_marker(folder: Path, lock: int) -> None:
    """Raises: Unfit, for somebody who may not."""
    path = _path(folder, lock)
    if not path.exists():
        write_new(path, b"", 0o600)


def taken_marker(folder: Path, lock: int) -> int | None:
    """Who put the marker of a lock there; it is gone afterwards. None for no marker."""
    path = _path(folder, lock)
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, os.geteuid()):
            return None
        path.unlink()
    except OSError:
        return None
    return found.st_uid


def _path(folder: Path, lock: int) -> Path:
    return folder / f"unlock-{lock}"
