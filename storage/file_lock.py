"""One process for one database: an advisory lock on a file beside it."""

import fcntl
import os
from pathlib import Path

from storage.errors import DatabaseLocked, DatabaseUnavailable


def lock_file(database: Path) -> Path:
    """Where the lock of a database is kept."""
    return database.with_name(database.name + ".lock")


def holder(database: Path) -> str:
    """Who uses a database now, such as ``process 42``; empty for nobody. Nothing is changed."""
    try:
        descriptor = os.open(lock_file(database), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        # Shared, and given back at once: two who only look are in nobody's way.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _named(descriptor)
    finally:
        os.close(descriptor)
    return ""


def _named(descriptor: int) -> str:
    written = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return f"process {written}" if written.isdigit() else "another process"


class FileLock:
    """Held from construction to ``release`` or to the end of the process, however it ends.

    The lock belongs to the open file, so a second store of the same process is refused as well. The file is never
    deleted: removing it would let two processes hold locks on two files of the same name.

    Raises: DatabaseLocked where somebody holds it; DatabaseUnavailable where the file cannot be made.
    """

    def __init__(self, database: Path) -> None:
        path = lock_file(database)
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
            process = _named(descriptor)
            os.close(descriptor)
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
