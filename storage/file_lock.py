"""One process for one database: an advisory lock on a file beside it."""

import fcntl
import os
from pathlib import Path

from storage.errors import DatabaseLocked, DatabaseUnavailable


class FileLock:
    """Held from construction to ``release`` or to the end of the process, however it ends.

    The lock belongs to the open file, so a second store of the same process is refused as well. The file is never
    deleted: removing it would let two processes hold locks on two files of the same name.

    Raises: DatabaseLocked where somebody holds it; DatabaseUnavailable where the file cannot be made.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as exc:
            raise DatabaseUnavailable(
                f"The lock file {path} cannot be opened ({exc.strerror}); "
                "check that its folder exists and that you may write there."
            ) from exc
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            process = f"process {holder}" if holder.isdigit() else "another process"
            raise DatabaseLocked(
                f"The database {database} is in use by {process}; stop that one first, or choose another DATABASE_PATH."
            ) from exc
        except OSError as exc:
            os.close(descriptor)
            raise DatabaseUnavailable(
                f"The lock file {path} cannot be locked ({exc.strerror}); put the database on a local disk."
            ) from exc
        self._descriptor: int | None = descriptor
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        except OSError as exc:
            self.release()
            raise DatabaseUnavailable(
                f"The lock file {path} cannot be written ({exc.strerror}); make room on its disk."
            ) from exc

    def release(self) -> None:
        """Let the next process in. A second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
